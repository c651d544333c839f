#include <doctest/doctest.h>

#include <atomic>
#include <cstring>
#include <map>
#include <string>

#include "octet/octet_provider.h"
#include "test_model.h"

// Providers that a test brings: which nodes they are offered and run, failures, refusals.

namespace {

std::atomic<int> states{0};
std::atomic<int> runs{0};
// What `make` of the provider gives.
octet_status make_gives = OCTET_OK;
octet_status run_gives = OCTET_OK;

octet_status make(const octet_op_host* host, octet_op_node* node, void** state) {
  if (make_gives != OCTET_OK) return host->fail(node, make_gives, "make says no");
  *state = new int(++states);
  return OCTET_OK;
}
void drop(void* state) {
  delete static_cast<int*>(state);
  --states;
}

octet_status run_leaky(const octet_op_host* host, octet_op_run* run, const void* /*state*/) {
  ++runs;
  if (run_gives != OCTET_OK) return host->fail_run(run, run_gives, "run says no");
  octet_tensor x{};
  octet_tensor y{};
  if (host->input(run, 0, &x) == 0 || host->output(run, 0, nullptr, 0, &y) == 0) return OCTET_OK;
  const auto* from = static_cast<const float*>(x.data);
  auto* to = static_cast<float*>(y.data);
  for (size_t i = 0; i < x.bytes / sizeof(float); ++i)
    to[i] = from[i] < 0 ? 0.25F * from[i] : from[i];
  return OCTET_OK;
}
// Takes the slope that it knows, and leaves other nodes.
octet_status make_leaky(const octet_op_host* host, octet_op_node* node, void** state) {
  octet_attribute alpha{};
  if (host->attribute(node, "alpha", &alpha) == 0 || alpha.kind != OCTET_ATTRIBUTE_FLOAT ||
      alpha.f != 0.25F)
    return host->fail(node, OCTET_UNSUPPORTED, "another slope");
  return make(host, node, state);
}

// x[m, 2] times a constant [2, 2].
octet_status run_product(const octet_op_host* host, octet_op_run* run, const void* /*state*/) {
  ++runs;
  octet_tensor x{};
  octet_tensor w{};
  octet_tensor y{};
  if (host->input(run, 0, &x) == 0 || host->input(run, 1, &w) == 0 ||
      host->output(run, 0, nullptr, 0, &y) == 0)
    return OCTET_OK;
  const auto* a = static_cast<const float*>(x.data);
  const auto* b = static_cast<const float*>(w.data);
  auto* to = static_cast<float*>(y.data);
  for (int64_t i = 0; i < x.dims[0]; ++i)
    for (int64_t j = 0; j < 2; ++j) to[2 * i + j] = a[2 * i] * b[j] + a[2 * i + 1] * b[2 + j];
  return OCTET_OK;
}

constexpr octet_claim kLeaky{sizeof(octet_claim), "", "LeakyRelu", make_leaky, drop, run_leaky};
constexpr octet_claim kProduct{sizeof(octet_claim), "", "MatMul", make, drop, run_product};
constexpr const octet_claim* kClaims[] = {&kLeaky, &kProduct, nullptr};

// Registered once a process; `eager` is taken by "auto".
void register_both() {
  static const octet_custom_provider asked{sizeof(asked), "asked", kClaims, 0};
  static const octet_custom_provider eager{sizeof(eager), "eager", kClaims, 1};
  static const bool once = [] {
    REQUIRE(octet_register_provider(&asked) == nullptr);
    REQUIRE(octet_register_provider(&eager) == nullptr);
    return true;
  }();
  (void)once;
}

struct Fixture {
  Fixture() {
    register_both();
    runs = 0;
    make_gives = run_gives = OCTET_OK;
  }
  ~Fixture() {
    CHECK(states == 0);
    make_gives = OCTET_UNSUPPORTED;  // Leaves the nodes of other tests alone.
  }
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;
};

octet_onnx::NodeProto& leaky(TestModel& model, const char* from, const char* to, float slope) {
  auto& node = model.node("", "LeakyRelu", {from}, to);
  auto& attribute = *node.add_attribute();
  attribute.set_name("alpha");
  attribute.set_type(octet_onnx::AttributeProto::FLOAT);
  attribute.set_f(slope);
  return node;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a provider runs what it claims where it is asked for, octet the rest") {
  TestModel model({-1, 2});
  model.constant("w", {2, 2}, {1, 2, 3, 4});
  leaky(model, "x", "a", 0.25F).set_name("its");
  leaky(model, "a", "b", 0.5F).set_name("ours");
  model.node("", "MatMul", {"b", "w"}, "y");
  const std::vector<float> x{-8, 1, 2, -16};
  // -8 / 4 / 2 = -1, -16 / 4 / 2 = -2.
  const std::vector<float> expected{2, 2, -4, -4};
  struct Case {
    const char* provider;
    int runs;
  };
  for (const Case& each : {Case{"asked", 2}, {"eager", 2}, {"auto", 2}, {"native", 0}}) {
    CAPTURE(each.provider);
    runs = 0;
    auto session = model.load({.provider = each.provider});
    REQUIRE(session);
    std::map<std::string, std::string> ran;
    octet_run_options options{};
    options.profile = [](const octet_step* step, void* user) {
      (*static_cast<std::map<std::string, std::string>*>(user))[step->node] = step->provider;
    };
    options.user = &ran;
    const std::vector<octet::TensorRef> inputs{{x, {2, 2}}};
    const auto results = session->run(inputs, &options);
    REQUIRE(results);
    CHECK(floats(*results) == expected);
    CHECK(runs == each.runs);
    const std::string wanted = std::strcmp(each.provider, "auto") == 0 ? "eager" : each.provider;
    CHECK(ran["its"] == wanted);
    CHECK(ran["ours"] != "asked");
    CHECK(ran["ours"] != "eager");
    CHECK(ran["the_MatMul"] == wanted);
  }
}

TEST_CASE_FIXTURE(Fixture, "nodes that octet fused with others aren't offered") {
  TestModel model({-1, 2});
  model.constant("w", {2, 2}, {1, -2, 3, 4});
  model.node("", "MatMul", {"x", "w"}, "h");
  model.node("", "Relu", {"h"}, "y");
  auto session = model.load({.provider = "asked"});
  REQUIRE(session);
  const std::vector<float> x{1, 0};
  const auto results = session->run({{x, {1, 2}}});
  REQUIRE(results);
  CHECK(floats(*results) == std::vector<float>{1, 0});
  CHECK(runs == 0);
}

TEST_CASE_FIXTURE(Fixture, "a failure that isn't 'unsupported' ends the load, and names the node") {
  TestModel model({-1, 2});
  leaky(model, "x", "y", 0.25F);
  make_gives = OCTET_INVALID_MODEL;
  const auto session = model.load({.provider = "asked"});
  REQUIRE(!session);
  CHECK(session.failure().status == OCTET_INVALID_MODEL);
  CHECK(session.failure().message.find("make says no") != std::string::npos);
  CHECK(session.failure().message.find("the_LeakyRelu") != std::string::npos);
  make_gives = OCTET_UNSUPPORTED;
  CHECK(model.load({.provider = "asked"}));
}

TEST_CASE_FIXTURE(Fixture, "a run's failure names the node") {
  TestModel model({-1, 2});
  leaky(model, "x", "y", 0.25F);
  auto session = model.load({.provider = "asked"});
  REQUIRE(session);
  run_gives = OCTET_INVALID_DATA;
  const std::vector<float> x(2);
  const auto results = session->run({{x, {1, 2}}});
  REQUIRE(!results);
  CHECK(results.failure().status == OCTET_INVALID_DATA);
  CHECK(results.failure().message.find("run says no") != std::string::npos);
  CHECK(results.failure().message.find("the_LeakyRelu") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "a provider that can't be one isn't registered") {
  const auto message = [](const char* name, const octet_claim& claim) {
    const octet_claim* const claims[] = {&claim, nullptr};
    const octet_custom_provider provider{sizeof(provider), name, claims, 0};
    const octet::detail::Handle<octet_error> error(octet_register_provider(&provider));
    REQUIRE(error != nullptr);
    CHECK(octet_error_status(error.get()) == OCTET_INVALID_ARGUMENT);
    return std::string(octet_error_message(error.get()));
  };
  const auto says = [&](const char* name, const octet_claim& claim, const char* what) {
    CHECK(message(name, claim).find(what) != std::string::npos);
  };
  says("asked", kLeaky, "of that name");
  says("native", kLeaky, "of that name");
  says("", kLeaky, "without a size, name or claims");
  octet_claim claim = kLeaky;
  claim.name = "None";
  says("other", claim, "no operator None");
  claim.name = "Reshape";
  says("other", claim, "can't be claimed");
  claim = kLeaky;
  claim.run = nullptr;
  says("other", claim, "without a size, operator or run");
  claim = kLeaky;
  claim.size = 8;
  says("other", claim, "without a size, operator or run");
  const auto unknown = TestModel({-1, 2}).load({.provider = "other"});
  REQUIRE(!unknown);
  CHECK(unknown.failure().message.find("unknown provider 'other'") != std::string::npos);
}
