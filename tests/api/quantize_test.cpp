#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "octet/octet_quantize.hpp"
#include "tests/support/folder.h"

namespace {

const std::string kMlp = OCTET_SOURCES "/models/digits_mlp/digits_mlp.onnx";

// Images as digits_mlp takes them.
constexpr size_t kPixels = 28 * 28;
std::vector<float> pixels(size_t seed, size_t rows) {
  std::mt19937 random(static_cast<unsigned>(seed));
  std::uniform_real_distribution<float> uniform(0.0F, 1.0F);
  std::vector<float> values(rows * kPixels);
  for (float& each : values) each = uniform(random);
  return values;
}

struct Calibration {
  std::vector<float> sample;
  size_t given = 0;
  std::vector<std::string> names;

  octet::QuantizeOptions options(size_t count) {
    octet::QuantizeOptions made;
    made.samples = count;
    made.words = {{"cost-model", "off"}};
    made.sample = [this](size_t i, const std::vector<std::string>& asked) {
      ++given;
      names = asked;
      const size_t rows = 1 + i % 3;
      sample = pixels(i, rows);
      return std::vector<octet::TensorRef>{{sample, {static_cast<int64_t>(rows), 1, 28, 28}}};
    };
    return made;
  }
};

double sqnr(const std::string& a, const std::string& b) {
  auto first = octet::Session::load(a);
  auto second = octet::Session::load(b);
  REQUIRE(first);
  REQUIRE(second);
  double signal = 0;
  double noise = 0;
  for (size_t i = 100; i < 132; ++i) {
    const auto x = pixels(i, 1);
    const auto want = first->run({{x, {1, 1, 28, 28}}});
    const auto got = second->run({{x, {1, 1, 28, 28}}});
    REQUIRE(want);
    REQUIRE(got);
    const auto w = want->values<float>(0);
    const auto g = got->values<float>(0);
    REQUIRE(w.size() == g.size());
    for (size_t k = 0; k < w.size(); ++k) {
      signal += double{w[k]} * w[k];
      noise += (double{w[k]} - g[k]) * (double{w[k]} - g[k]);
    }
  }
  return 10 * std::log10(signal / noise);
}

}  // namespace

TEST_CASE("samples from a function calibrate a static model") {
  const octet::testing::Folder folder;
  const std::string output = (folder.path / "int8.onnx").string();
  Calibration calibration;
  const auto nodes = octet::quantize(kMlp, output, calibration.options(32));
  REQUIRE(nodes);
  CHECK(calibration.given >= 32);
  CHECK(calibration.names ==
        std::vector<std::string>{octet::Session::load(kMlp)->inputs()[0].name});
  size_t integers = 0;
  for (const auto& node : *nodes) integers += node.outcome == "int8" ? 1 : 0;
  CHECK(integers >= 2);
  CHECK(sqnr(kMlp, output) > 25);
  CHECK(std::filesystem::file_size(output) < std::filesystem::file_size(kMlp) / 2);
}

TEST_CASE("the same samples give the same file") {
  const octet::testing::Folder folder;
  std::vector<std::string> files;
  for (const char* name : {"a.onnx", "b.onnx"}) {
    const std::string output = (folder.path / name).string();
    Calibration calibration;
    REQUIRE(octet::quantize(kMlp, output, calibration.options(16)));
    std::ifstream file(output, std::ios::binary);
    files.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  CHECK(files[0] == files[1]);
}

TEST_CASE("modes that need no samples take none") {
  const octet::testing::Folder folder;
  for (const char* mode : {"dynamic", "fp16", "int4"}) {
    CAPTURE(mode);
    const std::string output = (folder.path / mode).string();
    octet::QuantizeOptions options;
    options.words = {{"mode", mode}};
    REQUIRE(octet::quantize(kMlp, output, options));
    CHECK(sqnr(kMlp, output) > 15);
  }
}

TEST_CASE("a bound on loss holds") {
  const octet::testing::Folder folder;
  const std::string output = (folder.path / "int8.onnx").string();
  Calibration calibration;
  auto options = calibration.options(8);
  options.words.emplace_back("max-loss", "200");
  const auto nodes = octet::quantize(kMlp, output, options);
  REQUIRE(nodes);
  for (const auto& node : *nodes) CHECK(node.outcome != "int8");
}

TEST_CASE("what can't be is refused, and leaves no file") {
  const octet::testing::Folder folder;
  const std::string output = (folder.path / "int8.onnx").string();
  struct Case {
    const char* name;
    const char* word;
    const char* message;
  };
  const Case cases[] = {
      {"mode", "int7", "int4"},      {"calibrator", "best", "percentile"},
      {"depth", "3", "calibrator"},  {"exclude", "nobody", "nobody"},
      {"max-loss", "-1", "above 0"}, {"algorithms", "equalize,such", "such"},
      {"block-size", "48", "64"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.name);
    Calibration calibration;
    auto options = calibration.options(4);
    options.words.emplace_back(each.name, each.word);
    const auto made = octet::quantize(kMlp, output, options);
    REQUIRE(!made);
    CHECK(made.failure().status == OCTET_INVALID_ARGUMENT);
    CHECK(made.failure().message.find(each.message) != std::string::npos);
    CHECK(!std::filesystem::exists(output));
  }
}

TEST_CASE("options that couldn't be made are taken") {
  octet_quantize_options_set_samples(nullptr, 0, nullptr, nullptr);
  octet_quantize_options_set_progress(nullptr, nullptr, nullptr);
  octet_quantize_options_set_report(nullptr, nullptr, nullptr);
  octet_quantize_options_free(nullptr);
  const auto set = octet::detail::take(octet_quantize_options_set(nullptr, "mode", "dynamic"));
  REQUIRE(set);
  CHECK(set->status == OCTET_INVALID_ARGUMENT);
  const auto run = octet::detail::take(octet_quantize_options_set_run(nullptr, nullptr));
  REQUIRE(run);
  CHECK(run->status == OCTET_INVALID_ARGUMENT);
}

TEST_CASE("a sample that can't be given, a bad one, and a cancel end it") {
  const octet::testing::Folder folder;
  const std::string output = (folder.path / "int8.onnx").string();
  Calibration calibration;
  auto options = calibration.options(4);
  options.sample = [](size_t, const std::vector<std::string>&) {
    return std::vector<octet::TensorRef>{};
  };
  auto made = octet::quantize(kMlp, output, options);
  REQUIRE(!made);
  CHECK(made.failure().message.find("sample 0") != std::string::npos);

  const std::vector<float> few(3);
  options.sample = [&](size_t, const std::vector<std::string>&) {
    return std::vector<octet::TensorRef>{{few, {1, 3}}};
  };
  made = octet::quantize(kMlp, output, options);
  REQUIRE(!made);
  CHECK(made.failure().status == OCTET_INVALID_DATA);
  CHECK(made.failure().message.find("sample 0") != std::string::npos);

  options = calibration.options(4);
  options.progress = [](std::string_view, size_t done, size_t) { return done < 2; };
  made = octet::quantize(kMlp, output, options);
  REQUIRE(!made);
  CHECK(made.failure().status == OCTET_DEADLINE);
  CHECK(!std::filesystem::exists(output));
}
