#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "cli/npz.h"
#include "octet/octet.hpp"
#include "runtime/calibration/samples.h"

namespace octet::cli {

/// Tensors for the named inputs, in their order, out of an .npz. Fails with what is missing.
Result<std::vector<Tensor>> pick_inputs(const Arrays& arrays, const std::vector<std::string>& names,
                                        const std::string& where);

/// The samples of a folder, sorted by name: an .npz each, or an .npy each for a model of one input.
/// Each is read when it is asked for.
class SampleFolder final : public runtime::Samples {
 public:
  static Result<SampleFolder> open(const std::filesystem::path& folder,
                                   std::vector<std::string> input_names);
  size_t size() const override { return files_.size(); }
  const std::filesystem::path& path(size_t i) const { return files_[i]; }
  std::string name(size_t i) const override { return files_[i].string(); }
  Result<std::vector<Tensor>> read(size_t i) const override;

 private:
  std::vector<std::filesystem::path> files_;
  std::vector<std::string> names_;
};

TensorRef to_ref(const Tensor& tensor);

}  // namespace octet::cli
