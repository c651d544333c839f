#include "engine/ops/common/fourier.h"

#include <algorithm>

#include "engine/ops/common/axes.h"
#include "engine/ops/op.h"

// Discrete Fourier transforms. A last axis of 2 holds real and imaginary parts.

namespace octet::ops::fourier {
namespace {

using Cell = FourierCell;
using kernels::FourierF64Table;
using kernels::kFourierLanes;

struct DftAttrs {
  std::optional<int64_t> axis;  ///< An input from opset 20 on.
  int64_t inverse = 0;
  int64_t onesided = 0;
  static constexpr auto fields() {
    return std::tuple{field("axis", &DftAttrs::axis, {.until = 19}),
                      field("inverse", &DftAttrs::inverse), field("onesided", &DftAttrs::onesided)};
  }
};

struct StftAttrs {
  int64_t onesided = 1;
  static constexpr auto fields() { return std::tuple{field("onesided", &StftAttrs::onesided)}; }
};

Status canonical(const CanonicalContext& context) {
  if (context.opset >= 20) return {};
  DftAttrs attrs = context.attrs<DftAttrs>();
  context.set_constant_input(2, Tensor::scalar(attrs.axis.value_or(1)), "axis");
  attrs.axis.reset();
  context.node().attrs = Attrs::of(attrs);
  return {};
}

Dim bins_of(const Dim& length, bool onesided) {
  return onesided ? floor_div(length, Dim(2)) + Dim(1) : length;
}

Status infer_dft(InferContext& context) {
  const auto& attrs = context.attrs<DftAttrs>();
  if (attrs.inverse != 0 && attrs.onesided != 0)
    return unsupported("an inverse transform of one side");
  const auto axis = context.has_input(2) ? context.known_elements(2) : std::vector<int64_t>{-2};
  if (!context.has_rank(0) || !axis || axis->size() != 1) {
    context.set_tensor(0, context.dtype(0));
    return {};
  }
  Shape shape = context.shape(0);
  if (shape.size() < 2) return invalid_model("the input has no axis of parts");
  OCTET_ASSIGN(const size_t at, context.axis((*axis)[0], shape.size()));
  if (at + 1 == shape.size()) return invalid_model("the axis is that of the parts");
  if (context.has_input(1)) {
    const auto* length = context.elements(1);
    shape[at] = length != nullptr && length->size() == 1 ? (*length)[0] : Dim::fresh();
  }
  shape[at] = bins_of(shape[at], attrs.onesided != 0);
  shape.back() = Dim(2);
  context.set_tensor(0, context.dtype(0), std::move(shape));
  return {};
}

int64_t integer_of(const TensorView& view) {
  return Tensor(view.dtype, view.dims, view.bytes(), nullptr).to_int64()[0];
}

// A lane from a strided row of numbers of one or two parts, padded with zeros or cut.
template <typename T>
void read_lane(const T* x, size_t count, size_t step, size_t parts, std::vector<Cell>& cells,
               size_t lane) {
  for (size_t i = 0; i < cells.size(); ++i) {
    cells[i].re[lane] = i < count ? static_cast<double>(x[i * step]) : 0.0;
    cells[i].im[lane] = i < count && parts == 2 ? static_cast<double>(x[i * step + 1]) : 0.0;
  }
}

template <typename T>
void dft(const FourierF64Table& table, const FourierPlan& plan, size_t axis, RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  const AxisCut in = cut_at(x.dims, axis);
  const AxisCut out = cut_at(y.dims, axis);
  const auto parts = static_cast<size_t>(x.dims.back());
  const double factor = plan.inverse() ? 1.0 / static_cast<double>(plan.length()) : 1.0;
  const size_t columns = out.inner / 2;
  const size_t rows = out.outer * columns;
  const size_t groups = (rows + kFourierLanes - 1) / kFourierLanes;
  context.parallel().for_ranges(groups, 1, [&](size_t begin, size_t end) {
    FourierBuffers buffers(plan);
    for (size_t group = begin; group < end; ++group) {
      const size_t first = group * kFourierLanes;
      const size_t lanes = std::min(kFourierLanes, rows - first);
      for (size_t l = 0; l < lanes; ++l) {
        const size_t o = (first + l) / columns;
        const size_t c = (first + l) % columns;
        read_lane(x.as<T>() + o * in.extent * in.inner + c * parts, in.extent, in.inner, parts,
                  buffers.x, l);
      }
      buffers.transform(table, plan);
      for (size_t l = 0; l < lanes; ++l) {
        const size_t o = (first + l) / columns;
        T* to = y.as<T>() + o * out.extent * out.inner + (first + l) % columns * 2;
        for (size_t k = 0; k < out.extent; ++k, to += out.inner) {
          to[0] = static_cast<T>(buffers.y[k].re[l] * factor);
          to[1] = static_cast<T>(buffers.y[k].im[l] * factor);
        }
      }
    }
  });
}

Status run_dft(const DftAttrs& attrs, const FourierF64Table& table, FourierPlans& plans,
               RunContext& context) {
  const TensorView& x = context.input(0);
  const auto axis =
      normalize_axis(context.has_input(2) ? integer_of(context.input(2)) : -2, x.rank());
  if (!axis || *axis + 1 == x.rank() || (x.dims.back() != 1 && x.dims.back() != 2))
    return invalid_data("the axis or the parts don't fit the input");
  const int64_t length = context.has_input(1) ? integer_of(context.input(1)) : x.dims[*axis];
  if (length < 1 || length > (int64_t{1} << 30)) return invalid_data("a length out of range");
  Dims dims = x.dims;
  dims[*axis] = bins_of(Dim(length), attrs.onesided != 0).value();
  dims.back() = 2;
  OCTET_RETURN_IF_ERROR(context.allocate(0, std::move(dims)));
  const bool known = visit_dtype(x.dtype, FloatTypes{}, [&]<typename T>() {
    dft<T>(table, *plans.get(static_cast<size_t>(length), attrs.inverse != 0), *axis, context);
  });
  return known ? Status{} : unsupported("elements of {}", dtype_name(x.dtype));
}

// The length of a frame: given, or the window's.
std::optional<Dim> frame_length(const InferContext& context) {
  if (context.has_input(3)) {
    const auto* length = context.elements(3);
    return length != nullptr && length->size() == 1 ? std::optional((*length)[0]) : std::nullopt;
  }
  if (context.has_input(2) && context.has_rank(2) && context.shape(2).size() == 1)
    return context.shape(2)[0];
  return std::nullopt;
}

Status infer_stft(InferContext& context) {
  if (!context.has_input(2) && !context.has_input(3))
    return invalid_model("neither a window nor a frame's length is given");
  if (!context.has_rank(0)) {
    context.set_tensor(0, context.dtype(0));
    return {};
  }
  const Shape& x = context.shape(0);
  if (x.size() < 2 || x.size() > 3) return invalid_model("the signal must be [batch, length, 1]");
  const auto length = frame_length(context);
  const auto step = context.known_elements(1);
  if (step && (step->size() != 1 || (*step)[0] < 1)) return invalid_model("frame_step");
  const Dim frames =
      length && step ? floor_div(x[1] - *length, Dim((*step)[0])) + Dim(1) : Dim::fresh();
  const Dim bins =
      length ? bins_of(*length, context.attrs<StftAttrs>().onesided != 0) : Dim::fresh();
  context.set_tensor(0, context.dtype(0), Shape{x[0], frames, bins, Dim(2)});
  return {};
}

// What a transform of windowed frames reads and writes: frame f of all rows' frames.
template <typename T>
class Frames {
 public:
  Frames(size_t step, const FourierPlan& plan, const FourierF64Table& table,
         const RunContext& context)
      : x_(context.input(0)), y_(context.output(0)), step_(step), plan_(plan), table_(table) {
    parts_ = x_.rank() == 3 ? static_cast<size_t>(x_.dims[2]) : 1;
    per_row_ = static_cast<size_t>(y_.dims[1]);
    bins_ = static_cast<size_t>(y_.dims[2]);
    window_.assign(plan.length(), T(1.0F));
    if (context.has_input(2)) std::copy_n(context.input(2).as<T>(), plan.length(), window_.begin());
  }
  bool real() const { return parts_ == 1; }
  size_t rows() const { return static_cast<size_t>(x_.dims[0]); }
  size_t per_row() const { return per_row_; }

