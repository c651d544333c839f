#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "engine/ops/op.h"
#include "engine/quant/quantize.h"
#include "runtime/session/program.h"

// Small graphs, their calibration, and how far two of them are apart.

namespace octet::testing {

inline Tensor random_tensor(Dims dims, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, 1.0F);
  std::vector<float> values(static_cast<size_t>(*checked_count(dims)));
  for (float& v : values) v = normal(random);
  return Tensor::of(std::move(dims), values);
}

/// Adds a node of ai.onnx; its output is called `name`.
inline ValueId add(Graph& graph, const char* op, std::vector<ValueId> inputs, const AttrMap& attrs,
                   const char* name) {
  const OpDef& def = require_op("", op);
  auto read = def.attrs.read(attrs, kMaxOpset);
  REQUIRE(read.ok());
  return graph.add_op(def, std::move(inputs), std::move(*read), name);
}

/// Runs the float graph, node by node, on each sample (its inputs) and shows every value.
inline Result<size_t> show_values(const Graph& graph,
                                  const std::vector<std::vector<Tensor>>& samples,
                                  const quant::ValueSink& sink) {
  runtime::CompileOptions options;
  options.fuse = false;
  OCTET_ASSIGN(const auto program, runtime::Program::compile(graph.clone(), options));
  runtime::RunOptions run;
  Status seen;
  run.observer = [&](std::string_view name, const TensorView& view) {
    if (seen) seen = sink(name, view);
  };
  for (const auto& sample : samples) {
    auto outputs = program->run(sample, run);
    if (!outputs) return std::move(outputs).error();
    OCTET_RETURN_IF_ERROR(seen);
  }
  return samples.size();
}

inline quant::Calibrate calibrate_with(const std::vector<Tensor>& samples) {
  return [&samples](const Graph& graph, const quant::ValueSink& sink) {
    std::vector<std::vector<Tensor>> inputs;
    for (const Tensor& sample : samples) inputs.push_back({sample});
    return show_values(graph, inputs, sink);
  };
}

/// Result 0 of a graph; `fuse` off computes node by node.
inline Tensor result_of(const Graph& graph, const Tensor& sample, bool fuse = true) {
  runtime::CompileOptions options;
  options.fuse = fuse;
  const auto program = runtime::Program::compile(graph.clone(), options);
  REQUIRE(program.ok());
  auto outputs = (*program)->run(std::vector{sample});
  REQUIRE(outputs.ok());
  return (*outputs)[0];
}

/// Signal over noise of `got` against `want`, in decibels.
inline double sqnr(const Tensor& want, const Tensor& got) {
  double signal = 0;
  double noise = 1e-30;
  REQUIRE(want.count() == got.count());
  for (size_t i = 0; i < want.count(); ++i) {
    const double x = want.as<float>()[i];
    const double d = x - static_cast<double>(got.as<float>()[i]);
    signal += x * x;
    noise += d * d;
  }
  return 10 * std::log10(signal / noise);
}

}  // namespace octet::testing
