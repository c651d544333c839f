#include "runtime/weights/compile_weights.h"

#include <algorithm>
#include <cstring>
#include <fstream>

#include "engine/ir/file_output.h"
#include "engine/ir/log.h"
#include "runtime/weights/build_identity.h"

namespace octet::runtime {
namespace {

// A constant larger than this takes part in the cache file's name with its first bytes alone: steps
// may read only a little of it. So does one that no file holds: only keys need all of it.
constexpr size_t kMaxNaming = size_t{16} << 20;
constexpr size_t kSample = 4096;

void collect_constants(const Graph& graph, std::vector<Tensor>& constants) {
  for (ValueId id = 0; id < graph.value_capacity(); ++id)
    if (graph.alive_value(id) && graph.value(id).constant &&
        graph.value(id).constant->dtype() != DType::string)
      constants.push_back(*graph.value(id).constant);
  for (const NodeId id : graph.order())
    for (const auto& body : graph.node(id).bodies) collect_constants(*body, constants);
}

template <typename T>
std::span<const std::byte> bytes_of(const T& object) {
  return std::as_bytes(std::span(&object, 1));
}

Digest digest_of_file(const MappedFile& file, std::span<const std::byte> part, const Digest& seed) {
  Digester digester(seed);
  file.read(part, [&](std::span<const std::byte> block) { digester.add(block); });
  return digester.finish();
}

// The seed that keys of a cache folder are digested under: nobody who can't read the folder can
// make a model whose weights are taken for another's.
Result<Digest> folder_seed(const std::filesystem::path& folder) {
  const auto path = folder / "seed";
  const auto read = [&]() -> std::optional<Digest> {
    Digest seed;
    std::ifstream file(path, std::ios::binary);
    if (!file.read(reinterpret_cast<char*>(&seed), sizeof(seed))) return std::nullopt;
    return seed;
  };
  if (const auto seed = read()) return *seed;
  const Digest made = random_seed();
  FileOutput file(path);
  OCTET_RETURN_IF_ERROR(file.open());
  OCTET_RETURN_IF_ERROR(file.write(bytes_of(made)));
  OCTET_RETURN_IF_ERROR(file.commit());
  return read().value_or(made);  // Another process may have been first.
}

void warn(const std::string& message) {
  log::lazily(log::Level::warning, [&] { return "weights are not cached: " + message; });
}

}  // namespace

Status CompileWeights::begin(const Graph& graph, Parallel& parallel) {
  std::vector<Tensor> constants;
  collect_constants(graph, constants);
  for (const Tensor& constant : constants) {
    auto file = MappedFile::find(constant.bytes().data());
    if (file && std::find(files_.begin(), files_.end(), file) == files_.end())
      files_.push_back(std::move(file));
  }
  if (folder_.empty()) return {};
  OCTET_RETURN_IF_ERROR(open_folder());
  if (build_) open_cache(constants, parallel);
  return {};
}

void CompileWeights::open_cache(const std::vector<Tensor>& constants, Parallel& parallel) {
  std::vector<Digest> digests(constants.size());
  std::vector<char> whole(constants.size());
  parallel.for_ranges(constants.size(), 1, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const auto bytes = constants[i].bytes();
      const auto file = MappedFile::find(bytes.data());
      whole[i] = file && bytes.size() <= kMaxNaming;
      digests[i] = whole[i] ? digest_of_file(*file, bytes, seed_)
                            : digest_of(bytes.first(std::min(bytes.size(), kSample)), seed_);
    }
  });
  for (size_t i = 0; i < constants.size(); ++i)
    if (whole[i]) digests_[constants[i].bytes().data()] = {constants[i].bytes().size(), digests[i]};
  path_ = folder_ / (to_hex(digest_of(std::as_bytes(std::span(digests)), seed_)) + ".weights");
  cache_ = std::make_unique<const CacheFile>(path_, *build_);
}

Status CompileWeights::open_folder() {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error)
    return Error{ErrorCode::machine,
                 "cannot make the cache folder '" + folder_.string() + "': " + error.message()};
  OCTET_ASSIGN(seed_, folder_seed(folder_));
  build_ = build_identity();
  if (!build_) warn("this program was linked without a build id");
  return {};
}

Digest CompileWeights::key_of(const Tensor& source, PackLayout layout, size_t size) const {
  const auto bytes = source.bytes();
  const auto known = digests_.find(bytes.data());
  const bool same = known != digests_.end() && known->second.first == bytes.size();
  layout.with(bytes_of(same ? known->second.second : digest_of(bytes, seed_)));
  layout.with(static_cast<int64_t>(source.dtype())).with(std::as_bytes(std::span(source.dims())));
  return digest_of(layout.with(static_cast<int64_t>(size)).bytes(), seed_);
}

Result<Tensor> CompileWeights::get(size_t port, const Tensor& source, const PackLayout& layout,
                                   size_t size, PackFunction pack) {
  OCTET_ASSIGN(Tensor packed, share(key_of(source, layout, size), source, size, pack));
  ports_.push_back(port);
  return packed;
}

Result<Tensor> CompileWeights::share(const Digest& key, const Tensor& source, size_t size,
                                     PackFunction pack) {
  auto found = WeightStore::process().find(key);
  const bool cached = cache_ != nullptr && cache_->has(key, size);
  if (!found && cached)
    if (auto tensor = cache_->find(key, size)) found = WeightStore::process().keep(key, *tensor);
  missing_ = missing_ || !cached || !found;
  if (!found) {
    OCTET_ASSIGN(Tensor packed, pack_alone(size, pack));
    // What was read of a file that was cut short must not be kept under the key of the whole one.
    if (const auto file = MappedFile::find(source.bytes().data()))
      OCTET_RETURN_IF_ERROR(file->intact());
    found = WeightStore::process().keep(key, std::move(packed));
  }
  MappedFile::release(source.bytes());
  if (build_) used_.emplace(key, *found);
  return *found;
}

Result<Tensor> CompileWeights::copy(const Tensor& tensor) {
  const auto bytes = tensor.bytes();
  const Digest key = key_of(tensor, PackLayout("copy", Isa::scalar), bytes.size());
  OCTET_ASSIGN(const Tensor same, share(key, tensor, bytes.size(), [&](std::byte* to) {
                 std::memcpy(to, bytes.data(), bytes.size());
               }));
  return Tensor(tensor.dtype(), tensor.dims(), same.bytes(), std::make_shared<Tensor>(same));
}

std::filesystem::path CompileWeights::companion(std::string_view extension) const {
  return path_.empty() ? path_ : std::filesystem::path(path_).replace_extension(extension);
}

Status CompileWeights::finish() {
  for (const auto& file : files_) OCTET_RETURN_IF_ERROR(file->intact());
  if (!missing_ || used_.empty()) return {};
  // Other instruction sets and options of the same model have theirs in the same file.
  auto entries = cache_->entries();
  entries.insert(used_.begin(), used_.end());
  if (const auto status = CacheFile::write(path_, *build_, entries); !status)
    warn(status.error().message);
  return {};
}

}  // namespace octet::runtime
