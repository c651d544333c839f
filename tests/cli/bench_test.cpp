#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "cli/energy.h"
#include "cli/sweep.h"
#include "tests/cli/program.h"

namespace octet::testing {
namespace {

namespace fs = std::filesystem;

// A made-up powercap tree.
struct Powercap {
  Powercap() {
    zone("intel-rapl:0", "package-0", 1'000'000, 5'000'000);
    zone("intel-rapl:1", "package-1", 4'900'000, 5'000'000);
    zone("intel-rapl:2", "psys", 7, 5'000'000);
    zone("intel-rapl:0:0", "core", 3, 5'000'000);
    fs::create_directory(folder.path / "intel-rapl");
  }
  void zone(const std::string& name, const std::string& what, uint64_t count, uint64_t range) {
    fs::create_directory(folder.path / name);
    folder.write(name + "/name", what + "\n");
    folder.write(name + "/max_energy_range_uj", std::to_string(range) + "\n");
    set(name, count);
  }
  void set(const std::string& name, uint64_t count) const {
    folder.write(name + "/energy_uj", std::to_string(count) + "\n");
  }
  Folder folder;
};

const std::string kMlp = OCTET_SOURCES "/models/digits_mlp/digits_mlp.onnx";

}  // namespace

TEST_CASE("energy is the sum over packages, past the end of a counter's range too") {
  const Powercap tree;
  auto meter = cli::EnergyMeter::open(tree.folder.path);
  REQUIRE(meter);
  CHECK(meter->joules() == 0);
  tree.set("intel-rapl:0", 1'250'000);
  meter->update();
  CHECK(meter->joules() == doctest::Approx(0.25));
  tree.set("intel-rapl:1", 100'000);
  meter->update();
  CHECK(meter->joules() == doctest::Approx(0.45));
  tree.set("intel-rapl:2", 4'000'000);
  tree.set("intel-rapl:0:0", 4'000'000);
  meter->update();
  CHECK(meter->joules() == doctest::Approx(0.45));
}

TEST_CASE("without a package that can be read there is no meter") {
  const Folder empty;
  CHECK(!cli::EnergyMeter::open(empty.path));
  CHECK(!cli::EnergyMeter::open(empty.path / "nowhere"));
  const Powercap tree;
  fs::remove(tree.folder.path / "intel-rapl:1" / "energy_uj");
  CHECK(!cli::EnergyMeter::open(tree.folder.path));
}

TEST_CASE("joules are measured where there is a meter, and null where there is none") {
  const std::vector<std::string> arguments = {"bench", kMlp, "--seconds", "0.01", "--json"};
  for (const bool metered : {true, false}) {
    CAPTURE(metered);
    const Powercap tree;
    const std::string root = metered ? tree.folder.path.string() : "/nowhere";
    ::setenv("OCTET_POWERCAP", root.c_str(), 1);
    const auto row = nlohmann::json::parse(octet(arguments).out);
    const auto table = octet({"bench", kMlp, "--seconds", "0.01"}).out;
    ::unsetenv("OCTET_POWERCAP");
    CHECK(row["joules"].is_null() != metered);
    CHECK(row["watts"].is_null() != metered);
    // The counters stand still.
    if (metered) CHECK(row["joules"] == 0);
    CHECK((table.find("not measured") == std::string::npos) == metered);
  }
}

TEST_CASE("sweeps over an axis, a symbol and threads give a row each, percentiles in order") {
  const auto outcome = octet({"bench", kMlp, "--seconds", "0.01", "--json", "--sweep",
                              "threads=1,2", "--sweep", "batch=1,4", "--sweep", "image.0=3"});
  REQUIRE(outcome.code == 0);
  const auto rows = nlohmann::json::parse(outcome.out);
  std::vector<std::string> labels;
  for (const auto& row : rows) {
    labels.push_back(row["at"]);
    CHECK(row["p50_ms"] <= row["p90_ms"]);
    CHECK(row["p90_ms"] <= row["p99_ms"]);
    CHECK(row["peak_rss_bytes"] > 0);
    CHECK(row["runs"] >= 3);
  }
  CHECK(labels ==
        std::vector<std::string>{"threads=1", "threads=2", "batch=1", "batch=4", "image.0=3"});
  CHECK(rows[0]["threads"] == 1);
  CHECK(rows[1]["threads"] == 2);
  const int64_t once = rows[2]["macs"];
  CHECK(rows[3]["macs"] == 4 * once);
  CHECK(rows[4]["macs"] == 3 * once);
}

TEST_CASE("what a sweep can't be is said") {
  struct Case {
    const char* option;
    const char* value;
    const char* says;
  };
  const Case cases[] = {
      {"--sweep", "batch", "--sweep takes"},
      {"--sweep", "batch=1,x", "--sweep takes"},
      {"--sweep", "threads=0", "a thread at least"},
      {"--sweep", "frames=1", "'frames'"},
      {"--sweep", "image.7=1", "'image.7'"},
      {"--sweep", "image.1=3", "fixes image.1"},
      {"--shape", "image=1xx", "--shape takes"},
      {"--shape", "other=1x1x28x28", "no input 'other'"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.value);
    expect(octet({"bench", kMlp, each.option, each.value}), 2, {each.says});
  }
}

TEST_CASE("axes that change together") {
  std::vector<Port> ports(1);
  ports[0].name = "image";
  ports[0].dims = {-1, 3, -1, -1};
  ports[0].symbols = {"n", "", "height", "width"};
  const auto points = cli::bench_points({"image=2x3x8x8"}, {"height+width=16,32"});
  REQUIRE(points);
  REQUIRE(points->size() == 2);
  const auto dims = cli::input_dims(ports, (*points)[1]);
  REQUIRE(dims);
  CHECK(dims->at("image") == Dims{2, 3, 32, 32});
  CHECK((*points)[1].label() == "height+width=32");
}

}  // namespace octet::testing
