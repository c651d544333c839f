#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/npz.h"
#include "octet/octet.hpp"

namespace octet::demo {

/// Inputs for a model by name, and what it should answer: a class, or a sequence of tokens.
struct Sample {
  cli::Arrays inputs;
  std::vector<int32_t> answer;
};

/// A bundled model as models/README.md describes it.
struct Bundle {
  std::filesystem::path folder;
  std::string name;
  nlohmann::json card;
  std::filesystem::path model() const { return folder / name / (name + ".onnx"); }
};

Result<std::vector<Bundle>> find_bundles(const std::filesystem::path& models);
/// The samples of a set ("evaluation" or "calibration"), without state inputs.
Result<std::vector<Sample>> read_set(const Bundle& bundle, const char* set);

/// Runs a session on the samples of a bundle in their order. State inputs, where the card names
/// some, begin as zeros and then are what the run before gave.
class Reader {
 public:
  Reader(const Bundle& bundle, Session& session);
  /// Whether a run depends on those before it.
  bool carries_state() const { return !states_.empty(); }
  /// All inputs of a sample, states included, by name.
  cli::Arrays inputs(const Sample& sample) const;
  /// The inputs in the order of the session's.
  Result<std::vector<Tensor>> ordered(const Sample& sample) const;
  Expected<Results> run(const Sample& sample);

 private:
  struct State {
    std::string input;
    size_t output;
    Tensor value;
  };
  const Bundle& bundle_;
  Session& session_;
  std::vector<std::string> names_;
  std::vector<State> states_;
};

/// References to tensors that outlive them.
std::vector<TensorRef> refs(const std::vector<Tensor>& tensors);

}  // namespace octet::demo
