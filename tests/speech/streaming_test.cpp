#include <doctest/doctest.h>

#include <random>

#include "speech/ctc_stream.h"
#include "speech/encode.h"
#include "speech/recognizer.h"

namespace octet::speech {
namespace {

const std::string kStreaming = std::string(OCTET_SPEECH_BUNDLES) + "/streaming";

std::vector<float> noise(size_t samples) {
  std::mt19937 random(9);
  std::normal_distribution<float> normal(0, 0.2F);
  std::vector<float> list(samples);
  for (float& value : list) value = normal(random);
  return list;
}

Recognizer load(const std::string& folder) {
  auto recognizer = Recognizer::load(folder);
  REQUIRE_MESSAGE(recognizer, (recognizer ? "" : recognizer.failure().message));
  return std::move(*recognizer);
}

TEST_CASE("pieces of any size give what the whole gives, and partial results on the way") {
  Recognizer recognizer = load(kStreaming);
  Monitor monitor;
  for (const size_t samples : {199U, 200U, 1500U, 9000U, 16123U}) {
    const std::vector<float> utterance = noise(samples);
    for (const size_t beam : {0U, 4U}) {
      auto settings = recognizer.settings();
      settings.method = beam == 0 ? Method::greedy : Method::prefix;
      settings.search.beam = std::max<size_t>(beam, 1);
      const auto whole = recognizer.run({&utterance, 1}, settings, monitor);
      REQUIRE(whole);
      for (const size_t piece : {77U, 800U, 5000U, 20000U}) {
        CAPTURE(samples);
        CAPTURE(beam);
        CAPTURE(piece);
        auto stream = CtcStream::of(recognizer, beam);
        REQUIRE(stream);
        size_t changes = 0;
        for (size_t at = 0; at < samples; at += piece) {
          const auto changed = stream->push(
              std::span(utterance).subspan(at, std::min(piece, samples - at)), monitor);
          REQUIRE(changed);
          changes += *changed ? 1 : 0;
        }
        REQUIRE(stream->finish(monitor));
        CHECK(stream->encoder_frames() == (*whole)[0].encoder_frames);
        CHECK(stream->partial().tokens == (*whole)[0].best[0].tokens);
        CHECK(stream->partial().text == (*whole)[0].best[0].text);
        CHECK(stream->partial().score == doctest::Approx((*whole)[0].best[0].score).epsilon(1e-5));
        if (samples == 16123 && piece == 800) CHECK(changes > 5);
      }
    }
  }
}

TEST_CASE("chunks give the encoder's frames of the whole") {
  Recognizer recognizer = load(kStreaming);
  Graph& encoder = *recognizer.graph(Part::encoder);
  Monitor monitor;
  const std::vector<float> features = noise(size_t{8} * 61);
  std::vector<float> chunked;
  ChunkEncoder chunks(encoder, *recognizer.bundle().streaming);
  REQUIRE_FALSE(chunks.push(features, 8, true, chunked, monitor));
  // A chunk as long as everything.
  StreamingBundle one = *recognizer.bundle().streaming;
  one.chunk_frames = 1000;
  std::vector<float> whole;
  ChunkEncoder at_once(encoder, one);
  REQUIRE_FALSE(at_once.push(features, 8, true, whole, monitor));
  REQUIRE(chunked.size() == 8 * 16);
  REQUIRE(whole.size() == chunked.size());
  for (size_t i = 0; i < whole.size(); ++i)
    CHECK(chunked[i] == doctest::Approx(whole[i]).epsilon(1e-5));
}

TEST_CASE("a bundle that can't stream says so") {
  Recognizer recognizer = load(std::string(OCTET_SPEECH_BUNDLES) + "/translator");
  const auto stream = CtcStream::of(recognizer, 0);
  REQUIRE_FALSE(stream);
  CHECK(stream.failure().message.find("no streaming encoder") != std::string::npos);
}

}  // namespace
}  // namespace octet::speech
