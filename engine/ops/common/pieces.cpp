#include "engine/ops/common/pieces.h"

#include <cstring>

#include "engine/ops/common/axes.h"

namespace octet {
namespace {

// A tensor being filled block by block: strings, or elements of `bytes` bytes.
class Filled {
 public:
  static Result<Filled> make(DType dtype, const Dims& dims) {
    Filled filled;
    filled.dims_ = dims;
    const auto count = checked_count(dims);
    if (!count) return Error{ErrorCode::limit, "a tensor has more elements than can be addressed"};
    if (dtype == DType::string) {
      filled.strings_.resize(static_cast<size_t>(*count));
      return filled;
    }
    OCTET_ASSIGN(filled.bytes_, element_bytes(dtype));
    OCTET_ASSIGN(filled.tensor_, Tensor::zeros(dtype, dims));
    return filled;
  }
  void copy(size_t to, const Tensor& from, size_t at, size_t count) {
    if (count == 0) return;
    if (from.dtype() == DType::string) {
      const auto first = from.as_strings().begin() + static_cast<ptrdiff_t>(at);
      std::copy(first, first + static_cast<ptrdiff_t>(count),
                strings_.begin() + static_cast<ptrdiff_t>(to));
      return;
    }
    std::memcpy(tensor_.writable() + to * bytes_, from.bytes().data() + at * bytes_,
                count * bytes_);
  }
  Tensor take() {
    return tensor_.dtype() == DType::undefined ? Tensor::strings(dims_, std::move(strings_))
                                               : std::move(tensor_);
  }

 private:
  Dims dims_;
  size_t bytes_ = 0;
  Tensor tensor_;
  std::vector<std::string> strings_;
};

}  // namespace

std::optional<Ports> match_stored(const LowerContext& context) {
  Ports ports;
  // Quantized values are read and given as real numbers.
  const auto add = [](std::vector<PortForm>& forms, const Value* value) {
    const bool real = value == nullptr || value->quant;
    forms.push_back({real ? PortForm::Storage::real : PortForm::Storage::stored});
  };
  for (size_t i = 0; i < context.node().inputs.size(); ++i)
    add(ports.inputs, context.has_input(i) ? &context.input(i) : nullptr);
  for (size_t i = 0; i < context.node().outputs.size(); ++i)
    add(ports.outputs, context.has_output(i) ? &context.output(i) : nullptr);
  return ports;
}

Result<Tensor> cut(const Tensor& tensor, size_t axis, size_t begin, size_t end) {
  Dims dims = tensor.dims();
  const AxisCut from = cut_at(dims, axis);
  dims[axis] = static_cast<int64_t>(end - begin);
  OCTET_ASSIGN(Filled filled, Filled::make(tensor.dtype(), dims));
  const size_t run = (end - begin) * from.inner;
  for (size_t o = 0; o < from.outer; ++o)
    filled.copy(o * run, tensor, (o * from.extent + begin) * from.inner, run);
  return filled.take();
}

Result<Tensor> join(std::span<const Tensor> parts, int64_t axis, bool new_axis) {
  if (parts.empty()) return invalid_data("an empty sequence can't be joined");
  const size_t rank = parts[0].rank() + (new_axis ? 1 : 0);
  const auto at = normalize_axis(axis, rank);
  if (!at) return invalid_data("axis {} is outside the sequence's rank", axis);
  const auto widened = [&](const Tensor& part) {
    Dims dims = part.dims();
    if (new_axis) dims.insert(dims.begin() + static_cast<ptrdiff_t>(*at), 1);
    return dims;
  };
  Dims dims = widened(parts[0]);
  dims[*at] = 0;
  for (const Tensor& part : parts) {
    Dims own = part.rank() + (new_axis ? 1 : 0) == rank ? widened(part) : Dims{};
    const int64_t extent = own.empty() ? -1 : own[*at];
    if (!own.empty()) own[*at] = dims[*at];
    if (own != dims || part.dtype() != parts[0].dtype())
      return invalid_data("the sequence's elements don't fit each other");
    dims[*at] += extent;
  }
  OCTET_ASSIGN(Filled filled, Filled::make(parts[0].dtype(), dims));
  const AxisCut whole = cut_at(dims, *at);
  size_t done = 0;
  for (const Tensor& part : parts) {
    const size_t extent = new_axis ? 1 : static_cast<size_t>(part.dims()[*at]);
    const size_t run = extent * whole.inner;
    for (size_t o = 0; o < whole.outer; ++o)
      filled.copy((o * whole.extent + done) * whole.inner, part, o * run, run);
    done += extent;
  }
  return filled.take();
}

}  // namespace octet
