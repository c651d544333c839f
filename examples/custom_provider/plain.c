/* A module with a provider, `plain`, that runs two of ONNX's operators in its own way: Relu of
 * floats, and MatMul of floats by a constant matrix, which it transposes once. Other nodes stay
 * with octet. It needs octet's headers and nothing of its library. */
#include <octet/octet_provider.h>
#include <stddef.h>
#include <stdlib.h>

static octet_status floats_only(const octet_op_host* host, octet_op_node* node) {
  octet_op_type x;
  if (!host->input_type(node, 0, &x) || x.dtype != OCTET_FLOAT)
    return host->fail(node, OCTET_UNSUPPORTED, "its input is no float");
  return OCTET_OK;
}

static octet_status make_relu(const octet_op_host* host, octet_op_node* node, void** state) {
  *state = NULL;
  return floats_only(host, node);
}

struct pair {
  const float* x;
  float* y;
};

static void relu_range(size_t begin, size_t end, void* user) {
  const struct pair* at = user;
  /* What isn't greater than 0 is 0, but for NaN, which stays. */
  for (size_t i = begin; i < end; ++i) at->y[i] = at->x[i] <= 0 ? 0.0f : at->x[i];
}

static octet_status run_relu(const octet_op_host* host, octet_op_run* run, const void* state) {
  octet_tensor x, y;
  (void)state;
  if (!host->input(run, 0, &x) || !host->output(run, 0, NULL, 0, &y)) return OCTET_OK;
  struct pair work = {x.data, y.data};
  host->parallel(run, x.bytes / sizeof(float), 4096, relu_range, &work);
  return OCTET_OK;
}

/* columns[j * k + i] = W[i, j] */
struct matrix {
  size_t k, n;
  float columns[];
};

static octet_status make_product(const octet_op_host* host, octet_op_node* node, void** state) {
  octet_op_type x;
  octet_tensor w;
  const octet_status status = floats_only(host, node);
  if (status != OCTET_OK) return status;
  if (!host->input_type(node, 0, &x) || !x.rank_known || x.rank < 2 ||
      !host->constant(node, 1, &w) || w.rank != 2)
    return host->fail(node, OCTET_UNSUPPORTED, "its second input is no constant matrix");
  const size_t k = (size_t)w.dims[0], n = (size_t)w.dims[1];
  struct matrix* made = malloc(sizeof *made + w.bytes);
  if (made == NULL) return host->fail(node, OCTET_MACHINE, "out of memory");
  made->k = k;
  made->n = n;
  for (size_t i = 0; i < k; ++i)
    for (size_t j = 0; j < n; ++j) made->columns[j * k + i] = ((const float*)w.data)[i * n + j];
  *state = made;
  return OCTET_OK;
}

struct product {
  const float* x;
  float* y;
  const struct matrix* w;
};

static void product_rows(size_t begin, size_t end, void* user) {
  const struct product* at = user;
  const size_t k = at->w->k, n = at->w->n;
  for (size_t row = begin; row < end; ++row)
    for (size_t j = 0; j < n; ++j) {
      float sum = 0;
      for (size_t i = 0; i < k; ++i) sum += at->x[row * k + i] * at->w->columns[j * k + i];
      at->y[row * n + j] = sum;
    }
}

static octet_status run_product(const octet_op_host* host, octet_op_run* run, const void* state) {
  octet_tensor x, y;
  if (!host->input(run, 0, &x) || !host->output(run, 0, NULL, 0, &y)) return OCTET_OK;
  struct product work = {x.data, y.data, state};
  if (work.w->n > 0)
    host->parallel(run, y.bytes / sizeof(float) / work.w->n, 1, product_rows, &work);
  return OCTET_OK;
}

static const octet_claim relu = {
    .size = sizeof(octet_claim), .domain = "", .name = "Relu", .make = make_relu, .run = run_relu};
static const octet_claim product = {.size = sizeof(octet_claim),
                                    .domain = "",
                                    .name = "MatMul",
                                    .make = make_product,
                                    .drop = free,
                                    .run = run_product};
static const octet_claim* const claims[] = {&relu, &product, NULL};
static const octet_custom_provider plain = {
    .size = sizeof(octet_custom_provider), .name = "plain", .claims = claims};

OCTET_API const octet_custom_provider* const* octet_providers(uint32_t version) {
  static const octet_custom_provider* const providers[] = {&plain, NULL};
  return version >= OCTET_OP_VERSION ? providers : NULL;
}
