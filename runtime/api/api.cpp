#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <vector>

#include "importers/onnx/import.h"
#include "octet/octet.h"
#include "runtime/api/boxed.h"
#include "runtime/api/error.h"
#include "runtime/providers.h"
#include "runtime/session/program.h"
#include "runtime/session/tuning.h"

using octet::Error;
using octet::ErrorCode;
using octet::Tensor;
using octet::Value;
using octet::ValueId;
namespace rt = octet::runtime;

struct octet_error {
  octet_status status;
  std::string message;
};

struct octet_options {
  rt::CompileOptions compile;
  size_t memory = 0;
};

namespace {

octet_status status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument: return OCTET_INVALID_ARGUMENT;
    case ErrorCode::invalid_model: return OCTET_INVALID_MODEL;
    case ErrorCode::invalid_data: return OCTET_INVALID_DATA;
    case ErrorCode::unsupported: return OCTET_UNSUPPORTED;
    case ErrorCode::limit: return OCTET_LIMIT;
    case ErrorCode::deadline: return OCTET_DEADLINE;
    case ErrorCode::machine: return OCTET_MACHINE;
  }
  return OCTET_INVALID_ARGUMENT;
}

struct PortText {
  std::string name;
  std::string type;
  octet_dtype dtype;
  std::vector<int64_t> dims;
  std::vector<std::string> symbols;
  std::vector<const char*> symbol_pointers;
  bool rank_known;
};

octet_error out_of_memory{OCTET_MACHINE, "out of memory"};

using octet::api::to_c;

// Nothing thrown leaves the library: the standard containers' bad_alloc ends here.
template <typename F>
octet_error* guarded(F&& f) {
  try {
    return f();
  } catch (const octet::AllocationError& failure) {
    return to_c(failure.error());
  } catch (const std::bad_alloc&) {
    return &out_of_memory;
  }
}

// A session is held to a budget of its own.
rt::CompileOptions compile_options(const octet_options* c) {
  rt::CompileOptions options = c == nullptr ? rt::CompileOptions{} : c->compile;
  if (c != nullptr && c->memory > 0)
    options.memory = std::make_shared<octet::MemoryBudget>(c->memory);
  return options;
}

PortText port_text(const Value& value) {
  PortText text;
  text.name = value.name;
  text.type = value.type.to_string();
  const bool list = value.type.kind != octet::Type::Kind::tensor;
  text.dtype = list ? OCTET_LIST : static_cast<octet_dtype>(value.type.dtype);
  text.rank_known = value.type.shape.has_value();
  if (value.type.shape) {
    for (const octet::Dim& dim : *value.type.shape) {
      text.dims.push_back(dim.known() ? dim.value() : -1);
      text.symbols.push_back(dim.known() ? "" : dim.to_string());
    }
  }
  return text;
}

octet_port to_c(const PortText& text) {
  return {text.name.c_str(),           text.dtype,       text.dims.data(),
          text.symbol_pointers.data(), text.dims.size(), text.rank_known ? 1 : 0};
}

// Allocates nothing where `tensors` held as many of the same ranks before.
octet::Status view_inputs(const octet_tensor* inputs, size_t count, std::vector<Tensor>& tensors) {
  tensors.resize(count);
  for (size_t i = 0; i < count; ++i) {
    const octet_tensor& c = inputs[i];
    if (c.dtype == OCTET_STRING || c.dtype == OCTET_LIST) {
      OCTET_ASSIGN(tensors[i], octet::api::from_c(c, "input " + std::to_string(i)));
      continue;
    }
    const auto dtype = static_cast<octet::DType>(c.dtype);
    const std::span<const int64_t> dims(c.dims, c.rank);
    const auto elements = octet::checked_count(dims);
    const auto refuse = [&](ErrorCode code, const char* why) {
      return Error{code, "input " + std::to_string(i) + ": " + why};
    };
    if (static_cast<int>(c.dtype) >= octet::kDTypeCount || octet::dtype_bits(dtype) == 0)
      return refuse(ErrorCode::invalid_argument, "unknown element type");
    if (!elements) return refuse(ErrorCode::invalid_data, "a negative or overflowing extent");
    const size_t bytes = octet::dtype_bytes(dtype, static_cast<size_t>(*elements));
    if (bytes > c.bytes || (bytes > 0 && c.data == nullptr))
      return refuse(ErrorCode::invalid_argument, "fewer bytes than its dims need");
    tensors[i].view(dtype, dims, {static_cast<const std::byte*>(c.data), bytes});
  }
  return {};
}

