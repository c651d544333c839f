#include <algorithm>
#include <cmath>

#include "engine/ir/stop.h"
#include "engine/ops/common/ml_rows.h"
#include "engine/ops/common/pieces.h"

// Support vector machines of ai.onnx.ml, as LIBSVM has them
// (https://www.csie.ntu.edu.tw/~cjlin/papers/libsvm.pdf, sections 2, 7 and 8).

namespace octet::ops::ml_svm {
namespace {

struct SvmAttrs {
  std::vector<int64_t> classlabels_ints = {};
  std::vector<std::string> classlabels_strings = {};
  std::vector<float> coefficients = {};
  std::vector<float> kernel_params = {};
  std::string kernel_type = "LINEAR";
  int64_t n_supports = 0;
  int64_t one_class = 0;
  std::string post_transform = "NONE";
  std::vector<float> prob_a = {};
  std::vector<float> prob_b = {};
  std::vector<float> rho = {};
  std::vector<float> support_vectors = {};
  std::vector<int64_t> vectors_per_class = {};
  ml::Labels labels() const { return {classlabels_ints, classlabels_strings}; }

  template <typename M>
  static constexpr Field<SvmAttrs, M> member(std::string_view name, M SvmAttrs::*pointer) {
    return {name, pointer, {}};
  }
};

struct ClassifierAttrs : SvmAttrs {
  static constexpr auto fields() {
    using A = ClassifierAttrs;
    return std::tuple{member("classlabels_ints", &A::classlabels_ints),
                      member("classlabels_strings", &A::classlabels_strings),
                      member("coefficients", &A::coefficients),
                      member("kernel_params", &A::kernel_params),
                      member("kernel_type", &A::kernel_type),
                      member("post_transform", &A::post_transform),
                      member("prob_a", &A::prob_a),
                      member("prob_b", &A::prob_b),
                      member("rho", &A::rho),
                      member("support_vectors", &A::support_vectors),
                      member("vectors_per_class", &A::vectors_per_class)};
  }
};

struct RegressorAttrs : SvmAttrs {
  static constexpr auto fields() {
    using A = RegressorAttrs;
    return std::tuple{member("coefficients", &A::coefficients),
                      member("kernel_params", &A::kernel_params),
                      member("kernel_type", &A::kernel_type),
                      member("n_supports", &A::n_supports),
                      member("one_class", &A::one_class),
                      member("post_transform", &A::post_transform),
                      member("rho", &A::rho),
                      member("support_vectors", &A::support_vectors)};
  }
};

Status check_kernel(const SvmAttrs& attrs) {
  const auto& kernel = attrs.kernel_type;
  if (kernel != "LINEAR" && kernel != "POLY" && kernel != "RBF" && kernel != "SIGMOID")
    return invalid_model("kernel_type '{}'", kernel);
  if (kernel != "LINEAR" && attrs.kernel_params.size() != 3)
    return invalid_model("kernel_params aren't gamma, coef0 and degree");
  if (attrs.post_transform != "NONE")
    return unsupported("post_transform '{}'", attrs.post_transform);
  if (attrs.rho.empty()) return invalid_model("there is no rho");
  return {};
}

double kernel(const SvmAttrs& attrs, std::span<const double> x, const float* vector) {
  double dot = 0.0;
  double distance = 0.0;
  for (size_t f = 0; f < x.size(); ++f) {
    const auto v = static_cast<double>(vector[f]);
    dot += x[f] * v;
    distance += (x[f] - v) * (x[f] - v);
  }
  if (attrs.kernel_type == "LINEAR") return dot;
  const auto gamma = static_cast<double>(attrs.kernel_params[0]);
  if (attrs.kernel_type == "RBF") return std::exp(-gamma * distance);
  const double scaled = gamma * dot + static_cast<double>(attrs.kernel_params[1]);
  if (attrs.kernel_type == "SIGMOID") return std::tanh(scaled);
  return std::pow(scaled, static_cast<double>(attrs.kernel_params[2]));
}

Status infer_regressor(InferContext& context) {
  OCTET_RETURN_IF_ERROR(ml::require_numbers(context));
  OCTET_RETURN_IF_ERROR(check_kernel(context.attrs<RegressorAttrs>()));
  context.set_tensor(0, DType::f32, Shape{ml::batch_of(context), Dim(1)});
  return {};
}

Status run_regressor(const Attrs& attributes, RunContext& context) {
  const SvmAttrs& attrs = attributes.as<RegressorAttrs>();
  OCTET_ASSIGN(const ml::Rows rows, ml::rows_of(context.input(0)));
  const auto vectors = static_cast<size_t>(std::max<int64_t>(attrs.n_supports, 0));
  const bool plain = vectors == 0;
  if (plain ? attrs.coefficients.size() != rows.width
            : attrs.support_vectors.size() != vectors * rows.width ||
                  attrs.coefficients.size() != vectors)
    return invalid_data("the vectors don't fit {} features", rows.width);
  SvmAttrs linear;
  std::vector<double> scores;
  StopPoll poll;
  for (size_t i = 0; i < rows.count; ++i) {
    poll((vectors + 1) * (rows.width + 8));
    double sum = static_cast<double>(attrs.rho[0]);
    if (plain) sum += kernel(linear, rows.row(i), attrs.coefficients.data());
    for (size_t j = 0; j < vectors; ++j)
      sum += static_cast<double>(attrs.coefficients[j]) *
             kernel(attrs, rows.row(i), attrs.support_vectors.data() + j * rows.width);
    scores.push_back(attrs.one_class != 0 ? (sum > 0 ? 1.0 : -1.0) : sum);
  }
  return ml::give_scores(context, 0, scores, rows.count, 1);
}

size_t pairs(size_t classes) { return classes * (classes - 1) / 2; }

Status infer_classifier(InferContext& context) {
  const auto& attrs = context.attrs<ClassifierAttrs>();
  OCTET_RETURN_IF_ERROR(ml::require_numbers(context));
  OCTET_RETURN_IF_ERROR(check_kernel(attrs));
  const ml::Labels labels = attrs.labels();
  OCTET_RETURN_IF_ERROR(ml::check_labels(labels));
  const size_t classes = labels.size();
  if (classes < 2 || attrs.vectors_per_class.size() != classes)
    return unsupported("a classifier without support vectors for each of its classes");
  const bool probable = !attrs.prob_a.empty();
  // Two classes by signs alone: implementations differ where no coefficient is negative.
  if (classes == 2 && !probable &&
      std::all_of(attrs.coefficients.begin(), attrs.coefficients.end(),
                  [](float c) { return c >= 0; }))
    return unsupported("two classes without a negative coefficient");
  const size_t count = pairs(classes);
  if (attrs.rho.size() != count ||
      (probable && (attrs.prob_a.size() != count || attrs.prob_b.size() != count)))
    return invalid_model("there isn't one rho (and prob_a and prob_b) for each pair of classes");
  const Dim batch = ml::batch_of(context);
  const size_t width = probable || classes == 2 ? classes : count;
  context.set_tensor(0, labels.dtype(), Shape{batch});
  context.set_tensor(1, DType::f32, Shape{batch, Dim(static_cast<int64_t>(width))});
  return {};
}

// LIBSVM, section 8: probabilities of classes from those of pairs, by fixed-point iteration.
std::vector<double> coupled(const std::vector<std::vector<double>>& r) {
  const size_t k = r.size();
  std::vector<double> p(k, 1.0 / static_cast<double>(k));
  std::vector<std::vector<double>> q(k, std::vector<double>(k, 0.0));
  for (size_t t = 0; t < k; ++t)
    for (size_t j = 0; j < k; ++j) {
      if (j == t) continue;
      q[t][t] += r[j][t] * r[j][t];
      q[t][j] = -r[j][t] * r[t][j];
    }
  const double tolerance = 0.005 / static_cast<double>(k);
  for (size_t round = 0; round < std::max<size_t>(100, k); ++round) {
    std::vector<double> qp(k, 0.0);
    double pqp = 0.0;
    for (size_t t = 0; t < k; ++t) {
      for (size_t j = 0; j < k; ++j) qp[t] += q[t][j] * p[j];
      pqp += p[t] * qp[t];
    }
    double error = 0.0;
    for (const double value : qp) error = std::max(error, std::fabs(value - pqp));
    if (error < tolerance) break;
    for (size_t t = 0; t < k; ++t) {
      const double step = (-qp[t] + pqp) / q[t][t];
      p[t] += step;
      pqp = (pqp + step * (step * q[t][t] + 2 * qp[t])) / (1 + step) / (1 + step);
      for (size_t j = 0; j < k; ++j) {
        qp[j] = (qp[j] + step * q[t][j]) / (1 + step);
        p[j] /= 1 + step;
      }
    }
  }
  return p;
}

std::vector<double> probabilities(const SvmAttrs& attrs, const std::vector<double>& decisions,
                                  size_t classes) {
  constexpr double kLeast = 1e-7;
  std::vector<std::vector<double>> r(classes, std::vector<double>(classes, 0.0));
  size_t pair = 0;
  for (size_t i = 0; i < classes; ++i)
    for (size_t j = i + 1; j < classes; ++j, ++pair) {
      const double fit = decisions[pair] * static_cast<double>(attrs.prob_a[pair]) +
                         static_cast<double>(attrs.prob_b[pair]);
      r[i][j] = std::clamp(1 - ml::logistic(fit), kLeast, 1 - kLeast);
      r[j][i] = 1 - r[i][j];
    }
  return coupled(r);
}

Status run_classifier(const Attrs& attributes, RunContext& context) {
  const SvmAttrs& attrs = attributes.as<ClassifierAttrs>();
  const ml::Labels labels = attrs.labels();
  const size_t classes = labels.size();
  OCTET_ASSIGN(const ml::Rows rows, ml::rows_of(context.input(0)));
  std::vector<size_t> starts = {0};
  for (const int64_t count : attrs.vectors_per_class) {
    if (count < 0) return invalid_model("vectors_per_class is negative");
    starts.push_back(starts.back() + static_cast<size_t>(count));
  }
  const size_t vectors = starts.back();
  if (attrs.support_vectors.size() != vectors * rows.width ||
      attrs.coefficients.size() != vectors * (classes - 1))
    return invalid_data("the vectors don't fit {} features", rows.width);
  const auto coefficient = [&](size_t row, size_t v) {
    return static_cast<double>(attrs.coefficients[row * vectors + v]);
  };
  std::vector<size_t> best;
  std::vector<double> scores;
  StopPoll poll;
  for (size_t n = 0; n < rows.count; ++n) {
    poll((vectors + 1) * (rows.width + 8));
    std::vector<double> kernels;
    for (size_t v = 0; v < vectors; ++v)
      kernels.push_back(kernel(attrs, rows.row(n), attrs.support_vectors.data() + v * rows.width));
    std::vector<size_t> votes(classes, 0);
    std::vector<double> decisions;
    for (size_t i = 0; i < classes; ++i)
      for (size_t j = i + 1; j < classes; ++j) {
        double sum = static_cast<double>(attrs.rho[decisions.size()]);
        for (size_t v = starts[i]; v < starts[i + 1]; ++v)
          sum += coefficient(j - 1, v) * kernels[v];
        for (size_t v = starts[j]; v < starts[j + 1]; ++v) sum += coefficient(i, v) * kernels[v];
        ++votes[sum > 0 ? i : j];
        decisions.push_back(sum);
      }
    best.push_back(
        static_cast<size_t>(std::max_element(votes.begin(), votes.end()) - votes.begin()));
    if (!attrs.prob_a.empty())
      decisions = probabilities(attrs, decisions, classes);
    else if (classes == 2)
      decisions = {-decisions[0], decisions[0]};
    scores.insert(scores.end(), decisions.begin(), decisions.end());
  }
  OCTET_RETURN_IF_ERROR(ml::give_labels(context, labels, best));
  return ml::give_scores(context, 1, scores, rows.count,
                         rows.count == 0 ? 0 : scores.size() / rows.count);
}

template <auto Run>
constexpr Implementation kRows[] = {
    {.name = "svm", .match = match_stored, .prepare = prepare_function<Run>}};

}  // namespace

extern const OpDef SVMClassifier;
extern const OpDef SVMRegressor;
const OpDef SVMClassifier = {.domain = ml::kDomain,
                             .name = "SVMClassifier",
                             .inputs = {1, 1},
                             .outputs = {2, 2},
                             .attrs = attr_codec<ClassifierAttrs>(),
                             .infer = infer_classifier,
                             .implementations = kRows<run_classifier>};
const OpDef SVMRegressor = {.domain = ml::kDomain,
                            .name = "SVMRegressor",
                            .inputs = {1, 1},
                            .attrs = attr_codec<RegressorAttrs>(),
                            .infer = infer_regressor,
                            .implementations = kRows<run_regressor>};

}  // namespace octet::ops::ml_svm
