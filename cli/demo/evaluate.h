#pragma once

#include "cli/demo/sets.h"

namespace octet::demo {

/// How a task is judged.
struct Metric {
  const char* label;
  /// What a run adds: a sum and the count that it is divided by.
  struct Part {
    double sum = 0;
    double count = 0;
  };
  Part (*part)(const Bundle&, const Sample&, const Results&);
  double (*total)(double mean);
};

/// The metric of a bundle's task. Fails for a task that it doesn't know.
Result<Metric> metric_of(const Bundle& bundle);

/// What each sample adds to the metric.
Expected<std::vector<Metric::Part>> parts(const Bundle& bundle, const Metric& metric,
                                          Session& session, const std::vector<Sample>& samples);
/// The metric over the samples: a percentage, or as models/README.md says.
Expected<double> evaluate(const Bundle& bundle, const Metric& metric, Session& session,
                          const std::vector<Sample>& samples);

/// Substitutions, deletions and insertions between two token sequences (Levenshtein distance).
size_t edit_distance(const std::vector<int32_t>& a, const std::vector<int32_t>& b);
/// Greedy CTC: the largest score of each step, repeats merged, blanks dropped.
std::vector<int32_t> greedy_ctc(const float* scores, size_t steps, size_t tokens, int32_t blank);

}  // namespace octet::demo