  // kFourierLanes frames of all rows', or fewer, from the first one on.
  void run_lanes(size_t first, FourierBuffers& buffers) const {
    const size_t lanes = std::min(kFourierLanes, rows() * per_row_ - first);
    for (size_t l = 0; l < lanes; ++l)
      for (size_t part = 0; part < 2; ++part) read(first + l, part, l, buffers.x);
    buffers.transform(table_, plan_);
    for (size_t l = 0; l < lanes; ++l) {
      T* to = y_.as<T>() + (first + l) * bins_ * 2;
      for (size_t k = 0; k < bins_; ++k) {
        to[2 * k] = static_cast<T>(buffers.y[k].re[l]);
        to[2 * k + 1] = static_cast<T>(buffers.y[k].im[l]);
      }
    }
  }

  // `count` frames of a row of real samples, at most twice as many as there are lanes. Where they
  // are fewer, copies stand beside each other with zeros behind.
  void run_pairs(size_t row, size_t first, size_t count, FourierBuffers& buffers) const {
    constexpr size_t kPairs = 2 * kFourierLanes;
    const auto samples = static_cast<size_t>(x_.dims[1]);
    const float* x = x_.as<float>() + row * samples + first * step_;
    float* y = y_.as<float>() + (row * per_row_ + first) * bins_ * 2;
    std::vector<float> in, out;
    if (count < kPairs) {
      in.assign((kPairs - 1) * step_ + plan_.length(), 0.0F);
      std::copy_n(x, (count - 1) * step_ + plan_.length(), in.begin());
      out.resize(kPairs * bins_ * 2);
    }
    table_.load_pairs(in.empty() ? x : in.data(), step_, window_.data(), plan_.length(),
                      buffers.x[0].re);
    buffers.transform(table_, plan_);
    table_.store_pairs(buffers.y[0].re, plan_.length(), bins_, out.empty() ? y : out.data(),
                       bins_ * 2);
    std::copy_n(out.begin(), out.empty() ? 0 : count * bins_ * 2, y);
  }

