#include "tests/fuzz/corpus.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "tests/conformance/cases.h"
#include "tests/fuzz/seeds.h"

namespace octet::fuzz {
namespace {

constexpr size_t kLargest = 16384;

std::vector<std::filesystem::path> models_below(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, error))
    if (entry.path().filename() == "model.onnx" && entry.file_size() <= kLargest)
      paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace

std::vector<std::string> corpus(const std::vector<std::filesystem::path>& folders) {
  std::vector<std::string> models = seeds();
  for (const auto& family : conformance::families())
    for (size_t i = 0; i < family.count; i += 8) {
      auto bundled = family.make(i);
      if (bundled.model.size() <= kLargest) models.push_back(std::move(bundled.model));
    }
  for (const auto& folder : folders)
    for (const auto& path : models_below(folder)) {
      std::ifstream file(path, std::ios::binary);
      models.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
  return models;
}

}  // namespace octet::fuzz
