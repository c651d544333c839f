#include "cli/demo/evaluate.h"

#include <algorithm>
#include <fstream>

#include "cli/samples.h"

namespace octet::demo {
namespace {

Result<std::vector<Sample>> images(const Bundle& bundle, const cli::Arrays& arrays) {
  const Tensor& pixels = arrays.at("images");
  const auto labels = arrays.at("labels").to_int64();
  const float scale = bundle.card["input_scale"];
  const int64_t rows = pixels.dims()[1];
  const int64_t columns = pixels.dims()[2];
  const auto count = static_cast<size_t>(rows * columns);
  std::vector<Sample> samples;
  for (size_t i = 0; i < labels.size(); ++i) {
    std::vector<float> values(count);
    for (size_t p = 0; p < count; ++p)
      values[p] = static_cast<float>(pixels.as<uint8_t>()[i * count + p]) * scale;
    samples.push_back(
        {Tensor::of(Dims{1, 1, rows, columns}, values), {static_cast<int32_t>(labels[i])}});
  }
  return samples;
}

Result<std::vector<Sample>> utterances(const cli::Arrays& arrays) {
  const Tensor& codes = arrays.at("features");
  const float scale = arrays.at("scale").to_float()[0];
  const float offset = arrays.at("offset").to_float()[0];
  const auto lengths = arrays.at("lengths").to_int64();
  const auto labels = arrays.at("labels").to_int64();
  const auto label_lengths = arrays.at("label_lengths").to_int64();
  const int64_t mels = codes.dims()[1];
  std::vector<Sample> samples;
  size_t frame = 0;
  size_t label = 0;
  for (size_t i = 0; i < lengths.size(); ++i) {
    const auto count = static_cast<size_t>(lengths[i] * mels);
    std::vector<float> values(count);
    for (size_t k = 0; k < count; ++k)
      values[k] =
          static_cast<float>(codes.as<uint8_t>()[frame * static_cast<size_t>(mels) + k]) * scale +
          offset;
    Sample sample{Tensor::of(Dims{1, lengths[i], mels}, values), {}};
    for (int64_t k = 0; k < label_lengths[i]; ++k)
      sample.answer.push_back(static_cast<int32_t>(labels[label++]));
    frame += static_cast<size_t>(lengths[i]);
    samples.push_back(std::move(sample));
  }
  return samples;
}

}  // namespace

Result<std::vector<Bundle>> find_bundles(const std::filesystem::path& models) {
  std::vector<Bundle> bundles;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(models, error)) {
    std::ifstream file(entry.path() / "model.json");
    if (!file) continue;
    bundles.push_back(
        {models, entry.path().filename().string(), nlohmann::json::parse(file, nullptr, false)});
    if (bundles.back().card.is_discarded())
      return invalid_data((entry.path() / "model.json").string() + ": not JSON");
  }
  if (bundles.empty()) return invalid_data(models.string() + ": there are no models");
  std::sort(bundles.begin(), bundles.end(),
            [](const Bundle& a, const Bundle& b) { return a.name < b.name; });
  return bundles;
}

Result<std::vector<Sample>> read_set(const Bundle& bundle, const char* set) {
  const std::string name = bundle.card[set];
  const auto path = bundle.folder / "eval" / (name + ".npz");
  OCTET_ASSIGN(const cli::Arrays arrays, cli::read_npz(path));
  const std::vector<std::string> needed =
      bundle.ctc() ? std::vector<std::string>{"features", "scale",  "offset",
                                              "lengths",  "labels", "label_lengths"}
                   : std::vector<std::string>{"images", "labels"};
  for (const std::string& array : needed)
    if (arrays.count(array) == 0) return invalid_data(path.string() + ": lacks '" + array + "'");
  return bundle.ctc() ? utterances(arrays) : images(bundle, arrays);
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

Expected<double> evaluate(const Bundle& bundle, Session& session,
                          const std::vector<Sample>& samples) {
  size_t errors = 0;
  size_t total = 0;
  for (const Sample& sample : samples) {
    const auto results = session.run({cli::to_ref(sample.input)});
    if (!results) return results.failure();
    const auto scores = results->values<float>(0);
    const auto dims = results->dims(0);
    const auto tokens = static_cast<size_t>(dims.back());
    total += sample.answer.size();
    if (bundle.ctc()) {
      const auto text = greedy_ctc(scores.data(), static_cast<size_t>(dims[1]), tokens,
                                   bundle.card["blank"].get<int32_t>());
      errors += edit_distance(sample.answer, text);
    } else {
      const auto best = std::max_element(scores.begin(), scores.end()) - scores.begin();
      errors += best == sample.answer[0] ? 0 : 1;
    }
  }
  const double rate = 100.0 * static_cast<double>(errors) / static_cast<double>(total);
  return bundle.ctc() ? rate : 100.0 - rate;
}

}  // namespace octet::demo
