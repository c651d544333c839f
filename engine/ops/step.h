#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ir/graph.h"
#include "engine/ops/packing.h"
#include "kernels/cpu/isa.h"
#include "kernels/parallel.h"

namespace octet {

/// A stored tensor that a step reads or writes. `dims` are logical; `layout` says how the elements
/// lie. `dtype` is what the bytes are: the storage type when `quant` is set.
struct TensorView {
  DType dtype = DType::undefined;
  Dims dims;
  std::byte* data = nullptr;
  Layout layout = Layout::row_major;
  const QuantType* quant = nullptr;
  const Tensor* boxed = nullptr;  ///< Strings and lists, which have no data.

  size_t rank() const { return dims.size(); }
  int64_t count() const {
    int64_t n = 1;
    for (const int64_t d : dims) n *= d;
    return n;
  }
  template <typename T>
  T* as() const {
    assert(dtype == kDType<T>);
    return reinterpret_cast<T*>(data);
  }
  std::span<const std::byte> bytes() const {
    return {data, dtype_bytes(dtype, static_cast<size_t>(count()))};
  }
};

/// How an implementation wants one port to be stored. The compiler inserts conversions where a
/// value's form differs.
struct PortForm {
  enum class Storage : uint8_t {
    real,    ///< Plain elements: quantized values are dequantized, f16 and bf16 widened to f32.
    stored,  ///< As it is: codes where the value is quantized, f16 where it is f16, boxed where it
             ///< is boxed. Rows that ask for real ports never see boxed values.
  };
  Storage storage = Storage::real;
  Layout layout = Layout::row_major;
};

/// The forms of all ports; ports past the end of a list take its last entry, or the default.
struct Ports {
  std::vector<PortForm> inputs;
  std::vector<PortForm> outputs;
};

/// What `match` and `prepare` see of a node that is being lowered.
class LowerContext {
 public:
  LowerContext(const Graph& graph, const Node& node, CpuToken cpu, std::span<const Layout> layouts,
               PackedWeights* weights = nullptr)
      : graph_(graph), node_(node), cpu_(cpu), layouts_(layouts), weights_(weights) {}

  const Graph& graph() const { return graph_; }
  const Node& node() const { return node_; }
  CpuToken cpu() const { return cpu_; }
  template <typename A>
  const A& attrs() const {
    return node_.attrs.as<A>();
  }
  bool has_input(size_t i) const { return node_.has_input(i); }
  bool has_output(size_t i) const { return node_.has_output(i); }
  const Value& input(size_t i) const { return graph_.value(node_.inputs[i]); }
  const Value& output(size_t i) const { return graph_.value(node_.outputs[i]); }
  const Tensor* constant(size_t i) const {
    return has_input(i) ? graph_.constant(node_.inputs[i]) : nullptr;
  }
  const QuantPtr& input_quant(size_t i) const { return input(i).quant; }
  const QuantPtr& output_quant(size_t i) const { return output(i).quant; }
  /// Storage dtype of a port: the quantized type's, or the logical one.
  static DType stored_dtype(const Value& v) { return v.quant ? v.quant->storage : v.type.dtype; }
  /// Layout in which input i lies now (outputs of nodes that are lowered already).
  Layout input_layout(size_t i) const {
    return node_.inputs[i] < layouts_.size() ? layouts_[node_.inputs[i]] : Layout::row_major;
  }
  /// The constant of input i, packed: PackedWeights::get.
  Result<Tensor> pack(size_t i, const PackLayout& layout, size_t size, PackFunction pack) const {
    if (weights_ == nullptr) return pack_alone(size, pack);
    return weights_->get(i, *constant(i), layout, size, pack);
  }

