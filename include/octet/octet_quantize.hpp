#pragma once

// Making int8 models in C++: header-only over octet_quantize.h.

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "octet/octet.hpp"
#include "octet/octet_quantize.h"

namespace octet {

/// What became of a node: octet_quantized_node.
struct QuantizedNode {
  std::string node;
  std::string op;
  std::string outcome;
  std::string reason;
  int64_t macs = 0;
};

struct QuantizeOptions {
  /// Names and words of octet_quantize_options_set: {"mode", "dynamic"}.
  std::vector<std::pair<std::string, std::string>> words{};
  Options run{};       ///< How the model is run meanwhile.
  size_t samples = 0;  ///< Calibration samples.
  /// Gives sample i: a tensor for each input name, in order; their memory must live until the next
  /// call. An empty vector: it can't. Asked for the same sample several times.
  std::function<std::vector<TensorRef>(size_t i, const std::vector<std::string>& names)> sample;
  /// Told what goes on (octet_progress); false ends it.
  std::function<bool(std::string_view stage, size_t done, size_t all)> progress;
};

namespace detail {
struct QuantizeDeleter {
  void operator()(octet_quantize_options* p) const { octet_quantize_options_free(p); }
};

// The callbacks of one quantization.
struct QuantizeCalls {
  const QuantizeOptions& options;
  std::vector<TensorRef> sample{};
  std::vector<QuantizedNode> nodes{};

  static int give(size_t index, const char* const* names, octet_tensor* inputs, size_t count,
                  void* user) {
    auto& self = *static_cast<QuantizeCalls*>(user);
    self.sample = self.options.sample(index, {names, names + count});
    if (self.sample.size() != count) return 1;
    for (size_t i = 0; i < count; ++i) inputs[i] = self.sample[i].c();
    return 0;
  }
  static int progress(const char* stage, size_t done, size_t all, void* user) {
    return static_cast<QuantizeCalls*>(user)->options.progress(stage, done, all) ? 0 : 1;
  }
  static void note(const octet_quantized_node* c, void* user) {
    static_cast<QuantizeCalls*>(user)->nodes.push_back(
        {c->node, c->op, c->outcome, c->reason, c->macs});
  }
};
}  // namespace detail

/// Quantizes a float model's file into another: octet_quantize. The functions must not throw.
inline Expected<std::vector<QuantizedNode>> quantize(const std::string& model,
                                                     const std::string& output,
                                                     const QuantizeOptions& options) {
  const std::unique_ptr<octet_quantize_options, detail::QuantizeDeleter> c(
      octet_quantize_options_new());
  for (const auto& [name, word] : options.words)
    if (auto f = detail::take(octet_quantize_options_set(c.get(), name.c_str(), word.c_str())))
      return *f;
  const auto run = detail::to_c(options.run);
  if (!run) return run.failure();
  if (auto f = detail::take(octet_quantize_options_set_run(c.get(), run->get()))) return *f;
  detail::QuantizeCalls calls{options};
  if (options.sample)
    octet_quantize_options_set_samples(c.get(), options.samples, detail::QuantizeCalls::give,
                                       &calls);
  if (options.progress)
    octet_quantize_options_set_progress(c.get(), detail::QuantizeCalls::progress, &calls);
  octet_quantize_options_set_report(c.get(), detail::QuantizeCalls::note, &calls);
  if (auto f = detail::take(octet_quantize(model.c_str(), output.c_str(), c.get()))) return *f;
  return std::move(calls.nodes);
}

}  // namespace octet
