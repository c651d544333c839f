#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "engine/ir/file_output.h"
#include "engine/ir/tensor.h"

namespace octet::cli {

using Arrays = std::map<std::string, Tensor, std::less<>>;

/// A NumPy .npy file: little-endian, C or Fortran order (made row-major), any type that octet has.
Result<Tensor> read_npy(const std::filesystem::path& path);
/// A NumPy .npz archive, stored or deflated.
Result<Arrays> read_npz(const std::filesystem::path& path);
/// Writes the whole file or nothing.
Status write_npy(const std::filesystem::path& path, const Tensor& tensor);
/// A NumPy .npz archive, stored; the whole file or nothing.
Status write_npz(const std::filesystem::path& path, const Arrays& arrays);
/// Opens `file` and writes the array, on the disk but not committed yet.
Status write_npy(FileOutput& file, const Tensor& tensor);

}  // namespace octet::cli
