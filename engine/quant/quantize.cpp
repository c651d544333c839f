#include "engine/quant/quantize.h"

#include "engine/ir/stop.h"
#include "engine/quant/candidates.h"
#include "engine/quant/cost_model.h"
#include "engine/quant/prequantized.h"
#include "engine/quant/search.h"
#include "engine/quant/weight_only.h"

namespace octet::quant {
namespace {

Result<Report> store_weights(Graph& graph, const QuantizeOptions& options,
                             const Calibration& calibration) {
  Report report;
  OCTET_RETURN_IF_ERROR(fuse_for_selection(graph));
  OCTET_RETURN_IF_ERROR(options.mode == Mode::fp16
                            ? store_halfs(graph, options, report)
                            : store_int4(graph, options, calibration, report));
  OCTET_RETURN_IF_ERROR(finish(graph));
  return report;
}

// A model that brings its codes along, and nothing else to choose them by.
Result<Report> keep_codes(Graph& graph, const QuantizeOptions& options) {
  OCTET_RETURN_IF_ERROR(fuse_for_selection(graph));
  if (!comes_quantized(graph))
    return Error{ErrorCode::invalid_argument,
                 "--mode static needs --calibration FOLDER, --merge OBSERVATIONS or --ranges FILE: "
                 "the model wasn't trained with quantization"};
  OCTET_ASSIGN(Report report, keep_quantized(graph, options));
  OCTET_RETURN_IF_ERROR(quantize_embeddings(graph, options, {}, report));
  choose_states(graph, options, report);
  OCTET_RETURN_IF_ERROR(finish(graph));
  return report;
}

Result<Report> choose(Graph& graph, const QuantizeOptions& options, const Calibration& calibration,
                      const Measurements& measurements) {
  if (options.mode == Mode::fp16 || options.mode == Mode::int4)
    return store_weights(graph, options, calibration);
  const bool nothing_known =
      calibration.observations == nullptr && !calibration.run && calibration.layers.empty();
  if (options.mode == Mode::statically && nothing_known) return keep_codes(graph, options);
  OCTET_ASSIGN(const Candidates candidates,
               Candidates::of(graph, options, calibration, measurements));
  Candidate chosen = candidates.all();
  Floats floats;
  if (measurements.profile && options.leave_slower && options.mode == Mode::statically) {
    OCTET_ASSIGN(floats, slower_nodes(candidates, measurements));
    if (!floats.empty()) {
      OCTET_ASSIGN(chosen, candidates.make(floats));
    }
  }
  if (measurements.judge) {
    OCTET_ASSIGN(chosen, search(candidates, std::move(chosen), floats, measurements));
  }
  if (measurements.profile) OCTET_RETURN_IF_ERROR(note_times(candidates, measurements, chosen));
  graph = std::move(*chosen.graph);
  return std::move(chosen.report);
}

}  // namespace

Result<Observations> observe(const Graph& graph, const QuantizeOptions& options,
                             const Calibrate& calibrate) {
  const auto prepared = graph.clone();
  OCTET_RETURN_IF_ERROR(fuse_for_selection(*prepared));
  OCTET_ASSIGN(const auto algorithms, chosen_algorithms(options));
  Observations observations(fingerprint(graph));
  want_ranges(*prepared, options, observations);
  if (!algorithms.empty()) want_channels(*prepared, observations);
  OCTET_RETURN_IF_ERROR(collect(*prepared, calibrate, observations));
  return observations;
}

Result<Report> quantize(Graph& graph, const QuantizeOptions& options,
                        const Calibration& calibration, const Measurements& measurements) {
  const StopScope* const scope = StopScope::current();
  SerialParallel alone;
  StoppableParallel parallel(calibration.parallel != nullptr ? *calibration.parallel : alone,
                             scope);
  Calibration stoppable = calibration;
  stoppable.parallel = &parallel;
  return catch_memory_errors([&] { return choose(graph, options, stoppable, measurements); });
}

}  // namespace octet::quant
