#include <memory>
#include <string>
#include <vector>

#include "runtime/api/handles.h"

using octet::Error;
using octet::ErrorCode;
using octet::Tensor;
using octet::api::guarded;
using octet::api::run_options;
using octet::api::to_c;
using octet::api::view_inputs;
namespace rt = octet::runtime;

namespace octet::api {

Status view_inputs(const octet_tensor* inputs, size_t count, std::vector<Tensor>& tensors) {
  tensors.resize(count);
  for (size_t i = 0; i < count; ++i) {
    const octet_tensor& c = inputs[i];
    if (c.dtype == OCTET_STRING || c.dtype == OCTET_LIST) {
      OCTET_ASSIGN(tensors[i], api::from_c(c, "input " + std::to_string(i)));
      continue;
    }
    const auto dtype = static_cast<DType>(c.dtype);
    const std::span<const int64_t> dims(c.dims, c.rank);
    const auto elements = checked_count(dims);
    const auto refuse = [&](ErrorCode code, const char* why) {
      return Error{code, "input " + std::to_string(i) + ": " + why};
    };
    if (static_cast<int>(c.dtype) >= kDTypeCount || dtype_bits(dtype) == 0)
      return refuse(ErrorCode::invalid_argument, "unknown element type");
    if (!elements) return refuse(ErrorCode::invalid_data, "a negative or overflowing extent");
    const size_t bytes = dtype_bytes(dtype, static_cast<size_t>(*elements));
    if (bytes > c.bytes || (bytes > 0 && c.data == nullptr))
      return refuse(ErrorCode::invalid_argument, "fewer bytes than its dims need");
    tensors[i].view(dtype, dims, {static_cast<const std::byte*>(c.data), bytes});
  }
  return {};
}

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
      const std::string isa(isa_name(p.info->isa));
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

octet_results* to_results(std::vector<Tensor> tensors) {
  auto made = std::make_unique<octet_results>();
  made->tensors = std::move(tensors);
  for (const Tensor& tensor : made->tensors) made->views.push_back(made->storage.of(tensor));
  return made.release();
}

}  // namespace octet::api

extern "C" {

octet_error* octet_session_run(octet_session* session, const octet_tensor* inputs,
                               size_t input_count, const octet_run_options* options,
                               octet_results** results) {
  return guarded([&]() -> octet_error* {
    std::vector<Tensor> tensors;
    if (auto status = view_inputs(inputs, input_count, tensors); !status)
      return to_c(std::move(status).error());
    auto outputs = session->program->run(tensors, run_options(options));
    if (!outputs) return to_c(std::move(outputs).error());
    *results = octet::api::to_results(std::move(*outputs));
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
      return to_c(Error{ErrorCode::invalid_argument, "one tensor for each output is needed"});
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
