#include "cli/demo/evaluate.h"

#include <algorithm>
#include <cmath>

namespace octet::demo {
namespace {

using Part = Metric::Part;

Part word_errors(const Bundle& bundle, const Sample& sample, const Results& results) {
  const auto dims = results.dims(0);
  const auto text =
      greedy_ctc(results.values<float>(0).data(), static_cast<size_t>(dims[1]),
                 static_cast<size_t>(dims.back()), bundle.card["blank"].get<int32_t>());
  return {static_cast<double>(edit_distance(sample.answer, text)),
          static_cast<double>(sample.answer.size())};
}

Part hits(const Bundle&, const Sample& sample, const Results& results) {
  const auto scores = results.values<float>(0);
  const auto best = std::max_element(scores.begin(), scores.end()) - scores.begin();
  return {best == sample.answer[0] ? 1.0 : 0.0, 1.0};
}

// Minus the log of the softmax at each answer.
Part surprise(const Bundle&, const Sample& sample, const Results& results) {
  const auto logits = results.values<float>(0);
  const size_t words = logits.size() / sample.answer.size();
  double sum = 0;
  for (size_t t = 0; t < sample.answer.size(); ++t) {
    const auto row = logits.subspan(t * words, words);
    const double largest = *std::max_element(row.begin(), row.end());
    double mass = 0;
    for (const float logit : row) mass += std::exp(logit - largest);
    sum += largest + std::log(mass) - row[static_cast<size_t>(sample.answer[t])];
  }
  return {sum, static_cast<double>(sample.answer.size())};
}

// The negative evidence lower bound of an autoencoder with a standard normal prior (Kingma and
// Welling 2014, appendix B): binary cross-entropy, its logarithms bounded by -100, and divergence.
Part evidence(const Bundle&, const Sample& sample, const Results& results) {
  const auto image = sample.inputs.at("image").as<float>();
  const auto reconstruction = results.values<float>(0);
  const auto mu = results.values<float>(1);
  const auto logvar = results.values<float>(2);
  const auto bounded_log = [](double p) { return std::max(std::log(p), -100.0); };
  double loss = 0;
  for (size_t i = 0; i < image.size(); ++i) {
    const double p = reconstruction[i];
    loss -= image[i] * bounded_log(p) + (1.0 - image[i]) * bounded_log(1.0 - p);
  }
  for (size_t i = 0; i < mu.size(); ++i) {
    const double v = logvar[i];
    loss -= 0.5 * (1.0 + v - static_cast<double>(mu[i]) * mu[i] - std::exp(v));
  }
  return {loss, 1.0};
}

double percent(double mean) { return 100 * mean; }
double same(double mean) { return mean; }
double exponential(double mean) { return std::exp(mean); }

struct Row {
  std::string_view metric;
  Metric how;
};
const Row kMetrics[] = {
    {"accuracy", {"correct %", hits, percent}},
    {"word_error_rate", {"WER %", word_errors, percent}},
    {"elbo_loss", {"loss", evidence, same}},
    {"perplexity", {"perplexity", surprise, exponential}},
};

}  // namespace

Result<Metric> metric_of(const Bundle& bundle) {
  const std::string name = bundle.card["metric"];
  for (const Row& row : kMetrics)
    if (row.metric == name) return row.how;
  return unsupported(bundle.name + ": metric '" + name + "'");
}

size_t edit_distance(const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::vector<int32_t> greedy_ctc(const float* scores, size_t steps, size_t tokens, int32_t blank) {
  std::vector<int32_t> text;
  int32_t last = blank;
  for (size_t t = 0; t < steps; ++t) {
    const float* step = scores + t * tokens;
    const auto best = static_cast<int32_t>(std::max_element(step, step + tokens) - step);
    if (best != last && best != blank) text.push_back(best);
    last = best;
  }
  return text;
}

Expected<std::vector<Part>> parts(const Bundle& bundle, const Metric& metric, Session& session,
                                  const std::vector<Sample>& samples) {
  Reader reader(bundle, session);
  std::vector<Part> list;
  for (const Sample& sample : samples) {
    const auto results = reader.run(sample);
    if (!results) return results.failure();
    list.push_back(metric.part(bundle, sample, *results));
  }
  return list;
}

Expected<double> evaluate(const Bundle& bundle, const Metric& metric, Session& session,
                          const std::vector<Sample>& samples) {
  const auto list = parts(bundle, metric, session, samples);
  if (!list) return list.failure();
  Part total;
  for (const Part& part : *list) {
    total.sum += part.sum;
    total.count += part.count;
  }
  return metric.total(total.sum / total.count);
}

}  // namespace octet::demo
