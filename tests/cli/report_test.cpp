#include <nlohmann/json.hpp>

#include "tests/cli/page.h"
#include "tests/cli/program.h"

namespace octet::testing {
namespace {

constexpr int kMachine = 5;

std::vector<std::string> quantize(const Workplace& place, const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {
      "quantize",      place.model(),       "-o",           place.at("o.onnx"),
      "--calibration", place.at("samples"), "--cost-model", "off"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

nlohmann::json report_of(const Workplace& place, std::vector<std::string> more) {
  more.insert(more.end(), {"--report", place.at("r.json")});
  expect(octet(quantize(place, more)), 0, {});
  return nlohmann::json::parse(read_file(place.path / "r.json"));
}

// Names that a page must not take for its own.
const std::string kHostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;\x01";

ModelProto hostile_model() {
  ModelProto model = product_model();
  GraphProto& graph = *model.mutable_graph();
  graph.mutable_node(0)->set_name(kHostile);
  graph.mutable_node(0)->set_output(0, kHostile + "value");
  add_node(graph, "Relu", {kHostile + "value"}, {"y"});
  return model;
}

TEST_CASE("the report counts work and shows ranges, as plain JSON") {
  const Workplace place(product_model());
  const auto report = report_of(place, {});
  CHECK(report["macs"] == 2 * 4 * 64);
  CHECK(report["integer_macs"] == 2 * 4 * 64);
  CHECK(report["bytes_before"] == std::filesystem::file_size(place.model()));
  CHECK(report["bytes_after"] == std::filesystem::file_size(place.at("o.onnx")));
  CHECK(report["float_us"].get<double>() > 0);
  CHECK(report["nodes"][0]["outcome"] == "int8");
  const auto& value = report["values"][0];
  CHECK(value["value"] == "x");
  CHECK(value["low"] == -4.0);
  CHECK(value["high"] == 3.0);
  CHECK(value["chosen_low"].get<double>() <= -3.9);
  CHECK(value["chosen_high"].get<double>() >= 2.9);
  CHECK(value["zeros"] == 1);
  uint64_t counted = 0;
  for (const auto& count : value["counts"]) counted += count.get<uint64_t>();
  CHECK(counted == 7);
}

TEST_CASE("nodes with 16-bit activations aren't called int8: they are computed in float") {
  const Workplace place(product_model());
  const auto report = report_of(place, {"--activations", "16"});
  CHECK(report["integer_macs"] == 0);
  CHECK(report["nodes"][0]["outcome"] == "int16");
  CHECK(report["nodes"][0]["reason"].get<std::string>().find("computed in float") !=
        std::string::npos);
  const auto outcome = octet(quantize(place, {"--activations", "16"}));
  CHECK(outcome.out.find("computed in float") != std::string::npos);
  CHECK(outcome.out.find("nodes in int8") == std::string::npos);
}

TEST_CASE("names out of the model are text in the page, which needs nothing else") {
  const Workplace place(hostile_model());
  for (const char* mode : {"static", "dynamic", "fp16", "int4"}) {
    CAPTURE(mode);
    expect(octet(quantize(place, {"--html", place.at("page.html"), "--mode", mode})), 0, {});
    const std::string page = read_file(place.path / "page.html");
    const auto elements = elements_of(page);
    CHECK(std::count(elements.begin(), elements.end(), "script") == 1);
    CHECK(std::count(elements.begin(), elements.end(), "img") == 0);
    CHECK(page.find(" onerror=\"") == std::string::npos);
    CHECK(page.find('\x01') == std::string::npos);
    for (const char* outside : {"src=\"", "href=", "url(", "@import", "http:", "https:"})
      CHECK(page.find(outside) == std::string::npos);
    CHECK(page.find("prefers-color-scheme:dark") != std::string::npos);
    const bool integers = std::string(mode) == "static" || std::string(mode) == "dynamic";
    CHECK((page.find("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;") != std::string::npos) ==
          integers);
    const auto pictures = std::count(elements.begin(), elements.end(), "svg");
    CHECK((pictures > 0) == (std::string(mode) == "static"));
  }
}

TEST_CASE("a page that can't be written is refused before the work, and nothing is") {
  const Workplace place(product_model());
  const auto before = files_in(place.path);
  expect(octet(quantize(place, {"--html", place.at("none/p.html")})), kMachine, {"none/p.html"});
  CHECK(files_in(place.path) == before);
  // The page is larger than the model: the disk that takes one doesn't take the other.
  const Limits limit{.file_bytes = 4096};
  expect(octet(quantize(place, {"--html", place.at("p.html")}), limit), kMachine,
         {"p.html", "too large"});
  CHECK(files_in(place.path) == before);
}

}  // namespace
}  // namespace octet::testing
