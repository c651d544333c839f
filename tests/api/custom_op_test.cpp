#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <numeric>

#include "octet/octet_op.h"
#include "test_model.h"

// Operators that a test brings: types that follow from types, and from data; attributes, constants,
// failures.

namespace {

using octet_onnx::AttributeProto;
using octet_onnx::NodeProto;

constexpr const char* kDomain = "test.ops";

// x[n, k] (float), a constant w[k]: y[n, 2] holds each row's product with w and its sum times
// `scale`.
octet_status infer_rows(const octet_op_host* host, octet_op_node* node) {
  octet_op_type x{};
  if (host->input_count(node) != 2 || host->input_type(node, 0, &x) == 0 || x.rank_known == 0)
    return host->fail(node, OCTET_UNSUPPORTED, "the rank of x must be known");
  if (x.rank != 2) return host->fail(node, OCTET_INVALID_MODEL, "x must have two axes");
  const int64_t dims[] = {x.dims[0], 2};
  const octet_op_type y{OCTET_FLOAT, dims, 2, 1};
  host->set_output_type(node, 0, &y);
  return OCTET_OK;
}

struct Rows {
  const float* weights;  // Of the constant itself: it lives until `drop`.
  size_t count;
  float scale;
};
std::atomic<int> rows_alive{0};

octet_status make_rows(const octet_op_host* host, octet_op_node* node, void** state) {
  octet_tensor w{};
  if (host->constant(node, 1, &w) == 0)
    return host->fail(node, OCTET_UNSUPPORTED, "w must be a constant");
  octet_attribute scale{};
  const bool scaled = host->attribute(node, "scale", &scale) != 0;
  *state =
      new Rows{static_cast<const float*>(w.data), w.bytes / sizeof(float), scaled ? scale.f : 1.0F};
  ++rows_alive;
  return OCTET_OK;
}
void drop_rows(void* state) {
  delete static_cast<Rows*>(state);
  --rows_alive;
}

octet_status run_rows(const octet_op_host* host, octet_op_run* run, const void* state) {
  struct Work {
    const Rows& rows;
    const float* x;
    float* y;
  };
  const auto& rows = *static_cast<const Rows*>(state);
  octet_tensor x{};
  octet_tensor y{};
  if (host->input(run, 0, &x) == 0 || host->output(run, 0, nullptr, 0, &y) == 0) return OCTET_OK;
  if (static_cast<size_t>(x.dims[1]) != rows.count)
    return host->fail_run(run, OCTET_INVALID_DATA, "rows of x and w differ in length");
  Work work{rows, static_cast<const float*>(x.data), static_cast<float*>(y.data)};
  const auto body = [](size_t begin, size_t end, void* user) {
    const auto& [of, from, to] = *static_cast<const Work*>(user);
    for (size_t r = begin; r < end; ++r) {
      const float* row = from + r * of.count;
      to[2 * r] = std::inner_product(row, row + of.count, of.weights, 0.0F);
      to[2 * r + 1] = std::accumulate(row, row + of.count, 0.0F) * of.scale;
    }
  };
  host->parallel(run, static_cast<size_t>(x.dims[0]), 1, body, &work);
  return OCTET_OK;
}

// The positive elements of x, of which only a run knows the number.
octet_status infer_positive(const octet_op_host* host, octet_op_node* node) {
  const int64_t unknown = OCTET_UNKNOWN_EXTENT;
  const octet_op_type y{OCTET_FLOAT, &unknown, 1, 1};
  host->set_output_type(node, 0, &y);
  return OCTET_OK;
}
octet_status run_positive(const octet_op_host* host, octet_op_run* run, const void* /*state*/) {
  octet_tensor x{};
  if (host->input(run, 0, &x) == 0) return OCTET_OK;
  const auto* values = static_cast<const float*>(x.data);
  const size_t count = x.bytes / sizeof(float);
  int64_t found = 0;
  for (size_t i = 0; i < count; ++i) found += values[i] > 0 ? 1 : 0;
  octet_tensor y{};
  if (host->output(run, 0, &found, 1, &y) == 0) return OCTET_OK;
  auto* to = static_cast<float*>(y.data);
  for (size_t i = 0; i < count; ++i)
    if (values[i] > 0) *to++ = values[i];
  return OCTET_OK;
}

const octet_attribute_spec kSpecs[] = {{"scale", OCTET_ATTRIBUTE_FLOAT, 0}};

octet_custom_op op(const char* name) {
  octet_custom_op made{};
  made.size = sizeof(made);
  made.domain = kDomain;
  made.name = name;
  made.since = 1;
  made.until = 3;
  made.min_inputs = made.max_inputs = 1;
  made.min_outputs = made.max_outputs = 1;
  return made;
}

void register_all() {
  static const octet_custom_op rows = [] {
    octet_custom_op made = op("Rows");
    made.min_inputs = made.max_inputs = 2;
    made.attributes = kSpecs;
    made.attribute_count = 1;
    made.infer = infer_rows;
    made.make = make_rows;
    made.drop = drop_rows;
    made.run = run_rows;
    return made;
  }();
  static const octet_custom_op positive = [] {
    octet_custom_op made = op("Positive");
    made.infer = infer_positive;
    made.run = run_positive;
    return made;
  }();
  static const bool once = [] {
    REQUIRE(octet_register_op(&rows) == nullptr);
    REQUIRE(octet_register_op(&positive) == nullptr);
    return true;
  }();
  (void)once;
}

struct OpsModel : TestModel {
  explicit OpsModel(const std::vector<int64_t>& extents, int version = 1)
      : TestModel(extents, kDomain, version) {
    register_all();
  }
};

void set_scale(NodeProto& node, float scale) {
  AttributeProto& attribute = *node.add_attribute();
  attribute.set_name("scale");
  attribute.set_type(AttributeProto::FLOAT);
  attribute.set_f(scale);
}

}  // namespace

