#include <cmath>
#include <numbers>

#include "engine/ir/stop.h"
#include "engine/ops/common/movement.h"

// Windows of signal processing: a0 - a1 cos(2 pi n / N) + a2 cos(4 pi n / N).

namespace octet::ops::window {
namespace {

struct WindowAttrs {
  int64_t output_datatype = 1;
  int64_t periodic = 1;
  static constexpr auto fields() {
    return std::tuple{field("output_datatype", &WindowAttrs::output_datatype),
                      field("periodic", &WindowAttrs::periodic)};
  }
};

struct Coefficients {
  double a0;
  double a1;
  double a2;
};

constexpr Coefficients kBlackman{0.42, 0.5, 0.08};
constexpr Coefficients kHamming{25.0 / 46.0, 21.0 / 46.0, 0.0};
constexpr Coefficients kHann{0.5, 0.5, 0.0};

Status infer(InferContext& context) {
  const int64_t type = context.attrs<WindowAttrs>().output_datatype;
  if (type <= 0 || type >= kDTypeCount) return unsupported("element type {}", type);
  const auto* size = context.elements(0);
  const bool known = size != nullptr && size->size() == 1;
  if (known && size->front().known() && size->front().value() < 0)
    return invalid_model("a negative size");
  context.set_tensor(0, static_cast<DType>(type), Shape{known ? size->front() : Dim::fresh()});
  return {};
}

template <const Coefficients& C>
Status run(const Attrs& attrs, RunContext& context) {
  const int64_t size = movement::integers_of(context.input(0)).at(0);
  OCTET_RETURN_IF_ERROR(context.allocate(0, {size}));
  const TensorView& y = context.output(0);
  const bool periodic = attrs.as<WindowAttrs>().periodic != 0;
  const auto length = static_cast<double>(periodic ? size : size - 1);
  const bool known = visit_dtype(y.dtype, NumericTypes{}, [&]<typename T>() {
    StopPoll poll;
    for (int64_t n = 0; n < size; ++n) {
      poll(16);
      const double angle = 2 * std::numbers::pi * static_cast<double>(n) / length;
      const double value = C.a0 - C.a1 * std::cos(angle) + C.a2 * std::cos(2 * angle);
      y.as<T>()[n] = static_cast<T>(value);
    }
  });
  return known ? Status{} : unsupported("elements of type {}", dtype_name(y.dtype));
}

template <const Coefficients& C>
constexpr Implementation kRows[] = {reference<run<C>>()};

template <const Coefficients& C>
constexpr OpDef window_op(std::string_view name) {
  return {.domain = "",
          .name = name,
          .since = 17,
          .attrs = attr_codec<WindowAttrs>(),
          .infer = infer,
          .implementations = kRows<C>};
}

}  // namespace

extern const OpDef BlackmanWindow;
extern const OpDef HammingWindow;
extern const OpDef HannWindow;
const OpDef BlackmanWindow = window_op<kBlackman>("BlackmanWindow");
const OpDef HammingWindow = window_op<kHamming>("HammingWindow");
const OpDef HannWindow = window_op<kHann>("HannWindow");

}  // namespace octet::ops::window
