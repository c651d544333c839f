#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/ir/stop.h"
#include "octet/octet.h"
#include "runtime/api/async.h"
#include "runtime/api/boxed.h"
#include "runtime/api/error.h"
#include "runtime/session/program.h"

// What the opaque handles of the C interface are.

struct octet_options {
  octet::runtime::CompileOptions compile;
  size_t memory = 0;
  int64_t deadline_ms = 0;
  const int* cancel = nullptr;
};

namespace octet::api {

/// An input or output as octet_port and the type's text show it.
struct PortText {
  std::string name;
  std::string type;
  octet_dtype dtype;
  std::vector<int64_t> dims;
  std::vector<std::string> symbols;
  std::vector<const char*> symbol_pointers;
  bool rank_known;
};

/// The options of a session or a quantization, held to a budget of its own; NULL: the defaults.
runtime::CompileOptions compile_options(const octet_options* c);

/// How long this thread may load or quantize by these options, NULL: the defaults.
class Limit {
 public:
  explicit Limit(const octet_options* c);

 private:
  std::function<bool()> cancelled_;
  StopScope scope_;
};

/// The profile callback's strings live until it returns; `c` until the run ends.
runtime::RunOptions run_options(const octet_run_options* c);

/// Tensors over the caller's memory. Allocates nothing where `tensors` held as many of the same
/// ranks before.
Status view_inputs(const octet_tensor* inputs, size_t count, std::vector<Tensor>& tensors);

/// Results as the caller gets them.
octet_results* to_results(std::vector<Tensor> tensors);

}  // namespace octet::api

struct octet_session {
  // What one call of octet_session_run_into needs; kept for later ones.
  struct Frame {
    std::vector<octet::Tensor> inputs;
    std::vector<octet::runtime::OutputTarget> outputs;
  };
  std::string path;  // Empty: loaded from memory.
  octet::runtime::CompileOptions options;
  std::shared_ptr<octet::runtime::Program> program;
  std::vector<octet::api::PortText> inputs;
  std::vector<octet::api::PortText> outputs;
  std::mutex mutex;
  std::vector<std::unique_ptr<Frame>> frames;    // idle
  std::unique_ptr<octet::api::AsyncRuns> async;  // From the first asynchronous run on.

  std::unique_ptr<Frame> take() {
    const std::lock_guard lock(mutex);
    if (frames.empty()) return std::make_unique<Frame>();
    auto frame = std::move(frames.back());
    frames.pop_back();
    return frame;
  }
  void give(std::unique_ptr<Frame> frame) {
    const std::lock_guard lock(mutex);
    frames.push_back(std::move(frame));
  }
};

struct octet_results {
  std::vector<octet::Tensor> tensors;
  std::vector<octet_tensor> views;
  octet::api::Views storage;
};
