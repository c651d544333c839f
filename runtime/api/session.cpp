#include <memory>
#include <string>
#include <vector>

#include "importers/onnx/import.h"
#include "runtime/api/handles.h"
#include "runtime/session/tuning.h"

using octet::Error;
using octet::ErrorCode;
using octet::Tensor;
using octet::Value;
using octet::ValueId;
using octet::api::guarded;
using octet::api::PortText;
using octet::api::to_c;
namespace rt = octet::runtime;

namespace {

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

octet_port port_of(const PortText& text) {
  return {text.name.c_str(),           text.dtype,       text.dims.data(),
          text.symbol_pointers.data(), text.dims.size(), text.rank_known ? 1 : 0};
}

std::vector<PortText> port_texts(const octet::Graph& graph, const std::vector<ValueId>& ids) {
  std::vector<PortText> list;
  list.reserve(ids.size());
  for (const ValueId id : ids) list.push_back(port_text(graph.value(id)));
  for (PortText& text : list)
    for (const std::string& symbol : text.symbols) text.symbol_pointers.push_back(symbol.c_str());
  return list;
}

// `read` gives the model; `name` begins messages.
template <typename Read>
octet_error* load(const std::string& name, const octet_options* options, Read&& read,
                  octet_session** session) {
  const rt::CompileOptions compile = octet::api::compile_options(options);
  const octet::BudgetScope scope(compile.memory);
  const octet::api::Limit limit(options);
  octet::Result<octet::Model> model = read();
  if (!model) return to_c(std::move(model).error());
  auto made = std::make_unique<octet_session>();
  auto program = rt::Program::compile(model->graph, compile);
  if (!program) return to_c(std::move(program).error().in(name));
  made->options = compile;
  made->program = *program;
  const octet::Graph& graph = *made->program->plan().graph;
  made->inputs = port_texts(graph, made->program->inputs());
  made->outputs = port_texts(graph, graph.outputs());
  *session = made.release();
  return nullptr;
}

}  // namespace

extern "C" {

octet_error* octet_session_load(const char* path, const octet_options* options,
                                octet_session** session) {
  return guarded([&]() -> octet_error* {
    auto* error = load(
        path, options, [&] { return octet::import_model(path); }, session);
    if (error == nullptr) (*session)->path = path;
    return error;
  });
}

octet_error* octet_session_load_memory(const void* model, size_t bytes, const char* folder,
                                       const octet_options* options, octet_session** session) {
  return guarded([&]() -> octet_error* {
    const std::span<const std::byte> span(static_cast<const std::byte*>(model), bytes);
    const auto read = [&] { return octet::import_model(span, folder == nullptr ? "" : folder); };
    return load("model in memory", options, read, session);
  });
}

octet_error* octet_session_tune(octet_session* session, const octet_tensor* inputs,
                                size_t input_count) {
  return guarded([&]() -> octet_error* {
    if (session->path.empty())
      return to_c(Error{ErrorCode::invalid_argument,
                        "a session that was loaded from memory can't be tuned"});
    const octet::BudgetScope scope(session->options.memory);
    std::vector<Tensor> tensors;
    if (auto status = octet::api::view_inputs(inputs, input_count, tensors); !status)
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
  return port_of(session->inputs[index]);
}
octet_port octet_session_output(const octet_session* session, size_t index) {
  return port_of(session->outputs[index]);
}

const char* octet_session_input_type(const octet_session* session, size_t index) {
  return session->inputs[index].type.c_str();
}
const char* octet_session_output_type(const octet_session* session, size_t index) {
  return session->outputs[index].type.c_str();
}

}  // extern "C"
