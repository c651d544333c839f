#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/ir/tensor.h"
#include "octet/octet.hpp"

namespace octet::demo {

/// One input for a model and what it should answer: a class, or a sequence of tokens.
struct Sample {
  Tensor input;
  std::vector<int32_t> answer;
};

/// A bundled model as models/README.md describes it.
struct Bundle {
  std::filesystem::path folder;
  std::string name;
  nlohmann::json card;
  bool ctc() const { return card["task"] == "ctc"; }
  std::filesystem::path model() const { return folder / name / (name + ".onnx"); }
};

Result<std::vector<Bundle>> find_bundles(const std::filesystem::path& models);
/// The samples of a set ("evaluation" or "calibration").
Result<std::vector<Sample>> read_set(const Bundle& bundle, const char* set);

/// Accuracy or word error rate over the samples, as a percentage.
Expected<double> evaluate(const Bundle& bundle, Session& session,
                          const std::vector<Sample>& samples);

/// Substitutions, deletions and insertions between two token sequences (Levenshtein distance).
size_t edit_distance(const std::vector<int32_t>& a, const std::vector<int32_t>& b);
/// Greedy CTC: the largest score of each step, repeats merged, blanks dropped.
std::vector<int32_t> greedy_ctc(const float* scores, size_t steps, size_t tokens, int32_t blank);

}  // namespace octet::demo
