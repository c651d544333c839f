#include <algorithm>
#include <numeric>

#include "engine/ops/common/control.h"
#include "engine/ops/common/ml_rows.h"
#include "engine/ops/common/strings.h"

// Maps made and read. A map is a list of its keys and its values.

namespace octet::ops::ml_map {
namespace {

struct ZipAttrs {
  std::vector<int64_t> classlabels_int64s = {};
  std::vector<std::string> classlabels_strings = {};
  static constexpr auto fields() {
    using A = ZipAttrs;
    return std::tuple{field("classlabels_int64s", &A::classlabels_int64s),
                      field("classlabels_strings", &A::classlabels_strings)};
  }
  ml::Labels labels() const { return {classlabels_int64s, classlabels_strings}; }
};

struct DictAttrs {
  std::vector<int64_t> int64_vocabulary = {};
  std::vector<std::string> string_vocabulary = {};
  static constexpr auto fields() {
    using A = DictAttrs;
    return std::tuple{field("int64_vocabulary", &A::int64_vocabulary),
                      field("string_vocabulary", &A::string_vocabulary)};
  }
  ml::Labels words() const { return {int64_vocabulary, string_vocabulary}; }
};

Status infer_zip(InferContext& context) {
  const ml::Labels labels = context.attrs<ZipAttrs>().labels();
  OCTET_RETURN_IF_ERROR(context.require(0, {DType::f32}));
  OCTET_RETURN_IF_ERROR(ml::check_labels(labels));
  Type map = Type::of(Type::Kind::map, Type::tensor(DType::f32));
  map.dtype = labels.dtype();
  context.set_output(0, Type::of(Type::Kind::sequence, std::move(map)));
  return {};
}

Status run_zip(const Attrs& attributes, RunContext& context) {
  const ml::Labels labels = attributes.as<ZipAttrs>().labels();
  const TensorView& x = context.input(0);
  const Dims dims = {static_cast<int64_t>(labels.size())};
  if (x.rank() < 1 || x.rank() > 2 || x.dims.back() != dims[0])
    return invalid_data("there isn't one column for each key");
  const Tensor keys = labels.strings.empty() ? Tensor::of(dims, labels.integers)
                                             : Tensor::strings(dims, labels.strings);
  std::vector<Tensor> maps;
  const int64_t rows = x.rank() == 2 ? x.dims[0] : 1;
  for (int64_t i = 0; i < rows; ++i) {
    const std::span<const float> row(x.as<float>() + i * dims[0], labels.size());
    maps.push_back(Tensor::list({keys, Tensor::of(dims, row)}));
  }
  return context.set_boxed(0, Tensor::list(std::move(maps)));
}

Status require_map(const InferContext& context) {
  const Type& type = context.input(0);
  if (type.kind == Type::Kind::map && type.element) return {};
  return invalid_model("input 0 is no map, but {}", type.to_string());
}

Status infer_dict(InferContext& context) {
  const ml::Labels words = context.attrs<DictAttrs>().words();
  OCTET_RETURN_IF_ERROR(require_map(context));
  OCTET_RETURN_IF_ERROR(ml::check_labels(words));
  if (context.input(0).dtype != words.dtype())
    return invalid_model("the vocabulary isn't of the type of the map's keys");
  context.set_tensor(0, context.input(0).element->dtype,
                     Shape{Dim(static_cast<int64_t>(words.size()))});
  return {};
}

// Places of keys in a vocabulary; an error for one that isn't in it.
template <typename Key>
Result<std::vector<size_t>> places_of(const std::vector<Key>& words, std::span<const Key> keys) {
  std::vector<size_t> places;
  for (const Key& key : keys) {
    const auto at = std::find(words.begin(), words.end(), key);
    if (at == words.end()) return invalid_data("a key isn't in the vocabulary");
    places.push_back(static_cast<size_t>(at - words.begin()));
  }
  return places;
}

Status run_dict(const Attrs& attributes, RunContext& context) {
  const auto& attrs = attributes.as<DictAttrs>();
  const auto& map = context.input(0).boxed->elements();
  const Tensor& values = map[1];
  const auto size = attrs.words().size();
  const Dims dims = {static_cast<int64_t>(size)};
  const auto places = map[0].dtype() == DType::string
                          ? places_of<std::string>(attrs.string_vocabulary, map[0].as_strings())
                          : places_of<int64_t>(attrs.int64_vocabulary, map[0].as<int64_t>());
  if (!places) return places.error();
  if (values.dtype() == DType::string) {
    std::vector<std::string> out(size);
    for (size_t i = 0; i < places->size(); ++i) out[(*places)[i]] = values.as_strings()[i];
    return context.set_boxed(0, Tensor::strings(dims, std::move(out)));
  }
  OCTET_RETURN_IF_ERROR(context.allocate(0, dims));
  const TensorView& y = context.output(0);
  visit_dtype(y.dtype, NumericTypes{}, [&]<typename T>() {
    std::fill_n(y.as<T>(), size, T{});
    for (size_t i = 0; i < places->size(); ++i) y.as<T>()[(*places)[i]] = values.as<T>()[i];
  });
  return {};
}

constexpr Implementation kZipRows[] = {
    {.name = "map", .match = match_stored, .prepare = prepare_function<run_zip>}};
constexpr Implementation kDictRows[] = {
    {.name = "map", .match = match_stored, .prepare = prepare_function<run_dict>}};

}  // namespace

extern const OpDef DictVectorizer;
extern const OpDef ZipMap;
const OpDef DictVectorizer = {.domain = ml::kDomain,
                              .name = "DictVectorizer",
                              .inputs = {1, 1},
                              .attrs = attr_codec<DictAttrs>(),
                              .infer = infer_dict,
                              .implementations = kDictRows};
const OpDef ZipMap = {.domain = ml::kDomain,
                      .name = "ZipMap",
                      .inputs = {1, 1},
                      .attrs = attr_codec<ZipAttrs>(),
                      .infer = infer_zip,
                      .implementations = kZipRows};

}  // namespace octet::ops::ml_map
