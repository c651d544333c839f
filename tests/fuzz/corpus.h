#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace octet::fuzz {

/// Serialized models of at most 16 KB to begin with, always in the same order: every eighth bundled
/// conformance case, models made here (functions, external data, sparse and string tensors,
/// bodies), and each model.onnx below `folders`, by path.
std::vector<std::string> corpus(const std::vector<std::filesystem::path>& folders);

}  // namespace octet::fuzz