TEST_CASE("an operator among others, with a constant, an attribute and a free extent") {
  {
    OpsModel model({-1, 3});
    model.constant("w", {1, 10, 100});
    model.node("", "Relu", {"x"}, "r");
    set_scale(model.node(kDomain, "Rows", {"r", "w"}, "s"), 2.0F);
    model.node("", "Neg", {"s"}, "y");
    for (const size_t threads : {1, 3}) {
      auto session = model.load({.threads = threads});
      REQUIRE(session);
      CHECK(session->outputs()[0].dims == std::vector<int64_t>{-1, 2});
      CHECK(session->outputs()[0].symbols[0] == "n");
      for (const int64_t n : {1, 4, 0, 50}) {
        CAPTURE(n);
        std::vector<float> x;
        std::vector<float> expected;
        for (int64_t r = 0; r < n; ++r) {
          const auto v = static_cast<float>(r);
          for (const float each : {v, -1.0F, 2.0F}) x.push_back(each);
          expected.push_back(-(v + 200));
          expected.push_back(-2 * (v + 2));
        }
        const auto results = session->run({{x, {n, 3}}});
        REQUIRE(results);
        CHECK(results->dims(0) == std::vector<int64_t>{n, 2});
        CHECK(floats(*results) == expected);
      }
    }
    CHECK(rows_alive == 0);
  }
}

TEST_CASE("an output whose extent only the run knows, read by others") {
  OpsModel model({-1});
  model.node(kDomain, "Positive", {"x"}, "p");
  model.node("", "Neg", {"p"}, "y");
  auto session = model.load();
  REQUIRE(session);
  const std::vector<std::vector<float>> inputs = {{1, -2, 3}, {-1, -1, -1}, {4, 5, 6}};
  const std::vector<std::vector<float>> outputs = {{-1, -3}, {}, {-4, -5, -6}};
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto results = session->run({{inputs[i], {3}}});
    REQUIRE(results);
    CHECK(floats(*results) == outputs[i]);
  }
}

