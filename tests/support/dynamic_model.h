#pragma once

#include <doctest/doctest.h>

#include "engine/ops/op.h"
#include "engine/quant/quantize.h"
#include "runtime/session/program.h"
#include "tests/support/op_data.h"

namespace octet::testing {

inline ValueId op(Graph& graph, std::string_view name, std::vector<ValueId> inputs,
                  const AttrMap& attrs = {}) {
  const OpDef& def = require_op("", name);
  return graph.add_op(def, std::move(inputs), *def.attrs.read(attrs, kMaxOpset),
                      graph.unique_name(std::string(name)));
}

/// What `build` makes of x, quantized dynamically by our quantizer.
struct DynamicModel {
  std::shared_ptr<Graph> graph = std::make_shared<Graph>();
  DynamicModel(const Shape& x, ValueId (*build)(Graph&, ValueId), bool row_scales) {
    const ValueId input = graph->add_input("x", Type::tensor(DType::f32, x));
    graph->set_outputs({build(*graph, input)});
    REQUIRE(infer_graph(*graph).ok());
    quant::QuantizeOptions options;
    options.mode = quant::Mode::dynamic;
    options.row_scales = row_scales;
    REQUIRE(quant::quantize(*graph, options, {}).ok());
  }
  /// The output, and the operators of the steps that made it.
  Tensor run(const Tensor& x, const runtime::CompileOptions& options,
             std::string* ops = nullptr) const {
    const auto program = runtime::Program::compile(graph->clone(), options);
    REQUIRE(program.ok());
    runtime::RunOptions run_options;
    if (ops != nullptr)
      run_options.profile = [&](const runtime::StepProfile& step) {
        if (!step.op.empty()) ops->append(ops->empty() ? "" : " ").append(step.op);
      };
    auto outputs = (*program)->run(std::vector{x}, run_options);
    REQUIRE(outputs.ok());
    return (*outputs)[0];
  }
};

inline ValueId linear(Graph& graph, ValueId x, int64_t k, int64_t n, unsigned seed) {
  const ValueId w = graph.add_constant(graph.unique_name("w"), random_floats({k, n}, seed));
  const ValueId bias = graph.add_constant(graph.unique_name("bias"), random_floats({n}, seed + 1));
  return op(graph, "Add", {op(graph, "MatMul", {x, w}), bias});
}

inline runtime::CompileOptions compile_options(CpuToken cpu, bool fuse = true, size_t threads = 2) {
  runtime::CompileOptions options;
  options.fuse = fuse;
  options.cpu = cpu;
  options.threads = threads;
  return options;
}

}  // namespace octet::testing
