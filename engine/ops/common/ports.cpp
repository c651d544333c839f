#include "engine/ops/common/ports.h"

#include <algorithm>

#include "engine/ops/op.h"

namespace octet {
namespace {

bool same_shape(const Type& a, const Type& b) { return a.shape && b.shape && *a.shape == *b.shape; }

bool same_rank(const Type& a, const Type& b) {
  return a.shape && b.shape && a.shape->size() == b.shape->size();
}

}  // namespace

std::optional<Ports> match_keep_layout(const LowerContext& context) {
  if (context.input_layout(0) == Layout::row_major) return std::nullopt;
  const PortForm form{PortForm::Storage::real, context.input_layout(0)};
  return Ports{{form}, {form}};
}

std::optional<Ports> match_broadcast_layout(const LowerContext& context) {
  const Type& out = context.output(0).type;
  bool wanted = false;
  for (size_t i = 0; i < context.node().inputs.size(); ++i)
    wanted = wanted || (context.has_input(i) && context.input_layout(i) == Layout::channels_last &&
                        same_shape(context.input(i).type, out));
  if (!wanted) return std::nullopt;
  const PortForm last{PortForm::Storage::real, Layout::channels_last};
  Ports ports{{}, {last}};
  for (size_t i = 0; i < context.node().inputs.size(); ++i)
    ports.inputs.push_back(
        context.has_input(i) && same_rank(context.input(i).type, out) ? last : PortForm{});
  return ports;
}

std::optional<Ports> match_movement(const LowerContext& context, size_t moved, Layout layout) {
  const Node& node = context.node();
  const size_t count = moved == 0 ? node.inputs.size() : std::min(moved, node.inputs.size());
  const QuantPtr& quant = context.input_quant(0);
  if (!quant && dtype_bits(context.input(0).type.dtype) < 8) return std::nullopt;
  if (quant && (!quant->per_tensor() || dtype_bits(quant->storage) < 8)) return std::nullopt;
  for (size_t i = 1; i < count; ++i)
    if (context.has_input(i) && !same_quant(context.input_quant(i), quant)) return std::nullopt;
  for (size_t i = 0; i < node.outputs.size(); ++i)
    if (context.has_output(i) && !same_quant(context.output_quant(i), quant)) return std::nullopt;
  const PortForm stored{PortForm::Storage::stored, layout};
  Ports ports{std::vector<PortForm>(count, stored), {stored}};
  if (count < node.inputs.size()) ports.inputs.emplace_back();
  return ports;
}

}  // namespace octet
