#include "cli/recognition.h"

#include <numeric>

namespace octet::cli {
namespace {

using Clock = std::chrono::steady_clock;

speech::Method method_of(const std::string& name) {
  if (name == "greedy") return speech::Method::greedy;
  return name == "prefix" ? speech::Method::prefix : speech::Method::beam;
}

}  // namespace

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void add_search_options(CLI::App& verb, SearchArguments& arguments) {
  verb.add_option("--search", arguments.method,
                  "beam: decoder, CTC and language model together; greedy or prefix: CTC alone")
      ->check(CLI::IsMember({"beam", "greedy", "prefix"}));
  verb.add_option("--beam", arguments.beam, "Hypotheses kept (default: the bundle's)")
      ->check(CLI::Range(1, 1000));
  verb.add_option("--ctc-weight", arguments.ctc_weight, "0: attention alone; 1: CTC alone")
      ->check(CLI::Range(0.0, 1.0));
  verb.add_option("--lm-weight", arguments.lm_weight, "Weight of the language model");
  verb.add_option("--length-bonus", arguments.length_bonus, "Added to the score for each token");
  verb.add_option("--length-normalization", arguments.length_normalization,
                  "Rank by score / (tokens + 1)^X");
}

speech::RecognizerSettings settings_of(const SearchArguments& arguments,
                                       const speech::Recognizer& recognizer) {
  auto settings = recognizer.settings();
  settings.method = method_of(arguments.method);
  speech::SearchSettings& search = settings.search;
  search.beam = arguments.beam.value_or(search.beam);
  search.ctc_weight = arguments.ctc_weight.value_or(search.ctc_weight);
  search.lm_weight = arguments.lm_weight.value_or(search.lm_weight);
  search.length_bonus = arguments.length_bonus.value_or(search.length_bonus);
  search.length_normalization =
      arguments.length_normalization.value_or(search.length_normalization);
  search.best = arguments.best;
  settings.translation.beam = arguments.beam.value_or(settings.translation.beam);
  settings.translation.best = arguments.best;
  return settings;
}

double StageTimes::total() const {
  return std::accumulate(parts.begin(), parts.end(), audio + search);
}

StageTimes& StageTimes::operator+=(const StageTimes& other) {
  audio += other.audio;
  search += other.search;
  for (size_t i = 0; i < parts.size(); ++i) parts[i] += other.parts[i];
  return *this;
}

StageTimes StageTimes::over(size_t utterances) const {
  const double share = 1.0 / static_cast<double>(utterances);
  StageTimes times{audio * share, search * share, parts};
  for (double& part : times.parts) part *= share;
  return times;
}

std::string Transcript::text(bool translated) const {
  std::string text;
  for (const Part& part : parts) {
    const auto& best = translated ? part.recognition.translation : part.recognition.best;
    if (best.empty() || best[0].text.empty()) continue;
    if (!text.empty()) text += ' ';
    text += best[0].text;
  }
  return text;
}

Result<std::vector<speech::Recognition>> Transcriber::run(
    std::span<const std::vector<float>> utterances, StageTimes& times) const {
  OCTET_RETURN_IF_ERROR(global_->check_deadline());
  speech::Monitor monitor = monitor_;
  const auto start = Clock::now();
  auto results = recognizer_->run(utterances, settings_, monitor);
  if (!results) return to_error(results.failure());
  const double in_graphs = std::accumulate(monitor.seconds.begin(), monitor.seconds.end(), 0.0);
  times += StageTimes{0, seconds_since(start) - in_graphs, monitor.seconds};
  return std::move(*results);
}

Result<Transcript> Transcriber::file(const std::string& path) const {
  const int rate = bundle().sample_rate;
  auto reader = speech::SegmentReader::open(path, rate, bundle().longest_seconds);
  if (!reader) return to_error(reader.failure());
  Transcript transcript;
  for (;;) {
    const auto start = Clock::now();
    auto segment = reader->next();
    if (!segment) return to_error(segment.failure());
    transcript.times.audio += seconds_since(start);
    if (!*segment) return transcript;
    auto& samples = (*segment)->samples;
    transcript.seconds_audio += static_cast<double>(samples.size()) / rate;
    if (speech::is_silent(samples)) continue;
    const double begin = static_cast<double>((*segment)->start) / rate;
    auto results = run({&samples, 1}, transcript.times);
    if (!results) return std::move(results).error().in(path);
    transcript.feature_frames += (*results)[0].feature_frames;
    transcript.parts.push_back({begin, std::move((*results)[0])});
  }
}

}  // namespace octet::cli
