#include "engine/ops/common/fourier.h"

#include <algorithm>

#include "engine/ops/common/axes.h"
#include "engine/ops/op.h"

// Discrete Fourier transforms. A last axis of 2 holds real and imaginary parts.

namespace octet::ops::fourier {
namespace {

using Cell = Fourier::Cell;
constexpr size_t kLanes = Fourier::kLanes;

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

// The cells of a transform and of its result.
struct Buffers {
  explicit Buffers(size_t length) : x(length), y(length) {}
  std::vector<Cell> x;
  std::vector<Cell> y;
};

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
void dft(bool inverse, size_t length, size_t axis, RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  const AxisCut in = cut_at(x.dims, axis);
  const AxisCut out = cut_at(y.dims, axis);
  const auto parts = static_cast<size_t>(x.dims.back());
  const Fourier fourier(length, inverse);
  const double factor = inverse ? 1.0 / static_cast<double>(length) : 1.0;
  const size_t columns = out.inner / 2;
  const size_t rows = out.outer * columns;
  const size_t groups = (rows + kLanes - 1) / kLanes;
  context.parallel().for_ranges(groups, 1, [&](size_t begin, size_t end) {
    Buffers buffers(length);
    for (size_t group = begin; group < end; ++group) {
      const size_t first = group * kLanes;
      const size_t lanes = std::min(kLanes, rows - first);
      for (size_t l = 0; l < lanes; ++l) {
        const size_t o = (first + l) / columns;
        const size_t c = (first + l) % columns;
        read_lane(x.as<T>() + o * in.extent * in.inner + c * parts, in.extent, in.inner, parts,
                  buffers.x, l);
      }
      fourier.run(buffers.x.data(), buffers.y.data());
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

Status run_dft(const Attrs& attributes, RunContext& context) {
  const auto& attrs = attributes.as<DftAttrs>();
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
    dft<T>(attrs.inverse != 0, static_cast<size_t>(length), *axis, context);
  });
  return known ? Status{} : unsupported("elements of " + std::string(dtype_name(x.dtype)));
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

// Frames of a signal: frame f of all rows' frames, windowed.
template <typename T>
class Frames {
 public:
  Frames(size_t step, size_t length, const RunContext& context)
      : x_(context.input(0)), step_(step), length_(length) {
    parts_ = x_.rank() == 3 ? static_cast<size_t>(x_.dims[2]) : 1;
    per_row_ = static_cast<size_t>(context.output(0).dims[1]);
    window_ = context.has_input(2) ? context.input(2).as<T>() : nullptr;
  }
  bool real() const { return parts_ == 1; }
  /// One part of frame f as one part of a lane.
  void read(size_t f, size_t part, std::array<double, kLanes> Cell::*field, size_t lane,
            std::vector<Cell>& cells) const {
    const auto samples = static_cast<size_t>(x_.dims[1]);
    const T* from = x_.as<T>() + (f / per_row_ * samples + f % per_row_ * step_) * parts_ + part;
    for (size_t i = 0; i < length_; ++i) {
      const double factor = window_ != nullptr ? static_cast<double>(window_[i]) : 1.0;
      (cells[i].*field)[lane] = static_cast<double>(from[i * parts_]) * factor;
    }
  }

 private:
  const TensorView& x_;
  size_t step_;
  size_t length_;
  size_t parts_;
  size_t per_row_;
  const T* window_;
};

template <typename T>
void write_bins(const std::vector<Cell>& cells, size_t lane, T* y, size_t bins) {
  for (size_t k = 0; k < bins; ++k) {
    y[2 * k] = static_cast<T>(cells[k].re[lane]);
    y[2 * k + 1] = static_cast<T>(cells[k].im[lane]);
  }
}

// The transforms of two real rows from that of the first plus i times the second: the parts of it
// that are and aren't their own mirrored conjugates. `second` may be null.
template <typename T>
void write_pair(const std::vector<Cell>& cells, size_t lane, T* first, T* second, size_t bins) {
  for (size_t k = 0; k < bins; ++k) {
    const Cell& at = cells[k];
    const Cell& mirror = cells[k == 0 ? 0 : cells.size() - k];
    first[2 * k] = static_cast<T>(0.5 * (at.re[lane] + mirror.re[lane]));
    first[2 * k + 1] = static_cast<T>(0.5 * (at.im[lane] - mirror.im[lane]));
    if (second == nullptr) continue;
    second[2 * k] = static_cast<T>(0.5 * (at.im[lane] + mirror.im[lane]));
    second[2 * k + 1] = static_cast<T>(0.5 * (mirror.re[lane] - at.re[lane]));
  }
}

template <typename T>
void stft(size_t step, size_t length, RunContext& context) {
  const TensorView& y = context.output(0);
  const auto bins = static_cast<size_t>(y.dims[2]);
  const size_t count = static_cast<size_t>(y.dims[0]) * static_cast<size_t>(y.dims[1]);
  const Frames<T> frames(step, length, context);
  const Fourier fourier(length, false);
  const size_t pair = frames.real() ? 2 : 1;
  const size_t groups = (count + pair * kLanes - 1) / (pair * kLanes);
  context.parallel().for_ranges(groups, 1, [&](size_t begin, size_t end) {
    Buffers buffers(length);
    for (size_t group = begin; group < end; ++group) {
      const size_t first = group * pair * kLanes;
      const size_t lanes = std::min(kLanes, (count - first + pair - 1) / pair);
      for (size_t l = 0; l < lanes; ++l) {
        const size_t f = first + l * pair;
        frames.read(f, 0, &Cell::re, l, buffers.x);
        if (!frames.real())
          frames.read(f, 1, &Cell::im, l, buffers.x);
        else
          frames.read(std::min(f + 1, count - 1), 0, &Cell::im, l, buffers.x);
      }
      fourier.run(buffers.x.data(), buffers.y.data());
      for (size_t l = 0; l < lanes; ++l) {
        const size_t f = first + l * pair;
        T* to = y.as<T>() + f * bins * 2;
        if (!frames.real())
          write_bins(buffers.y, l, to, bins);
        else
          write_pair(buffers.y, l, to, f + 1 < count ? to + bins * 2 : nullptr, bins);
      }
    }
  });
}

Status run_stft(const Attrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  const int64_t step = integer_of(context.input(1));
  const int64_t length =
      context.has_input(3) ? integer_of(context.input(3)) : context.input(2).count();
  if (step < 1 || length < 1 || length > x.dims[1])
    return invalid_data("frames of " + std::to_string(length) + " every " + std::to_string(step) +
                        " don't fit a signal of " + std::to_string(x.dims[1]));
  if (context.has_input(2) &&
      (context.input(2).count() != length || context.input(2).dtype != x.dtype))
    return invalid_data("the window doesn't fit a frame");
  const int64_t bins = bins_of(Dim(length), attrs.as<StftAttrs>().onesided != 0).value();
  OCTET_RETURN_IF_ERROR(context.allocate(0, {x.dims[0], (x.dims[1] - length) / step + 1, bins, 2}));
  const bool known = visit_dtype(x.dtype, FloatTypes{}, [&]<typename T>() {
    stft<T>(static_cast<size_t>(step), static_cast<size_t>(length), context);
  });
  return known ? Status{} : unsupported("elements of " + std::string(dtype_name(x.dtype)));
}

constexpr Implementation kDftRows[] = {reference<run_dft>()};
constexpr Implementation kStftRows[] = {reference<run_stft>()};

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