TEST_CASE("an operator on constants is computed ahead, with the same result") {
  OpsModel model({2});
  model.constant("c", {3, -4});
  model.node(kDomain, "Positive", {"c"}, "p");
  model.node("", "Mul", {"x", "p"}, "y");
  auto session = model.load();
  REQUIRE(session);
  const std::vector<float> x{2, 5};
  const auto results = session->run({{x, {2}}});
  REQUIRE(results);
  CHECK(floats(*results) == std::vector<float>{6, 15});
}

TEST_CASE("what an operator refuses is named with its node") {
  struct Case {
    const char* name;
    std::vector<int64_t> extents;
    const char* message;
    octet_status status;
  };
  const Case cases[] = {
      {"rank", {-1}, "x must have two axes", OCTET_INVALID_MODEL},
      {"attribute", {-1, 3}, "isn't supported", OCTET_UNSUPPORTED},
      {"kind", {-1, 3}, "'scale' has the wrong type", OCTET_INVALID_MODEL},
      {"constant", {-1, 3}, "w must be a constant", OCTET_UNSUPPORTED},
      {"version", {-1, 3}, "opset 4", OCTET_UNSUPPORTED},
  };
  for (const Case& each : cases) {
    CAPTURE(each.name);
    const std::string name = each.name;
    OpsModel model(each.extents, name == "version" ? 4 : 1);
    model.constant("w", {1, 2, 3});
    const bool computed = name == "constant";
    if (computed) model.node("", "Flatten", {"x"}, "v");
    NodeProto& node = model.node(kDomain, "Rows", {"x", computed ? "v" : "w"}, "y");
    if (name == "attribute" || name == "kind") {
      AttributeProto& attribute = *node.add_attribute();
      attribute.set_name(name == "kind" ? "scale" : "other");
      attribute.set_type(AttributeProto::INT);
      attribute.set_i(1);
    }
    const auto session = model.load();
    REQUIRE(!session);
    CHECK(session.failure().status == each.status);
    CHECK(session.failure().message.find(each.message) != std::string::npos);
    CHECK(session.failure().message.find("the_Rows") != std::string::npos);
  }
}

TEST_CASE("what an operator refuses in a run is named with its node") {
  OpsModel model({-1, -1});
  model.constant("w", {1, 2, 3});
  model.node(kDomain, "Rows", {"x", "w"}, "y");
  auto session = model.load();
  REQUIRE(session);
  const std::vector<float> x(8);
  const auto results = session->run({{x, {2, 4}}});
  REQUIRE(!results);
  CHECK(results.failure().status == OCTET_INVALID_DATA);
  CHECK(results.failure().message.find("rows of x and w differ") != std::string::npos);
  CHECK(results.failure().message.find("the_Rows") != std::string::npos);
}

TEST_CASE("an operator that can't be one isn't registered") {
  register_all();
  const auto refused = [](const octet_custom_op& made) {
    const octet::detail::Handle<octet_error> error(octet_register_op(&made));
    return error != nullptr && octet_error_status(error.get()) == OCTET_INVALID_ARGUMENT;
  };
  octet_custom_op made = op("Rows");
  made.infer = infer_positive;
  made.run = run_positive;
  CHECK(refused(made));  // It is there already.
  made.name = "Other";
  for (const char* domain : {"", "ai.onnx", "ai.onnx.ml", "octet"}) {
    made.domain = domain;
    CHECK(refused(made));
  }
  made.domain = kDomain;
  made.run = nullptr;
  CHECK(refused(made));
  made.run = run_positive;
  made.size = 8;
  CHECK(refused(made));
  const octet::detail::Handle<octet_error> error(octet_load_ops("/nowhere/ops.so"));
  REQUIRE(error != nullptr);
  CHECK(std::string(octet_error_message(error.get())).find("/nowhere/ops.so") != std::string::npos);
}
