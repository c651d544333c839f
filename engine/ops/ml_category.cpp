#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <unordered_map>

#include "engine/ir/stop.h"
#include "engine/ops/common/ml_rows.h"
#include "engine/ops/common/strings.h"

// Categories looked up: CategoryMapper, LabelEncoder, OneHotEncoder.

namespace octet::ops::ml_category {
namespace {

struct MapperAttrs {
  std::vector<int64_t> cats_int64s = {};
  std::vector<std::string> cats_strings = {};
  int64_t default_int64 = -1;
  std::string default_string = "_Unused";
  static constexpr auto fields() {
    using A = MapperAttrs;
    return std::tuple{
        field("cats_int64s", &A::cats_int64s), field("cats_strings", &A::cats_strings),
        field("default_int64", &A::default_int64), field("default_string", &A::default_string)};
  }
};

struct EncoderAttrs {
  std::string default_string = "_Unused";
  int64_t default_int64 = -1;
  float default_float = -0.0F;
  std::optional<Tensor> default_tensor = {};
  std::vector<std::string> keys_strings = {};
  std::vector<int64_t> keys_int64s = {};
  std::vector<float> keys_floats = {};
  std::optional<Tensor> keys_tensor = {};
  std::vector<std::string> values_strings = {};
  std::vector<int64_t> values_int64s = {};
  std::vector<float> values_floats = {};
  std::optional<Tensor> values_tensor = {};
  static constexpr auto fields() {
    using A = EncoderAttrs;
    return std::tuple{field("default_string", &A::default_string),
                      field("default_int64", &A::default_int64),
                      field("default_float", &A::default_float),
                      field("default_tensor", &A::default_tensor, {.since = 4}),
                      field("keys_strings", &A::keys_strings, {.since = 2}),
                      field("keys_int64s", &A::keys_int64s, {.since = 2}),
                      field("keys_floats", &A::keys_floats, {.since = 2}),
                      field("keys_tensor", &A::keys_tensor, {.since = 4}),
                      field("values_strings", &A::values_strings, {.since = 2}),
                      field("values_int64s", &A::values_int64s, {.since = 2}),
                      field("values_floats", &A::values_floats, {.since = 2}),
                      field("values_tensor", &A::values_tensor, {.since = 4})};
  }
};

struct OneHotAttrs {
  std::vector<int64_t> cats_int64s = {};
  std::vector<std::string> cats_strings = {};
  int64_t zeros = 1;
  static constexpr auto fields() {
    using A = OneHotAttrs;
    return std::tuple{field("cats_int64s", &A::cats_int64s),
                      field("cats_strings", &A::cats_strings), field("zeros", &A::zeros)};
  }
};

// Elements as text that is equal where the elements are: what a table is looked up by.
Result<std::vector<std::string>> keys_of(const Tensor& tensor) {
  if (tensor.dtype() == DType::string) return tensor.as_strings();
  std::vector<std::string> keys;
  const bool known = visit_dtype(
      tensor.dtype(), TypeList<float, double, int64_t, int32_t, int16_t>{}, [&]<typename T>() {
        for (T value : tensor.as<T>()) {
          if (value != value) value = std::numeric_limits<T>::quiet_NaN();  // all NaN are one key
          if (value == T{}) value = T{};                                    // so are both zeros
          keys.emplace_back(reinterpret_cast<const char*>(&value), sizeof(T));
        }
      });
  if (!known) return unsupported("keys of {}", dtype_name(tensor.dtype()));
  return keys;
}

// Values looked up by keys; the last of equal keys counts.
class LookUp final : public Step {
 public:
  static Result<std::unique_ptr<Step>> make(const Tensor& keys, Tensor values, Tensor otherwise) {
    if (keys.count() != values.count() || otherwise.count() != 1 ||
        otherwise.dtype() != values.dtype())
      return invalid_model("the keys, the values and the default don't fit each other");
    auto step = std::make_unique<LookUp>();
    OCTET_ASSIGN(const auto texts, keys_of(keys));
    for (size_t i = 0; i < texts.size(); ++i) step->places_[texts[i]] = i;
    step->values_ = std::move(values);
    step->otherwise_ = std::move(otherwise);
    return std::unique_ptr<Step>(std::move(step));
  }

  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    const Tensor given =
        x.boxed != nullptr ? *x.boxed : Tensor(x.dtype, x.dims, x.bytes(), nullptr);
    OCTET_ASSIGN(const auto keys, keys_of(given));
    OCTET_RETURN_IF_ERROR(context.allocate(0, x.dims));
    std::vector<std::string> strings;
    const size_t bytes = dtype_bytes(values_.dtype(), 1);
    StopPoll poll;
    for (size_t i = 0; i < keys.size(); ++i) {
      poll(8);
      const auto at = places_.find(keys[i]);
      const Tensor& from = at == places_.end() ? otherwise_ : values_;
      const size_t place = at == places_.end() ? 0 : at->second;
      if (values_.dtype() == DType::string)
        strings.push_back(from.as_strings()[place]);
      else
        std::memcpy(context.output(0).data + i * bytes, from.bytes().data() + place * bytes, bytes);
    }
    if (values_.dtype() != DType::string) return {};
    return context.set_boxed(0, Tensor::strings(x.dims, std::move(strings)));
  }
  StepInfo info() const override { return {"look_up", "native", Isa::scalar}; }

