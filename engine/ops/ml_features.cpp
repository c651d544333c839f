#include <algorithm>

#include "engine/ops/common/ml_rows.h"
#include "engine/ops/common/recoded.h"
#include "engine/ops/common/strided.h"

// Features picked and put together.

namespace octet::ops::ml_features {
namespace {

struct VectorizerAttrs {
  std::vector<int64_t> inputdimensions = {};
  static constexpr auto fields() {
    return std::tuple{field("inputdimensions", &VectorizerAttrs::inputdimensions)};
  }
};

Status infer_extractor(InferContext& context) {
  OCTET_RETURN_IF_ERROR(context.require(1, {DType::s64}));
  context.set_tensor(0, context.dtype(0));
  if (!context.has_rank(0) || !context.has_rank(1)) return {};
  Shape shape = context.shape(0);
  if (shape.empty()) return invalid_model("input 0 has no axis");
  if (shape.size() == 1) shape.insert(shape.begin(), Dim(1));
  shape.back() = element_count(context.shape(1));
  context.set_tensor(0, context.dtype(0), std::move(shape));
  return {};
}

Status run_extractor(const Attrs& /*attrs*/, RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  OCTET_ASSIGN(const size_t bytes, element_bytes(x.dtype));
  const int64_t width = x.dims.back();
  const auto picked = static_cast<size_t>(context.input(1).count());
  const int64_t* indices = context.input(1).as<int64_t>();
  for (size_t k = 0; k < picked; ++k)
    if (indices[k] < 0 || indices[k] >= width)
      return invalid_data("index {} is outside the last axis", indices[k]);
  const auto count = static_cast<size_t>(y.count());
  for (size_t i = 0; i < count; ++i) {
    const size_t from =
        i / picked * static_cast<size_t>(width) + static_cast<size_t>(indices[i % picked]);
    std::copy_n(x.data + from * bytes, bytes, y.data + i * bytes);
  }
  return {};
}

Status infer_vectorizer(InferContext& context) {
  const auto& sizes = context.attrs<VectorizerAttrs>().inputdimensions;
  OCTET_RETURN_IF_ERROR(ml::require_numbers(context));
  if (sizes.size() != context.input_count())
    return invalid_model("inputdimensions isn't one size for each input");
  int64_t width = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    OCTET_RETURN_IF_ERROR(context.require_same_dtype(0, i));
    // What a size that differs from the input's means is left open: it is refused.
    if (context.has_rank(i) && !context.shape(i).empty() && context.shape(i).back().known() &&
        context.shape(i).back() != Dim(sizes[i]))
      return unsupported("input {} has another size than inputdimensions", i);
    width += sizes[i];
  }
  context.set_tensor(0, DType::f32, Shape{ml::batch_of(context), Dim(width)});
  return {};
}

Status run_vectorizer(const Attrs& attrs, RunContext& context) {
  const auto& sizes = attrs.as<VectorizerAttrs>().inputdimensions;
  std::vector<ml::Rows> inputs;
  for (size_t i = 0; i < context.input_count(); ++i) {
    OCTET_ASSIGN(inputs.emplace_back(), ml::rows_of(context.input(i)));
    if (inputs[i].count != inputs[0].count || static_cast<int64_t>(inputs[i].width) != sizes[i])
      return invalid_data("the inputs don't fit each other or inputdimensions");
  }
  float* y = context.output(0).as<float>();
  for (size_t row = 0; row < inputs[0].count; ++row)
    for (const ml::Rows& rows : inputs)
      for (const double value : rows.row(row)) *y++ = static_cast<float>(value);
  return {};
}

constexpr Implementation kExtractorRows[] = {recoded<run_extractor>(), reference<run_extractor>()};
constexpr Implementation kVectorizerRows[] = {reference<run_vectorizer>()};

}  // namespace

extern const OpDef ArrayFeatureExtractor;
extern const OpDef FeatureVectorizer;
const OpDef ArrayFeatureExtractor = {.domain = ml::kDomain,
                                     .name = "ArrayFeatureExtractor",
                                     .inputs = {2, 2},
                                     .infer = infer_extractor,
                                     .implementations = kExtractorRows};
const OpDef FeatureVectorizer = {.domain = ml::kDomain,
                                 .name = "FeatureVectorizer",
                                 .inputs = {1, -1},
                                 .attrs = attr_codec<VectorizerAttrs>(),
                                 .infer = infer_vectorizer,
                                 .implementations = kVectorizerRows};

}  // namespace octet::ops::ml_features
