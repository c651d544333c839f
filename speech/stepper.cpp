#include "speech/stepper.h"

#include <algorithm>

namespace octet::speech {
namespace {

constexpr int64_t kGrowth = 16;  // Of an axis, in a step: at most this, or to the double.

size_t element_bytes(octet_dtype dtype) {
  switch (dtype) {
    case OCTET_FLOAT16:
    case OCTET_BFLOAT16:
    case OCTET_INT16:
    case OCTET_UINT16: return 2;
    case OCTET_FLOAT:
    case OCTET_INT32:
    case OCTET_UINT32: return 4;
    case OCTET_DOUBLE:
    case OCTET_INT64:
    case OCTET_UINT64: return 8;
    default: return 1;
  }
}

TensorRef empty_ref(const Port& port) {
  return {port.dtype, nullptr, 0, std::vector<int64_t>(port.dims.size(), 0)};
}

size_t product(const std::vector<int64_t>& dims) {
  size_t count = 1;
  for (const int64_t dim : dims) count *= static_cast<size_t>(dim);
  return count;
}

}  // namespace

Expected<Stepper> Stepper::of(Graph& graph, size_t vocabulary) {
  Stepper stepper(graph);
  for (const Port& port : graph.inputs()) stepper.inputs_.push_back(empty_ref(port));
  for (const Port& port : graph.outputs()) stepper.outputs_.push_back(empty_ref(port));
  const auto tokens = graph.input("tokens");
  const auto parents = graph.input("parents");
  if (!tokens || !parents) return graph.failed("has no inputs 'tokens' and 'parents'");
  stepper.tokens_ = *tokens;
  stepper.parents_ = *parents;
  if (auto failure = stepper.find_outputs(vocabulary)) return *failure;
  if (auto failure = stepper.find_states()) return *failure;
  return stepper;
}

Outcome Stepper::find_outputs(size_t vocabulary) {
  const auto width = [&](size_t i) -> int64_t {
    const Port& port = graph_->outputs()[i];
    return port.dtype == OCTET_FLOAT && port.dims.size() == 2 ? port.dims[1] : -1;
  };
  const auto log_probs = graph_->output("log_probs");
  if (!log_probs || width(*log_probs) != static_cast<int64_t>(vocabulary))
    return graph_->failed("has no output 'log_probs' of [H, " + std::to_string(vocabulary) +
                          "] floats: one for each token");
  log_probs_at_ = *log_probs;
  vocabulary_ = vocabulary;
  hidden_at_ = graph_->output("hidden");
  if (!hidden_at_) return std::nullopt;
  if (width(*hidden_at_) <= 0) return graph_->failed("'hidden' has no fixed width");
  hidden_width_ = static_cast<size_t>(width(*hidden_at_));
  return std::nullopt;
}

Outcome Stepper::find_states() {
  for (size_t i = 0;; ++i) {
    const auto input = graph_->input("state." + std::to_string(i));
    const auto output = graph_->output("next." + std::to_string(i));
    if (!input && !output) break;
    if (!input || !output)
      return graph_->failed("has 'state." + std::to_string(i) + "' or 'next." + std::to_string(i) +
                            "' without the other");
    const Port& port = graph_->inputs()[*input];
    if (port.dims.empty() || port.dtype != graph_->outputs()[*output].dtype)
      return graph_->failed("'" + port.name + "' has no rows, or another type as a result");
    states_.push_back({*input, *output, {}, {}});
  }
  return std::nullopt;
}

void Stepper::begin() {
  for (State& state : states_) {
    const Port& port = graph_->inputs()[state.input];
    TensorRef& ref = inputs_[state.input];
    ref.dims = port.dims;
    ref.dims[0] = 1;
    for (int64_t& dim : ref.dims) dim = std::max<int64_t>(dim, 0);
    const size_t bytes = product(ref.dims) * element_bytes(port.dtype);
    state.now.make_room(bytes);
    std::fill_n(state.now.data.get(), bytes, std::byte{0});
    ref.data = state.now.data.get();
    ref.bytes = state.now.bytes;
  }
}

Outcome Stepper::bind(const std::string& name, const TensorRef& tensor) {
  const auto input = graph_->input(name);
  if (!input) return graph_->failed("has no input '" + name + "'");
  inputs_[*input] = tensor;
  return std::nullopt;
}

void Stepper::Buffer::make_room(size_t wanted) {
  if (wanted <= bytes) return;
  data = std::make_unique_for_overwrite<std::byte[]>(wanted);
  bytes = wanted;
}

// An axis that the model leaves free may grow; capacity doubles, so that it seldom does.
void Stepper::make_room(State& state, size_t rows) {
  const Port& port = graph_->outputs()[state.output];
  size_t bytes = rows * element_bytes(port.dtype);
  const auto& dims = inputs_[state.input].dims;
  for (size_t d = 1; d < dims.size(); ++d) {
    const bool grows = graph_->inputs()[state.input].dims[d] < 0;
    bytes *= static_cast<size_t>(grows ? std::max(2 * dims[d], kGrowth) : dims[d]);
  }
  state.next.make_room(bytes);
  outputs_[state.output].data = state.next.data.get();
  outputs_[state.output].bytes = state.next.bytes;
}

Outcome Stepper::step(const std::vector<int64_t>& tokens, const std::vector<int64_t>& parents,
                      Monitor& monitor) {
  const size_t rows = tokens.size();
  const auto count = static_cast<int64_t>(rows);
  inputs_[tokens_] = TensorRef(tokens, {count});
  inputs_[parents_] = TensorRef(parents, {count});
  log_probs_.resize(rows * vocabulary_);
  outputs_[log_probs_at_] =
      TensorRef(std::span<float>(log_probs_), {count, static_cast<int64_t>(vocabulary_)});
  hidden_.resize(rows * hidden_width_);
  if (hidden_at_)
    outputs_[*hidden_at_] =
        TensorRef(std::span<float>(hidden_), {count, static_cast<int64_t>(hidden_width_)});
  for (State& state : states_) make_room(state, rows);
  if (auto failure = graph_->run_into(inputs_, outputs_, monitor)) return failure;
  for (State& state : states_) {
    TensorRef& in = inputs_[state.input];
    const TensorRef& out = outputs_[state.output];
    std::swap(state.now, state.next);
    in.dims = out.dims;
    in.data = state.now.data.get();
    in.bytes = state.now.bytes;
    if (in.dims.empty() || in.dims[0] != count)
      return graph_->failed("'" + graph_->outputs()[state.output].name + "' hasn't a row a token");
  }
  return std::nullopt;
}

}  // namespace octet::speech
