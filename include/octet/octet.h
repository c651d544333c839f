/* octet: ONNX inference with int8 kernels. The C interface; its ABI is stable within a major
 * version. octet.hpp is the C++ interface over it.
 *
 * Ownership: whoever gets a handle frees it with the matching _free; NULL is fine there. Strings
 * and pointers got from a handle live as long as the handle. No function throws; none prints unless
 * octet_log_to_stderr asks for it. Threads: a session may be run from several threads at once; all
 * other handles belong to one. Errors: functions that can fail return NULL on success, else an
 * error that the caller frees. */
#ifndef OCTET_OCTET_H_
#define OCTET_OCTET_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define OCTET_API __attribute__((visibility("default")))
#else
#define OCTET_API
#endif

/* "0.1.0" */
OCTET_API const char* octet_version(void);

typedef enum octet_status {
  OCTET_OK = 0,
  OCTET_INVALID_ARGUMENT = 1, /* a call that makes no sense */
  OCTET_INVALID_MODEL = 2,    /* the model contradicts itself or the standard */
  OCTET_INVALID_DATA = 3,     /* inputs that the model can't take */
  OCTET_UNSUPPORTED = 4,      /* a valid operator, attribute, type or opset that octet lacks */
  OCTET_LIMIT = 5,            /* a limit was hit */
  OCTET_DEADLINE = 6,         /* the deadline passed, or the run was cancelled */
  OCTET_MACHINE = 7           /* out of memory, disk full */
} octet_status;

typedef struct octet_error octet_error;
OCTET_API octet_status octet_error_status(const octet_error* error);
/* Names the node, value or file, and the cause. */
OCTET_API const char* octet_error_message(const octet_error* error);
OCTET_API void octet_error_free(octet_error* error);

/* Writes messages of this level and above to stderr from now on, for the whole process: "trace",
 * "debug", "info", "warning", "error"; "off" ends it. */
OCTET_API octet_error* octet_log_to_stderr(const char* level);

/* The same to `sink`, one message at a time, from whichever thread has one; NULL ends it. The last
 * of the two calls holds. `level` is the message's; strings live until the sink returns. */
typedef void (*octet_log_sink)(const char* level, const char* message, void* user);
OCTET_API octet_error* octet_log_to(octet_log_sink sink, void* user, const char* level);

/* Element types, numbered as ONNX's TensorProto.DataType, and what isn't a tensor. Types below 8
 * bits are packed, the first element in the lowest bits of a byte. */
typedef enum octet_dtype {
  OCTET_FLOAT = 1,
  OCTET_UINT8 = 2,
  OCTET_INT8 = 3,
  OCTET_UINT16 = 4,
  OCTET_INT16 = 5,
  OCTET_INT32 = 6,
  OCTET_INT64 = 7,
  OCTET_STRING = 8, /* data: octet_string, one an element */
  OCTET_BOOL = 9,
  OCTET_FLOAT16 = 10,
  OCTET_DOUBLE = 11,
  OCTET_UINT32 = 12,
  OCTET_UINT64 = 13,
  OCTET_BFLOAT16 = 16,
  OCTET_FLOAT8E4M3FN = 17,
  OCTET_FLOAT8E4M3FNUZ = 18,
  OCTET_FLOAT8E5M2 = 19,
  OCTET_FLOAT8E5M2FNUZ = 20,
  OCTET_UINT4 = 21,
  OCTET_INT4 = 22,
  OCTET_FLOAT4E2M1 = 23,
  OCTET_FLOAT8E8M0 = 24,
  OCTET_UINT2 = 25,
  OCTET_INT2 = 26,
  /* data: octet_tensor, one axis: the elements of a sequence, an optional's none or one, a map's
   * keys and values */
  OCTET_LIST = 4096
} octet_dtype;

typedef struct octet_string {
  const char* data; /* not terminated */
  size_t size;
} octet_string;

/* A dense row-major tensor in memory that somebody else owns, or a list. */
typedef struct octet_tensor {
  octet_dtype dtype;
  void* data;          /* aligned to the element */
  size_t bytes;        /* of data: at least the dims' product times the element size */
  const int64_t* dims; /* outermost first; may be NULL when rank is 0 */
  size_t rank;
} octet_tensor;

/* How a model is compiled. */
typedef struct octet_options octet_options;
OCTET_API octet_options* octet_options_new(void);
OCTET_API void octet_options_free(octet_options* options);
/* Threads a run uses at most; 0: the cores that this process may use. */
OCTET_API void octet_options_set_threads(octet_options* options, size_t threads);
/* "auto", "native", "onednn", "xnnpack", "reference". */
OCTET_API octet_error* octet_options_set_provider(octet_options* options, const char* provider);
/* "scalar", "avx2", "avxvnni", "avx512vnni", "amx", "neon", "neondot", "i8mm"; an error where the
 * CPU lacks it. */
OCTET_API octet_error* octet_options_set_isa(octet_options* options, const char* isa);

/* A folder, made if it is missing, where packed weights are kept for the next load of a model: its
 * files are mapped, so processes share them. Damaged files and those of another version of octet
 * are made anew; that a file can't be written is no error. NULL or "": none. */
OCTET_API octet_error* octet_options_set_cache(octet_options* options, const char* folder);

/* Bytes that the session's tensors, packed weights, arenas and results may take; 0: no limit. Past
 * it, loading and running fail with OCTET_LIMIT. Mapped files aren't counted. */
