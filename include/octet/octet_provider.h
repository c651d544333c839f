/* octet: providers of one's own, which run operators that octet has in their own way. A module with
 * a provider is a shared object that needs this header and nothing of liboctet; it is loaded by
 * octet_load_ops. Tables begin with their size, and later versions only append to them. */
#ifndef OCTET_OCTET_PROVIDER_H_
#define OCTET_OCTET_PROVIDER_H_

#include "octet/octet_op.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How a provider runs nodes of one operator. It is asked for nodes that compute with plain
 * elements: none of a quantized value, none with a graph of its own, and none that octet fused with
 * others. Inputs and attributes are those of the operator's newest version, whatever the model's
 * is; an attribute that has its default may be absent. float16 and bfloat16 values arrive as float
 * and are given as float. An output of an element-wise operator may lie where input 0 does. Runs
 * may be concurrent. */
typedef struct octet_claim {
  size_t size;        /* sizeof(octet_claim) */
  const char* domain; /* "" is ONNX's own */
  const char* name;
  /* Prepares a node: *state. OCTET_UNSUPPORTED leaves the node to octet's own kernels; any other
   * failure fails the load. NULL: every node is taken, and has no state. */
  octet_status (*make)(const octet_op_host* host, octet_op_node* node, void** state);
  void (*drop)(void* state); /* NULL where there is nothing to free */
  octet_status (*run)(const octet_op_host* host, octet_op_run* run, const void* state);
} octet_claim;

typedef struct octet_custom_provider {
  size_t size;                      /* sizeof(octet_custom_provider) */
  const char* name;                 /* what octet_options_set_provider is given to force it */
  const octet_claim* const* claims; /* NULL after the last */
  int preferred;                    /* not 0: "auto" takes it ahead of every other */
} octet_custom_provider;

/* What a module exports as `octet_providers`: its providers, NULL after the last, which live as
 * long as the process; NULL where it can't serve a host of this version (OCTET_OP_VERSION). */
typedef const octet_custom_provider* const* (*octet_providers_entry)(uint32_t version);

/* Makes a provider known to the whole process, for models loaded from now on. The tables and their
 * strings must live as long as the process. Fails where there is a provider of its name, or octet
 * has no such operator. */
OCTET_API octet_error* octet_register_provider(const octet_custom_provider* provider);

#ifdef __cplusplus
}
#endif

#endif /* OCTET_OCTET_PROVIDER_H_ */
