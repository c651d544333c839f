#include "cli/samples.h"

#include <algorithm>

namespace octet::cli {

Result<std::vector<Tensor>> pick_inputs(const Arrays& arrays, const std::vector<std::string>& names,
                                        const std::string& where) {
  std::vector<Tensor> tensors;
  for (const std::string& name : names) {
    const auto at = arrays.find(name);
    if (at == arrays.end()) {
      std::string present;
      for (const auto& [key, tensor] : arrays)
        present.append(present.empty() ? "" : ", ").append(key);
      return invalid_data(where + ": there is no array '" + name + "' for the model's input (has " +
                          present + ")");
    }
    tensors.push_back(at->second);
  }
  return tensors;
}

Result<SampleFolder> SampleFolder::open(const std::filesystem::path& folder,
                                        std::vector<std::string> input_names) {
  std::error_code error;
  SampleFolder samples;
  samples.names_ = std::move(input_names);
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const auto extension = entry.path().extension();
    if (extension == ".npz" || (extension == ".npy" && samples.names_.size() == 1))
      samples.files_.push_back(entry.path());
  }
  if (error) return invalid_data(folder.string() + ": " + error.message());
  if (samples.files_.empty())
    return invalid_data(folder.string() + ": there are no samples (.npz, one a sample)");
  std::sort(samples.files_.begin(), samples.files_.end());
  return samples;
}

Result<std::vector<Tensor>> SampleFolder::read(size_t i) const {
  const auto& path = files_[i];
  if (path.extension() == ".npy") {
    OCTET_ASSIGN(Tensor tensor, read_npy(path));
    return std::vector<Tensor>{std::move(tensor)};
  }
  OCTET_ASSIGN(const Arrays arrays, read_npz(path));
  return pick_inputs(arrays, names_, path.string());
}

TensorRef to_ref(const Tensor& tensor) {
  return {static_cast<octet_dtype>(tensor.dtype()), const_cast<std::byte*>(tensor.bytes().data()),
          tensor.bytes().size(), tensor.dims()};
}

}  // namespace octet::cli
