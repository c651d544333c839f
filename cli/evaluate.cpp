#include <iostream>

#include "cli/evaluation.h"
#include "engine/ir/file_output.h"
#include "speech/references.h"

namespace octet::cli::evaluate {
namespace {

struct Arguments {
  std::string bundle;
  std::string wavs;
  std::string references;
  std::string html;
  std::string baseline;
  size_t batch = 1;
  SearchArguments search;
  std::vector<size_t> sweep_beam;
  std::vector<size_t> sweep_batch;
  size_t sweep_utterances = 32;
};

Result<std::vector<EvaluationItem>> find_items(const Arguments& arguments) {
  auto recordings = speech::find_recordings(arguments.wavs);
  if (!recordings) return to_error(recordings.failure());
  auto references = speech::read_references(arguments.references);
  if (!references) return to_error(references.failure());
  std::vector<EvaluationItem> items;
  for (const std::string& path : *recordings) {
    const std::string name = speech::recording_name(path);
    const auto at = references->find(name);
    if (at == references->end())
      return invalid_data(arguments.references + ": there is no reference for '" + name + "' (" +
                          path + ")");
    items.push_back({name, path, at->second});
    references->erase(at);
  }
  if (references->empty()) return items;
  return invalid_data(arguments.wavs + ": there is no recording of '" + references->begin()->first +
                      "', or one name stands for two");
}

// So many of all, evenly spread.
std::vector<EvaluationItem> some_of(const std::vector<EvaluationItem>& items, size_t count) {
  count = std::min(count, items.size());
  std::vector<EvaluationItem> some;
  for (size_t i = 0; i < count; ++i) some.push_back(items[i * items.size() / count]);
  return some;
}

class Evaluator {
 public:
  /// The last recognizer is what is evaluated; one before it, the baseline.
  Evaluator(const Arguments& arguments, const Global& global,
            std::vector<speech::Recognizer>& recognizers)
      : arguments_(arguments), global_(global), recognizers_(recognizers) {}

  Result<std::vector<Evaluation>> run_all(const std::vector<EvaluationItem>& items) const {
    return run(recognizers_, items, std::nullopt, arguments_.batch);
  }

  Result<std::vector<SweepPoint>> sweep_beams(const std::vector<EvaluationItem>& items) const {
    std::vector<SweepPoint> points;
    for (const size_t beam : arguments_.sweep_beam) {
      OCTET_ASSIGN(auto evaluation, run_last(items, beam, 1));
      points.push_back({beam, 1, std::move(evaluation)});
    }
    return points;
  }

  Result<std::vector<SweepPoint>> sweep_batches(const std::vector<EvaluationItem>& items) const {
    const size_t beam = arguments_.search.beam.value_or(recognizers_.back().settings().search.beam);
    std::vector<SweepPoint> points;
    for (const size_t batch : arguments_.sweep_batch) {
      OCTET_ASSIGN(auto evaluation, run_last(items, std::nullopt, batch));
      points.push_back({beam, batch, std::move(evaluation)});
    }
    return points;
  }

 private:
  Result<std::vector<Evaluation>> run(std::span<speech::Recognizer> recognizers,
                                      const std::vector<EvaluationItem>& items,
                                      std::optional<size_t> beam, size_t batch) const {
    SearchArguments search = arguments_.search;
    if (beam) search.beam = beam;
    std::vector<Transcriber> transcribers;
    for (speech::Recognizer& recognizer : recognizers)
      transcribers.emplace_back(recognizer, settings_of(search, recognizer), global_);
    return evaluate_items(transcribers, items, batch, recognizers.back().bundle().translates());
  }
  Result<Evaluation> run_last(const std::vector<EvaluationItem>& items, std::optional<size_t> beam,
                              size_t batch) const {
    OCTET_ASSIGN(auto evaluations, run(std::span(&recognizers_.back(), 1), items, beam, batch));
    return std::move(evaluations[0]);
  }