 private:
  // One part of frame f as one part of a lane.
  void read(size_t f, size_t part, size_t lane, std::vector<Cell>& cells) const {
    const auto samples = static_cast<size_t>(x_.dims[1]);
    const T* from = x_.as<T>() + (f / per_row_ * samples + f % per_row_ * step_) * parts_ + part;
    for (size_t i = 0; i < cells.size(); ++i) {
      const double x = part < parts_ ? static_cast<double>(from[i * parts_]) : 0.0;
      (part == 0 ? cells[i].re : cells[i].im)[lane] = x * static_cast<double>(window_[i]);
    }
  }

  const TensorView& x_;
  const TensorView& y_;
  size_t step_;
  const FourierPlan& plan_;
  const FourierF64Table& table_;
  size_t parts_;
  size_t per_row_;
  size_t bins_;
  std::vector<T> window_;
};

template <typename T>
void stft(size_t step, const FourierPlan& plan, const FourierF64Table& table, RunContext& context) {
  const Frames<T> frames(step, plan, table, context);
  if constexpr (std::is_same_v<T, float>) {
    if (frames.real()) {
      constexpr size_t kPairs = 2 * kFourierLanes;
      const size_t groups = (frames.per_row() + kPairs - 1) / kPairs;
      context.parallel().for_ranges(frames.rows() * groups, 1, [&](size_t begin, size_t end) {
        FourierBuffers buffers(plan);
        for (size_t i = begin; i < end; ++i) {
          const size_t first = i % groups * kPairs;
          frames.run_pairs(i / groups, first, std::min(kPairs, frames.per_row() - first), buffers);
        }
      });
      return;
    }
  }
  const size_t groups = (frames.rows() * frames.per_row() + kFourierLanes - 1) / kFourierLanes;
  context.parallel().for_ranges(groups, 1, [&](size_t begin, size_t end) {
    FourierBuffers buffers(plan);
    for (size_t i = begin; i < end; ++i) frames.run_lanes(i * kFourierLanes, buffers);
  });
}

Status run_stft(const StftAttrs& attrs, const FourierF64Table& table, FourierPlans& plans,
                RunContext& context) {
  const TensorView& x = context.input(0);
  // A step past the signal's end leaves one frame, however large it is.
  const int64_t step = std::min(integer_of(context.input(1)), std::max<int64_t>(x.dims[1], 1));
  const int64_t length =
      context.has_input(3) ? integer_of(context.input(3)) : context.input(2).count();
  if (step < 1 || length < 1 || length > x.dims[1])
    return invalid_data("frames of {} every {} don't fit a signal of {}", length, step, x.dims[1]);
  if (context.has_input(2) &&
      (context.input(2).count() != length || context.input(2).dtype != x.dtype))
    return invalid_data("the window doesn't fit a frame");
  const int64_t bins = bins_of(Dim(length), attrs.onesided != 0).value();
  OCTET_RETURN_IF_ERROR(context.allocate(0, {x.dims[0], (x.dims[1] - length) / step + 1, bins, 2}));
  const bool known = visit_dtype(x.dtype, FloatTypes{}, [&]<typename T>() {
    stft<T>(static_cast<size_t>(step), *plans.get(static_cast<size_t>(length), false), table,
            context);
  });
  return known ? Status{} : unsupported("elements of {}", dtype_name(x.dtype));
}

template <typename A, auto Run>
class FourierStep final : public Step {
 public:
  FourierStep(A attrs, const kernels::FourierF64Variant& variant)
      : attrs_(std::move(attrs)), variant_(variant) {}
  Status run(RunContext& context) const override {
    return Run(attrs_, *variant_.table, plans_, context);
  }
  StepInfo info() const override { return {"fourier_f64", "native", variant_.isa}; }

