#include <algorithm>

#include "engine/ops/op.h"

namespace octet::ops::relu {
namespace {

Status run(const Attrs& /*attrs*/, RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  const auto count = static_cast<size_t>(x.count());
  const bool known = visit_dtype(x.dtype, NumericTypes{}, [&]<typename T>() {
    for (size_t i = 0; i < count; ++i) y.as<T>()[i] = std::max(x.as<T>()[i], T{});
  });
  return known ? Status{} : unsupported("Relu of " + std::string(dtype_name(x.dtype)));
}

QuantSpec quant(const Graph&, const Node&) {
  return {.inputs = {{PortQuant::Role::activation}}, .outputs = {{PortQuant::Role::activation}}};
}

constexpr Implementation kImplementations[] = {reference<run>()};

}  // namespace

extern const OpDef Relu;
const OpDef Relu = {
    .domain = "",
    .name = "Relu",
    .infer = infer_same,
    .alias = {AliasRule::Kind::in_place},
    .quant = quant,
    .implementations = kImplementations,
};

}  // namespace octet::ops::relu
