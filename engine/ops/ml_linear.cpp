#include <algorithm>

#include "engine/ir/stop.h"
#include "engine/ops/common/ml_rows.h"
#include "engine/ops/common/pieces.h"

// Linear models of ai.onnx.ml.

namespace octet::ops::ml_linear {
namespace {

struct RegressorAttrs {
  std::vector<float> coefficients = {};
  std::vector<float> intercepts = {};
  std::string post_transform = "NONE";
  int64_t targets = 1;
  static constexpr auto fields() {
    using A = RegressorAttrs;
    return std::tuple{field("coefficients", &A::coefficients), field("intercepts", &A::intercepts),
                      field("post_transform", &A::post_transform), field("targets", &A::targets)};
  }
};

struct ClassifierAttrs {
  std::vector<int64_t> classlabels_ints = {};
  std::vector<std::string> classlabels_strings = {};
  std::vector<float> coefficients = {};
  std::vector<float> intercepts = {};
  int64_t multi_class = 0;  ///< Says how it was trained; changes nothing here.
  std::string post_transform = "NONE";
  static constexpr auto fields() {
    using A = ClassifierAttrs;
    return std::tuple{field("classlabels_ints", &A::classlabels_ints),
                      field("classlabels_strings", &A::classlabels_strings),
                      field("coefficients", &A::coefficients, {.required = true}),
                      field("intercepts", &A::intercepts),
                      field("multi_class", &A::multi_class),
                      field("post_transform", &A::post_transform)};
  }
  ml::Labels labels() const { return {classlabels_ints, classlabels_strings}; }
};

Status infer_regressor(InferContext& context) {
  const auto& attrs = context.attrs<RegressorAttrs>();
  OCTET_RETURN_IF_ERROR(ml::require_numbers(context));
  if (attrs.targets < 1) return invalid_model("targets {}", attrs.targets);
  OCTET_ASSIGN(const auto transform, ml::post_transform_of(attrs.post_transform));
  if (transform != ml::PostTransform::none && attrs.targets == 1)
    return unsupported("post_transform of one target");
  context.set_tensor(0, DType::f32, Shape{ml::batch_of(context), Dim(attrs.targets)});
  return {};
}

// Models of one score for two classes: the second class's, and the first's is its negative.
Status infer_classifier(InferContext& context) {
  const auto& attrs = context.attrs<ClassifierAttrs>();
  OCTET_RETURN_IF_ERROR(ml::require_numbers(context));
  OCTET_RETURN_IF_ERROR(ml::check_labels(attrs.labels()));
  OCTET_ASSIGN(const auto transform, ml::post_transform_of(attrs.post_transform));
  if (attrs.labels().size() < 2) return unsupported("a classifier of one class");
  if (transform != ml::PostTransform::none && attrs.intercepts.size() == 1)
    return unsupported("post_transform of one score for two classes");
  const Dim batch = ml::batch_of(context);
  context.set_tensor(0, attrs.labels().dtype(), Shape{batch});
  context.set_tensor(1, DType::f32, Shape{batch, Dim(static_cast<int64_t>(attrs.labels().size()))});
  return {};
}

// [rows, models]
Result<std::vector<double>> scores_of(const ml::Rows& rows, const std::vector<float>& coefficients,
                                      const std::vector<float>& intercepts, size_t models) {
  if (coefficients.size() != models * rows.width ||
      (!intercepts.empty() && intercepts.size() != models))
    return invalid_data("the coefficients don't fit {} features", rows.width);
  std::vector<double> scores;
  StopPoll poll;
  for (size_t i = 0; i < rows.count; ++i) {
    for (size_t m = 0; m < models; ++m) {
      poll(rows.width + 1);
      double sum = intercepts.empty() ? 0.0 : static_cast<double>(intercepts[m]);
      for (size_t f = 0; f < rows.width; ++f)
        sum += rows.row(i)[f] * static_cast<double>(coefficients[m * rows.width + f]);
      scores.push_back(sum);
    }
  }
  return scores;
}

Status run_regressor(const Attrs& attributes, RunContext& context) {
  const auto& attrs = attributes.as<RegressorAttrs>();
  const auto targets = static_cast<size_t>(attrs.targets);
  OCTET_ASSIGN(const ml::Rows rows, ml::rows_of(context.input(0)));
  OCTET_ASSIGN(auto scores, scores_of(rows, attrs.coefficients, attrs.intercepts, targets));
  OCTET_ASSIGN(const auto transform, ml::post_transform_of(attrs.post_transform));
  for (size_t i = 0; i < rows.count; ++i)
    ml::apply(transform, {scores.data() + i * targets, targets});
  return ml::give_scores(context, 0, scores, rows.count, targets);
}

Status run_classifier(const Attrs& attributes, RunContext& context) {
  const auto& attrs = attributes.as<ClassifierAttrs>();
  const ml::Labels labels = attrs.labels();
  OCTET_ASSIGN(const ml::Rows rows, ml::rows_of(context.input(0)));
  const size_t models = attrs.coefficients.size() / std::max<size_t>(rows.width, 1);
  OCTET_ASSIGN(auto scores, scores_of(rows, attrs.coefficients, attrs.intercepts, models));
  OCTET_ASSIGN(const auto transform, ml::post_transform_of(attrs.post_transform));
  if (models == 1 && labels.size() == 2 && transform == ml::PostTransform::none) {
    std::vector<double> both;
    for (const double s : scores) both.insert(both.end(), {-s, s});
    scores = std::move(both);
  } else if (models != labels.size()) {
    return invalid_data("there are {} scores for {} classes", models, labels.size());
  }
  std::vector<size_t> best;
  for (size_t i = 0; i < rows.count; ++i) {
    const auto first = scores.begin() + static_cast<ptrdiff_t>(i * labels.size());
    const auto last = first + static_cast<ptrdiff_t>(labels.size());
    best.push_back(static_cast<size_t>(std::max_element(first, last) - first));
    ml::apply(transform, {&*first, labels.size()});
  }
  OCTET_RETURN_IF_ERROR(ml::give_labels(context, labels, best));
  return ml::give_scores(context, 1, scores, rows.count, labels.size());
}

template <auto Run>
constexpr Implementation kRows[] = {
    {.name = "linear", .match = match_stored, .prepare = prepare_function<Run>}};

}  // namespace

extern const OpDef LinearClassifier;
extern const OpDef LinearRegressor;
const OpDef LinearClassifier = {.domain = ml::kDomain,
                                .name = "LinearClassifier",
                                .inputs = {1, 1},
                                .outputs = {2, 2},
                                .attrs = attr_codec<ClassifierAttrs>(),
                                .infer = infer_classifier,
                                .implementations = kRows<run_classifier>};
const OpDef LinearRegressor = {.domain = ml::kDomain,
                               .name = "LinearRegressor",
                               .inputs = {1, 1},
                               .attrs = attr_codec<RegressorAttrs>(),
                               .infer = infer_regressor,
                               .implementations = kRows<run_regressor>};

}  // namespace octet::ops::ml_linear
