#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "engine/ops/common/dequantize.h"
#include "engine/ops/evaluate.h"
#include "engine/ops/op.h"

namespace octet::testing {

/// The element order of `layout` for row-major `tensor` (to), or back.
inline Tensor permuted(const Tensor& tensor, Layout layout, bool back) {
  if (layout == Layout::row_major || tensor.rank() < 3) return tensor;
  const size_t element = dtype_bytes(tensor.dtype(), 1);
  const auto batch = static_cast<size_t>(tensor.dims()[0]);
  const auto channels = static_cast<size_t>(tensor.dims()[1]);
  const size_t pixels = batch * channels == 0 ? 0 : tensor.count() / (batch * channels);
  Tensor out = *Tensor::zeros(tensor.dtype(), tensor.dims());
  for (size_t n = 0; n < batch; ++n)
    for (size_t c = 0; c < channels; ++c)
      for (size_t p = 0; p < pixels; ++p) {
        const size_t rows = (n * channels + c) * pixels + p;
        const size_t last = (n * pixels + p) * channels + c;
        std::copy_n(tensor.bytes().data() + (back ? last : rows) * element, element,
                    out.writable() + (back ? rows : last) * element);
      }
  return out;
}

/// Codes of `values` (f32) as `quant` stores them: per tensor, u8 or s8.
inline Tensor quantized(const Tensor& values, const QuantType& quant) {
  Tensor out = *Tensor::zeros(quant.storage, values.dims());
  for (size_t i = 0; i < values.count(); ++i) {
    const float x = values.as<float>()[i];
    const Scale scale = quant.tensor_scale();
    const ZeroPoint zero = quant.tensor_zero_point();
    if (quant.storage == DType::u8)
      out.writable_as<uint8_t>()[i] = quantize<uint8_t>(x, scale, zero);
    else
      out.writable_as<int8_t>()[i] = quantize<int8_t>(x, scale, zero);
  }
  return out;
}

inline QuantPtr tensor_quant(DType storage, float scale, int zero_point) {
  QuantType quant;
  quant.storage = storage;
  quant.scale = Tensor::scalar(scale);
  quant.zero_point = storage == DType::u8 ? Tensor::scalar(static_cast<uint8_t>(zero_point))
                                          : Tensor::scalar(static_cast<int8_t>(zero_point));
  return std::make_shared<const QuantType>(std::move(quant));
}

/// A graph of one node. Inputs are constants or not, each with an optional quantization (their
/// tensors then hold codes); rows of the operator's implementations run one by one.
class NodeRunner {
 public:
  explicit NodeRunner(std::string_view name, Attrs attrs, std::string_view domain = "") {
    node_.op = &require_op(domain, name);
    node_.opset = kWrittenOpset;
    node_.name = "node";
    node_.attrs = std::move(attrs);
  }
  NodeRunner& input(const Tensor& tensor, QuantPtr quant = nullptr) {
    const DType real = quant ? quant->real : tensor.dtype();
    const ValueId id = graph_.add_input("i" + std::to_string(tensors_.size()),
                                        Type::tensor(real, to_shape(tensor.dims())));
    graph_.value(id).quant = std::move(quant);
    return add(id, tensor);
  }
  NodeRunner& constant(const Tensor& tensor, QuantPtr quant = nullptr) {
    return add(graph_.add_constant("i" + std::to_string(tensors_.size()), tensor, std::move(quant)),
               tensor);
  }
  NodeRunner& absent() {
    node_.inputs.push_back(kNoValue);
    tensors_.emplace_back();
    return *this;
  }
  NodeRunner& output(QuantPtr quant = nullptr) {
    const ValueId id = graph_.add_value("o" + std::to_string(node_.outputs.size()));
    graph_.value(id).quant = std::move(quant);
    node_.outputs.push_back(id);
    return *this;
  }
  NodeRunner& absent_output() {
    node_.outputs.push_back(kNoValue);
    return *this;
  }

  /// Names of the rows that take the node, best first.
  std::vector<std::string> rows(CpuToken cpu = CpuToken::best()) {
    std::vector<std::string> names;
    place();
    const LowerContext lower(graph_, graph_.node(id_), cpu, {});
    for (const Implementation& row : graph_.node(id_).op->implementations)
      if (row.match == nullptr || row.match(lower)) names.emplace_back(row.name);
    return names;
  }

  /// Outputs (codes where quantized) of the row of that name, which must take the node.
  std::vector<Tensor> run(std::string_view row_name, CpuToken cpu = CpuToken::best());

  const StepInfo& info() const { return info_; }
  const Type& output_type(size_t i) {
    place();
    return graph_.value(graph_.node(id_).outputs[i]).type;
  }
  Status infer() { return infer_node(graph_, place()); }

 private:
  NodeRunner& add(ValueId id, const Tensor& tensor) {
    node_.inputs.push_back(id);
    tensors_.push_back(tensor);
    return *this;
  }
  NodeId place() {
    if (id_ == kNoNode) {
      id_ = graph_.add_node(node_);
      const Status status = infer_node(graph_, id_);
      INFO((status ? std::string() : status.error().message));
      CHECK(status.ok());
    }
    return id_;
  }