// The profile callback's strings live until it returns.
rt::RunOptions run_options(const octet_run_options* c) {
  rt::RunOptions options;
  if (c == nullptr) return options;
  if (c->deadline_ms > 0)
    options.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(c->deadline_ms);
  if (c->cancel != nullptr) {
    options.cancelled = [c] { return __atomic_load_n(c->cancel, __ATOMIC_RELAXED) != 0; };
  }
  if (c->profile != nullptr) {
    options.profile = [c](const rt::StepProfile& p) {
      const std::string node(p.node);
      const std::string op(p.op);
      const std::string isa(octet::isa_name(p.info->isa));
      const octet_step step{node.c_str(),
                            op.c_str(),
                            p.info->kernel.c_str(),
                            isa.c_str(),
                            p.info->provider.c_str(),
                            p.start.count(),
                            p.duration.count(),
                            p.macs};
      c->profile(&step, c->user);
    };
  }
  return options;
}

}  // namespace

octet_error* octet::api::to_c(Error error) {
  return new octet_error{status_of(error.code), std::move(error.message)};
}

struct octet_session {
  // What one call of octet_session_run_into needs; kept for later ones.
  struct Frame {
    std::vector<Tensor> inputs;
    std::vector<rt::OutputTarget> outputs;
  };
  std::string path;
  rt::CompileOptions options;
  std::shared_ptr<rt::Program> program;
  std::vector<PortText> inputs;
  std::vector<PortText> outputs;
  std::mutex mutex;
  std::vector<std::unique_ptr<Frame>> frames;  // idle

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
  std::vector<Tensor> tensors;
  std::vector<octet_tensor> views;
  octet::api::Views storage;
};

namespace {

std::vector<PortText> port_texts(const octet::Graph& graph, const std::vector<ValueId>& ids) {
  std::vector<PortText> list;
  list.reserve(ids.size());
  for (const ValueId id : ids) list.push_back(port_text(graph.value(id)));
  for (PortText& text : list)
    for (const std::string& symbol : text.symbols) text.symbol_pointers.push_back(symbol.c_str());
  return list;
}

}  // namespace

