#include "speech/recognizer.h"

#include <doctest/doctest.h>

#include <random>

#include "tests/support/folder.h"

namespace octet::speech {
namespace {

const std::string kTranslator = std::string(OCTET_SPEECH_BUNDLES) + "/translator";

std::vector<std::vector<float>> noises() {
  std::mt19937 random(5);
  std::normal_distribution<float> normal(0, 0.15F);
  std::vector<std::vector<float>> list;
  for (const size_t samples : {3200U, 9000U, 6100U, 4000U}) {
    list.emplace_back(samples);
    for (float& value : list.back()) value = normal(random);
  }
  return list;
}

Recognizer load(const std::string& folder) {
  Options options;
  options.threads = 1;
  auto recognizer = Recognizer::load(folder, options);
  REQUIRE_MESSAGE(recognizer, (recognizer ? "" : recognizer.failure().message));
  return std::move(*recognizer);
}

std::vector<Recognition> run(Recognizer& recognizer, std::span<const std::vector<float>> utterances,
                             const RecognizerSettings& settings) {
  Monitor monitor;
  auto results = recognizer.run(utterances, settings, monitor);
  REQUIRE_MESSAGE(results, (results ? "" : results.failure().message));
  return std::move(*results);
}

void check_same(const std::vector<Hypothesis>& a, const std::vector<Hypothesis>& b) {
  REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    CHECK(a[i].tokens == b[i].tokens);
    CHECK(a[i].score == doctest::Approx(b[i].score).epsilon(1e-5));
  }
}

TEST_CASE("a batch gives each utterance what it gives alone") {
  Recognizer recognizer = load(kTranslator);
  const auto utterances = noises();
  for (const double weight : {0.0, 0.3, 1.0}) {
    CAPTURE(weight);
    auto settings = recognizer.settings();
    settings.search.ctc_weight = weight;
    settings.search.best = 3;
    settings.translation.best = 3;
    settings.translate = weight < 1;
    const auto together = run(recognizer, utterances, settings);
    REQUIRE(together.size() == utterances.size());
    for (size_t i = 0; i < utterances.size(); ++i) {
      CAPTURE(i);
      const auto alone = run(recognizer, {&utterances[i], 1}, settings);
      CHECK(alone[0].encoder_frames == together[i].encoder_frames);
      CHECK_FALSE(alone[0].best[0].tokens.empty());
      check_same(alone[0].best, together[i].best);
      if (settings.translate) check_same(alone[0].translation, together[i].translation);
    }
  }
}

TEST_CASE("what an utterance gives doesn't depend on those before it") {
  Recognizer used = load(kTranslator);
  const auto utterances = noises();
  const auto all = run(used, utterances, used.settings());
  Monitor monitor;
  monitor.deadline = std::chrono::steady_clock::now();
  REQUIRE_FALSE(used.run(utterances, used.settings(), monitor));
  for (const auto& utterance : utterances) {
    Recognizer fresh = load(kTranslator);
    const auto expected = run(fresh, {&utterance, 1}, fresh.settings());
    const auto results = run(used, {&utterance, 1}, used.settings());
    check_same(results[0].best, expected[0].best);
    check_same(results[0].translation, expected[0].translation);
  }
}

TEST_CASE("audio too short for a frame says nothing, alone and beside others") {
  Recognizer recognizer = load(kTranslator);
  const std::vector<std::vector<float>> utterances = {std::vector<float>(20, 0.1F), noises()[0]};
  for (const size_t count : {1U, 2U}) {
    const auto results = run(recognizer, std::span(utterances).first(count), recognizer.settings());
    CHECK(results[0].encoder_frames == 0);
    CHECK(results[0].best[0].tokens.empty());
    REQUIRE_FALSE(results[0].translation.empty());
    if (count == 2) CHECK_FALSE(results[1].best[0].tokens.empty());
  }
}

TEST_CASE("every run of a graph is shown and timed") {
  Recognizer recognizer = load(kTranslator);
  const auto utterances = noises();
  Monitor monitor;
  std::array<size_t, kParts> runs{};
  size_t growing = 0;
  monitor.listener = [&](Part part, std::span<const Port> ports,
                         std::span<const TensorRef> inputs) -> Outcome {
    ++runs[static_cast<size_t>(part)];
    CHECK(ports.size() == inputs.size());
    for (size_t i = 0; i < ports.size(); ++i)
      if (part == Part::decoder && ports[i].name == "state.0")
        CHECK(inputs[i].dims[1] == static_cast<int64_t>(growing++));
    return std::nullopt;
  };
  REQUIRE(recognizer.run({utterances.data(), 1}, recognizer.settings(), monitor));
  for (size_t part = 0; part < kParts; ++part) {
    CAPTURE(part_name(static_cast<Part>(part)));
    CHECK(runs[part] >= 1);
    CHECK(monitor.seconds[part] > 0);
  }
  CHECK(runs[static_cast<size_t>(Part::lm)] == runs[static_cast<size_t>(Part::decoder)]);
  monitor.listener = [](Part part, auto, auto) -> Outcome {
    if (part == Part::lm) return Failure{OCTET_MACHINE, "the disk is full"};
    return std::nullopt;
  };
  const auto failed = recognizer.run(utterances, recognizer.settings(), monitor);
  REQUIRE_FALSE(failed);
  CHECK(failed.failure().message == "the disk is full");
}

TEST_CASE("a deadline ends a search") {
  Recognizer recognizer = load(kTranslator);
  Monitor monitor;
  monitor.deadline = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  const auto results = recognizer.run(noises(), recognizer.settings(), monitor);
  REQUIRE_FALSE(results);
  CHECK(results.failure().status == OCTET_DEADLINE);
}

TEST_CASE("weights that the bundle can't serve are refused") {
  Recognizer recognizer = load(kTranslator);
  const auto refused = [&](auto change) {
    auto settings = recognizer.settings();
    change(settings);
    Monitor monitor;
    const auto results = recognizer.run(noises(), settings, monitor);
    return !results && results.failure().status == OCTET_INVALID_ARGUMENT;
  };
  CHECK(refused([](RecognizerSettings& s) { s.search.beam = 0; }));
  CHECK(refused([](RecognizerSettings& s) { s.search.ctc_weight = 1.5; }));
  CHECK(refused([](RecognizerSettings& s) { s.search.ctc_weight = 1; }));
  CHECK(refused([](RecognizerSettings& s) { s.method = Method::greedy; }));
}

TEST_CASE("bundles that contradict themselves are refused by the key") {
  const testing::Folder folder;
  std::filesystem::copy(kTranslator, folder.path, std::filesystem::copy_options::recursive);
  std::ifstream file(folder.path / "bundle.json");
  const std::string json{std::istreambuf_iterator<char>(file), {}};
  const struct {
    const char* from;
    const char* to;
    const char* says;
  } cases[] = {
      {"\"version\": 1", "\"version\": 2", "version 1"},
      {"\"encoder.onnx\"", "\"../encoder.onnx\"", "'encoder'"},
      {"\"encoder.onnx\"", "\"missing.onnx\"", "'missing.onnx'"},
      {"\"ctc_weight\"", "\"ctc_wieght\"", "'ctc_wieght'"},
      {"\"blank\": 0", "\"blank\": 99", "'blank'"},
      {"\"sample_rate\": 8000", "\"sample_rate\": \"8000\"", "'sample_rate'"},
      {"\"task\": \"translate\"", "\"task\": \"recognize\"", "'translation'"},
      {"\"lm.onnx\"", "\"ctc.onnx\"", "'tokens' and 'parents'"},
      {"{", "[", "isn't JSON"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.to);
    std::string changed = json;
    changed.replace(changed.find(c.from), std::string(c.from).size(), c.to);
    folder.write("bundle.json", changed);
    auto recognizer = Recognizer::load(folder.path.string());
    std::string message = recognizer ? "" : recognizer.failure().message;
    if (recognizer) {
      Monitor monitor;
      const auto results = recognizer->run(noises(), recognizer->settings(), monitor);
      REQUIRE_FALSE(results);
      message = results.failure().message;
    }
    CHECK_MESSAGE(message.find(c.says) != std::string::npos, message);
  }
}

}  // namespace
}  // namespace octet::speech