  Graph graph_;
  Node node_;
  NodeId id_ = kNoNode;
  std::vector<Tensor> tensors_;
  StepInfo info_;
};

namespace detail {

class TestRunContext final : public RunContext {
 public:
  TestRunContext(const Node& node, CpuToken cpu) : RunContext(cpu) {
    node_ = &node;
    parallel_ = &serial_;
  }
  void add_input(const Tensor& tensor, Layout layout, const QuantType* quant) {
    tensors_.push_back(tensor);
    inputs_.push_back({tensor.dtype(), tensor.dims(),
                       const_cast<std::byte*>(tensors_.back().bytes().data()), layout, quant});
  }
  void add_absent_input() { inputs_.emplace_back(); }
  void add_output(DType dtype, Layout layout, const QuantType* quant, bool wanted) {
    outputs_.push_back({dtype, {}, nullptr, layout, quant});
    wanted_.push_back(wanted);
    made_.emplace_back();
  }
  Status allocate(size_t i, Dims dims) override {
    OCTET_ASSIGN(made_[i], Tensor::zeros(outputs_[i].dtype, dims));
    outputs_[i].dims = std::move(dims);
    outputs_[i].data = made_[i].writable();
    return {};
  }
  bool stopped() const override { return false; }
  void size_scratch(const Step& step) {
    scratch_memory_ =
        *Tensor::zeros(DType::u8, {static_cast<int64_t>(step.scratch_bytes(inputs_, outputs_, 1))});
    scratch_ = {scratch_memory_.writable(), scratch_memory_.count()};
  }
  const Tensor& made(size_t i) const { return made_[i]; }

 private:
  SerialParallel serial_;
  std::vector<Tensor> tensors_;
  std::vector<Tensor> made_;
  Tensor scratch_memory_;
};

inline PortForm form(const std::vector<PortForm>& forms, size_t i) {
  return forms.empty() ? PortForm{} : forms[std::min(i, forms.size() - 1)];
}

inline Tensor as_real(const Tensor& tensor, const QuantPtr& quant) {
  const bool half = tensor.dtype() == DType::f16 || tensor.dtype() == DType::bf16;
  if (!quant && !half) return tensor;
  return Tensor::of(tensor.dims(), ops::real_elements(tensor, quant));
}

}  // namespace detail

inline std::vector<Tensor> NodeRunner::run(std::string_view row_name, CpuToken cpu) {
  place();
  const Node& node = graph_.node(id_);
  const LowerContext lower(graph_, node, cpu, {});
  const Implementation* chosen = nullptr;
  Ports ports;
  for (const Implementation& row : node.op->implementations) {
    if (row.name != row_name) continue;
    const auto match = row.match == nullptr ? std::optional<Ports>(Ports{}) : row.match(lower);
    REQUIRE(match.has_value());
    ports = *match;
    chosen = &row;
  }
  REQUIRE(chosen != nullptr);
  auto step = chosen->prepare(lower);
  REQUIRE(step.ok());
  info_ = (*step)->info();

  using Storage = PortForm::Storage;
  detail::TestRunContext context(node, cpu);
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (!node.has_input(i)) {
      context.add_absent_input();
      continue;
    }
    const PortForm port = detail::form(ports.inputs, i);
    const QuantPtr& quant = lower.input_quant(i);
    const bool stored = port.storage == Storage::stored;
    const Tensor real = stored ? tensors_[i] : detail::as_real(tensors_[i], quant);
    context.add_input(permuted(real, port.layout, false), port.layout,
                      stored ? quant.get() : nullptr);
  }
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (!node.has_output(i)) {
      context.add_output(DType::undefined, Layout::row_major, nullptr, false);
      continue;
    }
    const PortForm port = detail::form(ports.outputs, i);
    const Value& value = lower.output(i);
    const bool stored = port.storage == Storage::stored;
    const DType real = value.type.dtype == DType::f16 ? DType::f32 : value.type.dtype;
    context.add_output(stored ? LowerContext::stored_dtype(value) : real, port.layout,
                       stored ? value.quant.get() : nullptr, true);
    if (value.type.has_known_shape())
      REQUIRE(context.allocate(i, known_dims(*value.type.shape)).ok());
  }
  context.size_scratch(**step);
  const Status status = (*step)->run(context);
  INFO((status ? std::string() : status.error().message));
  REQUIRE(status.ok());

  std::vector<Tensor> outputs(node.outputs.size());
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (!node.has_output(i)) continue;
    const PortForm port = detail::form(ports.outputs, i);
    const Value& value = lower.output(i);
    outputs[i] = permuted(context.made(i), port.layout, true);
    if (value.quant && port.storage == Storage::real)
      outputs[i] = quantized(outputs[i], *value.quant);
  }
  return outputs;
}

}  // namespace octet::testing