 private:
  const Graph& graph_;
  const Node& node_;
  CpuToken cpu_;
  std::span<const Layout> layouts_;
  PackedWeights* weights_;
};

class RunContext;

/// What happened in a step, for profiles and for tests that no float copy does the work.
struct StepInfo {
  std::string kernel;    ///< "gemm_s8", "softmax_f32".
  std::string provider;  ///< "native", "onednn", "reference".
  Isa isa = Isa::scalar;
};

/// One prepared step: constants packed, kernels chosen. Immutable while running, so one plan serves
/// concurrent runs; scratch and state belong to the run.
class Step {
 public:
  virtual ~Step() = default;
  virtual Status run(RunContext& context) const = 0;
  /// Scratch bytes of a team of `width` for these (known) views, whose data isn't set. A narrower
  /// team may need more.
  virtual size_t scratch_bytes(std::span<const TensorView> /*inputs*/,
                               std::span<const TensorView> /*outputs*/, size_t /*width*/) const {
    return 0;
  }
  virtual StepInfo info() const = 0;
};

/// A row of an operator's implementations.
struct Implementation {
  std::string_view name;                 ///< Kernel family, as profiles show it.
  std::string_view provider = "native";  ///< "native", "reference", "onednn", "xnnpack".
  /// The port forms under which it can run the node, or nothing. Null: any types, all ports real
  /// and row-major.
  std::optional<Ports> (*match)(const LowerContext&) = nullptr;
  Result<std::unique_ptr<Step>> (*prepare)(const LowerContext&) = nullptr;
};

/// Runs a body graph for If, Loop and Scan. Tensors in, tensors out; made by the runtime.
class BodyRunner {
 public:
  virtual ~BodyRunner() = default;
  virtual Result<std::vector<Tensor>> run(size_t body, std::vector<Tensor> inputs) = 0;
};

/// What a running step sees. Absent optional ports have no data.
class RunContext {
 public:
  virtual ~RunContext() = default;

  bool has_input(size_t i) const {
    return i < inputs_.size() && (inputs_[i].data != nullptr || inputs_[i].boxed != nullptr);
  }
  bool has_output(size_t i) const { return i < outputs_.size() && wanted_[i]; }
  size_t input_count() const { return inputs_.size(); }
  size_t output_count() const { return outputs_.size(); }
  const TensorView& input(size_t i) const { return inputs_[i]; }
  /// The output's view. Its dims are those that `infer` gave for the actual input dims; when infer
  /// could not know them (data-dependent), call `allocate` first.
  const TensorView& output(size_t i) const { return outputs_[i]; }
  /// Sets the dims of a data-dependent output and makes its memory. Allowed for any output once
  /// (memory planned for it is used when the dims agree). A boxed output only notes them.
  virtual Status allocate(size_t i, Dims dims) = 0;
  /// Gives a boxed output, which shares what `value` holds: nothing borrowed may be in it.
  virtual Status set_boxed(size_t i, Tensor value);
  std::span<std::byte> scratch() const { return scratch_; }
  Parallel& parallel() const { return *parallel_; }
  CpuToken cpu() const { return cpu_; }
  /// True when the run shall stop: deadline or cancel flag. Long loops ask now and then.
  virtual bool stopped() const = 0;
  virtual BodyRunner* bodies() { return nullptr; }
  const Node& node() const { return *node_; }

 protected:
  explicit RunContext(CpuToken cpu) : cpu_(cpu) {}
  std::vector<TensorView> inputs_;
  std::vector<TensorView> outputs_;
  std::vector<bool> wanted_;
  std::span<std::byte> scratch_;
  Parallel* parallel_ = nullptr;
  CpuToken cpu_;
  const Node* node_ = nullptr;
};

// Overriders keep the value.
// NOLINTNEXTLINE(performance-unnecessary-value-param)
inline Status RunContext::set_boxed(size_t i, Tensor /*value*/) {
  return unsupported("output {} holds strings or a sequence", i);
}

/// A step that is one function.
using StepFunction = Status (*)(const Attrs& attrs, RunContext& context);
std::unique_ptr<Step> make_function_step(StepFunction run, const Attrs& attrs, StepInfo info);

/// `prepare` for an implementation that is one function: Status run(const Attrs&, RunContext&),
/// with everything it needs in the node's attributes.
template <auto Run>
Result<std::unique_ptr<Step>> prepare_function(const LowerContext& context);

/// A row for a plain function over real, row-major ports: the scalar implementation of an operator.
template <auto Run>
constexpr Implementation reference(std::string_view name = "reference");

}  // namespace octet

#include "engine/ops/step_inl.h"
