#include <fstream>

#include "engine/ir/memory.h"
#include "tests/models/bundled.h"
#include "tests/support/folder.h"

namespace octet::testing {
namespace {

namespace fs = std::filesystem;

/// The only file of packed weights.
fs::path weights_in(const Folder& folder) {
  fs::path found;
  for (const auto& entry : fs::directory_iterator(folder.path))
    if (entry.path().extension() == ".weights") {
      REQUIRE(found.empty());
      found = entry.path();
    }
  REQUIRE_FALSE(found.empty());
  return found;
}

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Form sample() { return int8_forms(bundled_models()[3])[0]; }

// Loads and runs with the folder as cache; nothing else holds the model's weights meanwhile.
std::vector<Tensor> run_cached(const Form& form, const Folder& folder,
                               const std::vector<Tensor>& inputs) {
  runtime::CompileOptions options;
  options.cache = folder.path.string();
  return results(*compiled(form, options), inputs);
}

TEST_CASE("a cache folder changes no result, and is left alone once it holds the weights") {
  for (const auto& path : bundled_models())
    for (const Form& form : all_forms(path)) {
      const Folder folder;
      const auto inputs = made_up_inputs(*form.graph, 24);
      const auto expected = results(*compiled(form), inputs);
      INFO(form.name);
      CHECK(run_cached(form, folder, inputs) == expected);
      const auto written = fs::last_write_time(weights_in(folder));
      CHECK(run_cached(form, folder, inputs) == expected);
      CHECK(fs::last_write_time(weights_in(folder)) == written);
    }
}

TEST_CASE("damaged cache files are ignored and made anew") {
  const Form form = sample();
  const Folder folder;
  const auto inputs = made_up_inputs(*form.graph, 24);
  const auto expected = run_cached(form, folder, inputs);
  const fs::path file = weights_in(folder);
  const std::string whole = read(file);
  const auto check = [&](const char* what, const std::string& damaged) {
    std::ofstream(file, std::ios::binary) << damaged;
    INFO(what);
    CHECK(run_cached(form, folder, inputs) == expected);
    CHECK(read(file) == whole);
  };
  for (size_t at = 0; at < whole.size(); at += whole.size() / 37 + 1) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
    check(("a bit at byte " + std::to_string(at)).c_str(), flipped);
  }
  check("empty", "");
  check("half", whole.substr(0, whole.size() / 2));
  check("one byte short", whole.substr(0, whole.size() - 1));
  check("one byte long", whole + "x");
  std::string counts = whole;
  std::fill(counts.begin() + 32, counts.begin() + 40, '\x7f');
  check("a count of entries past the file's end", counts);
}

TEST_CASE("instruction sets share a model's cache file") {
  const Form form = sample();
  const Folder folder;
  const auto inputs = made_up_inputs(*form.graph, 24);
  const auto expected = run_cached(form, folder, inputs);
  runtime::CompileOptions options;
  options.cache = folder.path.string();
  options.cpu = CpuToken::scalar();
  CHECK(results(*compiled(form, options), inputs) == expected);
  const std::string both = read(weights_in(folder));
  CHECK(run_cached(form, folder, inputs) == expected);
  CHECK(read(weights_in(folder)) == both);
}

TEST_CASE("a second session of a model takes less than 5% of its weights") {
  for (const auto& path : bundled_models())
    for (const Form& form : int8_forms(path)) {
      runtime::CompileOptions options[2];
      for (auto& each : options) each.memory = std::make_shared<MemoryBudget>(size_t{1} << 30);
      const auto first = compiled(form, options[0]);
      const auto second = compiled(form, options[1]);
      INFO(form.name << ": " << options[0].memory->used() << " bytes, then "
                     << options[1].memory->used());
      CHECK(options[1].memory->used() * 20 < options[0].memory->used());
      const auto inputs = made_up_inputs(*form.graph, 24);
      CHECK(results(*first, inputs) == results(*second, inputs));
    }
}

TEST_CASE("a session needs its model's file no more") {
  const Folder folder;
  const fs::path copy = folder.path / "model.onnx";
  fs::copy_file(bundled_models()[3], copy);
  auto model = import_model(copy);
  REQUIRE(model.ok());
  const auto inputs = made_up_inputs(*model->graph, 24);
  const auto program = runtime::Program::compile(model->graph, {});
  REQUIRE(program.ok());
  model = invalid_model("gone");
  const auto expected = results(**program, inputs);
  fs::resize_file(copy, 100);
  CHECK(results(**program, inputs) == expected);
  fs::remove(copy);
  CHECK(results(**program, inputs) == expected);
}

}  // namespace
}  // namespace octet::testing
