#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "engine/quant/quantize.h"
#include "runtime/calibration/samples.h"

namespace octet::cli::quantize {

/// What the command line asks for.
struct Arguments {
  std::string model;
  std::string output;
  std::string mode = "static";
  std::string format = "qdq";
  std::string dynamic_scales = "row";
  int64_t block_size = 64;
  std::string calibrator = "minmax";
  std::string calibration;
  bool observe_only = false;
  std::vector<std::string> merge;
  std::string ranges;
  std::string activations = "8";
  std::string states = "16";
  std::vector<std::string> exclude;
  std::string report;
  std::string html;
  std::string algorithms = "default";
  std::optional<double> max_loss;
  std::string metric;
  std::string better;
  std::string cost_model = "on";
};

/// What is wrong with the arguments together; empty when nothing is.
std::string contradiction(const Arguments& arguments);

/// Measures candidates as the arguments ask: times and SQNR on the calibration samples (null: none,
/// and nothing is measured), loss by these or by the user's metric. `model` is the float one.
Result<quant::Measurements> measurements(const Arguments& arguments, const Model& model,
                                         const std::shared_ptr<const runtime::Samples>& samples,
                                         const Global& global);

/// What quantize_file() made of a model.
struct Quantized {
  quant::Report report;
  uint64_t bytes = 0;  ///< Of the files written.
};

/// Quantizes one ONNX file and writes it and the reports asked for, whole or not at all.
Result<Quantized> quantize_file(const Arguments& arguments, const Global& global);
/// Quantizes the parts of a speech bundle into a new folder. Decodes the calibration recordings
/// with the float bundle, and calibrates each part on inputs that it got there. The exit code.
int quantize_bundle(const Arguments& arguments, const Global& global);

/// The report as --report writes it (docs/quantization.md) and the page is made of.
nlohmann::json to_json(const quant::Report& report, const Arguments& arguments, uint64_t bytes);
/// The same in short, for a person.
void print(const quant::Report& report, const Arguments& arguments, uint64_t bytes);

}  // namespace octet::cli::quantize
