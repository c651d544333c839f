#pragma once

#include <functional>
#include <memory>

#include "engine/quant/quantize.h"
#include "runtime/calibration/samples.h"
#include "runtime/session/options.h"

namespace octet::runtime {

/// How models are run while one is quantized.
struct TrialOptions {
  CompileOptions compile;
  RunOptions run;
  /// Told after each sample of a run over all of them; may be empty. An error ends everything.
  std::function<Status(size_t done, size_t all)> progress{};
};

/// Runs the float model over samples, one at a time: memory holds one sample and its inner values.
quant::Calibrate calibrate_on(std::shared_ptr<const Samples> samples, const TrialOptions& options);

/// Returns to the machine what nobody holds any more, and the pages of mapped weights: a compiled
/// program has packed its own.
void release_memory();

}  // namespace octet::runtime