  const Arguments& arguments_;
  const Global& global_;
  std::vector<speech::Recognizer>& recognizers_;
};

void print(const Evaluation& evaluation) {
  const auto& errors = evaluation.errors;
  std::cout << evaluation.rows.size() << " utterances, " << errors.words << " words, "
            << fixed(evaluation.seconds_audio, 1) << " s of audio\n";
  if (evaluation.translates)
    std::cout << "BLEU " << fixed(evaluation.bleu.score(), 2) << "\n";
  else
    std::cout << "WER " << fixed(100 * errors.rate(), 2) << "% (" << errors.substitutions
              << " substitutions, " << errors.deletions << " deletions, " << errors.insertions
              << " insertions)\n";
  std::cout << "real-time factor " << fixed(evaluation.real_time_factor(), 5) << "\n";
  Table table({"stage", "ms an utterance", "share"});
  const double total = evaluation.times.total();
  const auto add = [&](const char* stage, double seconds) {
    if (seconds <= 0) return;
    table.add({stage, fixed(1e3 * seconds / static_cast<double>(evaluation.rows.size()), 2),
               fixed(100 * seconds / total, 1) + "%"});
  };
  add("audio", evaluation.times.audio);
  for (size_t part = 0; part < speech::kParts; ++part)
    add(speech::part_name(static_cast<speech::Part>(part)), evaluation.times.parts[part]);
  add("search", evaluation.times.search);
  add("all", total);
  table.print();
}

void print(const Evaluation& baseline, const Evaluation& evaluation, const Comparison& comparison) {
  const auto quality = [](const Evaluation& each) {
    return each.translates ? "BLEU " + fixed(each.bleu.score(), 2)
                           : "WER " + fixed(100 * each.errors.rate(), 2) + "%";
  };
  const auto& d = comparison.quality;
  std::cout << "baseline: " << quality(baseline) << ", real-time factor "
            << fixed(baseline.real_time_factor(), 5) << "\n"
            << quality(evaluation) << " is " << (d.difference < 0 ? "" : "+")
            << fixed(d.difference, 2) << ", 95% from " << fixed(d.low, 2) << " to "
            << fixed(d.high, 2) << "; " << fixed(comparison.faster, 2)
            << " times as fast in the median\n";
}

Result<std::vector<speech::Recognizer>> load(const Arguments& arguments, const Global& global) {
  std::vector<speech::Recognizer> recognizers;
  for (const std::string& bundle : {arguments.baseline, arguments.bundle}) {
    if (bundle.empty()) continue;
    auto recognizer = speech::Recognizer::load(bundle, global.session_options());
    if (!recognizer) return to_error(recognizer.failure());
    recognizers.push_back(std::move(*recognizer));
  }
  if (recognizers[0].bundle().translates() == recognizers.back().bundle().translates())
    return recognizers;
  return invalid_data("one of the bundles translates, the other one doesn't");
}

Status write_page(const Arguments& arguments, const std::string& page) {
  FileOutput file(arguments.html);
  OCTET_RETURN_IF_ERROR(file.open());
  OCTET_RETURN_IF_ERROR(file.write(page));
  return file.commit();
}

Result<nlohmann::json> evaluated(const Arguments& arguments, const Global& global) {
  if (!arguments.html.empty()) OCTET_RETURN_IF_ERROR(FileOutput(arguments.html).open());
  OCTET_ASSIGN(const auto items, find_items(arguments));
  OCTET_ASSIGN(auto recognizers, load(arguments, global));
  const Evaluator evaluator(arguments, global, recognizers);
  // What a first run makes isn't counted.
  OCTET_ASSIGN(const auto warm, evaluator.run_all(some_of(items, 1)));
  OCTET_ASSIGN(const auto evaluations, evaluator.run_all(items));
  const Evaluation& evaluation = evaluations.back();
  const auto some = some_of(items, arguments.sweep_utterances);
  OCTET_ASSIGN(const auto beams, evaluator.sweep_beams(some));
  OCTET_ASSIGN(const auto batches, evaluator.sweep_batches(some));
  if (!arguments.html.empty())
    OCTET_RETURN_IF_ERROR(
        write_page(arguments, evaluation_page(arguments.bundle, evaluation, beams, batches)));
  if (!global.json) print(evaluation);
  nlohmann::json json = to_json(evaluation);
  json["bundle"] = arguments.bundle;
  json["sweep"] = nlohmann::json::array();
  for (const auto* points : {&beams, &batches})
    for (const SweepPoint& point : *points) json["sweep"].push_back(to_json(point));
  if (evaluations.size() > 1) {
    const Comparison comparison = compare(evaluations[0], evaluation);
    json["baseline"] = to_json(evaluations[0]);
    json["baseline"]["bundle"] = arguments.baseline;
    json["comparison"] = to_json(comparison);
    if (!global.json) print(evaluations[0], evaluation, comparison);
  }
  return json;
}

int execute(const Arguments& arguments, const Global& global) {
  const auto json = evaluated(arguments, global);
  if (!json) return fail(json.error());
  if (global.json) std::cout << to_text(*json);
  return kDone;
}

}  // namespace

void add(CLI::App& app, Global& global, int& exit_code) {
  auto* verb = app.add_subcommand("evaluate", "Measure a speech bundle: errors, BLEU, time");
  auto arguments = std::make_shared<Arguments>();
  verb->add_option("BUNDLE", arguments->bundle, "A speech bundle: a folder")->required();
  verb->add_option("--wavs", arguments->wavs, "A folder of recordings, at any depth")->required();
  verb->add_option("--references", arguments->references,
                   "What was said: a list of 'NAME text', or a folder with .trans.txt files")
      ->required();
  verb->add_option(
      "--baseline", arguments->baseline,
      "Another bundle to hear the same by turns, and the 95% interval of the difference");
  verb->add_option("--html", arguments->html, "Write a page with plots");
  verb->add_option("--batch", arguments->batch, "Utterances decoded together")
      ->check(CLI::Range(1, 1024));
  add_search_options(*verb, arguments->search);
  verb->add_option("--sweep-beam", arguments->sweep_beam, "Beams to compare: 1,2,4,8")
      ->delimiter(',')
      ->check(CLI::Range(1, 1000));
  verb->add_option("--sweep-batch", arguments->sweep_batch, "Batches to compare: 1,2,4,8")
      ->delimiter(',')
      ->check(CLI::Range(1, 1024));
  verb->add_option("--sweep-utterances", arguments->sweep_utterances,
                   "How many utterances a sweep takes, evenly spread")
      ->check(CLI::PositiveNumber);
  verb->callback([arguments, &global, &exit_code] { exit_code = execute(*arguments, global); });
}

}  // namespace octet::cli::evaluate
