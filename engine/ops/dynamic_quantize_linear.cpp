#include "engine/ops/dynamic_quantize_linear.h"

#include <algorithm>

#include "engine/ops/op.h"
#include "kernels/quantize_linear/quantize_linear.h"

// octet.QuantizeRows: the same for each row (a line of the last axis) by itself; scales and zero
// points have the input's dims but the last.

namespace octet::ops::dynamic_quantize_linear {
namespace {

Status infer(InferContext& context) {
  OCTET_RETURN_IF_ERROR(context.require(0, {DType::f32}));
  context.set_tensor(0, DType::u8, context.input(0).shape);
  context.set_tensor(1, DType::f32, Shape{});
  context.set_tensor(2, DType::u8, Shape{});
  return {};
}

class DynamicStep final : public Step {
 public:
  explicit DynamicStep(const kernels::Variant<kernels::QuantizeLinearTable>& variant)
      : variant_(variant) {}
  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    float scale = 1.0F;
    uint8_t zero_point = 0;
    auto* codes = context.output(0).as<uint8_t>();
    variant_.table->dynamic(x.as<float>(), static_cast<size_t>(x.count()), codes, &scale,
                            &zero_point, context.parallel());
    if (context.has_output(1)) *context.output(1).as<float>() = scale;
    if (context.has_output(2)) *context.output(2).as<uint8_t>() = zero_point;
    return {};
  }
  StepInfo info() const override { return {"quantize_linear", "native", variant_.isa}; }

 private:
  const kernels::Variant<kernels::QuantizeLinearTable>& variant_;
};

std::optional<Ports> match(const LowerContext& context) {
  Ports ports;
  ports.inputs = {{.layout = context.input_layout(0)}};
  ports.outputs = {{.layout = context.input_layout(0)}, {}, {}};
  return ports;
}

Result<std::unique_ptr<Step>> prepare(const LowerContext& context) {
  return std::unique_ptr<Step>(
      std::make_unique<DynamicStep>(kernels::select_quantize_linear(context.cpu())));
}

constexpr Implementation kImplementations[] = {
    {.name = "quantize_linear", .match = match, .prepare = prepare},
};

Status infer_rows(InferContext& context) {
  OCTET_RETURN_IF_ERROR(context.require(0, {DType::f32}));
  auto rows = context.input(0).shape;
  context.set_tensor(0, DType::u8, rows);
  if (rows && rows->empty()) return invalid_model("a scalar has no rows");
  if (rows) rows->pop_back();
  context.set_tensor(1, DType::f32, rows);
  context.set_tensor(2, DType::u8, rows);
  return {};
}

class RowsStep final : public Step {
 public:
  explicit RowsStep(const kernels::Variant<kernels::QuantizeLinearTable>& variant)
      : variant_(variant) {}
  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    auto* zero_points = reinterpret_cast<int32_t*>(context.scratch().data());
    kernels::DynamicRowsArgs args;
    args.in = x.as<float>();
    args.rows = static_cast<size_t>(context.output(1).count());
    args.columns = static_cast<size_t>(x.dims.back());
    args.out = context.output(0).data;
    args.scale = context.output(1).as<float>();
    args.zero_point = zero_points;
    variant_.table->dynamic_rows(args, context.parallel());
    auto* out = context.output(2).as<uint8_t>();
    for (size_t i = 0; i < args.rows; ++i) out[i] = static_cast<uint8_t>(zero_points[i]);
    return {};
  }
  size_t scratch_bytes(std::span<const TensorView> /*inputs*/, std::span<const TensorView> outputs,
                       size_t /*width*/) const override {
    return static_cast<size_t>(outputs[1].count()) * sizeof(int32_t);
  }
  StepInfo info() const override { return {"quantize_rows", "native", variant_.isa}; }

 private:
  const kernels::Variant<kernels::QuantizeLinearTable>& variant_;
};

constexpr Implementation kRowsImplementations[] = {
    {.name = "quantize_rows",
     .prepare = [](const LowerContext& context) -> Result<std::unique_ptr<Step>> {
       return std::unique_ptr<Step>(
           std::make_unique<RowsStep>(kernels::select_quantize_linear(context.cpu())));
     }},
};

}  // namespace

extern const OpDef DynamicQuantizeLinear;
const OpDef DynamicQuantizeLinear = {
    .domain = "",
    .name = "DynamicQuantizeLinear",
    .since = 11,
    .inputs = {1, 1},
    .outputs = {3, 3},
    .attrs = attr_codec<DynamicQuantizeLinearAttrs>(),
    .infer = infer,
    .implementations = kImplementations,
};

extern const OpDef QuantizeRows;
const OpDef QuantizeRows = {
    .domain = kOctetDomain,
    .name = "QuantizeRows",
    .inputs = {1, 1},
    .outputs = {3, 3},
    .infer = infer_rows,
    .implementations = kRowsImplementations,
    .foldable = false,
};

}  // namespace octet::ops::dynamic_quantize_linear

namespace octet::ops {

void set_row_scales(Graph& graph) {
  for (const NodeId id : graph.order()) {
    Node& node = graph.node(id);
    if (node.op == &dynamic_quantize_linear::DynamicQuantizeLinear)
      node.attrs = Attrs::of(DynamicQuantizeLinearAttrs{.rows = true});
    for (const auto& body : node.bodies) set_row_scales(*body);
  }
}

bool has_row_scales(const Node& node) {
  return node.attrs.is<DynamicQuantizeLinearAttrs>() &&
         node.attrs.as<DynamicQuantizeLinearAttrs>().rows;
}

bool has_row_scales(const Graph& graph) {
  const auto order = graph.order();
  return std::any_of(order.begin(), order.end(), [&](NodeId id) {
    const Node& node = graph.node(id);
    return has_row_scales(node) ||
           std::any_of(node.bodies.begin(), node.bodies.end(),
                       [](const auto& body) { return has_row_scales(*body); });
  });
}

}  // namespace octet::ops
