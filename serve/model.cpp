#include "serve/model.h"

#include <algorithm>
#include <cstring>
#include <future>
#include <utility>

namespace octet::serve {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The symbol that is the first axis of every port; empty where there is none such.
std::string common_axis(const std::vector<Port>& inputs, const std::vector<Port>& outputs) {
  std::string symbol;
  for (const auto* ports : {&inputs, &outputs}) {
    for (const Port& port : *ports) {
      if (port.dims.empty() || port.symbols[0].empty() || element_bytes(port.dtype) == 0) return {};
      if (!symbol.empty() && port.symbols[0] != symbol) return {};
      symbol = port.symbols[0];
    }
  }
  // Elsewhere it would have to be the same for all requests of a run.
  for (const Port& port : inputs)
    if (std::count(port.symbols.begin(), port.symbols.end(), symbol) > 1) return {};
  return symbol;
}

bool same_rest(const std::vector<int64_t>& a, const std::vector<int64_t>& b) {
  return a.size() == b.size() && std::equal(a.begin() + 1, a.end(), b.begin() + 1);
}

}  // namespace

Expected<std::unique_ptr<ServedModel>> ServedModel::load(const std::string& path, std::string name,
                                                         const Options& options,
                                                         const ServeLimits& limits) {
  auto session = Session::load(path, options);
  if (!session) return session.failure();
  std::unique_ptr<ServedModel> model(new ServedModel(std::move(*session), std::move(name), limits));
  for (const auto* ports : {&model->inputs_, &model->outputs_})
    for (const Port& port : *ports)
      if (datatype_of(port.dtype) == nullptr)
        return Failure{OCTET_UNSUPPORTED, path + ": '" + port.name + "' is " + port.type +
                                              ", which the protocol has no type for"};
  return model;
}

ServedModel::ServedModel(Session session, std::string name, const ServeLimits& limits)
    : session_(std::move(session)),
      name_(std::move(name)),
      limits_(limits),
      inputs_(session_.inputs()),
      outputs_(session_.outputs()),
      batches_(limits.max_batch > 1 && !common_axis(inputs_, outputs_).empty()) {
  for (size_t i = 0; i < limits_.workers; ++i) threads_.emplace_back([this] { work(); });
}

ServedModel::~ServedModel() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

// Brings them into the model's order. What is wrong, where something is.
std::optional<std::string> ServedModel::order(std::vector<NamedTensor>& tensors) const {
  std::vector<NamedTensor> ordered;
  for (const Port& port : inputs_) {
    const auto at = std::find_if(tensors.begin(), tensors.end(),
                                 [&](const NamedTensor& each) { return each.name == port.name; });
    if (at == tensors.end()) return "input '" + port.name + "' is missing";
    if (at->dtype != port.dtype)
      return "input '" + port.name + "' is " + datatype_of(port.dtype) + ", not " +
             datatype_of(at->dtype);
    if (port.rank_known && at->dims.size() != port.dims.size())
      return "input '" + port.name + "' has " + std::to_string(port.dims.size()) + " axes, not " +
             std::to_string(at->dims.size());
    for (size_t i = 0; i < port.dims.size(); ++i)
      if (port.dims[i] >= 0 && port.dims[i] != at->dims[i])
        return "input '" + port.name + "': axis " + std::to_string(i) + " is " +
               std::to_string(port.dims[i]) + ", not " + std::to_string(at->dims[i]);
    ordered.push_back(std::move(*at));
    tensors.erase(at);
  }
  if (!tensors.empty()) return "the model has no input '" + tensors[0].name + "'";
  tensors = std::move(ordered);
  return std::nullopt;
}

void ServedModel::submit(std::vector<NamedTensor> tensors, Done done) {
  if (const auto problem = order(tensors)) {
    metrics_.refused();
    return done(RequestFailure{Refusal::malformed, *problem});
  }
  auto request = std::make_unique<Request>();
  request->inputs = std::move(tensors);
  request->done = std::move(done);
  std::unique_lock lock(mutex_);
  if (waiting_.size() < limits_.max_waiting && !stop_) {
    waiting_.push_back(std::move(request));
    metrics_.waiting(1);
    lock.unlock();
    return wake_.notify_one();
  }
  lock.unlock();
  metrics_.overloaded();
  request->done(RequestFailure{Refusal::overloaded, "too many requests wait for the model"});
}

Answer ServedModel::infer(std::vector<NamedTensor> tensors) {
  // Shared: the model's thread may still be inside of it when the answer is here.
  const auto promise = std::make_shared<std::promise<Answer>>();
  auto answer = promise->get_future();
  submit(std::move(tensors), [promise](Answer given) { promise->set_value(std::move(given)); });
  return answer.get();
}

bool ServedModel::joins(const Request& first, const Request& other) const {
  for (size_t i = 0; i < inputs_.size(); ++i)
    if (!same_rest(first.inputs[i].dims, other.inputs[i].dims)) return false;
  return std::all_of(other.inputs.begin(), other.inputs.end(), [&](const NamedTensor& each) {
    return each.dims[0] == other.rows() && other.rows() > 0;
  });
}

