/* A module with one operator, com.example.SoftThreshold: y = sign(x) * max(|x| - lambda, 0), float,
 * of any shape; attribute lambda (0.5). It needs octet's header and nothing of its library. */
#include <math.h>
#include <octet/octet_op.h>
#include <stddef.h>
#include <stdlib.h>

static octet_status infer(const octet_op_host* host, octet_op_node* node) {
  octet_op_type type;
  if (!host->input_type(node, 0, &type) || type.dtype != OCTET_FLOAT)
    return host->fail(node, OCTET_UNSUPPORTED, "its input is no float");
  host->set_output_type(node, 0, &type);
  return OCTET_OK;
}

static octet_status make(const octet_op_host* host, octet_op_node* node, void** state) {
  octet_attribute lambda;
  float* kept = malloc(sizeof *kept);
  if (kept == NULL) return host->fail(node, OCTET_MACHINE, "out of memory");
  *kept = host->attribute(node, "lambda", &lambda) ? lambda.f : 0.5f;
  *state = kept;
  return OCTET_OK;
}

struct work {
  const float* x;
  float* y;
  float lambda;
};

static void threshold(size_t begin, size_t end, void* user) {
  const struct work* work = user;
  for (size_t i = begin; i < end; ++i) {
    const float x = work->x[i];
    const float rest = fabsf(x) - work->lambda;
    work->y[i] = rest > 0 ? copysignf(rest, x) : 0.0f;
  }
}

static octet_status run(const octet_op_host* host, octet_op_run* run, const void* state) {
  octet_tensor x, y;
  if (!host->input(run, 0, &x) || !host->output(run, 0, NULL, 0, &y)) return OCTET_OK;
  struct work work = {x.data, y.data, *(const float*)state};
  host->parallel(run, x.bytes / sizeof(float), 4096, threshold, &work);
  return OCTET_OK;
}

static const octet_attribute_spec attributes[] = {{"lambda", OCTET_ATTRIBUTE_FLOAT, 0}};

static const octet_custom_op soft_threshold = {
    .size = sizeof(octet_custom_op),
    .domain = "com.example",
    .name = "SoftThreshold",
    .since = 1,
    .min_inputs = 1,
    .max_inputs = 1,
    .min_outputs = 1,
    .max_outputs = 1,
    .attributes = attributes,
    .attribute_count = 1,
    .infer = infer,
    .make = make,
    .drop = free,
    .run = run,
};

OCTET_API const octet_custom_op* const* octet_ops(uint32_t version) {
  static const octet_custom_op* const ops[] = {&soft_threshold, NULL};
  return version >= OCTET_OP_VERSION ? ops : NULL;
}
