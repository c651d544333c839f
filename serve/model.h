#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "octet/octet.hpp"
#include "serve/metrics.h"
#include "serve/tensor.h"

namespace octet::serve {

struct ServeLimits {
  size_t max_batch = 16;                       ///< Rows of a run at most; 1: no batching.
  std::chrono::microseconds batch_delay{500};  ///< How long a run waits for more requests.
  size_t max_waiting = 1024;                   ///< Requests of a model that may wait.
  size_t workers = 1;                          ///< Runs of a model at once.
  int64_t deadline_ms = 0;                     ///< Of a run; 0: none.
};

/// Why a request got no result.
enum class Refusal : uint8_t { malformed, overloaded, failed };
struct RequestFailure {
  Refusal refusal = Refusal::failed;
  std::string message;
};
using Answer = std::variant<std::vector<NamedTensor>, RequestFailure>;

/// A model that answers requests. Those that wait together are joined along the first axis and run
/// as one, where that is an extent that the model leaves free, the same for all inputs and outputs.
class ServedModel {
 public:
  static Expected<std::unique_ptr<ServedModel>> load(const std::string& path, std::string name,
                                                     const Options& options,
                                                     const ServeLimits& limits);
  /// Answers what waits, and ends.
  virtual ~ServedModel();
  ServedModel(const ServedModel&) = delete;
  ServedModel& operator=(const ServedModel&) = delete;

  const std::string& name() const { return name_; }
  const std::vector<Port>& inputs() const { return inputs_; }
  const std::vector<Port>& outputs() const { return outputs_; }
  /// Whether requests are joined.
  bool batches() const { return batches_; }
  Metrics& metrics() { return metrics_; }

  /// Takes what an answer is given to.
  using Done = std::function<void(Answer)>;
  /// Calls `done` once with all outputs, in the model's order, for tensors in any order: at once
  /// where the request is refused, else from a thread of the model's, which it must not keep.
  virtual void submit(std::vector<NamedTensor> tensors, Done done);
  /// The same, waiting for it.
  Answer infer(std::vector<NamedTensor> tensors);

 private:
  struct Request {
    std::vector<NamedTensor> inputs;  // In the model's order.
    Done done;                        // Nothing once it was called.
    std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();
    int64_t rows() const { return inputs[0].dims.empty() ? 1 : inputs[0].dims[0]; }
  };
  using Requests = std::vector<std::unique_ptr<Request>>;

  ServedModel(Session session, std::string name, const ServeLimits& limits);
  std::optional<std::string> order(std::vector<NamedTensor>& tensors) const;
  bool joins(const Request& first, const Request& other) const;
  void take_matching(Requests& batch, int64_t& rows);
  Requests next_batch();
  void work();
  void run(Requests batch);
  std::vector<NamedTensor> join(const Requests& batch) const;
  Expected<Results> run_joined(const Requests& batch);
  void answer(Requests& batch, const Expected<Results>& results);
  void finish(Request& request, Answer answer);

  Session session_;
  std::string name_;
  ServeLimits limits_;
  std::vector<Port> inputs_;
  std::vector<Port> outputs_;
  bool batches_ = false;
  Metrics metrics_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<Request>> waiting_;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

using Models = std::vector<std::unique_ptr<ServedModel>>;

/// Null where there is no such model, or none of that version; a model has one, "1", which need not
/// be named.
inline ServedModel* find_model(const Models& models, std::string_view name,
                               std::string_view version) {
  if (!version.empty() && version != "1") return nullptr;
  for (const auto& model : models)
    if (model->name() == name) return model.get();
  return nullptr;
}
inline std::string no_model(const std::string& name) {
  return "there is no model '" + name + "' of that version";
}

}  // namespace octet::serve
