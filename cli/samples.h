#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "cli/npz.h"
#include "octet/octet.hpp"

namespace octet::cli {

/// Tensors for the named inputs, in their order, out of an .npz. Fails with what is missing.
Result<std::vector<Tensor>> pick_inputs(const Arrays& arrays, const std::vector<std::string>& names,
                                        const std::string& where);

/// The samples of a folder, sorted by name: an .npz each, or an .npy each for a model of one input.
/// Each is read when it is asked for.
class SampleFolder {
 public:
  static Result<SampleFolder> open(const std::filesystem::path& folder,
                                   std::vector<std::string> input_names);
  size_t size() const { return files_.size(); }
  const std::filesystem::path& path(size_t i) const { return files_[i]; }
  Result<std::vector<Tensor>> read(size_t i) const;

 private:
  std::vector<std::filesystem::path> files_;
  std::vector<std::string> names_;
};

TensorRef to_ref(const Tensor& tensor);

}  // namespace octet::cli