 private:
  std::unordered_map<std::string, size_t> places_;
  Tensor values_;
  Tensor otherwise_;
};

template <typename T>
Tensor list(const std::vector<T>& values) {
  const Dims dims = {static_cast<int64_t>(values.size())};
  if constexpr (std::is_same_v<T, std::string>)
    return Tensor::strings(dims, values);
  else
    return Tensor::of(dims, values);
}

Tensor string_mapper_value(const MapperAttrs& attrs, bool to_strings) {
  return to_strings ? list(attrs.cats_strings) : list(attrs.cats_int64s);
}

Status infer_mapper(InferContext& context) {
  OCTET_RETURN_IF_ERROR(context.require(0, {DType::string, DType::s64}));
  context.set_tensor(0, context.dtype(0) == DType::string ? DType::s64 : DType::string,
                     context.input(0).shape);
  return {};
}

Result<std::unique_ptr<Step>> prepare_mapper(const LowerContext& context) {
  const auto& attrs = context.attrs<MapperAttrs>();
  const bool to_strings = context.input(0).type.dtype == DType::s64;
  return LookUp::make(string_mapper_value(attrs, !to_strings),
                      string_mapper_value(attrs, to_strings),
                      to_strings ? Tensor::strings({}, {attrs.default_string})
                                 : Tensor::scalar(attrs.default_int64));
}

// The one list that is given.
template <typename... Lists>
Result<Tensor> only(const std::optional<Tensor>& tensor, const Lists&... lists) {
  std::vector<Tensor> given;
  if (tensor) given.push_back(*tensor);
  ((lists.empty() ? void() : given.push_back(list(lists))), ...);
  if (given.size() != 1) return invalid_model("there must be one list of keys and one of values");
  return given[0];
}

Result<Tensor> encoder_keys(const EncoderAttrs& a) {
  return only(a.keys_tensor, a.keys_strings, a.keys_int64s, a.keys_floats);
}
Result<Tensor> encoder_values(const EncoderAttrs& a) {
  return only(a.values_tensor, a.values_strings, a.values_int64s, a.values_floats);
}

Result<Tensor> encoder_default(const EncoderAttrs& a, DType dtype) {
  if (a.default_tensor) return *a.default_tensor;
  switch (dtype) {
    case DType::string: return Tensor::strings({}, {a.default_string});
    case DType::s64: return Tensor::scalar(a.default_int64);
    case DType::f32: return Tensor::scalar(a.default_float);
    case DType::s32: return Tensor::scalar<int32_t>(-1);
    case DType::s16: return Tensor::scalar<int16_t>(-1);
    case DType::f64: return Tensor::scalar(-0.0);
    default: return unsupported("values of {}", dtype_name(dtype));
  }
}

Status infer_encoder(InferContext& context) {
  const auto& attrs = context.attrs<EncoderAttrs>();
  OCTET_ASSIGN(const Tensor keys, encoder_keys(attrs));
  OCTET_ASSIGN(const Tensor values, encoder_values(attrs));
  if (context.dtype(0) != DType::undefined && context.dtype(0) != keys.dtype())
    return invalid_model("the keys are {}, the input is {}", dtype_name(keys.dtype()),
                         dtype_name(context.dtype(0)));
  context.set_tensor(0, values.dtype(), context.input(0).shape);
  return {};
}

Result<std::unique_ptr<Step>> prepare_encoder(const LowerContext& context) {
  const auto& attrs = context.attrs<EncoderAttrs>();
  OCTET_ASSIGN(const Tensor keys, encoder_keys(attrs));
  OCTET_ASSIGN(Tensor values, encoder_values(attrs));
  OCTET_ASSIGN(Tensor otherwise, encoder_default(attrs, values.dtype()));
  return LookUp::make(keys, std::move(values), std::move(otherwise));
}

Status infer_one_hot(InferContext& context) {
  const auto& attrs = context.attrs<OneHotAttrs>();
  const ml::Labels categories{attrs.cats_int64s, attrs.cats_strings};
  OCTET_RETURN_IF_ERROR(ml::check_labels(categories));
  if ((context.dtype(0) == DType::string) != (categories.dtype() == DType::string))
    return invalid_model("the categories aren't of the input's type");
  if (context.dtype(0) != DType::string) OCTET_RETURN_IF_ERROR(ml::require_numbers(context));
  std::optional<Shape> shape = context.input(0).shape;
  if (shape) shape->emplace_back(static_cast<int64_t>(categories.size()));
  context.set_tensor(0, DType::f32, std::move(shape));
  return {};
}

// The place of each element among the categories; as many as there are where it is none of them.
std::vector<size_t> category_places(const OneHotAttrs& attrs, const RunContext& context) {
  std::vector<size_t> places;
  const auto find = [&](const auto& categories, const auto& value) {
    places.push_back(static_cast<size_t>(std::find(categories.begin(), categories.end(), value) -
                                         categories.begin()));
  };
  const TensorView& x = context.input(0);
  if (x.boxed != nullptr) {
    for (const std::string& text : strings_of(context, 0)) find(attrs.cats_strings, text);
    return places;
  }
  visit_dtype(x.dtype, TypeList<float, double, int32_t, int64_t>{}, [&]<typename T>() {
    for (int64_t i = 0; i < x.count(); ++i) {
      const auto value = static_cast<double>(x.as<T>()[i]);
      const bool whole = std::fabs(value) < 0x1p62;
      if (std::is_integral_v<T> || whole)
        find(attrs.cats_int64s, static_cast<int64_t>(x.as<T>()[i]));
      else
        places.push_back(attrs.cats_int64s.size());
    }
  });
  return places;
}

Status run_one_hot(const Attrs& attributes, RunContext& context) {
  const auto& attrs = attributes.as<OneHotAttrs>();
  const size_t categories = ml::Labels{attrs.cats_int64s, attrs.cats_strings}.size();
  Dims dims = context.input(0).dims;
  dims.push_back(static_cast<int64_t>(categories));
  OCTET_RETURN_IF_ERROR(context.allocate(0, dims));
  float* y = context.output(0).as<float>();
  for (const size_t place : category_places(attrs, context)) {
    if (place == categories && attrs.zeros == 0) return invalid_data("an unknown category");
    std::fill_n(y, categories, 0.0F);
    if (place < categories) y[place] = 1.0F;
    y += categories;
  }
  return {};
}

constexpr Implementation kMapperRows[] = {
    {.name = "look_up", .match = match_stored, .prepare = prepare_mapper}};
constexpr Implementation kEncoderRows[] = {
    {.name = "look_up", .match = match_stored, .prepare = prepare_encoder}};

}  // namespace

extern const OpDef CategoryMapper;
extern const OpDef LabelEncoder;
extern const OpDef OneHotEncoder;
const OpDef CategoryMapper = {.domain = ml::kDomain,
                              .name = "CategoryMapper",
                              .inputs = {1, 1},
                              .attrs = attr_codec<MapperAttrs>(),
                              .infer = infer_mapper,
                              .implementations = kMapperRows};
const OpDef LabelEncoder = {.domain = ml::kDomain,
                            .name = "LabelEncoder",
                            .since = 2,
                            .inputs = {1, 1},
                            .attrs = attr_codec<EncoderAttrs>(),
                            .infer = infer_encoder,
                            .implementations = kEncoderRows};
const OpDef OneHotEncoder = {.domain = ml::kDomain,
                             .name = "OneHotEncoder",
                             .inputs = {1, 1},
                             .attrs = attr_codec<OneHotAttrs>(),
                             .infer = infer_one_hot,
                             .implementations = kStringOperatorRows<run_one_hot>};

}  // namespace octet::ops::ml_category
