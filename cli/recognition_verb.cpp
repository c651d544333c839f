#include <iostream>

#include "cli/recognition.h"

namespace octet::cli {
namespace {

struct Arguments {
  std::vector<std::string> recordings;
  std::string model;
  SearchArguments search;
};

nlohmann::json to_json(const std::vector<speech::Hypothesis>& best) {
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& hypothesis : best)
    rows.push_back({{"text", hypothesis.text},
                    {"tokens", hypothesis.tokens},
                    {"score", hypothesis.score},
                    {"attention", hypothesis.attention},
                    {"ctc", hypothesis.ctc},
                    {"lm", hypothesis.lm}});
  return rows;
}

nlohmann::json to_json(const std::string& file, const Transcript& transcript, bool translates) {
  nlohmann::json segments = nlohmann::json::array();
  for (const auto& part : transcript.parts) {
    nlohmann::json row = {{"start", part.start}, {"best", to_json(part.recognition.best)}};
    if (translates) row["translation"] = to_json(part.recognition.translation);
    segments.push_back(std::move(row));
  }
  nlohmann::json json = {{"file", file},
                         {"text", transcript.text(translates)},
                         {"seconds_audio", transcript.seconds_audio},
                         {"seconds_compute", transcript.times.total()},
                         {"segments", segments}};
  if (translates) json["source_text"] = transcript.text(false);
  return json;
}

void print(const std::string& file, const Transcript& transcript, const Arguments& arguments,
           bool translates) {
  if (arguments.recordings.size() > 1) std::cout << file << ": ";
  std::cout << transcript.text(translates) << "\n";
  if (arguments.search.best < 2) return;
  for (const auto& part : transcript.parts) {
    const auto& best = translates ? part.recognition.translation : part.recognition.best;
    for (const auto& hypothesis : best)
      std::cout << "  " << fixed(part.start, 2) << " s  " << fixed(hypothesis.score, 4) << "  "
                << hypothesis.text << "\n";
  }
}

int execute(const Arguments& arguments, const Global& global, bool translates) {
  auto recognizer = speech::Recognizer::load(arguments.model, global.session_options());
  if (!recognizer) return fail(recognizer.failure());
  if (translates && !recognizer->bundle().translates())
    return fail(kBadInput, arguments.model + ": the bundle doesn't translate");
  auto settings = settings_of(arguments.search, *recognizer);
  settings.translate = translates;
  const Transcriber transcriber(*recognizer, settings, global);
  nlohmann::json rows = nlohmann::json::array();
  int code = kDone;
  // A recording that can't be used doesn't keep the others from being heard.
  for (const std::string& file : arguments.recordings) {
    const auto transcript = transcriber.file(file);
    if (!transcript) {
      code = fail(transcript.error());
      if (code != kBadInput) return code;
      continue;
    }
    if (global.json)
      rows.push_back(to_json(file, *transcript, translates));
    else
      print(file, *transcript, arguments, translates);
  }
  if (global.json) std::cout << to_text(rows);
  return code;
}

}  // namespace

void add_recognition_verb(CLI::App& app, Global& global, int& exit_code, bool translates) {
  auto* verb = app.add_subcommand(translates ? "translate" : "transcribe",
                                  translates ? "Translate speech" : "Speech to text");
  auto arguments = std::make_shared<Arguments>();
  verb->add_option("WAV", arguments->recordings, "Recordings: WAV, FLAC, 8 to 192 kHz")->required();
  verb->add_option("--model", arguments->model, "A speech bundle: a folder")->required();
  add_search_options(*verb, arguments->search);
  verb->add_option("--nbest", arguments->search.best, "How many hypotheses to give")
      ->check(CLI::Range(1, 1000));
  verb->callback([arguments, &global, &exit_code, translates] {
    exit_code = execute(*arguments, global, translates);
  });
}

}  // namespace octet::cli
