#include <algorithm>

#include "tests/cli/page.h"
#include "tests/cli/program.h"

// The page of `octet report`.

namespace octet::testing {
namespace {

size_t count(const std::vector<std::string>& names, const char* name) {
  return static_cast<size_t>(std::count(names.begin(), names.end(), name));
}

TEST_CASE(
    "the page shows each sweep of each model, the peers and the accuracy, and needs nothing") {
  const Workplace place(product_model());
  const std::string int8 = place.at("<b>&.onnx");
  expect(octet({"quantize", place.model(), "-o", int8, "--calibration", place.at("samples"),
                "--cost-model", "off"}),
         0, {});
  place.write("peers.json",
              R"([{"engine": "Other <i>", "model": "m.onnx", "sweep": "threads", "value": 1,
                   "p50_ms": 2.5}])");
  const std::string page_path = place.at("page.html");
  expect(
      octet({"report", place.model(), int8, "-o", page_path, "--seconds", "0.01", "--sweep",
             "threads=1,2", "--samples", place.at("samples"), "--peers", place.at("peers.json")}),
      0, {});
  const std::string page = read_file(page_path);
  const auto elements = elements_of(page);
  // Latency, tail latency and memory; energy where a meter is.
  CHECK(count(elements, "svg") >= 3);
  CHECK(count(elements, "b") == 2);  // A card each: the file's name stays text.
  CHECK(count(elements, "i") == 0);
  for (const char* wanted : {"&lt;b&gt;&amp;.onnx", "Other &lt;i&gt;: m.onnx",
                             "Latency over threads", "ms a run, median", "Where the time goes",
                             "Accuracy by layer", "Size by part", "prefers-color-scheme:dark"})
    CHECK_MESSAGE(page.find(wanted) != std::string::npos, wanted);
  for (const char* outside : {"http:", "https:", "src=", "@import", "url("})
    CHECK_MESSAGE(page.find(outside) == std::string::npos, outside);
}

TEST_CASE("a page over rows of many models plots each one's sweep and compares its forms") {
  const Workplace place(product_model());
  // 4 and 9 times as fast: 6 times in the geometric mean. The second model has no sweep to plot.
  place.write("rows.json", R"([
    {"title": "A <b>", "form": "fp32", "sweep": "side", "value": 1, "p50_ms": 8, "model_bytes": 3e6},
    {"title": "A <b>", "form": "int8", "sweep": "side", "value": 1, "p50_ms": 2, "model_bytes": 1e6},
    {"title": "A <b>", "form": "fp32", "sweep": "side", "value": 2, "p50_ms": 18, "model_bytes": 3e6},
    {"title": "A <b>", "form": "int8", "sweep": "side", "value": 2, "p50_ms": 2, "model_bytes": 1e6},
    {"title": "B", "form": "fp32", "sweep": "past", "value": 7, "p50_ms": 6, "model_bytes": 5e6},
    {"title": "B", "form": "int8", "sweep": "past", "value": 7, "p50_ms": 1, "model_bytes": 1e6}])");
  const std::string page_path = place.at("page.html");
  expect(octet({"report", "--rows", place.at("rows.json"), "-o", page_path}), 0, {});
  const std::string page = read_file(page_path);
  CHECK(count(elements_of(page), "svg") == 1);
  for (const char* wanted : {"A &lt;b&gt;: latency over side", "6.00 × as fast", "least 4.00 ×",
                             "8.00 MB → 2.00 MB", "4.0 times smaller", ">past 7<"})
    CHECK_MESSAGE(page.find(wanted) != std::string::npos, wanted);
}

TEST_CASE("bad rows of other engines and a bad sweep leave no page") {
  const Workplace place(product_model());
  place.write("peers.json", "{}");
  const std::string page = place.at("page.html");
  expect(octet({"report", place.model(), "-o", page, "--peers", place.at("peers.json")}), 3,
         {"peers.json"});
  expect(octet({"report", place.model(), "-o", page, "--sweep", "nobody=1"}), 2, {"nobody"});
  place.write("rows.json", "[]");
  expect(octet({"report", "--rows", place.at("rows.json"), "-o", page}), 3,
         {"rows.json", "no rows"});
  expect(octet({"report", "-o", page}), 2, {"--rows"});
  CHECK_FALSE(std::filesystem::exists(page));
}

}  // namespace
}  // namespace octet::testing
