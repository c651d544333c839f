#pragma once

#include <doctest/doctest.h>

#include "importers/onnx/import.h"
#include "runtime/session/program.h"

namespace octet::testing {

/// The results of a model on our own kernels; the test ends where it can't run.
inline std::vector<Tensor> run_model(const Model& model, const std::vector<Tensor>& inputs) {
  runtime::CompileOptions options;
  options.provider = runtime::Provider::native;
  options.threads = 1;
  const auto program = runtime::Program::compile(model.graph->clone(), options);
  REQUIRE_MESSAGE(program.ok(), program.error().message);
  auto outputs = (*program)->run(inputs);
  REQUIRE_MESSAGE(outputs.ok(), outputs.error().message);
  return std::move(*outputs);
}

/// A row of floats [1, n].
inline Tensor float_row(const std::vector<float>& values) {
  return Tensor::of(Dims{1, static_cast<int64_t>(values.size())}, values);
}

}  // namespace octet::testing
