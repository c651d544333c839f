#include "speech/references.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>

namespace octet::speech {
namespace {

namespace fs = std::filesystem;

// The files under a folder of which `wanted` is true, sorted.
template <typename F>
Expected<std::vector<std::string>> files_under(const std::string& folder, F wanted) {
  std::vector<std::string> paths;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error))
    if (at->is_regular_file(error) && wanted(at->path())) paths.push_back(at->path().string());
  if (error) return bad_data(folder + ": " + error.message());
  std::sort(paths.begin(), paths.end());
  return paths;
}

Outcome add_list(const std::string& path, References& references) {
  std::ifstream file(path);
  if (!file) return bad_data(path + ": can't be read");
  size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) continue;
    const size_t space = line.find_first_of(" \t");
    const std::string name = line.substr(0, space);
    const std::string text = space == std::string::npos ? "" : line.substr(space + 1);
    const std::string where = path + ", line " + std::to_string(number) + ": ";
    if (name.empty()) return bad_data(where + "begins with a space, not with a name");
    if (!references.emplace(name, text).second)
      return bad_data(where + "'" + name + "' is there twice");
  }
  return std::nullopt;
}

bool ends_with(const std::string& text, std::string_view end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

}  // namespace

Expected<References> read_references(const std::string& path) {
  References references;
  std::error_code ignored;
  std::vector<std::string> lists{path};
  if (fs::is_directory(path, ignored)) {
    auto found = files_under(
        path, [](const fs::path& file) { return ends_with(file.string(), ".trans.txt"); });
    if (!found) return found.failure();
    lists = std::move(*found);
  }
  for (const std::string& list : lists)
    if (auto failure = add_list(list, references)) return *failure;
  if (references.empty()) return bad_data(path + ": there are no references");
  return references;
}

Expected<std::vector<std::string>> find_recordings(const std::string& folder) {
  auto paths = files_under(folder, [](const fs::path& file) {
    std::string extension = file.extension().string();
    std::transform(extension.begin(), extension.end(), extension.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return extension == ".wav" || extension == ".flac";
  });
  if (paths && paths->empty()) return bad_data(folder + ": there are no recordings (.wav, .flac)");
  return paths;
}

std::string recording_name(const std::string& path) { return fs::path(path).stem().string(); }

}  // namespace octet::speech
