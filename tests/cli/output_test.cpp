#include <sys/mount.h>

#include "tests/cli/program.h"

namespace octet::testing {
namespace {

constexpr int kUsage = 2;
constexpr int kMachine = 5;

std::vector<std::string> quantize(const Workplace& place, const std::string& output) {
  return {"quantize",      place.model(),       "-o",           output,
          "--calibration", place.at("samples"), "--calibrator", "minmax"};
}

std::vector<std::string> with(std::vector<std::string> arguments,
                              const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

TEST_CASE("a good run writes what it says and leaves nothing else") {
  const Workplace place(product_model());
  expect(octet(with(quantize(place, place.at("int8.onnx")), {"--report", place.at("r.json")})), 0,
         {});
  CHECK(files_in(place.path) == Names{"int8.onnx", "model.onnx", "r.json", "samples"});
  expect(octet({"run", place.at("int8.onnx"), "--inputs", place.sample(), "--output-dir",
                place.at("new/out"), "--profile", place.at("trace.json")}),
         0, {});
  CHECK(files_in(place.path / "new/out") == Names{"y.npy"});
  CHECK(read_file(place.path / "trace.json").find("traceEvents") != std::string::npos);
}

TEST_CASE("outputs that can't be made are refused before the work") {
  const Workplace place(product_model());
  const auto before = files_in(place.path);
  expect(octet(quantize(place, place.at("none/int8.onnx"))), kMachine, {"none/int8.onnx"});
  expect(octet(quantize(place, "/proc/int8.onnx")), kMachine, {"/proc/int8.onnx"});
  expect(octet(quantize(place, place.at("samples"))), kUsage, {"samples", "not a regular file"});
  const auto good = quantize(place, place.at("int8.onnx"));
  expect(octet(with(good, {"--report", place.at("none/r.json")})), kMachine, {"none/r.json"});
  expect(octet(with(good, {"--report", place.at("samples")})), kUsage, {"not a regular file"});
  const std::vector<std::string> run = {"run", place.model(), "--inputs", place.sample()};
  expect(octet(with(run, {"--profile", place.at("none/t.json")})), kMachine, {"none/t.json"});
  expect(octet(with(run, {"--output-dir", place.model()})), kMachine, {"model.onnx"});
  CHECK(files_in(place.path) == before);
}

TEST_CASE("a disk that fills up leaves the old file and nothing half-written") {
  const Workplace place(product_model(4096));
  place.write("int8.onnx", "old");
  const auto before = files_in(place.path);
  const Limits limit{.file_bytes = 8192};
  expect(octet(quantize(place, place.at("int8.onnx")), limit), kMachine,
         {"int8.onnx", "too large"});
  expect(
      octet({"run", place.model(), "--inputs", place.sample(), "--output-dir", place.at("samples")},
            limit),
      kMachine, {"y.npy", "too large"});
  CHECK(read_file(place.path / "int8.onnx") == "old");
  CHECK(files_in(place.path) == before);
  CHECK(files_in(place.path / "samples") == Names{"a.npz"});
}

TEST_CASE("a full file system leaves the old file and nothing half-written") {
  const Workplace place(product_model(4096));
  const auto small = place.path / "small";
  std::filesystem::create_directory(small);
  if (::mount("tmpfs", small.c_str(), "tmpfs", 0, "size=8k") != 0) {
    MESSAGE("skipped: no file system can be mounted here");
    return;
  }
  { std::ofstream(small / "int8.onnx") << "old"; }
  const auto outcome = octet(quantize(place, place.at("small/int8.onnx")));
  const auto left = files_in(small);
  const std::string old = read_file(small / "int8.onnx");
  ::umount(small.c_str());
  expect(outcome, kMachine, {"small/int8.onnx", "No space left"});
  CHECK(left == Names{"int8.onnx"});
  CHECK(old == "old");
}

TEST_CASE("results that stdout can't take are an error") {
  const Workplace place(product_model());
  if (!std::filesystem::exists("/dev/full")) return;
  expect(octet({"info", place.model()}, {.stdout_path = "/dev/full"}), kMachine, {"stdout"});
}

}  // namespace
}  // namespace octet::testing
