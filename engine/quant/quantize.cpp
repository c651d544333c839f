#include "engine/quant/quantize.h"

#include "engine/ops/op.h"
#include "engine/passes/pass.h"
#include "engine/quant/algorithm.h"
#include "engine/quant/prequantized.h"
#include "engine/quant/static.h"
#include "engine/quant/weight_only.h"

namespace octet::passes::fuse_activation {
Result<bool> run(Graph& graph, const PassOptions& options);
}

namespace octet::quant {
namespace {

// Fused forms that help selection are spelled in standard operators again.
Status expand_private(Graph& graph) {
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    if (node.op->domain == kOctetDomain && node.op->expand != nullptr)
      OCTET_RETURN_IF_ERROR(node.op->expand(graph, id));
  }
  return infer_graph(graph);
}

// The fused forms that selection looks for.
Status prepare(Graph& graph) {
  OCTET_RETURN_IF_ERROR(passes::fuse_activation::run(graph, {}));
  remove_dead(graph);
  return infer_graph(graph);
}

Result<Observations> collect(const Graph& prepared, const QuantizeOptions& options,
                             const std::string& model, const Calibrate& calibrate) {
  Observations observations(model);
  want_ranges(prepared, options, observations);
  OCTET_ASSIGN(const size_t samples,
               calibrate(prepared, [&](std::string_view name, const TensorView& view) {
                 observations.add(name, view);
                 return observations.check(name);
               }));
  observations.set_samples(samples);
  OCTET_RETURN_IF_ERROR(observations.check());
  return observations;
}

Result<LayerRanges> said_of_layers(const Graph& prepared, const QuantizeOptions& options,
                                   const Calibration& calibration) {
  if (calibration.layers.empty()) return LayerRanges{};
  const auto bits = static_cast<int64_t>(dtype_bits(options.activations));
  OCTET_ASSIGN(const auto layers, read_layers(calibration.layers, bits));
  return match_layers(prepared, layers);
}

// Algorithms on the float graph, ranges and codes, algorithms on the codes. Observations and ranges
// made elsewhere are of the graph as it was and say nothing of channels: algorithms don't run then.
Result<Report> run_static(Graph& graph, const QuantizeOptions& options, const std::string& model,
                          const Calibration& calibration) {
  OCTET_ASSIGN(auto chosen, chosen_algorithms(options));
  if (calibration.observations != nullptr || !calibration.layers.empty()) chosen.clear();
  Statistics statistics;
  if (!chosen.empty()) {
    OCTET_ASSIGN(statistics, collect_statistics(graph, calibration.run));
  }
  Report changes;
  AlgorithmContext context{graph,           nullptr, statistics,
                           calibration.run, changes, calibration.parallel};
  OCTET_RETURN_IF_ERROR(run_algorithms(chosen, Phase::real, context));
  Observations observations(model);
  if (calibration.observations != nullptr) {
    OCTET_RETURN_IF_ERROR(observations.merge(*calibration.observations));
  } else if (calibration.run) {
    OCTET_ASSIGN(observations, collect(graph, options, model, calibration.run));
  }
  OCTET_ASSIGN(const LayerRanges layers, said_of_layers(graph, options, calibration));
  const auto real = graph.clone();
  OCTET_ASSIGN(Report report, quantize_static(graph, options, observations, &layers));
  context.real = real.get();
  OCTET_RETURN_IF_ERROR(run_algorithms(chosen, Phase::codes, context));
  report.samples = observations.samples();
  report.algorithms = std::move(changes.algorithms);
  return report;
}

}  // namespace

Result<Observations> observe(const Graph& graph, const QuantizeOptions& options,
                             const Calibrate& calibrate) {
  const auto prepared = graph.clone();
  OCTET_RETURN_IF_ERROR(prepare(*prepared));
  return collect(*prepared, options, fingerprint(graph), calibrate);
}

Result<Report> quantize(Graph& graph, const QuantizeOptions& options,
                        const Calibration& calibration) {
  Report report;
  const std::string model = options.mode == Mode::statically ? fingerprint(graph) : std::string();
  OCTET_RETURN_IF_ERROR(prepare(graph));
  if (options.mode == Mode::fp16 || options.mode == Mode::int4) {
    OCTET_RETURN_IF_ERROR(options.mode == Mode::fp16
                              ? store_halfs(graph, options, report)
                              : store_int4(graph, options, calibration, report));
    OCTET_RETURN_IF_ERROR(expand_private(graph));
    remove_dead(graph);
    return report;
  }
  const bool nothing_known =
      calibration.observations == nullptr && !calibration.run && calibration.layers.empty();
  if (options.mode == Mode::dynamic) {
    OCTET_ASSIGN(report, quantize_dynamic(graph, options));
  } else if (nothing_known && comes_quantized(graph)) {
    OCTET_ASSIGN(report, keep_quantized(graph, options));
  } else if (nothing_known) {
    return Error{ErrorCode::invalid_argument,
                 "--mode static needs --calibration FOLDER, --merge OBSERVATIONS or --ranges FILE: "
                 "the model wasn't trained with quantization"};
  } else {
    OCTET_ASSIGN(report, run_static(graph, options, model, calibration));
    if (options.format == Format::integer) OCTET_RETURN_IF_ERROR(to_integer_nodes(graph));
  }
  OCTET_RETURN_IF_ERROR(quantize_embeddings(graph, options, report));
  OCTET_RETURN_IF_ERROR(expand_private(graph));
  remove_dead(graph);
  return report;
}

}  // namespace octet::quant
