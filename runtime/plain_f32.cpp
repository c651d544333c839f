#include "runtime/plain_f32.h"

#include "engine/ops/common/conv_f32.h"
#include "engine/ops/common/product.h"
#include "engine/ops/common/real.h"

namespace octet::runtime {
namespace {

// Input 0 and the residual in `form`, constants as stored.
std::vector<PortForm> forms(const Node& node, PortForm form, std::optional<size_t> residual) {
  std::vector<PortForm> inputs(node.inputs.size(),
                               PortForm{PortForm::Storage::stored, Layout::row_major});
  inputs[0] = form;
  if (residual) inputs[*residual] = form;
  return inputs;
}

}  // namespace

const Tensor* float_constant(const LowerContext& context, size_t i) {
  const Tensor* tensor = context.constant(i);
  const bool plain = tensor != nullptr && tensor->dtype() == DType::f32 && !context.input_quant(i);
  return plain ? tensor : nullptr;
}

bool is_plain_f32(const LowerContext& context) {
  const Node& node = context.node();
  if (!runs_as_f32(context.input(0).type.dtype)) return false;
  for (size_t i = 0; i < node.inputs.size(); ++i)
    if (context.has_input(i) && context.input_quant(i)) return false;
  for (size_t i = 0; i < node.outputs.size(); ++i)
    if (context.has_output(i) && context.output_quant(i)) return false;
  return true;
}

std::optional<Ports> match_plain_conv(const LowerContext& context) {
  const auto ports = ops::conv_ports(context.node());
  if (float_constant(context, 1) == nullptr || context.output_quant(0)) return std::nullopt;
  if (ports.bias && float_constant(context, *ports.bias) == nullptr) return std::nullopt;
  const PortForm last{PortForm::Storage::real, Layout::channels_last};
  return Ports{forms(context.node(), last, ports.residual), {last}};
}

std::optional<Ports> match_plain_product(const LowerContext& context) {
  const ops::ProductSpec spec = ops::product_spec(context.node());
  if (spec.transpose_a || spec.alpha != 1.0F || spec.beta != 1.0F) return std::nullopt;
  const Tensor* b = float_constant(context, 1);
  if (b == nullptr || b->rank() != 2 || context.output_quant(0)) return std::nullopt;
  if (spec.addend) {
    const Tensor* row = float_constant(context, *spec.addend);
    if (row == nullptr || row->rank() != 1 || row->count() < 2) return std::nullopt;
  }
  const auto& shape = context.input(0).type.shape;
  if (!shape || shape->size() < 2) return std::nullopt;
  return Ports{forms(context.node(), PortForm{}, spec.residual), {PortForm{}}};
}

}  // namespace octet::runtime