 private:
  A attrs_;
  const kernels::FourierF64Variant& variant_;
  mutable FourierPlans plans_;
};

template <typename A, auto Run>
Result<std::unique_ptr<Step>> prepare(const LowerContext& context) {
  return std::unique_ptr<Step>(std::make_unique<FourierStep<A, Run>>(
      context.attrs<A>(), kernels::select_fourier_f64(context.cpu())));
}

constexpr Implementation kDftRows[] = {
    {.name = "fourier_f64", .prepare = prepare<DftAttrs, run_dft>}};
constexpr Implementation kStftRows[] = {
    {.name = "fourier_f64", .prepare = prepare<StftAttrs, run_stft>}};

}  // namespace

extern const OpDef DFT;
extern const OpDef STFT;
const OpDef DFT = {
    .domain = "",
    .name = "DFT",
    .since = 17,
    .inputs = {1, 3},
    .attrs = attr_codec<DftAttrs>(),
    .canonical = canonical,
    .infer = infer_dft,
    .implementations = kDftRows,
};
const OpDef STFT = {
    .domain = "",
    .name = "STFT",
    .since = 17,
    .inputs = {2, 4},
    .attrs = attr_codec<StftAttrs>(),
    .infer = infer_stft,
    .implementations = kStftRows,
};

}  // namespace octet::ops::fourier
