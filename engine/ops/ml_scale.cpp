#include <algorithm>
#include <cmath>

#include "engine/ops/common/ml_rows.h"

// Features shifted, scaled, compared and replaced.

namespace octet::ops::ml_scale {
namespace {

using Numbers = TypeList<float, double, int32_t, int64_t>;

struct BinarizerAttrs {
  float threshold = 0.0F;
  static constexpr auto fields() {
    return std::tuple{field("threshold", &BinarizerAttrs::threshold)};
  }
};

struct ScalerAttrs {
  std::vector<float> offset = {};
  std::vector<float> scale = {};
  static constexpr auto fields() {
    return std::tuple{field("offset", &ScalerAttrs::offset), field("scale", &ScalerAttrs::scale)};
  }
};

struct NormalizerAttrs {
  std::string norm = "MAX";
  static constexpr auto fields() { return std::tuple{field("norm", &NormalizerAttrs::norm)}; }
};

struct ImputerAttrs {
  std::vector<float> imputed_value_floats = {};
  std::vector<int64_t> imputed_value_int64s = {};
  float replaced_value_float = 0.0F;
  int64_t replaced_value_int64 = 0;
  static constexpr auto fields() {
    using A = ImputerAttrs;
    return std::tuple{field("imputed_value_floats", &A::imputed_value_floats),
                      field("imputed_value_int64s", &A::imputed_value_int64s),
                      field("replaced_value_float", &A::replaced_value_float),
                      field("replaced_value_int64", &A::replaced_value_int64)};
  }
};

Status infer_numbers(InferContext& context) {
  OCTET_RETURN_IF_ERROR(ml::require_numbers(context));
  return infer_same(context);
}

Status infer_floats(InferContext& context) {
  OCTET_RETURN_IF_ERROR(ml::require_numbers(context));
  context.set_tensor(0, DType::f32, context.input(0).shape);
  return {};
}

Status infer_normalizer(InferContext& context) {
  const auto& norm = context.attrs<NormalizerAttrs>().norm;
  if (norm != "MAX" && norm != "L1" && norm != "L2") return invalid_model("norm '{}'", norm);
  return infer_floats(context);
}

Status run_binarizer(const Attrs& attrs, RunContext& context) {
  const auto threshold = static_cast<double>(attrs.as<BinarizerAttrs>().threshold);
  const TensorView& x = context.input(0);
  visit_dtype(x.dtype, Numbers{}, [&]<typename T>() {
    std::transform(x.as<T>(), x.as<T>() + x.count(), context.output(0).as<T>(),
                   [&](T v) { return static_cast<T>(static_cast<double>(v) > threshold); });
  });
  return {};
}

// One entry for all features, or one each.
Result<size_t> stride_of(size_t entries, const TensorView& x) {
  const auto width = static_cast<size_t>(x.rank() == 0 ? 1 : x.dims.back());
  if (entries == 1) return size_t{0};
  if (entries == width) return size_t{1};
  return invalid_data("there are {} values for {} features", entries, width);
}

Status run_scaler(const Attrs& attributes, RunContext& context) {
  const auto& attrs = attributes.as<ScalerAttrs>();
  const TensorView& x = context.input(0);
  const auto width = static_cast<size_t>(x.rank() == 0 ? 1 : x.dims.back());
  if (attrs.offset.size() != attrs.scale.size())
    return invalid_model("offset and scale differ in length");
  OCTET_ASSIGN(const size_t step, stride_of(attrs.offset.size(), x));
  visit_dtype(x.dtype, Numbers{}, [&]<typename T>() {
    for (size_t i = 0; i < static_cast<size_t>(x.count()); ++i) {
      const size_t f = i % width * step;
      const double shifted =
          static_cast<double>(x.as<T>()[i]) - static_cast<double>(attrs.offset[f]);
      context.output(0).as<float>()[i] =
          static_cast<float>(shifted * static_cast<double>(attrs.scale[f]));
    }
  });
  return {};
}

double divisor_of(const std::string& norm, std::span<const double> row) {
  double divisor = norm == "MAX" && !row.empty() ? row[0] : 0.0;
  for (const double v : row) {
    if (norm == "MAX") divisor = std::max(divisor, v);
    if (norm == "L1") divisor += std::fabs(v);
    if (norm == "L2") divisor += v * v;
  }
  return norm == "L2" ? std::sqrt(divisor) : divisor;
}

Status run_normalizer(const Attrs& attrs, RunContext& context) {
  OCTET_ASSIGN(const ml::Rows rows, ml::rows_of(context.input(0)));
  float* y = context.output(0).as<float>();
  for (size_t i = 0; i < rows.count; ++i) {
    const double divisor = divisor_of(attrs.as<NormalizerAttrs>().norm, rows.row(i));
    for (const double v : rows.row(i)) *y++ = static_cast<float>(divisor == 0.0 ? v : v / divisor);
  }
  return {};
}

template <typename T, typename Value>
void impute(const TensorView& x, const TensorView& y, const std::vector<Value>& imputed,
            Value replaced, size_t step) {
  const auto width = static_cast<size_t>(x.rank() == 0 ? 1 : x.dims.back());
  for (size_t i = 0; i < static_cast<size_t>(x.count()); ++i) {
    const T value = x.as<T>()[i];
    bool missing = value == static_cast<T>(replaced);
    if constexpr (std::is_floating_point_v<T>)
      missing = missing || (std::isnan(value) && std::isnan(replaced));
    y.as<T>()[i] = missing ? static_cast<T>(imputed[i % width * step]) : value;
  }
}

Status run_imputer(const Attrs& attributes, RunContext& context) {
  const auto& attrs = attributes.as<ImputerAttrs>();
  const TensorView& x = context.input(0);
  const bool real = dtype_is_float(x.dtype);
  OCTET_ASSIGN(
      const size_t step,
      stride_of(real ? attrs.imputed_value_floats.size() : attrs.imputed_value_int64s.size(), x));
  visit_dtype(x.dtype, FloatTypes{}, [&]<typename T>() {
    impute<T>(x, context.output(0), attrs.imputed_value_floats, attrs.replaced_value_float, step);
  });
  visit_dtype(x.dtype, TypeList<int32_t, int64_t>{}, [&]<typename T>() {
    impute<T>(x, context.output(0), attrs.imputed_value_int64s, attrs.replaced_value_int64, step);
  });
  return {};
}

template <auto Run>
constexpr Implementation kRows[] = {reference<Run>()};

}  // namespace

extern const OpDef Binarizer;
extern const OpDef Imputer;
extern const OpDef Normalizer;
extern const OpDef Scaler;
const OpDef Binarizer = {.domain = ml::kDomain,
                         .name = "Binarizer",
                         .inputs = {1, 1},
                         .attrs = attr_codec<BinarizerAttrs>(),
                         .infer = infer_numbers,
                         .implementations = kRows<run_binarizer>};
const OpDef Imputer = {.domain = ml::kDomain,
                       .name = "Imputer",
                       .inputs = {1, 1},
                       .attrs = attr_codec<ImputerAttrs>(),
                       .infer = infer_numbers,
                       .implementations = kRows<run_imputer>};
const OpDef Normalizer = {.domain = ml::kDomain,
                          .name = "Normalizer",
                          .inputs = {1, 1},
                          .attrs = attr_codec<NormalizerAttrs>(),
                          .infer = infer_normalizer,
                          .implementations = kRows<run_normalizer>};
const OpDef Scaler = {.domain = ml::kDomain,
                      .name = "Scaler",
                      .inputs = {1, 1},
                      .attrs = attr_codec<ScalerAttrs>(),
                      .infer = infer_floats,
                      .implementations = kRows<run_scaler>};

}  // namespace octet::ops::ml_scale
