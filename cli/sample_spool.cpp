#include "cli/sample_spool.h"

#include "cli/npz.h"

namespace octet::cli {

Status SampleSpool::add(std::span<const Port> ports, std::span<const TensorRef> inputs) {
  const size_t run = runs_++;
  if (run % stride_ != 0) return {};
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) return Error{ErrorCode::machine, folder_.string() + ": " + error.message()};
  Arrays arrays;
  uint64_t bytes = 0;
  for (size_t i = 0; i < ports.size(); ++i) {
    const auto* data = static_cast<const std::byte*>(inputs[i].data);
    const auto dtype = static_cast<DType>(inputs[i].dtype);
    const auto count = checked_count(inputs[i].dims);
    const size_t size = dtype_bytes(dtype, static_cast<size_t>(count.value_or(0)));
    arrays[ports[i].name] = Tensor(dtype, inputs[i].dims, {data, size}, nullptr);
    bytes += size;
  }
  std::string name = std::to_string(run);
  name.insert(0, 12 - std::min<size_t>(name.size(), 12), '0');
  const auto path = folder_ / (name + ".npz");
  OCTET_RETURN_IF_ERROR(write_npz(path, arrays));
  kept_.push_back({path, bytes});
  bytes_ += bytes;
  while (kept_.size() > kMostSamples || (bytes_ > kMostBytes && kept_.size() > 1))
    OCTET_RETURN_IF_ERROR(thin_out());
  return {};
}

Status SampleSpool::thin_out() {
  std::vector<Kept> kept;
  for (size_t i = 0; i < kept_.size(); ++i) {
    if (i % 2 == 0) {
      kept.push_back(kept_[i]);
      continue;
    }
    std::error_code error;
    std::filesystem::remove(kept_[i].path, error);
    if (error) return Error{ErrorCode::machine, kept_[i].path.string() + ": " + error.message()};
    bytes_ -= kept_[i].bytes;
  }
  kept_ = std::move(kept);
  stride_ *= 2;
  return {};
}

}  // namespace octet::cli
