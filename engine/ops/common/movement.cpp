#include "engine/ops/common/movement.h"

namespace octet::movement {

QuantSpec quant_shared(const Graph&, const Node& node) {
  const PortQuant shared{PortQuant::Role::shared};
  QuantSpec spec;
  spec.inputs = {{PortQuant::Role::activation}};
  spec.outputs.assign(node.outputs.size(), shared);
  return spec;
}

Status run_copy(const Attrs& /*attrs*/, RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  if (dtype_bits(x.dtype) == 0)
    return unsupported("elements of type {} can't be moved", dtype_name(x.dtype));
  if (y.data == nullptr) return invalid_data("the result's dims can't be known");
  if (x.bytes().size() != y.bytes().size())
    return invalid_data("{} has other elements than {}", to_string(to_shape(x.dims)),
                        to_string(to_shape(y.dims)));
  if (x.data != y.data) copy_bytes(y.data, x.data, x.bytes().size(), context.parallel());
  return {};
}

std::vector<int64_t> integers_of(const TensorView& view) {
  return Tensor(view.dtype, view.dims, view.bytes(), nullptr).to_int64();
}

void attribute_to_input(const CanonicalContext& context, size_t i,
                        const std::optional<std::vector<int64_t>>& values, std::string_view name) {
  if (!values || context.node().has_input(i)) return;
  context.set_constant_input(i, Tensor::of({static_cast<int64_t>(values->size())}, *values), name);
}

}  // namespace octet::movement
