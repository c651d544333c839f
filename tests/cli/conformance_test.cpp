#include "kernels/cpu/isa.h"
#include "tests/cli/program.h"

namespace octet::testing {
namespace {

enum Exit : int { kDone = 0, kNo = 1 };

std::string last_line(const std::string& text) {
  const size_t end = text.find_last_not_of('\n') + 1;
  const size_t begin = text.rfind('\n', end - 1);
  return text.substr(begin == std::string::npos ? 0 : begin + 1, end - begin - 1);
}

// A case whose model adds 1 to x, with data that say so or not.
class CaseFolder : public Folder {
 public:
  explicit CaseFolder(float result) {
    ModelProto model = empty_model();
    GraphProto& graph = *model.mutable_graph();
    *graph.add_initializer() = floats("one", {}, {1});
    add_node(graph, "Add", {"x", "one"}, {"y"});
    const auto set = path / "cases" / "add_one" / "test_data_set_0";
    std::filesystem::create_directories(set);
    write("cases/add_one/model.onnx", model.SerializeAsString());
    write("cases/add_one/test_data_set_0/input_0.pb",
          floats("x", {1, 4}, {0, 0, 0, 0}).SerializeAsString());
    write("cases/add_one/test_data_set_0/output_0.pb",
          floats("y", {1, 4}, std::vector<float>(4, result)).SerializeAsString());
  }
  Outcome run(const std::string& list) const {
    write("list", list);
    return octet({"conformance", (path / "cases").string(), "--expect", (path / "list").string()});
  }
};

}  // namespace

TEST_CASE("the bundled cases pass on every instruction set of this machine") {
  for (size_t i = 0; i < kIsaCount; ++i) {
    const auto isa = static_cast<Isa>(i);
    if (!CpuToken::probe(isa)) continue;
    INFO(isa_name(isa));
    const Outcome outcome = octet({"conformance", "--isa", std::string(isa_name(isa))});
    CHECK_MESSAGE(outcome.code == kDone, outcome.out);
    CHECK(last_line(outcome.out).find(" passed, 0 failed, 0 skipped") != std::string::npos);
  }
}

TEST_CASE("a list of expectations holds a run to itself") {
  const CaseFolder good(1);
  const CaseFolder wrong(2);
  CHECK(good.run("# nothing").code == kDone);
  CHECK(good.run("add_one refused it lacks Add\n").code == kNo);
  CHECK(good.run("add_one data 0 + 1 is 1\n").code == kNo);
  CHECK(good.run("other refused\n").code == kNo);
  CHECK(wrong.run("").code == kNo);
  const Outcome known = wrong.run("add_one data 0 + 1 is 1  # as everybody knows\n");
  CHECK(known.code == kDone);
  CHECK(known.out.find("0 passed, 0 failed, 1 skipped") != std::string::npos);
}

}  // namespace octet::testing
