#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "engine/quant/quantize.h"

namespace octet::cli {

/// Runs the float model over a folder of samples, one at a time: memory holds one sample and its
/// inner values.
quant::Calibrate calibrate_on(std::filesystem::path folder, const Global& global);

/// Returns to the machine what nobody holds any more, and the pages of mapped weights: a compiled
/// program has packed its own.
void release_memory();

/// A file as text.
Result<std::string> read_text(const std::string& path);

/// The observations of all these files together. Fails, naming the file, when one can't be read or
/// is of another model than the first.
Result<quant::Observations> read_observations(const std::vector<std::string>& paths);

/// Writes the whole file or nothing.
Status write_observations(const std::filesystem::path& path,
                          const quant::Observations& observations);

}  // namespace octet::cli
