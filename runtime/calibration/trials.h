#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/quant/measurement.h"
#include "runtime/calibration/calibrate.h"

namespace octet::runtime {

class Program;

/// Runs candidates of a quantization on calibration samples and compares them with the float model.
class Trials {
 public:
  /// Loss is measured on up to kMost samples spread evenly over all, sensitivities of nodes on kFew
  /// of these.
  static constexpr size_t kMost = 32;
  static constexpr size_t kFew = 4;

  /// Reads the samples once, to find the one of middle size; `real` is the float model, canonical.
  static Result<std::shared_ptr<Trials>> of(const Graph& real,
                                            std::shared_ptr<const Samples> samples,
                                            const TrialOptions& options);

  /// SQNR in dB over all elements of the samples, at the output where it is least. Outputs that
  /// aren't floats don't count; fails where none is.
  Result<double> sqnr(const Graph& graph, size_t samples);
  /// Both graphs on one thread and the sample of middle size, by turns; of each step the shortest
  /// time of 3 to 100 rounds, as many as a second allows: what else the machine does only ever adds
  /// to it. A run takes the sum.
  Result<std::vector<quant::Profile>> profile(const Graph& a, const Graph& b);
  /// Dims of the inputs of the sample of middle size.
  const std::map<std::string, Dims>& input_dims() const { return dims_; }

 private:
  Trials(const Graph& real, std::shared_ptr<const Samples> samples, const TrialOptions& options)
      : real_(real.clone()), samples_(std::move(samples)), options_(options) {}
  Status choose(const std::vector<std::string>& names);
  Result<std::vector<Tensor>> run(Program& program, size_t i) const;
  Status run_real();

  std::shared_ptr<Graph> real_;
  std::shared_ptr<const Samples> samples_;
  TrialOptions options_;
  std::vector<size_t> chosen_;                // Of the samples.
  std::vector<std::vector<Tensor>> outputs_;  // The float model's; empty until they are asked for.
  std::vector<Tensor> middle_;                // Inputs of middle size.
  std::map<std::string, Dims> dims_;
};

/// What Trials measure, as the quantizer asks for it. With `least_sqnr`, in dB, loss is bounded.
/// `begin` is called ahead of each measurement; an error ends everything.
quant::Measurements measurements_by(const std::shared_ptr<Trials>& trials,
                                    std::optional<double> least_sqnr,
                                    const std::function<Status()>& begin);

}  // namespace octet::runtime
