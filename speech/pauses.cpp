#include "speech/pauses.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace octet::speech {
namespace {

constexpr size_t kWindow = 30;       // Steps of a pause.
constexpr float kSilence = 1.0e-4F;  // -80 dB.

}  // namespace

PauseCutter::PauseCutter(int sample_rate, double longest_seconds)
    : step_(static_cast<size_t>(std::max(sample_rate / 100, 1))) {
  const double steps = longest_seconds * sample_rate / static_cast<double>(step_);
  longest_ = step_ * std::max(static_cast<size_t>(steps), 2 * kWindow);
}

void PauseCutter::push(std::span<const float> samples) {
  buffer_.insert(buffer_.end(), samples.begin(), samples.end());
}

// The energy of a window follows that of its neighbour, so exact sums of each step are kept.
size_t PauseCutter::cut() const {
  const size_t steps = longest_ / step_;
  std::vector<double> energy(steps, 0);
  for (size_t i = 0; i < steps; ++i)
    for (size_t k = i * step_; k < (i + 1) * step_; ++k)
      energy[i] += static_cast<double>(buffer_[k]) * static_cast<double>(buffer_[k]);
  size_t best = steps - kWindow;
  double least = HUGE_VAL;
  for (size_t first = steps / 4; first + kWindow <= steps; ++first) {
    double sum = 0;
    for (size_t i = first; i < first + kWindow; ++i) sum += energy[i];
    if (sum > least) continue;
    least = sum;
    best = first;
  }
  return (best + kWindow / 2) * step_;
}

std::optional<Segment> PauseCutter::next() {
  if (buffer_.empty() || (!finished_ && buffer_.size() <= longest_)) return std::nullopt;
  const size_t end = buffer_.size() <= longest_ ? buffer_.size() : cut();
  std::vector<float> rest(buffer_.begin() + static_cast<std::ptrdiff_t>(end), buffer_.end());
  buffer_.resize(end);
  Segment segment{start_, std::exchange(buffer_, std::move(rest))};
  start_ += static_cast<int64_t>(end);
  return segment;
}

Expected<SegmentReader> SegmentReader::open(const std::string& path, int sample_rate,
                                            double longest_seconds) {
  auto reader = AudioReader::open(path, sample_rate);
  if (!reader) return reader.failure();
  return SegmentReader(std::move(*reader), PauseCutter(sample_rate, longest_seconds));
}

Expected<std::optional<Segment>> SegmentReader::next() {
  for (;;) {
    if (auto segment = cutter_.next()) return segment;
    const auto block = reader_.read();
    if (!block) return block.failure();
    if (block->empty()) {
      cutter_.finish();
      return cutter_.next();
    }
    cutter_.push(*block);
  }
}

bool is_silent(std::span<const float> samples) {
  return std::all_of(samples.begin(), samples.end(),
                     [](float sample) { return std::fabs(sample) < kSilence; });
}

}  // namespace octet::speech
