#include "tests/importers/ml_node.h"

// The operators of ai.onnx.ml but trees. What they must give is worked out from their definitions
// (https://onnx.ai/onnx/operators/, domain ai.onnx.ml).

namespace octet::testing {
namespace {

struct Case {
  const char* name;
  const char* op;
  Attributes attributes;
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;
};

// Three classes, the scores of two rows: (1, 0, 3) and (0, -2, -1).
const Attributes kThreeScores = {{"coefficients", Floats{1, 0, 0, 1, 1, 1}},
                                 {"intercepts", Floats{0, 0, 2}},
                                 {"classlabels_ints", Ints{10, 20, 30}}};
const Tensor kTwoRows = table<float>(2, {1, 0, 0, -2});
float logistic(float x) { return 1 / (1 + std::exp(-x)); }

// Vectors (1, 0) and (0, 2), coefficients 2 and -1, rho 0.5: the kernels' values are theirs.
Attributes machine(const char* kernel) {
  return {{"kernel_type", std::string(kernel)},
          {"kernel_params", Floats{0.5F, 1, 3}},
          {"support_vectors", Floats{1, 0, 0, 2}},
          {"coefficients", Floats{2, -1}},
          {"rho", Floats{0.5F}},
          {"n_supports", int64_t{2}}};
}
Tensor machine_sum(float first, float second) {
  return table<float>(1, {2 * first - second + 0.5F});
}
const Tensor kPoint = table<float>(1, {3, 1});

}  // namespace

TEST_CASE("ai.onnx.ml: features") {
  const Case cases[] = {{"binarizer",
                         "Binarizer",
                         {{"threshold", 0.5F}},
                         {list<float>({-1, 0.5F, 0.6F, 2})},
                         {list<float>({0, 0, 1, 1})}},
                        {"scaler",
                         "Scaler",
                         {{"offset", Floats{1, 2}}, {"scale", Floats{0.5F, 2}}},
                         {table<int64_t>(2, {1, 2, 3, 4})},
                         {table<float>(2, {0, 0, 1, 4})}},
                        {"scaler of all",
                         "Scaler",
                         {{"offset", Floats{1}}, {"scale", Floats{3}}},
                         {table<double>(1, {1, 2})},
                         {table<float>(1, {0, 3})}},
                        {"normalizer max",
                         "Normalizer",
                         {{"norm", std::string("MAX")}},
                         {table<float>(2, {1, 4, 0, 0})},
                         {table<float>(2, {0.25F, 1, 0, 0})}},
                        {"normalizer L1",
                         "Normalizer",
                         {{"norm", std::string("L1")}},
                         {table<float>(1, {1, -3})},
                         {table<float>(1, {0.25F, -0.75F})}},
                        {"normalizer L2",
                         "Normalizer",
                         {{"norm", std::string("L2")}},
                         {table<int32_t>(1, {3, -4})},
                         {table<float>(1, {0.6F, -0.8F})}},
                        {"imputer of NaN",
                         "Imputer",
                         {{"imputed_value_floats", Floats{8, 9}}, {"replaced_value_float", kNan}},
                         {table<float>(2, {kNan, 1, 2, kNan})},
                         {table<float>(2, {8, 1, 2, 9})}},
                        {"imputer of integers",
                         "Imputer",
                         {{"imputed_value_int64s", Ints{7}}, {"replaced_value_int64", int64_t{-1}}},
                         {table<int64_t>(1, {-1, 5})},
                         {table<int64_t>(1, {7, 5})}},
                        {"extractor",
                         "ArrayFeatureExtractor",
                         {},
                         {table<float>(2, {1, 2, 3, 4, 5, 6}), list<int64_t>({2, 0})},
                         {table<float>(2, {3, 1, 6, 4})}},
                        {"vectorizer",
                         "FeatureVectorizer",
                         {{"inputdimensions", Ints{2, 1}}},
                         {table<float>(2, {1, 2, 3, 4}), table<float>(2, {5, 6})},
                         {table<float>(2, {1, 2, 5, 3, 4, 6})}}};
  for (const Case& c : cases) {
    INFO(c.name);
    check_equal(run_node(c.op, c.attributes, c.inputs, 1)[0], c.outputs[0]);
  }
}

TEST_CASE("ai.onnx.ml: categories") {
  const Attributes pets = {{"cats_int64s", Ints{4, 5}},
                           {"cats_strings", Words{"cat", "dog"}},
                           {"default_int64", int64_t{-7}},
                           {"default_string", std::string("none")}};
  const Case cases[] = {
      {"numbers of words",
       "CategoryMapper",
       pets,
       {words({"dog", "cow", "cat"})},
       {list<int64_t>({5, -7, 4})}},
      {"words of numbers",
       "CategoryMapper",
       pets,
       {list<int64_t>({4, 6})},
       {words({"cat", "none"})}},
      {"labels of words",
       "LabelEncoder",
       {{"keys_strings", Words{"a", "b"}},
        {"values_floats", Floats{1.5F, 2.5F}},
        {"default_float", -1.0F}},
       {words({"b", "c", "a"})},
       {list<float>({2.5F, -1, 1.5F})}},
      {"labels of floats",
       "LabelEncoder",
       {{"keys_floats", Floats{0, kNan}}, {"values_strings", Words{"zero", "none"}}},
       {list<float>({-0.0F, kNan, 1})},
       {words({"zero", "none", "_Unused"})}},
      {"one-hot integers",
       "OneHotEncoder",
       {{"cats_int64s", Ints{3, -1, 8}}},
       {list<int64_t>({8, 5, 3})},
       {table<float>(3, {0, 0, 1, 0, 0, 0, 1, 0, 0})}},
      {"one-hot words",
       "OneHotEncoder",
       {{"cats_strings", Words{"x", "y"}}},
       {words({"y", "z"})},
       {table<float>(2, {0, 1, 0, 0})}}};
  for (const Case& c : cases) {
    INFO(c.name);
    check_equal(run_node(c.op, c.attributes, c.inputs, 1)[0], c.outputs[0]);
  }
}

TEST_CASE("ai.onnx.ml: linear models") {
  const Tensor best = list<int64_t>({30, 10});
  const auto transformed = [](const char* name) {
    return with(kThreeScores, {{"post_transform", std::string(name)}});
  };
  Floats logits;
  for (const float score : {1.0F, 0.0F, 3.0F, 0.0F, -2.0F, 0.0F}) logits.push_back(logistic(score));
  const Case cases[] = {{"regressor",
                         "LinearRegressor",
                         {{"coefficients", Floats{1, 2, -1, 0.5F}},
                          {"intercepts", Floats{3, 0}},
                          {"targets", int64_t{2}}},
                         {table<float>(2, {1, 1, 2, -4})},
                         {table<float>(2, {6, -0.5F, -3, -4})}},
                        {"one score for two classes",
                         "LinearClassifier",
                         {{"coefficients", Floats{1, 1}},
                          {"intercepts", Floats{-1}},
                          {"classlabels_strings", Words{"no", "yes"}}},
                         {table<float>(2, {2, 1, 0, -1})},
                         {words({"yes", "no"}), table<float>(2, {-2, 2, 2, -2})}},
                        {"three classes",
                         "LinearClassifier",
                         kThreeScores,
                         {kTwoRows},
                         {best, table<float>(2, {1, 0, 3, 0, -2, 0})}},
                        {"logistic",
                         "LinearClassifier",
                         transformed("LOGISTIC"),
                         {kTwoRows},
                         {best, table<float>(2, logits)}},
                        {"softmax",
                         "LinearClassifier",
                         transformed("SOFTMAX"),
                         {kTwoRows},
                         {best, softmax({1, 0, 3, 0, -2, 0})}}};
  for (const Case& c : cases) {
    INFO(c.name);
    const auto y = run_node(c.op, c.attributes, c.inputs, c.outputs.size());
    for (size_t i = 0; i < y.size(); ++i) check_equal(y[i], c.outputs[i]);
  }
}

TEST_CASE("ai.onnx.ml: support vectors") {
  // Dot products with the vectors are 3 and 2, squared distances 5 and 10.
  const Attributes two = {{"kernel_type", std::string("LINEAR")},
                          {"support_vectors", Floats{1, 0, 0, 2}},
                          {"vectors_per_class", Ints{1, 1}},
                          {"coefficients", Floats{2, -1}},
                          {"rho", Floats{0.5F}},
                          {"classlabels_ints", Ints{7, 9}}};
  const Case cases[] = {
      {"linear", "SVMRegressor", machine("LINEAR"), {kPoint}, {machine_sum(3, 2)}},
      {"radial",
       "SVMRegressor",
       machine("RBF"),
       {kPoint},
       {machine_sum(std::exp(-2.5F), std::exp(-5.0F))}},
      {"polynomial",
       "SVMRegressor",
       machine("POLY"),
       {kPoint},
       {machine_sum(std::pow(2.5F, 3.0F), 8)}},
      {"sigmoid",
       "SVMRegressor",
       machine("SIGMOID"),
       {kPoint},
       {machine_sum(std::tanh(2.5F), std::tanh(2.0F))}},
      {"one class",
       "SVMRegressor",
       with(machine("LINEAR"), {{"one_class", int64_t{1}}}),
       {table<float>(2, {3, 1, -1, 1})},
       {table<float>(2, {1, -1})}},
      {"coefficients alone",
       "SVMRegressor",
       {{"coefficients", Floats{2, -1}}, {"rho", Floats{0.25F}}},
       {kPoint},
       {table<float>(1, {5.25F})}},
      {"two classes",
       "SVMClassifier",
       two,
       {kPoint},
       {list<int64_t>({7}), table<float>(1, {-4.5F, 4.5F})}},
      // Pairs (0, 1), (0, 2), (1, 2) of classes with one vector each: kernels 3, 1 and -2.
      {"three classes",
       "SVMClassifier",
       {{"support_vectors", Floats{1, 0, 0, 1, -1, 1}},
        {"vectors_per_class", Ints{1, 1, 1}},
        {"coefficients", Floats{1, -1, -2, 2, 3, -3}},
        {"rho", Floats{0, 1, 2}},
        {"classlabels_strings", Words{"a", "b", "c"}}},
       {kPoint},
       {words({"a"}), table<float>(1, {2, 11, 11})}}};
  for (const Case& c : cases) {
    INFO(c.name);
    const auto y = run_node(c.op, c.attributes, c.inputs, c.outputs.size());
    for (size_t i = 0; i < y.size(); ++i) check_equal(y[i], c.outputs[i]);
  }
  // Platt's probability of the first of two classes.
  const float p = logistic(1.5F * 4.5F - 6);
  const auto y = run_node(
      "SVMClassifier", with(two, {{"prob_a", Floats{-1.5F}}, {"prob_b", Floats{6}}}), {kPoint}, 2);
  CHECK(y[1].as<float>()[0] == doctest::Approx(p).epsilon(2e-3));
  CHECK(y[1].as<float>()[1] == doctest::Approx(1 - p).epsilon(2e-3));
}

TEST_CASE("ai.onnx.ml: models that contradict themselves are refused") {
  const Tensor x = table<float>(1, {1, 2});
  const auto refused = [&](const char* op, const Attributes& attributes, size_t outputs) {
    const auto model = import_node(op, attributes, {x}, outputs);
    if (!model) return true;
    const auto program = runtime::Program::compile(model->graph, {});
    return !program || !(*program)->run(std::vector<Tensor>{x}).ok();
  };
  CHECK(refused("Scaler", {{"offset", Floats{1, 2, 3}}, {"scale", Floats{1, 2, 3}}}, 1));
  CHECK(refused("Normalizer", {{"norm", std::string("L3")}}, 1));
  CHECK(refused("OneHotEncoder", {{"cats_int64s", Ints{1}}, {"zeros", int64_t{0}}}, 1));
  CHECK(refused("LinearRegressor", {{"coefficients", Floats{1, 2, 3}}}, 1));
  CHECK(refused("LinearClassifier", {{"coefficients", Floats{1, 2}}}, 2));
  CHECK(refused("SVMRegressor", {{"coefficients", Floats{1, 2}}}, 1));
  CHECK(refused("LinearRegressor",
                {{"coefficients", Floats{1, 2}}, {"post_transform", std::string("PROBIT")}}, 1));
}

}  // namespace octet::testing
