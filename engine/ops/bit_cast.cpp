#include "engine/ir/bools.h"
#include "engine/ops/common/movement.h"

namespace octet::ops::bit_cast {
namespace {

struct BitCastAttrs {
  int64_t to = 0;
  static constexpr auto fields() {
    return std::tuple{field("to", &BitCastAttrs::to, {.required = true})};
  }
};

Status infer(InferContext& context) {
  const int64_t to = context.attrs<BitCastAttrs>().to;
  if (to <= 0 || to >= kDTypeCount) return unsupported("element type {}", to);
  const auto type = static_cast<DType>(to);
  const DType from = context.dtype(0);
  if (from != DType::undefined && dtype_bits(from) != dtype_bits(type))
    return invalid_model("elements of {} and {} differ in bits", dtype_name(from),
                         dtype_name(type));
  if (type == DType::string) return invalid_model("strings have no bits to cast");
  context.set_tensor(0, type, context.input(0).shape);
  return {};
}

Status run(const Attrs& attrs, RunContext& context) {
  if (context.output(0).dtype == DType::boolean && !are_bools(context.input(0).bytes()))
    return invalid_data("a bool that is neither 0 nor 1");
  return movement::run_copy(attrs, context);
}

std::optional<Ports> match(const LowerContext& context) {
  if (context.input_quant(0) || context.output_quant(0)) return std::nullopt;
  const PortForm stored{PortForm::Storage::stored};
  return Ports{{stored}, {stored}};
}

constexpr Implementation kRows[] = {
    {.name = "copy", .match = match, .prepare = prepare_function<run>}};

}  // namespace

extern const OpDef BitCast;
const OpDef BitCast = {.domain = "",
                       .name = "BitCast",
                       .since = 26,
                       .inputs = {1, 1},
                       .attrs = attr_codec<BitCastAttrs>(),
                       .infer = infer,
                       .implementations = kRows,
                       .foldable = false};

}  // namespace octet::ops::bit_cast