OCTET_API void octet_options_set_memory(octet_options* options, size_t bytes);

/* Loading and quantizing end with OCTET_DEADLINE `ms` milliseconds after they begin (0: never), or
 * soon after *cancel (not NULL) becomes non-zero; `cancel` must live until they return. */
OCTET_API void octet_options_set_deadline(octet_options* options, int64_t ms, const int* cancel);

/* For how many sets of input dims a session remembers its plan and keeps memory at hand: the least
 * recently used one goes first. 0: the default, 8. A model whose states grow from run to run (a
 * decoder's step) sees a new set in each. */
OCTET_API void octet_options_set_bindings(octet_options* options, size_t count);

/* A compiled model. */
typedef struct octet_session octet_session;
/* `options` may be NULL. */
OCTET_API octet_error* octet_session_load(const char* path, const octet_options* options,
                                          octet_session** session);
/* A model in memory, which the session doesn't need any more afterwards. External data is looked
 * for in `folder`; without one (NULL) it is refused. */
OCTET_API octet_error* octet_session_load_memory(const void* model, size_t bytes,
                                                 const char* folder, const octet_options* options,
                                                 octet_session** session);
/* Cancels asynchronous runs and waits for them. */
OCTET_API void octet_session_free(octet_session* session);

/* Runs every node at these inputs under each provider that this build has, and keeps the fastest
 * for it from now on; with a cache folder, for later sessions of the model too. Only float nodes
 * have other providers. Takes some tens of runs, during which nobody else may use the session. Not
 * for a session that was loaded from memory: tuning reads the model again. */
OCTET_API octet_error* octet_session_tune(octet_session* session, const octet_tensor* inputs,
                                          size_t input_count);

OCTET_API size_t octet_session_input_count(const octet_session* session);
OCTET_API size_t octet_session_output_count(const octet_session* session);
/* What the model says of an input or output. */
typedef struct octet_port {
  const char* name;
  octet_dtype dtype;
  const int64_t* dims;        /* -1 where an extent is not fixed */
  const char* const* symbols; /* its name there ("batch"), "" where it is fixed */
  size_t rank;
  int rank_known; /* 0: the rank itself is not fixed */
} octet_port;
/* `index` below the count. */
OCTET_API octet_port octet_session_input(const octet_session* session, size_t index);
OCTET_API octet_port octet_session_output(const octet_session* session, size_t index);

/* Its type as text: "float[batch,80]", "sequence(float[n])"; what a list must hold. */
OCTET_API const char* octet_session_input_type(const octet_session* session, size_t index);
OCTET_API const char* octet_session_output_type(const octet_session* session, size_t index);

/* One step of a run. `op` is "" for conversions between stored forms. Times in nanoseconds. */
typedef struct octet_step {
  const char* node;
  const char* op;
  const char* kernel;
  const char* isa;
  const char* provider;
  int64_t start_ns; /* since the run began */
  int64_t duration_ns;
  int64_t macs; /* multiply-accumulates */
} octet_step;

typedef struct octet_run_options {
  int64_t deadline_ms; /* 0: none */
  const int* cancel;   /* not NULL: the run stops soon after *cancel becomes non-zero */
  void (*profile)(const octet_step* step, void* user); /* may be NULL */
  void* user;
} octet_run_options;

/* The results of a run, in the order of the model's outputs. */
typedef struct octet_results octet_results;
/* `inputs`: one for each model input, in order. `options` may be NULL. */
OCTET_API octet_error* octet_session_run(octet_session* session, const octet_tensor* inputs,
                                         size_t input_count, const octet_run_options* options,
                                         octet_results** results);
OCTET_API size_t octet_results_count(const octet_results* results);
OCTET_API octet_tensor octet_results_get(const octet_results* results, size_t index);
OCTET_API void octet_results_free(octet_results* results);

/* The same into the caller's memory, without any allocation once a shape has been seen: each output
 * has data, bytes (capacity), and dims with room for `rank` extents, where the result's are written
 * when its rank is that. */
OCTET_API octet_error* octet_session_run_into(octet_session* session, const octet_tensor* inputs,
                                              size_t input_count, octet_tensor* outputs,
                                              size_t output_count,
                                              const octet_run_options* options);

/* A run that goes on while its caller does something else. */
typedef struct octet_pending octet_pending;
/* Told how the run ended, on a thread of the session's, once for each run that began: either an
 * error or results, which are the callee's to free. It must not free the session. */
typedef void (*octet_done)(octet_error* error, octet_results* results, void* user);
/* Starts a run; a session has as many at once as this process may use cores, others wait. The
 * inputs' memory must live until `done` is called. A deadline counts from here. `pending` may be
 * NULL; freeing it ends nothing. An error means that `done` is never called. */
OCTET_API octet_error* octet_session_run_async(octet_session* session, const octet_tensor* inputs,
                                               size_t input_count, const octet_run_options* options,
                                               octet_done done, void* user,
                                               octet_pending** pending);
/* The run ends soon with OCTET_DEADLINE, unless it is over. */
OCTET_API void octet_pending_cancel(octet_pending* pending);
/* Until `done` has returned. */
OCTET_API void octet_pending_wait(octet_pending* pending);
OCTET_API void octet_pending_free(octet_pending* pending);

#ifdef __cplusplus
}
#endif

#endif /* OCTET_OCTET_H_ */
