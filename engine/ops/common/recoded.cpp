#include "engine/ops/common/recoded.h"

#include <algorithm>

namespace octet {
namespace {

enum class Code : uint8_t { none, string, packed };

Code code_of(DType type) {
  if (type == DType::string) return Code::string;
  const int bits = dtype_bits(type);
  return bits > 0 && bits < 8 ? Code::packed : Code::none;
}

DType inner_type(DType type) {
  switch (code_of(type)) {
    case Code::string: return DType::s64;
    case Code::packed: return type == DType::s4 || type == DType::s2 ? DType::s8 : DType::u8;
    case Code::none: break;
  }
  return type;
}

// The distinct strings of a node's inputs, sorted, and "" before all.
class Dictionary {
 public:
  void add(const Tensor& strings) {
    const auto& values = strings.as_strings();
    sorted_.insert(sorted_.end(), values.begin(), values.end());
  }
  void close() {
    std::sort(sorted_.begin(), sorted_.end());
    sorted_.erase(std::unique(sorted_.begin(), sorted_.end()), sorted_.end());
  }
  int64_t number(const std::string& text) const {
    return std::lower_bound(sorted_.begin(), sorted_.end(), text) - sorted_.begin();
  }
  const std::string* text(int64_t number) const {
    const bool known = number >= 0 && number < static_cast<int64_t>(sorted_.size());
    return known ? &sorted_[static_cast<size_t>(number)] : nullptr;
  }

 private:
  std::vector<std::string> sorted_ = {""};
};

// What the plain function sees: the outer context with numbers in the place of strings, and bytes
// in the place of packed elements.
class RecodedContext final : public RunContext {
 public:
  explicit RecodedContext(RunContext& outer) : RunContext(outer.cpu()), outer_(outer) {
    node_ = &outer.node();
    parallel_ = &outer.parallel();
    scratch_ = outer.scratch();
  }

  Status open() {
    for (size_t i = 0; i < outer_.input_count(); ++i)
      if (outer_.has_input(i) && outer_.input(i).dtype == DType::string)
        dictionary_.add(*outer_.input(i).boxed);
    dictionary_.close();
    for (size_t i = 0; i < outer_.input_count(); ++i) OCTET_RETURN_IF_ERROR(add_input(i));
    made_.resize(outer_.output_count());
    for (size_t i = 0; i < outer_.output_count(); ++i) {
      outputs_.push_back(outer_.output(i));
      wanted_.push_back(outer_.has_output(i));
      if (code_of(outer_.output(i).dtype) == Code::none) continue;
      outputs_[i].dtype = inner_type(outer_.output(i).dtype);
      outputs_[i].data = nullptr;
      outputs_[i].boxed = nullptr;
      const bool sized = outer_.output(i).data != nullptr || !outer_.output(i).dims.empty();
      if (wanted_[i] && (sized || code_of(outer_.output(i).dtype) == Code::string))
        OCTET_RETURN_IF_ERROR(make(i, outer_.output(i).dims));
    }
    return {};
  }

  Status allocate(size_t i, Dims dims) override {
    if (!has_output(i)) return {};
    OCTET_RETURN_IF_ERROR(outer_.allocate(i, dims));
    if (code_of(outer_.output(i).dtype) != Code::none) return make(i, std::move(dims));
    outputs_[i] = outer_.output(i);
    return {};
  }
  bool stopped() const override { return outer_.stopped(); }

  Status close() {
    for (size_t i = 0; i < outputs_.size(); ++i) {
      if (!has_output(i)) continue;
      const Code code = code_of(outer_.output(i).dtype);
      if (code == Code::string) OCTET_RETURN_IF_ERROR(give_strings(i));
      if (code == Code::packed) pack(i);
    }
    return {};
  }

 private:
  Status add_input(size_t i) {
    inputs_.push_back(outer_.input(i));
    TensorView& view = inputs_.back();
    const Code code = code_of(view.dtype);
    if (!outer_.has_input(i) || code == Code::none) return {};
    OCTET_ASSIGN(Tensor recoded, Tensor::zeros(inner_type(view.dtype), view.dims));
    if (code == Code::string) {
      const auto& values = view.boxed->as_strings();
      for (size_t k = 0; k < values.size(); ++k)
        recoded.writable_as<int64_t>()[k] = dictionary_.number(values[k]);
    } else {
      const bool integer = dtype_is_packed_integer(view.dtype);
      for (size_t k = 0; k < recoded.count(); ++k)
        recoded.writable()[k] = static_cast<std::byte>(
            integer ? read_packed(view.dtype, view.data, k) : read_bits(view.dtype, view.data, k));
    }
    view.dtype = recoded.dtype();
    view.data = recoded.writable();
    view.boxed = nullptr;
    kept_.push_back(std::move(recoded));
    return {};
  }

  Status make(size_t i, Dims dims) {
    OCTET_ASSIGN(made_[i], Tensor::zeros(outputs_[i].dtype, dims));
    outputs_[i].dims = std::move(dims);
    outputs_[i].data = made_[i].writable();
    return {};
  }

  Status give_strings(size_t i) {
    std::vector<std::string> strings;
    strings.reserve(made_[i].count());
    for (const int64_t number : made_[i].as<int64_t>()) {
      const std::string* text = dictionary_.text(number);
      if (text == nullptr) return unsupported("new strings can't be made here");
      strings.push_back(*text);
    }
    return outer_.set_boxed(i, Tensor::strings(made_[i].dims(), std::move(strings)));
  }

  void pack(size_t i) {
    const TensorView& out = outer_.output(i);
    for (size_t k = 0; k < made_[i].count(); ++k)
      write_bits(out.dtype, out.data, k, static_cast<uint8_t>(made_[i].bytes()[k]));
  }

  RunContext& outer_;
  Dictionary dictionary_;
  std::vector<Tensor> kept_;
  std::vector<Tensor> made_;
};

}  // namespace

std::optional<Ports> match_recoded(const LowerContext& context) {
  const Node& node = context.node();
  bool wanted = false;
  Ports ports;
  const auto add = [&](std::vector<PortForm>& forms, bool present, const Value* value) {
    forms.emplace_back();
    if (!present || value->quant || value->type.kind != Type::Kind::tensor) return;
    if (code_of(value->type.dtype) == Code::none) return;
    wanted = true;
    forms.back().storage = PortForm::Storage::stored;
  };
  for (size_t i = 0; i < node.inputs.size(); ++i)
    add(ports.inputs, node.has_input(i), node.has_input(i) ? &context.input(i) : nullptr);
  for (size_t i = 0; i < node.outputs.size(); ++i)
    add(ports.outputs, node.has_output(i), node.has_output(i) ? &context.output(i) : nullptr);
  if (!wanted) return std::nullopt;
  return ports;
}

Status run_recoded(Status (*run)(const Attrs&, RunContext&), const Attrs& attrs,
                   RunContext& context) {
  RecodedContext inner(context);
  OCTET_RETURN_IF_ERROR(inner.open());
  OCTET_RETURN_IF_ERROR(run(attrs, inner));
  return inner.close();
}

}  // namespace octet
