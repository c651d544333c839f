#pragma once

#include <memory>
#include <vector>

#include "engine/quant/algorithm.h"
#include "engine/quant/quantize.h"
#include "engine/quant/static.h"

namespace octet::quant {

/// Makes the fused forms that selection looks for.
Status fuse_for_selection(Graph& graph);
/// Gives int8 LSTM and GRU the bits of states that the options ask for, a name where they have none
/// (the hint needs one), and says so in the report.
void choose_states(Graph& graph, const QuantizeOptions& options, Report& report);
/// Spells our own operators in standard ones again.
Status finish(Graph& graph);
/// Observes what was asked for. Fails when a sample does, or on what isn't finite.
Status collect(const Graph& graph, const Calibrate& calibrate, Observations& observations);

/// One way to quantize a model.
struct Candidate {
  std::shared_ptr<Graph> graph;  ///< Finished: standard operators.
  Report report;
};

/// The quantized forms of one model that differ in the nodes left in float. What is dear (runs of
/// the calibration data, rounding of weights) is done once; a candidate takes what that gave.
class Candidates {
 public:
  /// `graph` is after the portable passes and is taken over; static and dynamic modes.
  static Result<Candidates> of(Graph& graph, const QuantizeOptions& options,
                               const Calibration& calibration, const Measurements& measurements);

  /// With these nodes of real() in float. The report's rows carry multiply-accumulates.
  Result<Candidate> make(const Floats& floats) const;
  /// The same as make({}).
  const Candidate& all() const { return all_; }
  /// The float graph that candidates are made of, in fused forms.
  const Graph& real() const { return *real_; }
  /// real() as a finished graph.
  Result<std::shared_ptr<Graph>> finished_real() const;
  /// Multiply-accumulates of a node, and the weights that it reads: what leaving it in float costs.
  double work(NodeId id) const;

 private:
  Candidates() = default;
  Status prepare_static(Graph& graph, const Calibration& calibration);
  Status choose_algorithms(const Graph& graph, const Calibration& calibration);
  Result<Candidate> make(const Floats& floats, std::shared_ptr<Graph>* rounded) const;
  Status shorten_rest(Candidate& made) const;
  Status quantize_to(Graph& graph, const Floats& floats, std::shared_ptr<Graph>* rounded,
                     Report& report) const;

  QuantizeOptions options_;
  std::shared_ptr<Graph> real_;
  Calibrate calibrate_;
  Parallel* parallel_ = nullptr;
  std::vector<const Algorithm*> chosen_;
  std::shared_ptr<Observations> observations_;
  std::shared_ptr<Observations> channels_;  // The same, or what a run over the samples gave.
  std::shared_ptr<RoundingMeans> rounding_ = std::make_shared<RoundingMeans>();
  LayerRanges layers_;
  std::map<std::string, size_t> changes_;        // By the algorithms that ran once.
  std::map<std::string, std::string> left_out_;  // Algorithms, and why they don't run.
  std::shared_ptr<Graph> rounded_;  // All nodes quantized, weights rounded, same ids as real.
  std::map<NodeId, int64_t> macs_;
  Candidate all_;
};

}  // namespace octet::quant
