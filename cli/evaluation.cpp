#include "cli/evaluation.h"

#include <algorithm>

namespace octet::cli {
namespace {

constexpr size_t kTurn = 16;  // Items that a transcriber hears before the next one does.

// Segments wait until a batch is full; the texts of a recording's segments are joined in order.
class Batches {
 public:
  Batches(const Transcriber& transcriber, size_t size, bool translates,
          std::vector<EvaluationRow>& rows)
      : transcriber_(transcriber), size_(size), translates_(translates), rows_(rows) {}

  Status add(const EvaluationItem& item) {
    const int rate = transcriber_.bundle().sample_rate;
    const size_t row = rows_.size();
    rows_.push_back({&item, {}, 0, 0, {}, {}, {}});
    auto reader =
        speech::SegmentReader::open(item.path, rate, transcriber_.bundle().longest_seconds);
    if (!reader) return to_error(reader.failure());
    for (;;) {
      const auto start = std::chrono::steady_clock::now();
      auto segment = reader->next();
      if (!segment) return to_error(segment.failure());
      rows_[row].times.audio += seconds_since(start);
      if (!*segment) return {};
      auto& samples = (*segment)->samples;
      rows_[row].seconds_audio += static_cast<double>(samples.size()) / rate;
      if (speech::is_silent(samples)) continue;
      waiting_.push_back(std::move(samples));
      owners_.push_back(row);
      if (waiting_.size() == size_) OCTET_RETURN_IF_ERROR(flush());
    }
  }

  Status flush() {
    if (waiting_.empty()) return {};
    StageTimes times;
    auto results = transcriber_.run(waiting_, times);
    if (!results) return std::move(results).error().in(rows_[owners_[0]].item->path);
    for (size_t i = 0; i < waiting_.size(); ++i) {
      EvaluationRow& row = rows_[owners_[i]];
      const auto& best = translates_ ? (*results)[i].translation : (*results)[i].best;
      if (!row.text.empty() && !best[0].text.empty()) row.text += ' ';
      row.text += best[0].text;
      row.feature_frames += (*results)[i].feature_frames;
      row.times += times.over(waiting_.size());
    }
    waiting_.clear();
    owners_.clear();
    return {};
  }

 private:
  const Transcriber& transcriber_;
  size_t size_;
  bool translates_;
  std::vector<EvaluationRow>& rows_;
  std::vector<std::vector<float>> waiting_;
  std::vector<size_t> owners_;
};

nlohmann::json to_json(const StageTimes& times) {
  nlohmann::json json = {{"audio", times.audio}, {"search", times.search}};
  for (size_t part = 0; part < speech::kParts; ++part)
    if (times.parts[part] > 0)
      json[speech::part_name(static_cast<speech::Part>(part))] = times.parts[part];
  return json;
}

nlohmann::json to_json(const speech::WordErrors& errors) {
  return {{"substitutions", errors.substitutions},
          {"deletions", errors.deletions},
          {"insertions", errors.insertions},
          {"words", errors.words}};
}

nlohmann::json to_json(const EvaluationRow& row) {
  nlohmann::json json = to_json(row.errors);
  json.update({{"name", row.item->name},
               {"file", row.item->path},
               {"reference", row.item->reference},
               {"text", row.text},
               {"seconds_audio", row.seconds_audio},
               {"feature_frames", row.feature_frames},
               {"seconds_compute", row.times.total()},
               {"stages", to_json(row.times)}});
  return json;
}

// Adds a row, its errors counted.
void count(EvaluationRow& row, Evaluation& evaluation) {
  row.errors = speech::count_errors(row.item->reference, row.text);
  if (evaluation.translates) row.bleu.add(row.item->reference, row.text);
  evaluation.errors += row.errors;
  evaluation.bleu += row.bleu;
  evaluation.seconds_audio += row.seconds_audio;
  evaluation.times += row.times;
}

// What a whole evaluation comes to.
nlohmann::json totals(const Evaluation& evaluation) {
  nlohmann::json json = to_json(evaluation.errors);
  json["wer"] = evaluation.errors.rate();
  if (evaluation.translates) json["bleu"] = evaluation.bleu.score();
  json["utterances"] = evaluation.rows.size();
  json["seconds_audio"] = evaluation.seconds_audio;
  json["seconds_compute"] = evaluation.times.total();
  json["real_time_factor"] = evaluation.real_time_factor();
  json["stages"] = to_json(evaluation.times);
  return json;
}

}  // namespace

Result<std::vector<Evaluation>> evaluate_items(std::span<const Transcriber> transcribers,
                                               const std::vector<EvaluationItem>& items,
                                               size_t batch, bool translates) {
  std::vector<Evaluation> evaluations(transcribers.size());
  std::vector<Batches> batches;
  for (size_t k = 0; k < transcribers.size(); ++k)
    batches.emplace_back(transcribers[k], batch, translates, evaluations[k].rows);
  const size_t turn = std::max(batch, kTurn);
  for (size_t first = 0; first < items.size(); first += turn)
    for (size_t k = 0; k < batches.size(); ++k) {
      // Who hears a recording first reads it from further away.
      Batches& each = batches[first / turn % 2 == 0 ? k : batches.size() - 1 - k];
      for (size_t i = first; i < std::min(first + turn, items.size()); ++i)
        OCTET_RETURN_IF_ERROR(each.add(items[i]));
    }
  for (Batches& each : batches) OCTET_RETURN_IF_ERROR(each.flush());
  for (Evaluation& evaluation : evaluations) {
    evaluation.translates = translates;
    for (EvaluationRow& row : evaluation.rows) count(row, evaluation);
  }
  return evaluations;
}

Comparison compare(const Evaluation& baseline, const Evaluation& evaluation) {
  const auto of = [](const Evaluation& from, auto EvaluationRow::*member) {
    std::vector<std::remove_cvref_t<decltype(from.rows[0].*member)>> list;
    for (const EvaluationRow& row : from.rows) list.push_back(row.*member);
    return list;
  };
  const auto difference = [&](auto EvaluationRow::*member) {
    const auto a = of(baseline, member), b = of(evaluation, member);
    return speech::paired_difference(std::span(a), std::span(b));
  };
  Comparison comparison;
  comparison.quality =
      evaluation.translates ? difference(&EvaluationRow::bleu) : difference(&EvaluationRow::errors);
  std::vector<double> ratios;
  for (size_t i = 0; i < evaluation.rows.size(); ++i)
    ratios.push_back(baseline.rows[i].times.total() / evaluation.rows[i].times.total());
  const auto middle = ratios.begin() + static_cast<std::ptrdiff_t>(ratios.size() / 2);
  std::nth_element(ratios.begin(), middle, ratios.end());
  comparison.faster = ratios.empty() ? 0 : *middle;
  return comparison;
}

nlohmann::json to_json(const Evaluation& evaluation) {
  nlohmann::json json = totals(evaluation);
  json["results"] = nlohmann::json::array();
  for (const EvaluationRow& row : evaluation.rows) json["results"].push_back(to_json(row));
  return json;
}

nlohmann::json to_json(const Comparison& comparison) {
  return {{"difference", comparison.quality.difference},
          {"low", comparison.quality.low},
          {"high", comparison.quality.high},
          {"faster", comparison.faster}};
}

nlohmann::json to_json(const SweepPoint& point) {
  nlohmann::json json = totals(point.evaluation);
  json["beam"] = point.beam;
  json["batch"] = point.batch;
  return json;
}

}  // namespace octet::cli
