#include "engine/ops/common/elements.h"
#include "engine/ops/common/recoded.h"
#include "engine/ops/common/strided.h"
#include "engine/ops/op.h"

namespace octet::ops::where {
namespace {

template <typename T>
void choose(const TensorView& condition, const TensorView& x, const TensorView& y,
            const TensorView& out, Parallel& parallel) {
  const Nest nest =
      make_nest(out.dims, {steps_of(out), broadcast_steps(condition, out.dims),
                           broadcast_steps(x, out.dims), broadcast_steps(y, out.dims)});
  const auto* chosen = reinterpret_cast<const uint8_t*>(condition.data);
  const auto* left = reinterpret_cast<const T*>(x.data);
  const auto* right = reinterpret_cast<const T*>(y.data);
  auto* to = reinterpret_cast<T*>(out.data);
  const int64_t c_step = nest.inner_step(1);
  const int64_t x_step = nest.inner_step(2);
  const int64_t y_step = nest.inner_step(3);
  for_each_run(nest, parallel, [&](const Offsets& at, int64_t count) {
    if (c_step == 1 && x_step == 0 && y_step == 1) {
      const T value = left[at[2]];
      for (int64_t i = 0; i < count; ++i)
        to[at[0] + i] = chosen[at[1] + i] != 0 ? value : right[at[3] + i];
      return;
    }
    for (int64_t i = 0; i < count; ++i)
      to[at[0] + i] =
          chosen[at[1] + i * c_step] != 0 ? left[at[2] + i * x_step] : right[at[3] + i * y_step];
  });
}

Status run(const Attrs& /*attrs*/, RunContext& context) {
  const TensorView& out = context.output(0);
  OCTET_ASSIGN(const size_t bytes, element_bytes(out.dtype));
  const bool known = visit_dtype(bytes == 1   ? DType::u8
                                 : bytes == 2 ? DType::u16
                                 : bytes == 4 ? DType::u32
                                 : bytes == 8 ? DType::u64
                                              : DType::undefined,
                                 CopyTypes{}, [&]<typename T>() {
                                   choose<T>(context.input(0), context.input(1), context.input(2),
                                             out, context.parallel());
                                 });
  return known ? Status{} : unsupported("Where of {}", dtype_name(out.dtype));
}

std::optional<Dim> element(const std::vector<Dim>& x) {
  if (x[0].known()) return x[0].value() != 0 ? x[1] : x[2];
  return x[1] == x[2] ? std::optional(x[1]) : std::nullopt;
}

Status infer(InferContext& context) {
  OCTET_RETURN_IF_ERROR(context.require(0, {DType::boolean}));
  OCTET_RETURN_IF_ERROR(context.require_same_dtype(1, 2));
  OCTET_ASSIGN(const auto shape, broadcast_shape(context));
  context.set_tensor(0, context.dtype(1), shape);
  infer_elements(context, shape, element);
  return {};
}

std::optional<Ports> match(const LowerContext& context) {
  const QuantPtr& quant = context.output_quant(0);
  if (quant && !quant->per_tensor()) return std::nullopt;
  if (!same_quant(context.input_quant(1), quant) || !same_quant(context.input_quant(2), quant))
    return std::nullopt;
  const PortForm stored{PortForm::Storage::stored, Layout::row_major};
  return Ports{{PortForm{}, stored, stored}, {stored}};
}

constexpr Implementation kRows[] = {
    recoded<run>(),
    {.name = "where", .match = match, .prepare = prepare_function<run>},
    reference<run>(),
};

}  // namespace

extern const OpDef Where;
const OpDef Where = {.domain = "",
                     .name = "Where",
                     .since = 9,
                     .inputs = {3, 3},
                     .infer = infer,
                     .implementations = kRows};

}  // namespace octet::ops::where
