#include <cmath>
#include <complex>
#include <limits>

#include "engine/ops/common/axes.h"
#include "engine/ops/op.h"

// Discrete Fourier transforms. A last axis of 2 holds real and imaginary parts.

namespace octet::ops::fourier {
namespace {

using Complex = std::complex<double>;

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

// e^(-2 pi i k / n) for all k, conjugated for the inverse.
std::vector<Complex> roots(size_t n, bool inverse) {
  std::vector<Complex> table(n);
  const double step = (inverse ? 2.0 : -2.0) * std::acos(-1.0) / static_cast<double>(n);
  for (size_t k = 0; k < n; ++k) table[k] = std::polar(1.0, step * static_cast<double>(k));
  return table;
}

bool is_power_of_two(size_t n) { return n > 0 && (n & (n - 1)) == 0; }

// Cooley and Tukey's recursion where the length is a power of two, the plain sum elsewhere.
// `table` are the roots of stride * x.size().
std::vector<Complex> transform(const std::vector<Complex>& x, const std::vector<Complex>& table,
                               size_t stride) {
  const size_t n = x.size();
  std::vector<Complex> y(n);
  if (n == 1) return x;
  if (!is_power_of_two(n)) {
    for (size_t k = 0; k < n; ++k)
      for (size_t i = 0; i < n; ++i) y[k] += x[i] * table[i * k % n * stride];
    return y;
  }
  std::vector<Complex> even(n / 2);
  std::vector<Complex> odd(n / 2);
  for (size_t i = 0; i < n / 2; ++i) {
    even[i] = x[2 * i];
    odd[i] = x[2 * i + 1];
  }
  even = transform(even, table, stride * 2);
  odd = transform(odd, table, stride * 2);
  for (size_t k = 0; k < n / 2; ++k) {
    const Complex turned = odd[k] * table[k * stride];
    y[k] = even[k] + turned;
    y[k + n / 2] = even[k] - turned;
  }
  return y;
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

// A strided row of numbers of one or two parts, padded with zeros or cut to `length`.
template <typename T>
std::vector<Complex> read_row(const T* x, size_t count, size_t step, size_t parts, size_t length) {
  std::vector<Complex> row(length);
  for (size_t i = 0; i < std::min(count, length); ++i) {
    const T* at = x + i * step;
    row[i] = {static_cast<double>(at[0]), parts == 2 ? static_cast<double>(at[1]) : 0.0};
  }
  return row;
}

template <typename T>
void write_row(const std::vector<Complex>& row, T* y, size_t bins, size_t step, double factor) {
  for (size_t k = 0; k < bins; ++k) {
    y[k * step] = static_cast<T>(row[k].real() * factor);
    y[k * step + 1] = static_cast<T>(row[k].imag() * factor);
  }
}

template <typename T>
void dft(bool inverse, size_t length, size_t axis, RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  const AxisCut in = cut_at(x.dims, axis);
  const AxisCut out = cut_at(y.dims, axis);
  const auto parts = static_cast<size_t>(x.dims.back());
  const auto table = roots(length, inverse);
  const double factor = inverse ? 1.0 / static_cast<double>(length) : 1.0;
  const size_t columns = out.inner / 2;
  context.parallel().for_ranges(out.outer * columns, 1, [&](size_t begin, size_t end) {
    for (size_t r = begin; r < end; ++r) {
      const size_t o = r / columns;
      const size_t c = r % columns;
      const T* from = x.as<T>() + o * in.extent * in.inner + c * parts;
      T* to = y.as<T>() + o * out.extent * out.inner + c * 2;
      const auto row = read_row(from, in.extent, in.inner, parts, length);
      write_row(transform(row, table, 1), to, out.extent, out.inner, factor);
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

template <typename T>
void stft(size_t step, size_t length, RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  const size_t parts = x.rank() == 3 ? static_cast<size_t>(x.dims[2]) : 1;
  const auto samples = static_cast<size_t>(x.dims[1]);
  const auto frames = static_cast<size_t>(y.dims[1]);
  const auto bins = static_cast<size_t>(y.dims[2]);
  const auto table = roots(length, false);
  const T* window = context.has_input(2) ? context.input(2).as<T>() : nullptr;
  context.parallel().for_ranges(
      static_cast<size_t>(y.dims[0]) * frames, 1, [&](size_t begin, size_t end) {
        for (size_t f = begin; f < end; ++f) {
          const T* from = x.as<T>() + (f / frames * samples + f % frames * step) * parts;
          auto row = read_row(from, length, parts, parts, length);
          for (size_t i = 0; window != nullptr && i < length; ++i)
            row[i] *= static_cast<double>(window[i]);
          write_row(transform(row, table, 1), y.as<T>() + f * bins * 2, bins, 2, 1.0);
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
