#include <cmath>

#include "engine/ops/common/pool.h"

namespace octet::ops::lp_pool {
namespace {

struct LpPoolAttrs : PoolWindow {
  int64_t p = 2;
  static constexpr auto fields() {
    return std::tuple_cat(window_fields({.since = 18}, {.since = 18}),
                          std::tuple{field("p", &LpPoolAttrs::p)});
  }
};

struct GlobalLpPoolAttrs {
  int64_t p = 2;
  static constexpr auto fields() { return std::tuple{field("p", &GlobalLpPoolAttrs::p)}; }
};

Status infer(InferContext& context) {
  OCTET_ASSIGN(auto shape, pool_output_shape(context.attrs<LpPoolAttrs>(), context.input(0).shape));
  context.set_tensor(0, context.dtype(0), std::move(shape));
  return {};
}

// (sum of |x|^p)^(1/p) of each window.
template <typename T>
void norms(const PoolGeometry& g, int64_t p, RunContext& context) {
  const auto power = static_cast<double>(p);
  for_planes<T>(g, context, [&](size_t /*plane*/, const T* x, T* y, StopPoll& poll) {
    for (int64_t at = 0; at < g.out_pixels(); ++at) {
      double sum = 0.0;
      walk_window(g, at, poll, [&](int64_t pixel) {
        sum += std::pow(std::fabs(static_cast<double>(x[pixel])), power);
      });
      y[at] = static_cast<T>(std::pow(sum, 1.0 / power));
    }
  });
}

Status run_on(const PoolGeometry& g, int64_t p, RunContext& context) {
  const DType type = context.input(0).dtype;
  const bool known =
      visit_dtype(type, FloatTypes{}, [&]<typename T>() { norms<T>(g, p, context); });
  return known ? Status{} : unsupported("a norm of {}", dtype_name(type));
}

Status run(const Attrs& attrs, RunContext& context) {
  const auto& window = attrs.as<LpPoolAttrs>();
  return run_on(pool_geometry(window, context.input(0).dims, context.output(0).dims), window.p,
                context);
}

Status run_global(const Attrs& attrs, RunContext& context) {
  return run_on(global_geometry(context.input(0).dims), attrs.as<GlobalLpPoolAttrs>().p, context);
}

constexpr Implementation kRows[] = {reference<run>()};
constexpr Implementation kGlobalRows[] = {reference<run_global>()};

}  // namespace

extern const OpDef GlobalLpPool;
extern const OpDef LpPool;
const OpDef GlobalLpPool = {
    .domain = "",
    .name = "GlobalLpPool",
    .attrs = attr_codec<GlobalLpPoolAttrs>(),
    .infer = infer_global_pool,
    .implementations = kGlobalRows,
};
const OpDef LpPool = {
    .domain = "",
    .name = "LpPool",
    .attrs = attr_codec<LpPoolAttrs>(),
    .infer = infer,
    .implementations = kRows,
};

}  // namespace octet::ops::lp_pool
