#include "speech/audio.h"

#include <sndfile.h>
#include <soxr.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <filesystem>

namespace octet::speech {
namespace {

constexpr size_t kFrames = 16384;  // Read at a time.

struct CloseFile {
  void operator()(SNDFILE* file) const { sf_close(file); }
};
struct DeleteConverter {
  void operator()(soxr* converter) const { soxr_delete(converter); }
};

std::optional<size_t> first_not_finite(std::span<const float> samples) {
  constexpr uint32_t kExponent = 0x7f800000;  // All of its bits: infinite, or no number.
  uint32_t count = 0;
  for (const float x : samples) count += (std::bit_cast<uint32_t>(x) & kExponent) == kExponent;
  if (count == 0) return std::nullopt;
  const auto bad =
      std::find_if(samples.begin(), samples.end(), [](float x) { return !std::isfinite(x); });
  return static_cast<size_t>(bad - samples.begin());
}

}  // namespace

struct AudioReader::State {
  std::string path;
  SF_INFO info{};
  std::unique_ptr<SNDFILE, CloseFile> file;
  std::unique_ptr<soxr, DeleteConverter> converter;  // Null: the rate is the one asked for.
  bool ended = false;
  uint64_t frames = 0;
  std::vector<float> interleaved;
  std::vector<float> averaged;
  std::span<const float> mono;
  std::vector<float> converted;

  Failure failed(const std::string& cause) const { return bad_data(path + ": " + cause); }

  void average(size_t channels, size_t count) {
    averaged.resize(count);
    for (size_t i = 0; i < count; ++i) {
      double sum = 0;
      for (size_t c = 0; c < channels; ++c)
        sum += static_cast<double>(interleaved[i * channels + c]);
      averaged[i] = static_cast<float>(sum / static_cast<double>(channels));
    }
  }

  // The next frames of the file, in `mono`.
  Outcome read_mono() {
    const auto channels = static_cast<size_t>(info.channels);
    const auto got = static_cast<size_t>(sf_readf_float(file.get(), interleaved.data(), kFrames));
    if (sf_error(file.get()) != SF_ERR_NO_ERROR) return failed(sf_strerror(file.get()));
    if (channels != 1) average(channels, got);
    mono = channels == 1 ? std::span<const float>(interleaved).first(got) : averaged;
    if (const auto bad = first_not_finite(mono))
      return failed("sample " + std::to_string(frames + *bad) + " is not a finite number");
    frames += got;
    ended = got == 0;
    return frames == 0 ? Outcome(failed("the recording holds no samples")) : std::nullopt;
  }

  // What the converter makes of `mono`; at the end of what it kept back.
  Outcome convert() {
    converted.clear();
    size_t used = 0;
    for (size_t made = 1; made > 0 || used < mono.size();) {
      const size_t before = converted.size();
      converted.resize(before + kFrames);
      size_t taken = 0;
      const char* error =
          soxr_process(converter.get(), ended ? nullptr : mono.data() + used, mono.size() - used,
                       &taken, converted.data() + before, kFrames, &made);
      if (error != nullptr) return failed(std::string("resampling: ") + error);
      used += taken;
      converted.resize(before + made);
    }
    return std::nullopt;
  }
};

AudioReader::AudioReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
AudioReader::~AudioReader() = default;
AudioReader::AudioReader(AudioReader&&) noexcept = default;
AudioReader& AudioReader::operator=(AudioReader&&) noexcept = default;

Expected<AudioReader> AudioReader::open(const std::string& path, int sample_rate) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  if (error) return bad_data(path + ": " + error.message());
  if (bytes == 0) return bad_data(path + ": the file is empty");
  auto state = std::make_unique<State>();
  state->path = path;
  state->file.reset(sf_open(path.c_str(), SFM_READ, &state->info));
  if (!state->file)
    return bad_data(path + ": not a recording that can be read: " + sf_strerror(nullptr));
  const int rate = state->info.samplerate;
  if (rate < kLowestRate || rate > kHighestRate)
    return state->failed(std::to_string(rate) + " Hz; recordings may have " +
                         std::to_string(kLowestRate) + " to " + std::to_string(kHighestRate));
  state->interleaved.resize(kFrames * static_cast<size_t>(state->info.channels));
  if (rate != sample_rate) {
    const char* failed = nullptr;
    state->converter.reset(soxr_create(rate, sample_rate, 1, &failed, nullptr, nullptr, nullptr));
    if (failed != nullptr) return Failure{OCTET_MACHINE, path + ": resampling: " + failed};
  }
  return AudioReader(std::move(state));
}

Expected<std::span<const float>> AudioReader::read() {
  State& state = *state_;
  while (!state.ended) {
    if (auto failure = state.read_mono()) return *failure;
    if (!state.converter) return state.mono;
    if (auto failure = state.convert()) return *failure;
    if (!state.converted.empty()) return std::span<const float>(state.converted);
  }
  return std::span<const float>();
}

Expected<std::vector<float>> read_audio(const std::string& path, int sample_rate) {
  auto reader = AudioReader::open(path, sample_rate);
  if (!reader) return reader.failure();
  std::vector<float> samples;
  for (;;) {
    const auto block = reader->read();
    if (!block) return block.failure();
    if (block->empty()) return samples;
    samples.insert(samples.end(), block->begin(), block->end());
  }
}

}  // namespace octet::speech
