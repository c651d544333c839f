#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "engine/quant/quantize.h"
#include "runtime/calibration/calibrate.h"

namespace octet::cli {

/// How models run while one is quantized; a progress bar on a terminal.
Result<runtime::TrialOptions> trial_options(const Global& global);

/// A file as text.
Result<std::string> read_text(const std::string& path);

/// The observations of all these files together. Fails, naming the file, when one can't be read or
/// is of another model than the first.
Result<quant::Observations> read_observations(const std::vector<std::string>& paths);

/// Writes the whole file or nothing.
Status write_observations(const std::filesystem::path& path,
                          const quant::Observations& observations);

}  // namespace octet::cli
