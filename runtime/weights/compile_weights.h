#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/ir/graph.h"
#include "engine/ops/packing.h"
#include "runtime/weights/cache_file.h"
#include "runtime/weights/weight_store.h"

namespace octet::runtime {

/// Where one compilation gets its weights: from sessions of this process that have them, else from
/// the model's cache file, else by packing. Pages of a mapped model that were read are given back.
class CompileWeights final : public PackedWeights {
 public:
  /// `folder` empty: no cache file.
  explicit CompileWeights(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Opens the cache file that the constants of the graph to be lowered name; they are digested on
  /// `parallel`. Bodies count as their graph's.
  Status begin(const Graph& graph, Parallel& parallel);
  Result<Tensor> get(size_t port, const Tensor& source, const PackLayout& layout, size_t size,
                     PackFunction pack) override;
  /// A copy of the tensor outside its mapped file.
  Result<Tensor> copy(const Tensor& tensor);
  /// The ports of `get` calls since the last time: nothing reads their bytes any more.
  std::vector<size_t> take_ports() { return std::exchange(ports_, {}); }
  /// The mapped files that the graph's constants lay in.
  const std::vector<std::shared_ptr<const MappedFile>>& files() const { return files_; }
  /// The cache file's mapping; null without one.
  std::shared_ptr<const MappedFile> cache_mapping() const {
    return cache_ ? cache_->mapping() : nullptr;
  }
  /// A file of the cache folder that belongs to the graph as well; empty without a cache.
  std::filesystem::path companion(std::string_view extension) const;
  /// An error where a file that the graph's constants lie in was cut short. Else writes the cache
  /// file, if something wasn't in it; that it can't be written is a warning in the log.
  Status finish();

 private:
  Status open_folder();
  void open_cache(const std::vector<Tensor>& constants, Parallel& parallel);
  Digest key_of(const Tensor& source, PackLayout layout, size_t size) const;
  Result<Tensor> share(const Digest& key, const Tensor& source, size_t size, PackFunction pack);

  std::filesystem::path folder_;
  std::filesystem::path path_;  ///< Of the cache file.
  Digest seed_ = WeightStore::process().seed();
  std::optional<Digest> build_;
  std::unique_ptr<const CacheFile> cache_;
  std::vector<std::shared_ptr<const MappedFile>> files_;
  std::map<const std::byte*, std::pair<size_t, Digest>> digests_;  ///< Of mapped bytes.
  std::map<Digest, Tensor> used_;
  bool missing_ = false;  ///< Something used isn't in the cache file.
  std::vector<size_t> ports_;
};

}  // namespace octet::runtime
