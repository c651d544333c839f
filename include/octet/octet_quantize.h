/* octet: making int8 models. The C interface's second part; ownership, errors and threads are as
 * octet.h says. */
#ifndef OCTET_OCTET_QUANTIZE_H_
#define OCTET_OCTET_QUANTIZE_H_

#include "octet/octet.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How a model is quantized. Where the quantizer is a module apart, each of these functions looks
 * for it. Without it, or without memory, octet_quantize_options_new returns NULL; the other
 * functions take that, and those that return errors say why. */
typedef struct octet_quantize_options octet_quantize_options;
OCTET_API octet_quantize_options* octet_quantize_options_new(void);
OCTET_API void octet_quantize_options_free(octet_quantize_options* options);

/* An option as `octet quantize --help` names it, without the dashes, and its word: "mode" (static,
 * dynamic, fp16, int4), "format" (qdq, integer), "calibrator" (minmax, moving, percentile, entropy,
 * mse), "activations" (8, 16), "states" (of int8 LSTM and GRU: 8, 16), "block-size" (16, 32, 64,
 * 128), "dynamic-scales" (row, tensor), "cost-model" (on, off), "algorithms" (default, none, or
 * names with commas between), "exclude" (a node that stays in float; may be set several times),
 * "max-loss" (the least SQNR in dB that every output keeps). */
OCTET_API octet_error* octet_quantize_options_set(octet_quantize_options* options, const char* name,
                                                  const char* word);
/* How the model is run meanwhile: threads, memory, instruction set. They are copied. */
OCTET_API octet_error* octet_quantize_options_set_run(octet_quantize_options* options,
                                                      const octet_options* run);

/* Gives calibration sample `index`: fills inputs[i] for the model's input names[i], of which there
 * are `count`. The memory must live until the next call, or the end. Not 0 where it can't, which
 * ends the quantization. Called for the same index several times, from the caller's thread. */
typedef int (*octet_sample)(size_t index, const char* const* names, octet_tensor* inputs,
                            size_t count, void* user);
/* Static mode needs samples; `count` of them, which may differ in shape. */
OCTET_API void octet_quantize_options_set_samples(octet_quantize_options* options, size_t count,
                                                  octet_sample sample, void* user);

/* Told what goes on: "calibrating", `done` of `all` samples, several times over; "measuring", the
 * number of models measured, `all` 0. Not 0 ends the quantization with OCTET_DEADLINE. */
typedef int (*octet_progress)(const char* stage, size_t done, size_t all, void* user);
OCTET_API void octet_quantize_options_set_progress(octet_quantize_options* options,
                                                   octet_progress progress, void* user);

/* What became of a node. `outcome`: "int8", "float"; "int16", "int4" or "fp16" for what is only
 * stored so and computed in float. `macs`: multiply-accumulates over the first sample, 0 where that
 * isn't known. Strings live until the callback returns. */
typedef struct octet_quantized_node {
  const char* node;
  const char* op;
  const char* outcome;
  const char* reason;
  int64_t macs;
} octet_quantized_node;
typedef void (*octet_node_report)(const octet_quantized_node* node, void* user);
/* Called for each node once the model is written. */
OCTET_API void octet_quantize_options_set_report(octet_quantize_options* options,
                                                 octet_node_report report, void* user);

/* Quantizes the float model of the file `model` into the file `output`, which appears whole or not
 * at all. `options` may be NULL where no samples are needed. */
OCTET_API octet_error* octet_quantize(const char* model, const char* output,
                                      const octet_quantize_options* options);

#ifdef __cplusplus
}
#endif

#endif /* OCTET_OCTET_QUANTIZE_H_ */