extern "C" {

const char* octet_version(void) { return OCTET_VERSION; }

octet_status octet_error_status(const octet_error* error) {
  return error == nullptr ? OCTET_OK : error->status;
}
const char* octet_error_message(const octet_error* error) {
  return error == nullptr ? "" : error->message.c_str();
}
void octet_error_free(octet_error* error) {
  if (error != &out_of_memory) delete error;
}

octet_options* octet_options_new(void) { return new (std::nothrow) octet_options(); }
void octet_options_free(octet_options* options) { delete options; }
void octet_options_set_threads(octet_options* options, size_t threads) {
  options->compile.threads = threads;
}

void octet_options_set_memory(octet_options* options, size_t bytes) { options->memory = bytes; }
void octet_options_set_bindings(octet_options* options, size_t count) {
  options->compile.cached_bindings =
      count > 0 ? count : octet::runtime::CompileOptions{}.cached_bindings;
}

octet_error* octet_options_set_cache(octet_options* options, const char* folder) {
  return guarded([&]() -> octet_error* {
    options->compile.cache = folder == nullptr ? "" : folder;
    return nullptr;
  });
}

octet_error* octet_options_set_provider(octet_options* options, const char* provider) {
  return guarded([&]() -> octet_error* {
    const auto known = rt::provider_from_name(provider);
    if (!known)
      return to_c(
          {ErrorCode::invalid_argument, "unknown provider '" + std::string(provider) +
                                            "': auto, native, onednn, xnnpack or reference"});
    if (!rt::provider_is_built(*known))
      return to_c({ErrorCode::invalid_argument,
                   "this build has no provider '" + std::string(provider) + "'"});
    options->compile.provider = *known;
    return nullptr;
  });
}

octet_error* octet_options_set_isa(octet_options* options, const char* isa) {
  return guarded([&]() -> octet_error* {
    const auto known = octet::isa_from_name(isa);
    if (!known)
      return to_c(
          {ErrorCode::invalid_argument, "unknown instruction set '" + std::string(isa) + "'"});
    const auto token = octet::CpuToken::probe(*known);
    if (!token)
      return to_c({ErrorCode::invalid_argument,
                   "this CPU lacks the instruction set '" + std::string(isa) + "'"});
    options->compile.cpu = *token;
    return nullptr;
  });
}

octet_error* octet_session_load(const char* path, const octet_options* options,
                                octet_session** session) {
  return guarded([&]() -> octet_error* {
    const rt::CompileOptions compile = compile_options(options);
    const octet::BudgetScope scope(compile.memory);
    auto model = octet::import_model(path);
    if (!model) return to_c(std::move(model).error());
    auto made = std::make_unique<octet_session>();
    auto program = rt::Program::compile(model->graph, compile);
    if (!program) return to_c(std::move(program).error().in(path));
    made->path = path;
    made->options = compile;
    made->program = *program;
    const octet::Graph& graph = *made->program->plan().graph;
    made->inputs = port_texts(graph, made->program->inputs());
    made->outputs = port_texts(graph, graph.outputs());
    *session = made.release();
    return nullptr;
  });
}

octet_error* octet_session_tune(octet_session* session, const octet_tensor* inputs,
                                size_t input_count) {
  return guarded([&]() -> octet_error* {
    const octet::BudgetScope scope(session->options.memory);
    std::vector<Tensor> tensors;
    if (auto status = view_inputs(inputs, input_count, tensors); !status)
      return to_c(std::move(status).error());
    auto model = octet::import_model(session->path);
    if (!model) return to_c(std::move(model).error());
    auto choices = rt::tune(*model->graph, session->options, tensors);
    if (!choices) return to_c(std::move(choices).error());
    rt::CompileOptions options = session->options;
    options.choices = std::move(*choices);
    auto program = rt::Program::compile(model->graph, options);
    if (!program) return to_c(std::move(program).error());
    session->program = std::move(*program);
    const auto& path = session->program->choices_path();
    if (path.empty()) return nullptr;
    auto status = rt::write_choices(path, session->options, *options.choices);
    return status ? nullptr : to_c(std::move(status).error());
  });
}

void octet_session_free(octet_session* session) { delete session; }
size_t octet_session_input_count(const octet_session* session) { return session->inputs.size(); }
size_t octet_session_output_count(const octet_session* session) { return session->outputs.size(); }
octet_port octet_session_input(const octet_session* session, size_t index) {
  return to_c(session->inputs[index]);
}
octet_port octet_session_output(const octet_session* session, size_t index) {
  return to_c(session->outputs[index]);
}

const char* octet_session_input_type(const octet_session* session, size_t index) {
  return session->inputs[index].type.c_str();
}
const char* octet_session_output_type(const octet_session* session, size_t index) {
  return session->outputs[index].type.c_str();
}

octet_error* octet_session_run(octet_session* session, const octet_tensor* inputs,
                               size_t input_count, const octet_run_options* options,
                               octet_results** results) {
  return guarded([&]() -> octet_error* {
    std::vector<Tensor> tensors;
    if (auto status = view_inputs(inputs, input_count, tensors); !status)
      return to_c(std::move(status).error());
    auto outputs = session->program->run(tensors, run_options(options));
    if (!outputs) return to_c(std::move(outputs).error());
    auto made = std::make_unique<octet_results>();
    made->tensors = std::move(*outputs);
    for (const Tensor& tensor : made->tensors) made->views.push_back(made->storage.of(tensor));
    *results = made.release();
    return nullptr;
  });
}

size_t octet_results_count(const octet_results* results) { return results->tensors.size(); }
octet_tensor octet_results_get(const octet_results* results, size_t index) {
  return results->views[index];
}
void octet_results_free(octet_results* results) { delete results; }

octet_error* octet_session_run_into(octet_session* session, const octet_tensor* inputs,
                                    size_t input_count, octet_tensor* outputs, size_t output_count,
                                    const octet_run_options* options) {
  return guarded([&]() -> octet_error* {
    if (output_count != session->outputs.size())
      return to_c({ErrorCode::invalid_argument, "one tensor for each output is needed"});
    auto frame = session->take();
    auto& targets = frame->outputs;
    targets.resize(output_count);
    for (size_t i = 0; i < output_count; ++i) {
      targets[i].data = static_cast<std::byte*>(outputs[i].data);
      targets[i].capacity = outputs[i].bytes;
    }
    auto status = view_inputs(inputs, input_count, frame->inputs);
    if (status.ok()) status = session->program->run(frame->inputs, targets, run_options(options));
    if (!status) return to_c(std::move(status).error());
    for (size_t i = 0; i < output_count; ++i) {
      if (targets[i].dims.size() != outputs[i].rank) continue;
      for (size_t d = 0; d < outputs[i].rank; ++d)
        const_cast<int64_t*>(outputs[i].dims)[d] = targets[i].dims[d];
    }
    session->give(std::move(frame));
    return nullptr;
  });
}

}  // extern "C"
