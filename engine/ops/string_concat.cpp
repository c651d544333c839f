#include "engine/ops/common/strided.h"
#include "engine/ops/common/strings.h"

namespace octet::ops::string_concat {
namespace {

Status infer(InferContext& context) {
  OCTET_RETURN_IF_ERROR(context.require(0, {DType::string}));
  OCTET_RETURN_IF_ERROR(context.require(1, {DType::string}));
  return infer_broadcast(context);
}

Status run(const Attrs& /*attrs*/, RunContext& context) {
  const TensorView& a = context.input(0);
  const TensorView& b = context.input(1);
  const auto shape = broadcast(to_shape(a.dims), to_shape(b.dims));
  if (!shape) return invalid_data("the inputs' dims don't broadcast");
  const Dims dims = known_dims(*shape);
  const Nest nest =
      make_nest(dims, {row_major_steps(dims), broadcast_steps(a, dims), broadcast_steps(b, dims)});
  std::vector<std::string> out(static_cast<size_t>(checked_count(dims).value_or(0)));
  SerialParallel serial;
  for_each_run(nest, serial, [&](const Offsets& at, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      const auto place = [&](size_t k) {
        return static_cast<size_t>(at[k] + i * nest.inner_step(k));
      };
      out[place(0)] = strings_of(context, 0)[place(1)] + strings_of(context, 1)[place(2)];
    }
  });
  return context.set_boxed(0, Tensor::strings(dims, std::move(out)));
}

}  // namespace

extern const OpDef StringConcat;
const OpDef StringConcat = {.domain = "",
                            .name = "StringConcat",
                            .since = 20,
                            .inputs = {2, 2},
                            .infer = infer,
                            .implementations = kStringOperatorRows<run>};

}  // namespace octet::ops::string_concat
