#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "engine/ir/graph.h"

namespace octet::cli {

/// Which way a metric points.
enum class Better : uint8_t { unknown, higher, lower };

/// A user's command that judges a model: it gets the path of an ONNX file as its last argument, or
/// in place of each {}, and prints a number as its last line.
class Metric {
 public:
  static Result<Metric> of(const std::string& command, const Global& global);
  Result<double> run(const std::filesystem::path& model) const;

 private:
  explicit Metric(std::vector<std::string> words, const Global& global)
      : words_(std::move(words)), global_(&global) {}
  std::vector<std::string> words_;
  const Global* global_;
};

/// How much worse a metric gets from the float model to another. Models are written to a folder
/// beside the output that goes away with this object.
class MetricLoss {
 public:
  /// Measures the float model.
  static Result<MetricLoss> of(Metric metric, Better better, const std::string& path,
                               const Model& model, const std::filesystem::path& output);

  struct Loss {
    double worse = 0;  ///< By how much; negative where the other model is better.
    double value = 0;
  };
  /// `bound` is the largest loss that is of interest: up to it the direction isn't needed.
  Result<Loss> of(const Graph& graph, double bound);
  double real() const { return real_; }
  Better better() const { return better_; }

 private:
  struct Folder {
    ~Folder();
    std::filesystem::path path;
  };
  MetricLoss(Metric metric, Better better, const Model& model)
      : metric_(std::move(metric)), better_(better), model_(model) {}
  Result<double> measure(const Graph& graph) const;
  Status find_direction();

  Metric metric_;
  Better better_;
  bool asked_ = false;  // Whether a spoiled model has been measured.
  Model model_;         // The float one.
  std::shared_ptr<Folder> folder_;
  double real_ = 0;
};

/// A model that computes something else: the weights of every product in reverse order.
std::shared_ptr<Graph> spoiled(const Graph& graph);

}  // namespace octet::cli
