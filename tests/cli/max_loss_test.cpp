#include "tests/cli/program.h"

namespace octet::testing {
namespace {

constexpr int kUsage = 2;
constexpr int kBadInput = 3;
constexpr int kLimit = 4;

// A program of the test's own beside the model.
std::string script(const Workplace& place, const std::string& body) {
  place.write("metric.sh", "#!/bin/sh\n" + body + "\n");
  std::filesystem::permissions(place.path / "metric.sh", std::filesystem::perms::owner_all);
  return "'" + place.at("metric.sh") + "'";
}

std::vector<std::string> quantize(const Workplace& place, const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"quantize",         place.model(),   "-o",
                                        place.at("o.onnx"), "--calibration", place.at("samples")};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

bool has_codes(const std::filesystem::path& model) {
  return read_file(model).find("DequantizeLinear") != std::string::npos;
}

struct Refused {
  std::string name;
  std::string body;  // Of the metric; empty: `command` is the whole option.
  std::string command;
  int code;
  std::vector<std::string> says;
  std::vector<std::string> more{};
};

const std::vector<Refused> kRefused = {
    {"ends with an error", "echo 1; exit 7", "", kBadInput, {"--metric", "metric.sh", "status 7"}},
    {"ends by a signal", "kill -9 $$", "", kBadInput, {"--metric", "signal 9"}},
    {"prints nothing", "true", "", kBadInput, {"--metric", "finite number"}},
    {"prints words", "echo accuracy: 0.5", "", kBadInput, {"--metric", "finite number"}},
    {"prints a unit", "echo 97.5%", "", kBadInput, {"--metric", "finite number"}},
    {"prints no finite number", "echo nan", "", kBadInput, {"--metric", "finite number"}},
    {"prints a number, then words", "echo 1; echo done", "", kBadInput, {"finite number"}},
    {"fails on candidates alone",
     "case \"$1\" in */model.onnx) case \"$1\" in */.octet-*) exit 3;; esac;; esac; echo 1",
     "",
     kBadInput,
     {"status 3"}},
    {"isn't there", "", "/no/such/program", kUsage, {"--metric", "/no/such/program"}},
    {"an open quote", "", "echo 'x", kUsage, {"--metric", "quote"}},
    {"nothing", "", " ", kUsage, {"--metric", "empty"}},
    {"hangs", "sleep 60; echo 1", "", kLimit, {"--metric", "deadline"}, {"--deadline", "1500"}},
};

TEST_CASE("a metric that fails ends the command; no file is left") {
  for (const Refused& c : kRefused) {
    CAPTURE(c.name);
    const Workplace place(product_model());
    const std::string command = c.body.empty() ? c.command : script(place, c.body);
    const auto before = files_in(place.path);
    auto arguments = quantize(place, {"--max-loss", "0.5", "--metric", command, "--report",
                                      place.at("r.json"), "--html", place.at("p.html")});
    arguments.insert(arguments.end(), c.more.begin(), c.more.end());
    expect(octet(arguments), c.code, c.says);
    CHECK(files_in(place.path) == before);
  }
}

// Prints one number for the float model, one for what has int8 codes, one for a spoiled model.
std::string figures(double real, double codes, double other) {
  return "if grep -q DequantizeLinear \"$1\"; then echo " + std::to_string(codes) +
         "; elif grep -q spoiled \"$1\"; then echo " + std::to_string(other) + "; else echo " +
         std::to_string(real) + "; fi";
}

struct Judged {
  std::string name;
  std::string body;
  std::vector<std::string> more;
  bool integer;  // Whether the product becomes int8.
};

const std::vector<Judged> kJudged = {
    {"no change", "echo 0.5", {}, true},
    {"text before the number, blanks after it", "echo hello; echo ' 2.5 '; echo", {}, true},
    {"within the bound", figures(0.9, 0.88, 0.1), {"--better", "higher"}, true},
    {"worse where more is better", figures(0.9, 0.7, 0.1), {"--better", "higher"}, false},
    {"better where more is better", figures(0.7, 0.9, 0.1), {"--better", "higher"}, true},
    {"worse where less is better", figures(0.7, 0.9, 3), {"--better", "lower"}, false},
    {"better where less is better", figures(0.9, 0.7, 3), {"--better", "lower"}, true},
    {"found out: more is better, got worse", figures(0.9, 0.7, 0.1), {}, false},
    {"found out: more is better, got better", figures(0.7, 0.9, 0.1), {}, true},
    {"found out: less is better, got worse", figures(0.7, 0.9, 3), {}, false},
    {"found out: less is better, got better", figures(0.9, 0.7, 3), {}, true},
    {"can't be found out: a rise", figures(0.7, 0.9, 0.7), {}, false},
    {"can't be found out: a fall", figures(0.9, 0.7, 0.9), {}, false},
    {"fails on a spoiled model",
     "grep -q spoiled \"$1\" && exit 1; " + figures(0.7, 0.9, 0),
     {},
     false},
};

TEST_CASE("a metric's number may get worse by --max-loss, whichever way it points") {
  for (const Judged& c : kJudged) {
    CAPTURE(c.name);
    const Workplace place(product_model());
    auto arguments = quantize(place, {"--max-loss", "0.05", "--metric", script(place, c.body),
                                      "--report", place.at("r.json"), "--cost-model", "off"});
    arguments.insert(arguments.end(), c.more.begin(), c.more.end());
    expect(octet(arguments), 0, {});
    CHECK(has_codes(place.path / "o.onnx") == c.integer);
    const std::string report = read_file(place.path / "r.json");
    CHECK((report.find("sensitivity: ") == std::string::npos) == c.integer);
    CHECK(files_in(place.path) == Names{"metric.sh", "model.onnx", "o.onnx", "r.json", "samples"});
  }
}

TEST_CASE("the metric's words reach it as they are; the model's path is the last or {}") {
  const Workplace place(product_model());
  const std::string check =
      script(place,
             "[ \"$1\" = '$HOME; false *' ] && [ \"$2\" = 'two words' ] && [ -f \"$3\" ] && "
             "[ \"$4\" = \"--model=$3\" ] && echo 1");
  const std::string words = check + " '$HOME; false *' \"two words\" {} --model={}";
  expect(octet(quantize(place, {"--max-loss", "0", "--metric", words})), 0, {});
  const std::string last = script(place, "[ \"$1\" = a ] && [ -f \"$2\" ] && echo 1") + " a";
  expect(octet(quantize(place, {"--max-loss", "0", "--metric", last})), 0, {});
}

TEST_CASE("--max-loss alone is the least SQNR that outputs keep") {
  const Workplace place(product_model());
  const auto sqnr_of = [&](const std::string& bound) {
    const auto outcome = octet(quantize(place, {"--max-loss", bound, "--cost-model", "off"}));
    expect(outcome, 0, {});
    CHECK(outcome.out.find("kept: ") != std::string::npos);
    return octet({"compare", place.model(), place.at("o.onnx"), "--inputs", place.at("samples"),
                  "--min-sqnr", bound})
        .code;
  };
  CHECK(sqnr_of("10") == 0);
  CHECK(has_codes(place.path / "o.onnx"));
  CHECK(sqnr_of("120") == 0);
  CHECK_FALSE(has_codes(place.path / "o.onnx"));
}

TEST_CASE("options of the search that make no sense together are refused") {
  struct Usage {
    std::vector<std::string> arguments;
    std::string says;
  };
  const std::vector<Usage> cases = {
      {{"--metric", "true"}, "--metric needs --max-loss"},
      {{"--max-loss", "30", "--better", "higher"}, "--better needs --metric"},
      {{"--max-loss", "1", "--metric", "true", "--better", "bigger"}, "bigger"},
      {{"--max-loss", "0"}, "above 0"},
      {{"--max-loss", "-3"}, "above 0"},
      {{"--max-loss", "nan"}, "finite"},
      {{"--max-loss", "much"}, "--max-loss"},
      {{"--max-loss", "-1", "--metric", "true"}, "0 or more"},
      {{"--max-loss", "30", "--mode", "int4"}, "static and dynamic"},
      {{"--max-loss", "30", "--observe-only"}, "--observe-only writes no model"},
      {{"--activations", "16", "--mode", "dynamic"}, "--activations"},
      {{"--states", "8", "--mode", "fp16"}, "--states is for --mode static and dynamic"},
      {{"--states", "4"}, "--states"},
      {{"--cost-model", "maybe"}, "maybe"},
  };
  for (const Usage& c : cases) {
    CAPTURE(c.says);
    const Workplace place(product_model());
    expect(octet(quantize(place, c.arguments)), kUsage, {c.says});
    CHECK(files_in(place.path) == Names{"model.onnx", "samples"});
  }
  const Workplace place(product_model());
  expect(octet({"quantize", place.model(), "-o", place.at("o.onnx"), "--mode", "dynamic",
                "--max-loss", "30"}),
         kUsage, {"--calibration"});
}

}  // namespace
}  // namespace octet::testing
