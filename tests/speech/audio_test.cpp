#include "speech/audio.h"

#include <doctest/doctest.h>
#include <sndfile.h>

#include <cmath>
#include <numbers>

#include "speech/pauses.h"
#include "tests/support/folder.h"

namespace octet::speech {
namespace {

using testing::Folder;

// `channels` interleaved, as 16-bit WAV or FLAC, or float WAV.
void write_recording(const std::filesystem::path& path, int rate, int channels, int format,
                     const std::vector<float>& samples) {
  SF_INFO info{};
  info.samplerate = rate;
  info.channels = channels;
  info.format = format;
  SNDFILE* file = sf_open(path.c_str(), SFM_WRITE, &info);
  REQUIRE(file != nullptr);
  sf_writef_float(file, samples.data(), static_cast<sf_count_t>(samples.size()) / channels);
  sf_close(file);
}

std::vector<float> sine(double hertz, int rate, double seconds, double amplitude = 0.5) {
  std::vector<float> samples(static_cast<size_t>(seconds * rate));
  for (size_t i = 0; i < samples.size(); ++i)
    samples[i] = static_cast<float>(
        amplitude * std::sin(2 * std::numbers::pi * hertz * static_cast<double>(i) / rate));
  return samples;
}

constexpr int kWav = SF_FORMAT_WAV | SF_FORMAT_PCM_16;
constexpr int kFloatWav = SF_FORMAT_WAV | SF_FORMAT_FLOAT;
constexpr int kFlac = SF_FORMAT_FLAC | SF_FORMAT_PCM_16;

TEST_CASE("recordings of all rates become the sine that they hold") {
  const struct {
    const char* name;
    int rate;
    int format;
  } cases[] = {{"8 kHz", 8000, kWav},
               {"16 kHz", 16000, kFlac},
               {"22.05 kHz", 22050, kWav},
               {"44.1 kHz", 44100, kFlac},
               {"48 kHz", 48000, kFloatWav}};
  const Folder folder;
  for (const auto& c : cases) {
    CAPTURE(c.name);
    write_recording(folder.path / "a", c.rate, 1, c.format, sine(440, c.rate, 1.5));
    const auto samples = read_audio((folder.path / "a").string(), 16000);
    REQUIRE(samples);
    CHECK(samples->size() >= 24000 - 2);
    CHECK(samples->size() <= 24000 + 2);
    const auto want = sine(440, 16000, 1.5);
    double largest = 0;
    for (size_t i = 1000; i < 23000; ++i)
      largest = std::max(largest, std::fabs(static_cast<double>((*samples)[i] - want[i])));
    CHECK(largest < 1e-3);
  }
}

TEST_CASE("channels are averaged") {
  const Folder folder;
  const auto left = sine(300, 16000, 0.2);
  std::vector<float> both;
  for (const float value : left) both.insert(both.end(), {value, 0.25F, -0.25F});
  write_recording(folder.path / "a.wav", 16000, 3, kFloatWav, both);
  const auto samples = read_audio((folder.path / "a.wav").string(), 16000);
  REQUIRE(samples);
  REQUIRE(samples->size() == left.size());
  for (size_t i = 0; i < left.size(); ++i) CHECK((*samples)[i] == doctest::Approx(left[i] / 3));
}

TEST_CASE("what is no recording is refused by its name and the cause") {
  const Folder folder;
  folder.write("empty.wav", "");
  folder.write("text.wav", "This is no recording, whatever its name says.\n");
  write_recording(folder.path / "none.wav", 16000, 1, kWav, {});
  write_recording(folder.path / "slow.wav", 4000, 1, kWav, sine(100, 4000, 0.1));
  write_recording(folder.path / "nan.wav", 16000, 1, kFloatWav, {0.0F, NAN});
  const struct {
    const char* name;
    const char* says;
  } cases[] = {{"empty.wav", "empty"},     {"text.wav", "not a recording"},
               {"none.wav", "no samples"}, {"slow.wav", "4000 Hz"},
               {"nan.wav", "sample 1"},    {"missing.wav", "No such file"}};
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto samples = read_audio((folder.path / c.name).string(), 16000);
    REQUIRE_FALSE(samples);
    CHECK(samples.failure().status == OCTET_INVALID_DATA);
    CHECK(samples.failure().message.find(c.name) != std::string::npos);
    CHECK_MESSAGE(samples.failure().message.find(c.says) != std::string::npos,
                  samples.failure().message);
  }
}

// A second of noise-like signal, then `pause` seconds of near silence, by turns.
std::vector<float> speech_with_pauses(double seconds, double pause) {
  std::vector<float> samples(static_cast<size_t>(seconds * 1000));
  for (size_t i = 0; i < samples.size(); ++i) {
    const double at = std::fmod(static_cast<double>(i) / 1000, 1 + pause);
    samples[i] = (at < 1 ? 0.5F : 0.001F) * (i * 7 % 13 < 6 ? 1.0F : -1.0F);
  }
  return samples;
}

TEST_CASE("long audio is cut in its pauses, and nothing is lost") {
  const auto samples = speech_with_pauses(60, 0.4);
  for (const size_t block : {100U, 4096U, 60000U}) {
    CAPTURE(block);
    PauseCutter cutter(1000, 5);
    std::vector<float> joined;
    size_t segments = 0;
    const auto take = [&] {
      while (auto segment = cutter.next()) {
        CHECK(segment->start == static_cast<int64_t>(joined.size()));
        CHECK(segment->samples.size() <= 5000);
        if (!joined.empty()) {
          const double at = std::fmod(static_cast<double>(segment->start) / 1000, 1.4);
          CHECK(at >= 1.0);
        }
        joined.insert(joined.end(), segment->samples.begin(), segment->samples.end());
        ++segments;
      }
    };
    for (size_t at = 0; at < samples.size(); at += block) {
      cutter.push(std::span(samples).subspan(at, std::min<size_t>(block, samples.size() - at)));
      take();
    }
    cutter.finish();
    take();
    CHECK(joined == samples);
    CHECK(segments >= 12);
    CHECK(segments <= 20);
  }
}

TEST_CASE("audio without pauses is cut all the same; short audio isn't") {
  PauseCutter cutter(1000, 5);
  const std::vector<float> loud(12000, 0.5F);
  cutter.push(loud);
  cutter.finish();
  size_t total = 0;
  while (auto segment = cutter.next()) {
    CHECK(segment->samples.size() <= 5000);
    total += segment->samples.size();
  }
  CHECK(total == 12000);
  PauseCutter whole(1000, 5);
  whole.push(std::span(loud).first(5000));
  CHECK_FALSE(whole.next());
  whole.finish();
  CHECK(whole.next()->samples.size() == 5000);
  CHECK_FALSE(whole.next());
}

TEST_CASE("silence") {
  CHECK(is_silent(std::vector<float>(10, 5e-5F)));
  CHECK(is_silent({}));
  CHECK_FALSE(is_silent(std::vector<float>{0, 0, -0.01F}));
}

}  // namespace
}  // namespace octet::speech
