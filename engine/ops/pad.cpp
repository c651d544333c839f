#include <algorithm>
#include <cstring>
#include <numeric>

#include "engine/ops/common/movement.h"

namespace octet::ops::pad {
namespace {

struct PadAttrs {
  std::string mode = "constant";
  std::optional<std::vector<int64_t>> pads;
  std::optional<float> value;
  static constexpr auto fields() {
    return std::tuple{field("mode", &PadAttrs::mode), field("pads", &PadAttrs::pads, {.until = 10}),
                      field("value", &PadAttrs::value, {.until = 10})};
  }
};

Status canonical(const CanonicalContext& context) {
  if (context.opset >= 11) return {};
  const auto attrs = context.attrs<PadAttrs>();
  if (!attrs.pads) return invalid_model("'pads' is missing");
  movement::attribute_to_input(context, 1, attrs.pads, "pads");
  if (attrs.value) context.set_constant_input(2, Tensor::scalar(*attrs.value), "value");
  return {};
}

Status infer(InferContext& context) {
  const auto& mode = context.attrs<PadAttrs>().mode;
  if (mode != "constant" && mode != "reflect" && mode != "edge" && mode != "wrap")
    return unsupported("mode '{}'", mode);
  context.set_tensor(0, context.dtype(0));
  if (!context.has_rank(0)) return {};
  Shape shape = context.shape(0);
  std::vector<int64_t> axes(shape.size());
  std::iota(axes.begin(), axes.end(), int64_t{0});
  const auto* pads = context.elements(1);
  if (context.has_input(3)) {
    const auto given = context.known_elements(3);
    if (!given) pads = nullptr;
    if (given) axes = *given;
  }
  if (pads == nullptr) {
    for (Dim& dim : shape) dim = Dim::fresh();
  } else if (pads->size() != 2 * axes.size()) {
    return invalid_model("'pads' doesn't have two entries an axis");
  } else {
    for (size_t i = 0; i < axes.size(); ++i) {
      OCTET_ASSIGN(const size_t axis, context.axis(axes[i], shape.size()));
      shape[axis] = shape[axis] + (*pads)[i] + (*pads)[i + axes.size()];
      if (shape[axis].known() && shape[axis].value() < 0)
        return invalid_model("padding leaves axis {} negative", axis);
    }
  }
  context.set_tensor(0, context.dtype(0), std::move(shape));
  return {};
}

// Where an output index of one axis comes from; -1: the constant.
using SourceMap = std::vector<int64_t>;

Result<SourceMap> source_map(const std::string& mode, int64_t extent, int64_t before,
                             int64_t out_extent) {
  SourceMap map(static_cast<size_t>(out_extent), -1);
  for (int64_t i = 0; i < out_extent; ++i) {
    int64_t at = i - before;
    if (at < 0 || at >= extent) {
      if (mode == "constant") continue;
      if (extent == 0) return invalid_data("mode '{}' on an empty axis", mode);
      if (mode == "edge") at = std::clamp<int64_t>(at, 0, extent - 1);
      if (mode == "wrap") at = (at % extent + extent) % extent;
      if (mode == "reflect") {
        const int64_t period = std::max<int64_t>(2 * (extent - 1), 1);
        at = (at % period + period) % period;
        if (at >= extent) at = period - at;
      }
    }
    map[static_cast<size_t>(i)] = at;
  }
  return map;
}

void fill(std::byte* to, const std::byte* value, size_t bytes, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    std::memcpy(to + static_cast<size_t>(i) * bytes, value, bytes);
}

// Axes in memory order; `maps` says where each index comes from. The innermost axis is copied in
// one piece between its first and last plain index.
struct Job {
  Dims in;
  Dims out;
  std::vector<SourceMap> maps;
  std::vector<int64_t> before;
  size_t bytes = 0;
  std::vector<std::byte> value;  ///< One element of `bytes`.
};

void copy_row(const Job& job, const std::byte* from, std::byte* to) {
  const SourceMap& map = job.maps.back();
  const int64_t low = std::clamp<int64_t>(job.before.back(), 0, job.out.back());
  const int64_t high = std::clamp<int64_t>(job.before.back() + job.in.back(), low, job.out.back());
  const auto place = [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t at = map[static_cast<size_t>(i)];
      std::memcpy(to + static_cast<size_t>(i) * job.bytes,
                  at < 0 ? job.value.data() : from + static_cast<size_t>(at) * job.bytes,
                  job.bytes);
    }
  };
  place(0, low);
  if (high > low)
    std::memcpy(to + static_cast<size_t>(low) * job.bytes,
                from + static_cast<size_t>(low - job.before.back()) * job.bytes,
                static_cast<size_t>(high - low) * job.bytes);
  place(high, job.out.back());
}

void run_job(const Job& job, const std::byte* from, std::byte* to, Parallel& parallel) {
  const size_t axes = job.out.size() - 1;
  size_t rows = 1;
  for (size_t a = 0; a < axes; ++a) rows *= static_cast<size_t>(job.out[a]);
  const size_t row_bytes = static_cast<size_t>(job.out.back()) * job.bytes;
  if (row_bytes == 0) return;
  parallel.for_ranges(rows, kParallelGrain / row_bytes + 1, [&](size_t begin, size_t end) {
    for (size_t row = begin; row < end; ++row) {
      auto rest = static_cast<int64_t>(row);
      int64_t source = 0;
      int64_t step = 1;
      bool inside = true;
      for (size_t a = axes; a-- > 0; step *= job.in[a], rest /= job.out[a]) {
        const int64_t at = job.maps[a][static_cast<size_t>(rest % job.out[a])];
        inside = inside && at >= 0;
        source += at * step;
      }
      std::byte* out = to + row * row_bytes;
      if (inside)
        copy_row(job, from + static_cast<size_t>(source * job.in.back()) * job.bytes, out);
      else
        fill(out, job.value.data(), job.bytes, job.out.back());
    }
  });
}

std::vector<int64_t> pads_before(const RunContext& context, size_t rank) {
  const auto pads = movement::integers_of(context.input(1));
  std::vector<int64_t> before(rank, 0);
  for (size_t i = 0; i < pads.size() / 2; ++i) {
    const int64_t axis =
        context.has_input(3) ? movement::integers_of(context.input(3))[i] : static_cast<int64_t>(i);
    before[*normalize_axis(axis, rank)] = pads[i];
  }
  return before;
}

std::vector<std::byte> pad_value(const RunContext& context, DType dtype, size_t bytes) {
  std::vector<std::byte> value(bytes);
  if (!context.has_input(2) || context.input(2).count() == 0) return value;
  const TensorView& given = context.input(2);
  if (given.dtype == dtype) {
    std::memcpy(value.data(), given.data, bytes);
    return value;
  }
  // The float attribute of an old model.
  const float number = Tensor(given.dtype, given.dims, given.bytes(), nullptr).to_float()[0];
  visit_dtype(dtype, NumericTypes{}, [&]<typename T>() {
    const T element = static_cast<T>(number);
    std::memcpy(value.data(), &element, bytes);
  });
  return value;
}

Status run_with(const std::string& mode, RunContext& context, std::vector<std::byte> value) {
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  OCTET_ASSIGN(const size_t element, element_bytes(x.dtype));
  const auto before = pads_before(context, x.rank());
  Job job{{}, {}, {}, {}, element, std::move(value)};
  // Untouched innermost axes become part of the element.
  size_t rank = x.rank();
  while (rank > 0 && before[rank - 1] == 0 && x.dims[rank - 1] == y.dims[rank - 1])
    job.bytes *= static_cast<size_t>(x.dims[--rank]);
  std::vector<std::byte> wide(job.bytes);
  fill(wide.data(), job.value.data(), element, static_cast<int64_t>(job.bytes / element));
  job.value = std::move(wide);
  for (size_t a = 0; a < rank; ++a) {
    OCTET_ASSIGN(auto map, source_map(mode, x.dims[a], before[a], y.dims[a]));
    job.in.push_back(x.dims[a]);
    job.out.push_back(y.dims[a]);
    job.before.push_back(before[a]);
    job.maps.push_back(std::move(map));
  }
  if (rank == 0) {
    job.in = job.out = {1};
    job.before = {0};
    job.maps = {{0}};
  }
  run_job(job, x.data, y.data, context.parallel());
  return {};
}

Status run(const Attrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  OCTET_ASSIGN(const size_t bytes, element_bytes(x.dtype));
  return run_with(attrs.as<PadAttrs>().mode, context, pad_value(context, x.dtype, bytes));
}

// Codes: the constant is a code too.
class PadCodes final : public Step {
 public:
  PadCodes(std::string mode, std::vector<std::byte> value)
      : mode_(std::move(mode)), value_(std::move(value)) {}
  Status run(RunContext& context) const override { return run_with(mode_, context, value_); }
  StepInfo info() const override { return {"copy", "native", Isa::scalar}; }

