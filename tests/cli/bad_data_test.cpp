#include <functional>
#include <limits>

#include "tests/cli/program.h"

namespace octet::testing {
namespace {

constexpr int kBadInput = 3;

struct BadSamples {
  std::string name;
  std::function<void(const Workplace&)> spoil;  // changes the folder "samples"
  std::vector<std::string> says;
};

std::string wrong_length() { return npy({2, 4}, {1, 2, 3}); }

const std::vector<BadSamples> kBadSamples = {
    {"missing folder",
     [](auto& p) { std::filesystem::remove_all(p.path / "samples"); },
     {"samples", "No such file"}},
    {"empty folder",
     [](auto& p) { std::filesystem::remove(p.path / "samples/a.npz"); },
     {"samples", "there are no samples"}},
    {"extent",
     [](auto& p) {
       write_npz(p.sample(), "x", npy({1, 5}, {1, 2, 3, 4, 5}));
     },
     {"a.npz", "input 'x': axis 1 is 5, the model has 4"}},
    {"rank",
     [](auto& p) {
       write_npz(p.sample(), "x", npy({4}, {1, 2, 3, 4}));
     },
     {"a.npz", "input 'x': rank 1"}},
    {"missing input",
     [](auto& p) {
       write_npz(p.sample(), "z", npy({1, 4}, {1, 2, 3, 4}));
     },
     {"a.npz", "no array 'x'", "has z"}},
    {"element type",
     [](auto& p) {
       write_npz(p.sample(), "x", npy<int64_t>("<i8", {1, 4}, {1, 2, 3, 4}));
     },
     {"a.npz", "input 'x' is int64, the model has float"}},
    {"not a number",
     [](auto& p) {
       const float nan = std::numeric_limits<float>::quiet_NaN();
       write_npz(p.at("samples/b.npz"), "x", npy({1, 4}, {1, nan, 3, 4}));
     },
     {"b.npz", "value 'x'", "infinite or not a number"}},
    {"infinite",
     [](auto& p) {
       const float infinity = std::numeric_limits<float>::infinity();
       write_npz(p.at("samples/b.npz"), "x", npy({1, 4}, {1, infinity, 3, 4}));
     },
     {"b.npz", "value 'x'", "infinite or not a number"}},
    {"not an archive",
     [](auto& p) { p.write("samples/a.npz", "hello"); },
     {"a.npz", "not a readable .npz archive"}},
    {"empty archive", [](auto& p) { p.write("samples/a.npz", ""); }, {"a.npz"}},
    {"a truncated archive",
     [](auto& p) {
       const std::string bytes = read_file(p.sample());
       p.write("samples/a.npz", bytes.substr(0, bytes.size() / 2));
     },
     {"a.npz"}},
    {"not an array",
     [](auto& p) { write_npz(p.sample(), "x", "hello, world"); },
     {"a.npz:x.npy", "not a NumPy array"}},
    {"an array that is cut off",
     [](auto& p) { write_npz(p.sample(), "x", wrong_length()); },
     {"a.npz:x.npy", "the array is cut off"}},
    {"big-endian",
     [](auto& p) {
       write_npz(p.sample(), "x", npy<float>(">f4", {1, 1}, {1}));
     },
     {"a.npz:x.npy", "big-endian"}},
    {"objects",
     [](auto& p) {
       write_npz(p.sample(), "x", npy<float>("|O8", {1, 1}, {1}));
     },
     {"a.npz:x.npy", "element type |O8"}},
    {"a shape that wraps",
     [](auto& p) {
       write_npz(p.sample(), "x", npy({int64_t{1} << 40, int64_t{1} << 40}, {1}));
     },
     {"a.npz:x.npy", "the shape can't be read"}},
};

TEST_CASE("a bad calibration sample is refused by file and reason; no model is written") {
  for (const BadSamples& c : kBadSamples) {
    CAPTURE(c.name);
    const Workplace place(product_model());
    c.spoil(place);
    const auto before = files_in(place.path);
    expect(octet({"quantize", place.model(), "-o", place.at("int8.onnx"), "--calibration",
                  place.at("samples"), "--report", place.at("report.json")}),
           kBadInput, c.says);
    CHECK(files_in(place.path) == before);
  }
}

TEST_CASE("an input that the model can't take is refused by name") {
  const Workplace place(product_model());
  const auto npy_path = place.at("x.npy");
  place.write("x.npy", npy({1, 4}, {1, 2, 3, 4}));
  place.write("short.npy", wrong_length());
  place.write("wide.npy", npy({1, 5}, {1, 2, 3, 4, 5}));
  expect(octet({"run", place.model(), "--input", "x=" + npy_path}), 0, {});
  expect(octet({"run", place.model(), "--input", "z=" + npy_path}), 2, {"no input 'z'"});
  expect(octet({"run", place.model(), "--input", npy_path}), 2, {"NAME=FILE.npy"});
  expect(octet({"run", place.model()}), kBadInput, {"no array 'x'"});
  expect(octet({"run", place.model(), "--input", "x=" + place.at("none.npy")}), kBadInput,
         {"none.npy", "can't be read"});
  expect(octet({"run", place.model(), "--input", "x=" + place.at("short.npy")}), kBadInput,
         {"short.npy", "cut off"});
  expect(octet({"run", place.model(), "--input", "x=" + place.at("wide.npy")}), kBadInput,
         {"input 'x': axis 1 is 5"});
  expect(octet({"run", place.model(), "--inputs", place.model()}), kBadInput,
         {"model.onnx", "not a readable .npz"});
  expect(octet({"conformance", place.at("none")}), kBadInput, {"none", "is not a folder"});
  expect(octet({"conformance", place.at("samples")}), kBadInput, {"there are no test cases"});
}

}  // namespace
}  // namespace octet::testing
