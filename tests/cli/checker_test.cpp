#include <cstdlib>

#include "tests/cli/program.h"

namespace octet::testing {
namespace {

// The Python to ask: $OCTET_PYTHON, or python3.
std::string python() {
  const char* given = std::getenv("OCTET_PYTHON");
  return given == nullptr ? "python3" : given;
}

int shell(const std::string& command) { return std::system(command.c_str()); }

struct Bundled {
  const char* name;
  const char* input;
  std::vector<int64_t> dims;
};
const std::vector<Bundled> kBundled = {
    {"digits_mlp", "image", {1, 1, 28, 28}},
    {"digits_cnn", "image", {1, 1, 28, 28}},
    {"speech_lstm", "features", {1, 60, 40}},
    {"speech_conformer", "features", {1, 60, 40}},
};

TEST_CASE("onnx.checker accepts what quantize writes of the bundled models, in every form") {
  if (shell(python() + " -c 'import onnx' 2>/dev/null") != 0) {
    MESSAGE("skipped: " << python() << " has no package onnx (OCTET_PYTHON names another Python)");
    return;
  }
  const Folder folder;
  const std::filesystem::path models = std::filesystem::path(OCTET_SOURCES) / "models";
  const std::vector<std::vector<std::string>> forms = {
      {"--mode", "dynamic"},
      {"--mode", "dynamic", "--format", "integer"},
      {"--format", "qdq"},
      {"--format", "integer"},
  };
  std::filesystem::create_directory(folder.path / "samples");
  for (const Bundled& bundled : kBundled) {
    CAPTURE(bundled.name);
    const std::string name = bundled.name;
    size_t count = 1;
    for (const int64_t dim : bundled.dims) count *= static_cast<size_t>(dim);
    write_npz(folder.path / "samples" / "a.npz", bundled.input,
              npy(bundled.dims, std::vector<float>(count, 0.5F)));
    for (size_t i = 0; i < forms.size(); ++i) {
      CAPTURE(i);
      const auto out = folder.path / (name + std::to_string(i) + ".onnx");
      std::vector<std::string> arguments = {
          "quantize",      (models / name / (name + ".onnx")).string(), "-o", out.string(),
          "--calibration", (folder.path / "samples").string()};
      arguments.insert(arguments.end(), forms[i].begin(), forms[i].end());
      expect(octet(arguments), 0, {});
    }
  }
  const std::string script =
      "import onnx, sys\n"
      "for path in sys.argv[1:]: onnx.checker.check_model(path, full_check=True)\n";
  folder.write("check.py", script);
  CHECK(shell(python() + " " + (folder.path / "check.py").string() + " " + folder.path.string() +
              "/*.onnx") == 0);
}

}  // namespace
}  // namespace octet::testing