 private:
  std::string mode_;
  std::vector<std::byte> value_;
};

std::optional<Ports> match_codes(const LowerContext& context) {
  const QuantPtr& quant = context.input_quant(0);
  const bool known = !context.has_input(2) || context.constant(2) != nullptr;
  if (!quant || !known || (quant->storage != DType::u8 && quant->storage != DType::s8))
    return std::nullopt;
  return match_moved<1>(context);
}

Result<std::unique_ptr<Step>> prepare_codes(const LowerContext& context) {
  const QuantType& quant = *context.input_quant(0);
  const float real = context.has_input(2) ? context.constant(2)->to_float()[0] : 0.0F;
  const auto code = quant.storage == DType::u8
                        ? quantize<uint8_t>(real, quant.tensor_scale(), quant.tensor_zero_point())
                        : static_cast<uint8_t>(quantize<int8_t>(real, quant.tensor_scale(),
                                                                quant.tensor_zero_point()));
  return std::unique_ptr<Step>(std::make_unique<PadCodes>(
      context.attrs<PadAttrs>().mode, std::vector<std::byte>{static_cast<std::byte>(code)}));
}

constexpr Implementation kRows[] = {
    recoded<run>(),
    {.name = "copy", .match = match_codes, .prepare = prepare_codes},
    reference<run>(),
};

}  // namespace

extern const OpDef Pad;
const OpDef Pad = {.domain = "",
                   .name = "Pad",
                   .inputs = {1, 4},
                   .attrs = attr_codec<PadAttrs>(),
                   .canonical = canonical,
                   .infer = infer,
                   .quant = movement::quant_shared,
                   .implementations = kRows};

}  // namespace octet::ops::pad
