#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "engine/passes/pass.h"
#include "engine/quant/quantize.h"
#include "importers/onnx/import.h"
#include "runtime/session/program.h"
#include "tests/support/quant_runner.h"

// The bundled models, inputs for them, and their int8 forms.

namespace octet::testing {

inline std::vector<std::filesystem::path> bundled_models() {
  std::vector<std::filesystem::path> paths;
  const std::filesystem::path folder = std::filesystem::path(OCTET_SOURCES) / "models";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const auto model = entry.path() / (entry.path().filename().string() + ".onnx");
    if (std::filesystem::exists(model)) paths.push_back(model);
  }
  std::sort(paths.begin(), paths.end());
  REQUIRE_FALSE(paths.empty());
  return paths;
}

/// Normal numbers, small integers and open masks; `length` where an extent is free, but 1 for the
/// batch.
inline std::vector<Tensor> made_up_inputs(const Graph& graph, int64_t length) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0.0F, 1.0F);
  std::vector<Tensor> inputs;
  for (const ValueId id : graph.inputs) {
    const Value& value = graph.value(id);
    if (value.constant) continue;
    REQUIRE(value.type.shape.has_value());
    Dims dims;
    for (const Dim& dim : *value.type.shape)
      dims.push_back(dim.known() ? dim.value() : (dim.to_string() == "batch" ? 1 : length));
    Tensor tensor = *Tensor::zeros(value.type.dtype, dims);
    const bool mask = value.name.find("mask") != std::string::npos;
    for (size_t i = 0; i < tensor.count(); ++i) {
      if (tensor.dtype() == DType::f32)
        tensor.writable_as<float>()[i] = normal(random);
      else
        tensor.writable_as<int64_t>()[i] = mask ? 1 : static_cast<int64_t>(random() % 2);
    }
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}

inline std::shared_ptr<Graph> import_bundled(const std::filesystem::path& path) {
  auto model = import_model(path);
  REQUIRE(model.ok());
  return model->graph;
}

/// Quantized with ranges of made-up inputs; the same bits every time.
inline std::shared_ptr<Graph> quantized(const std::filesystem::path& path, quant::Mode mode) {
  auto graph = import_bundled(path);
  REQUIRE(run_passes(*graph, PassPhase::portable).ok());
  quant::QuantizeOptions options;
  options.mode = mode;
  quant::Calibration calibration;
  calibration.run = [](const Graph& real, const quant::ValueSink& sink) {
    return show_values(real, {made_up_inputs(real, 24)}, sink);
  };
  const auto report = quant::quantize(*graph, options, calibration);
  INFO((report ? std::string() : report.error().message));
  REQUIRE(report.ok());
  return graph;
}

/// A bundled model in float, and in int8 statically and dynamically.
struct Form {
  std::string name;
  std::shared_ptr<Graph> graph;
};
inline std::vector<Form> int8_forms(const std::filesystem::path& path) {
  const std::string stem = path.stem().string();
  return {{stem + ", static", quantized(path, quant::Mode::statically)},
          {stem + ", dynamic", quantized(path, quant::Mode::dynamic)}};
}
inline std::vector<Form> all_forms(const std::filesystem::path& path) {
  auto forms = int8_forms(path);
  forms.insert(forms.begin(), Form{path.stem().string() + ", float", import_bundled(path)});
  return forms;
}

inline std::shared_ptr<runtime::Program> compiled(const Form& form,
                                                  const runtime::CompileOptions& options = {}) {
  auto program = runtime::Program::compile(form.graph->clone(), options);
  INFO(form.name << ": " << (program ? std::string() : program.error().message));
  REQUIRE(program.ok());
  return *program;
}

inline std::vector<Tensor> results(runtime::Program& program, const std::vector<Tensor>& inputs) {
  auto outputs = program.run(inputs);
  INFO((outputs ? std::string() : outputs.error().message));
  REQUIRE(outputs.ok());
  return *outputs;
}

}  // namespace octet::testing
