/* octet: operators of one's own. A module with operators is a shared object that needs this header
 * and nothing of liboctet: it hands out tables of functions, and octet hands a table to these. Both
 * begin with their size, and later versions only append to them. */
#ifndef OCTET_OCTET_OP_H_
#define OCTET_OCTET_OP_H_

#include "octet/octet.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OCTET_OP_VERSION 1

/* An attribute of a node. */
typedef enum octet_attribute_kind {
  OCTET_ATTRIBUTE_INT = 1,
  OCTET_ATTRIBUTE_FLOAT = 2,
  OCTET_ATTRIBUTE_STRING = 3,
  OCTET_ATTRIBUTE_INTS = 4,
  OCTET_ATTRIBUTE_FLOATS = 5,
  OCTET_ATTRIBUTE_TENSOR = 6
} octet_attribute_kind;
typedef struct octet_attribute {
  octet_attribute_kind kind;
  int64_t i;
  float f;
  octet_string s;
  const int64_t* ints;
  const float* floats;
  size_t count; /* of ints or floats */
  octet_tensor tensor;
} octet_attribute;

/* The type of an input or output. An extent that isn't known yet is negative: equal negatives are
 * equal extents, so that an output may say that its extent is an input's. OCTET_UNKNOWN_EXTENT is
 * one that only a run can tell. */
#define OCTET_UNKNOWN_EXTENT INT64_MIN
typedef struct octet_op_type {
  octet_dtype dtype;
  const int64_t* dims;
  size_t rank;
  int rank_known;
} octet_op_type;

typedef struct octet_op_node octet_op_node; /* a node of a model, while it is loaded or bound */
typedef struct octet_op_run octet_op_run;   /* a run of a node */

/* What octet offers to an operator. Pointers got here live until the operator's function returns;
 * those of attributes and constants got in `make` until `drop`. Functions that return int give 1
 * where there is such a thing, else 0. */
typedef struct octet_op_host {
  size_t size;
  uint32_t version;
  size_t (*input_count)(const octet_op_node* node);
  size_t (*output_count)(const octet_op_node* node);
  int (*attribute)(const octet_op_node* node, const char* name, octet_attribute* attribute);
  int (*input_type)(octet_op_node* node, size_t index, octet_op_type* type);
  /* The value of an input that is a constant of the model. */
  int (*constant)(octet_op_node* node, size_t index, octet_tensor* value);
  /* In `infer` only, once for each output. */
  void (*set_output_type)(octet_op_node* node, size_t index, const octet_op_type* type);
  /* Notes why it failed, and gives `status` back to be returned. */
  octet_status (*fail)(octet_op_node* node, octet_status status, const char* message);

  int (*input)(const octet_op_run* run, size_t index, octet_tensor* value);
  /* The memory of an output, row-major. `dims` where `infer` left extents unknown, else NULL. 0
   * where nobody wants the output. */
  int (*output)(octet_op_run* run, size_t index, const int64_t* dims, size_t rank,
                octet_tensor* value);
  /* Calls body(begin, end, user) over disjoint ranges that cover [0, count), each of at least
   * `grain` indices but the last, on the session's threads. */
  void (*parallel)(octet_op_run* run, size_t count, size_t grain,
                   void (*body)(size_t begin, size_t end, void* user), void* user);
  /* Whether the run shall stop: a deadline, a cancel. Long loops ask now and then. */
  int (*stopped)(const octet_op_run* run);
  octet_status (*fail_run)(octet_op_run* run, octet_status status, const char* message);
} octet_op_host;

typedef struct octet_attribute_spec {
  const char* name;
  octet_attribute_kind kind;
  int required;
} octet_attribute_spec;

/* An operator. float16 and bfloat16 inputs arrive as float and such outputs are given as float;
 * quantized ones arrive and are given as real numbers. Runs may be concurrent. */
typedef struct octet_custom_op {
  size_t size;        /* sizeof(octet_custom_op) */
  const char* domain; /* not one of ONNX's ("", "ai.onnx", "ai.onnx.ml") and not "octet" */
  const char* name;
  int32_t since, until;          /* versions of the domain, both inclusive; `until` 0: no end */
  size_t min_inputs, max_inputs; /* `max` of SIZE_MAX: any number */
  size_t min_outputs, max_outputs;
  const octet_attribute_spec* attributes; /* a model with others is refused */
  size_t attribute_count;
  /* Types of the outputs from those of the inputs; at load, and again for each new set of dims. */
  octet_status (*infer)(const octet_op_host* host, octet_op_node* node);
  /* What a node prepares once: *state. Both NULL where there is nothing to prepare. */
  octet_status (*make)(const octet_op_host* host, octet_op_node* node, void** state);
  void (*drop)(void* state);
  octet_status (*run)(const octet_op_host* host, octet_op_run* run, const void* state);
  int changes; /* not 0: results differ from run to run; never computed ahead */
} octet_custom_op;

/* What a module exports as `octet_ops`: its operators, NULL after the last, which live as long as
 * the process; NULL where it can't serve a host of this version. */
typedef const octet_custom_op* const* (*octet_ops_entry)(uint32_t version);

/* Makes an operator known to the whole process, for models loaded from now on. The table and its
 * strings must live as long as the process. Fails where there is such an operator. */
OCTET_API octet_error* octet_register_op(const octet_custom_op* op);
/* Loads a module and registers its operators; one that was loaded already is fine. */
OCTET_API octet_error* octet_load_ops(const char* path);

#ifdef __cplusplus
}
#endif

#endif /* OCTET_OCTET_OP_H_ */