// Moves waiting requests that may run together with the batch's first into it. Under the mutex.
void ServedModel::take_matching(Requests& batch, int64_t& rows) {
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    const bool fits = rows + (*at)->rows() <= static_cast<int64_t>(limits_.max_batch);
    if (!fits || !joins(*batch[0], **at)) {
      ++at;
      continue;
    }
    rows += (*at)->rows();
    batch.push_back(std::move(*at));
    at = waiting_.erase(at);
  }
}

// Waits for requests; empty at the end.
ServedModel::Requests ServedModel::next_batch() {
  Requests batch;
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [&] { return stop_ || !waiting_.empty(); });
  if (waiting_.empty()) return batch;
  batch.push_back(std::move(waiting_.front()));
  waiting_.pop_front();
  int64_t rows = batch[0]->rows();
  const auto most = static_cast<int64_t>(limits_.max_batch);
  if (batches_ && joins(*batch[0], *batch[0])) {
    const auto until = batch[0]->since + limits_.batch_delay;
    take_matching(batch, rows);
    while (rows < most && !stop_ && Clock::now() < until) {
      wake_.wait_until(lock, until);
      take_matching(batch, rows);
    }
  }
  // Another worker may have been woken for what stays.
  if (!waiting_.empty()) wake_.notify_one();
  return batch;
}

void ServedModel::work() {
  while (true) {
    Requests batch = next_batch();
    if (batch.empty()) return;
    metrics_.waiting(-static_cast<int64_t>(batch.size()));
    run(std::move(batch));
  }
}

void ServedModel::run(Requests batch) {
  const auto start = Clock::now();
  try {
    const auto results = run_joined(batch);
    metrics_.ran(batch.size(), seconds_since(start));
    // One bad request must not take the others with it.
    if (!results && batch.size() > 1) {
      for (auto& request : batch) {
        Requests alone;
        alone.push_back(std::move(request));
        run(std::move(alone));
      }
      return;
    }
    answer(batch, results);
  } catch (const std::bad_alloc&) {
    answer(batch, Failure{OCTET_MACHINE, "out of memory"});
  }
}

// The requests' inputs behind each other along the first axis.
std::vector<NamedTensor> ServedModel::join(const Requests& batch) const {
  std::vector<NamedTensor> joined = batch[0]->inputs;
  for (size_t i = 0; i < joined.size(); ++i)
    for (size_t r = 1; r < batch.size(); ++r) {
      const NamedTensor& more = batch[r]->inputs[i];
      joined[i].bytes.insert(joined[i].bytes.end(), more.bytes.begin(), more.bytes.end());
      joined[i].dims[0] += more.dims[0];
    }
  return joined;
}

Expected<Results> ServedModel::run_joined(const Requests& batch) {
  std::vector<NamedTensor> joined;
  if (batch.size() > 1) joined = join(batch);
  const std::vector<NamedTensor>& inputs = joined.empty() ? batch[0]->inputs : joined;
  size_t texts = 0;
  for (const NamedTensor& tensor : inputs) texts += tensor.texts.size();
  std::vector<octet_string> strings;
  strings.reserve(texts);
  std::vector<TensorRef> refs;
  for (const NamedTensor& tensor : inputs) refs.push_back(to_ref(tensor, strings));
  octet_run_options options{};
  options.deadline_ms = limits_.deadline_ms;
  return session_.run(refs, &options);
}

void ServedModel::finish(Request& request, Answer answer) {
  if (!request.done) return;
  if (std::holds_alternative<RequestFailure>(answer))
    metrics_.failed();
  else
    metrics_.answered(seconds_since(request.since));
  std::exchange(request.done, nullptr)(std::move(answer));
}

// Each request's rows of the results.
void ServedModel::answer(Requests& batch, const Expected<Results>& results) {
  if (!results) {
    for (auto& request : batch)
      finish(*request, RequestFailure{Refusal::failed, results.failure().message});
    return;
  }
  std::vector<NamedTensor> whole;
  for (size_t o = 0; o < outputs_.size(); ++o)
    whole.push_back(from_result((*results)[o], outputs_[o].name));
  if (batch.size() == 1) return finish(*batch[0], std::move(whole));
  int64_t first = 0;
  for (auto& request : batch) {
    std::vector<NamedTensor> mine;
    const int64_t rows = request->rows();
    for (const NamedTensor& all : whole) {
      NamedTensor& part = mine.emplace_back();
      part.name = all.name;
      part.dtype = all.dtype;
      part.dims = all.dims;
      const size_t row = all.bytes.size() / static_cast<size_t>(all.dims[0]);
      part.dims[0] = rows;
      const auto begin = all.bytes.begin() + static_cast<ptrdiff_t>(row) * first;
      part.bytes.assign(begin, begin + static_cast<ptrdiff_t>(row) * rows);
    }
    first += rows;
    finish(*request, std::move(mine));
  }
}

}  // namespace octet::serve
