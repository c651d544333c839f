#include <algorithm>

#include "cli/evaluation.h"
#include "cli/html.h"
#include "cli/page_style.h"
#include "cli/plot_svg.h"

namespace octet::cli {
namespace {

double milliseconds(double seconds) { return 1e3 * seconds; }

// Stages that took any time, and how long each took of a run.
std::vector<std::pair<std::string, double>> stages_of(const StageTimes& times) {
  std::vector<std::pair<std::string, double>> stages = {{"audio", times.audio}};
  for (size_t part = 0; part < speech::kParts; ++part)
    stages.emplace_back(speech::part_name(static_cast<speech::Part>(part)), times.parts[part]);
  stages.emplace_back("search", times.search);
  std::erase_if(stages, [](const auto& stage) { return stage.second <= 0; });
  return stages;
}

Plot latency_over_frames(const Evaluation& evaluation) {
  Plot plot{"Latency over input frames, by stage", "feature frames", "ms an utterance", false, {}};
  for (const auto& [name, total] : stages_of(evaluation.times)) plot.series.push_back({name, {}});
  plot.series.push_back({"all", {}});
  for (const EvaluationRow& row : evaluation.rows) {
    const auto frames = static_cast<double>(row.feature_frames);
    for (const auto& [name, seconds] : stages_of(row.times)) {
      const auto series =
          std::find_if(plot.series.begin(), plot.series.end(),
                       [&name = name](const Series& each) { return each.name == name; });
      series->points.emplace_back(frames, milliseconds(seconds));
    }
    plot.series.back().points.emplace_back(frames, milliseconds(row.times.total()));
  }
  return plot;
}

// A line over the points of a sweep.
template <typename X, typename Y>
Plot sweep_plot(const std::string& title, const std::string& x_name, const std::string& y_name,
                const std::vector<SweepPoint>& points, X x, Y y) {
  Plot plot{title, x_name, y_name, true, {{y_name, {}}}};
  for (const SweepPoint& point : points)
    plot.series[0].points.emplace_back(x(point), y(point.evaluation));
  return plot;
}

void sweeps(Html& page, const std::vector<SweepPoint>& beams,
            const std::vector<SweepPoint>& batches) {
  const auto beam = [](const SweepPoint& point) { return static_cast<double>(point.beam); };
  const auto batch = [](const SweepPoint& point) { return static_cast<double>(point.batch); };
  const auto latency = [](const Evaluation& evaluation) {
    return milliseconds(evaluation.times.total()) / static_cast<double>(evaluation.rows.size());
  };
  const auto quality = [](const Evaluation& evaluation) {
    return evaluation.translates ? evaluation.bleu.score() : 100 * evaluation.errors.rate();
  };
  if (!beams.empty()) {
    const char* what = beams[0].evaluation.translates ? "BLEU" : "WER %";
    plot_svg(page,
             sweep_plot("Latency over the beam", "beam", "ms an utterance", beams, beam, latency));
    plot_svg(page, sweep_plot("Quality over the beam", "beam", what, beams, beam, quality));
  }
  if (!batches.empty())
    plot_svg(page, sweep_plot("Latency over the batch", "utterances together", "ms an utterance",
                              batches, batch, latency));
}

void utterances(Html& page, const Evaluation& evaluation) {
  page.leaf("h2", "Utterances").open("div", {{"class", "wide"}}).open("table").open("tr");
  for (const char* title : {"Name", "Reference", "Heard", "Errors", "Frames", "ms"})
    page.leaf("th", title);
  page.close();
  for (const EvaluationRow& row : evaluation.rows) {
    page.open("tr").leaf("td", row.item->name).leaf("td", row.item->reference).leaf("td", row.text);
    page.leaf("td", std::to_string(row.errors.errors()), {{"class", "n"}});
    page.leaf("td", std::to_string(row.feature_frames), {{"class", "n"}});
    page.leaf("td", fixed(milliseconds(row.times.total()), 1), {{"class", "n"}}).close();
  }
  page.close().close();
}

}  // namespace

std::string evaluation_page(const std::string& bundle, const Evaluation& evaluation,
                            const std::vector<SweepPoint>& beams,
                            const std::vector<SweepPoint>& batches) {
  Html page = begin_page("Evaluation of " + bundle);
  page.leaf("h1", "Evaluation of " + bundle).open("div", {{"class", "cards"}});
  const auto& errors = evaluation.errors;
  if (evaluation.translates)
    card(page, "BLEU", fixed(evaluation.bleu.score(), 2), std::to_string(errors.words) + " words");
  else
    card(page, "Word errors", fixed(100 * errors.rate(), 2) + "%",
         std::to_string(errors.substitutions) + " substituted, " +
             std::to_string(errors.deletions) + " deleted, " + std::to_string(errors.insertions) +
             " inserted of " + std::to_string(errors.words));
  card(page, "Real-time factor", fixed(evaluation.real_time_factor(), 4),
       fixed(evaluation.seconds_audio, 1) + " s of audio");
  card(page, "An utterance",
       fixed(milliseconds(evaluation.times.total()) / static_cast<double>(evaluation.rows.size()),
             1) +
           " ms",
       std::to_string(evaluation.rows.size()) + " utterances");
  page.close().leaf("h2", "Time").open("div", {{"class", "plots"}});
  plot_svg(page, latency_over_frames(evaluation));
  sweeps(page, beams, batches);
  page.close();
  utterances(page, evaluation);
  return page.take();
}

}  // namespace octet::cli
