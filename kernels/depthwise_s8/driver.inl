// depthwise_s8 by groups of taps. Included inside an anonymous namespace after finish.inl,
// slots.inl and an instruction set's kits, classes with
//   kChannels          channels of a block
//   kGroup             taps whose products one 32-bit lane sums
//   kVectors           vectors of sums: 128-bit lane l of vector v has the channels from
//                      4 (kVectors l + v) on
//   kPixels            outputs that are computed at once
//   kTakesZeros        the packed weights are less their zero points
//   interleave         kGroup taps of a block to kVectors registers of codes as dot takes them
//   dot, store_codes and the like
// the widest of them as Widest, and each_block(shape, f), which calls f(Kit{}, first, count) for
// each block of its channels.

inline constexpr size_t kRowBytes = 16 * 1024;  // of input, about what a task takes at least

/// 0.99 * 2^31 + 2^24 < 2^31: what all_below_one leaves for a bias.
inline constexpr float kMostBias = 0x1p24F;

/// Gives whether scaled() is right for the block's multipliers and biases.
template <typename Kit>
bool fill_constants(const ConvShape& s, const ConvIo& io, const ConvEpilogue& e,
                    const uint8_t* packed, size_t first, size_t count, uint8_t* to) {
  using Int = typename Kit::Int;
  alignas(64) int32_t bias[Kit::kChannels] = {};
  auto* offset = reinterpret_cast<int32_t*>(to);
  int32_t* multiplier = offset + Kit::kChannels;
  int32_t* real_bias = multiplier + Kit::kChannels;
  __builtin_memset(multiplier, 0, 2 * Kit::kChannels * sizeof(int32_t));
  for (size_t c = 0; c < count; c += 4) {
    const size_t bytes = smaller(4, count - c) * sizeof(int32_t), lane = lane_of<Kit>(c);
    if (e.bias != nullptr) __builtin_memcpy(bias + lane, e.bias + first + c, bytes);
    if (e.multiplier != nullptr)
      __builtin_memcpy(multiplier + lane, e.multiplier + first + c, bytes);
    if (e.bias_f32 != nullptr) __builtin_memcpy(real_bias + lane, e.bias_f32 + first + c, bytes);
  }
  bool small = true;
  for (size_t c = 0; e.bias_f32 != nullptr && c < count; ++c)
    small = small && __builtin_fabsf(e.bias_f32[first + c]) < kMostBias;
  const auto* sums = reinterpret_cast<const int32_t*>(packed);
  const Int zero = Kit::set(io.in_zero_point - code_shift<Kit>(io.in_signed));
  const Int taps = Kit::set(static_cast<int32_t>(s.kernel_h * s.kernel_w));
  for (size_t at = 0; at < Kit::kChannels; at += Kit::kChannels / Kit::kVectors) {
    // The sums lack the input's zero point; what takes_zeros subtracts has it too often.
    const Int zeros = Kit::load(sums + Kit::kChannels + at);
    const Int over = Kit::sub(Kit::load(sums + at), Kit::mul(zeros, taps));
    Kit::store(offset + at, Kit::sub(Kit::load(bias + at), Kit::mul(over, zero)));
    small = small && Kit::all_below_one(Kit::load_floats(multiplier + at));
  }
  return small;
}

template <typename Kit, bool kWhole>
class Window;

template <typename Kit, bool kWhole>
class Block {
 public:
  Block(const Task& task, const uint8_t* packed, const uint8_t* constants, size_t first,
        size_t count)
      : t_(task),
        first_(first),
        count_(count),
        groups_(Groups<Kit>{task.s}.count()),
        zeros_(packed + Kit::kChannels * sizeof(int32_t)),
        weights_(packed + 2 * Kit::kChannels * sizeof(int32_t)),
        ends_(CodeEnds(*task.target.epilogue)),
        slope_(task.target.epilogue->swish_slope) {
    for (int v = 0; v < kVectors; ++v) {
      offset_[v] = Kit::load(constants + v * sizeof(Int));
      multiplier_[v] = Kit::load_floats(constants + (kVectors + v) * sizeof(Int));
      bias_[v] = Kit::load_floats(constants + (2 * kVectors + v) * sizeof(Int));
    }
  }

  /// The outputs of the task's row, from its planes.
  void run() const {
    switch (t_.s.stride_w) {
      case 1: return run_steps<1>();
      case 2: return run_steps<2>();
      default: return run_steps<0>();
    }
  }

 private:
  friend class Window<Kit, kWhole>;
  using Int = typename Kit::Int;
  static constexpr int kVectors = static_cast<int>(Kit::kVectors);

  size_t pixel(size_t ox) const { return (t_.n * t_.s.out_h + t_.oy) * t_.s.out_w + ox; }

  /// Writes output `ox` of the task's row; kPlain as in Task.
  template <bool kPlain>
  inline __attribute__((always_inline)) void finish_output(size_t ox,
                                                           const Int (&sums)[kVectors]) const {
    if constexpr (kPlain) {
      auto* to = static_cast<uint8_t*>(t_.target.out) + pixel(ox) * t_.target.out_stride + first_;
      Int scaled[kVectors];
      simd::unroll<kVectors>([&](auto v) {
        scaled[v] = slope_ == 0.0F
                        ? Kit::scaled(sums[v], multiplier_[v], bias_[v])
                        : Kit::swished(sums[v], multiplier_[v], bias_[v], Kit::set_float(slope_));
      });
      Kit::template store_codes<kWhole>(ends_, scaled, to, count_);
    } else {
      alignas(64) int32_t ordered[Kit::kChannels];
      simd::unroll<kVectors>([&](auto v) { Kit::spread(ordered + 4 * v, Kit::kVectors, sums[v]); });
      finish_any(ordered, pixel(ox));
    }
  }

  /// kStride is that of the columns, or 0.
  template <size_t kStride>
  void run_steps() const {
    size_t ox = t_.begin;
    for (; ox + Kit::kPixels <= t_.end; ox += Kit::kPixels) outputs<Kit::kPixels, kStride>(ox);
    if constexpr (Kit::kPixels > 2)
      for (; ox + 2 <= t_.end; ox += 2) outputs<2, kStride>(ox);
    for (; ox < t_.end; ++ox) outputs<1, kStride>(ox);
  }

  /// Sums of kCount neighbouring outputs from `weights`, on top of `sums`.
  template <int kCount, size_t kStride>
  inline __attribute__((always_inline)) void multiply(size_t ox, const uint8_t* weights,
                                                      Int (&sums)[kCount][kVectors]) const {
    const size_t step = (kStride == 0 ? t_.s.stride_w : kStride) * entry_bytes<Kit>();
    const uint8_t* from = t_.planes + (ox - t_.begin) * step;
    const size_t* offsets = t_.offsets;
    for (const size_t* end = offsets + groups_; offsets != end; ++offsets) {
      const uint8_t* codes = from + *offsets;
      simd::unroll<kVectors>([&](auto v) {
        const Int w = Kit::load(weights + v * sizeof(Int));
        simd::unroll<kCount>([&](auto p) {
          const Int x = Kit::load(codes + p * step + v * sizeof(Int));
          sums[p][v] = Kit::dot(sums[p][v], x, w);
        });
      });
      weights += entry_bytes<Kit>();
    }
  }

  template <int kCount, size_t kStride>
  void outputs(size_t ox) const {
    Int sums[kCount][kVectors];
    simd::unroll<kCount>(
        [&](auto p) { simd::unroll<kVectors>([&](auto v) { sums[p][v] = offset_[v]; }); });
    multiply<kCount, kStride>(ox, weights_, sums);
    if constexpr (!Kit::kTakesZeros)
      if (t_.has_zeros) take_zeros<kCount, kStride>(ox, sums);
    if (t_.plain)
      simd::unroll<kCount>([&](auto p) { finish_output<true>(ox + p, sums[p]); });
    else
      simd::unroll<kCount>([&](auto p) { finish_output<false>(ox + p, sums[p]); });
  }

  /// Subtracts Σ x of the taps times the weights' zero points.
  template <int kCount, size_t kStride>
  inline __attribute__((always_inline)) void take_zeros(size_t ox,
                                                        Int (&sums)[kCount][kVectors]) const {
    Int totals[kCount][kVectors];
    simd::unroll<kCount>(
        [&](auto p) { simd::unroll<kVectors>([&](auto v) { totals[p][v] = Kit::set(0); }); });
    multiply<kCount, kStride>(ox, weights_ + groups_ * entry_bytes<Kit>(), totals);
    simd::unroll<kCount>([&](auto p) {
      simd::unroll<kVectors>([&](auto v) {
        const Int zeros = Kit::load(zeros_ + v * sizeof(Int));
        sums[p][v] = Kit::sub(sums[p][v], Kit::mul(zeros, totals[p][v]));
      });
    });
  }

  __attribute__((noinline)) void finish_any(const int32_t* sums, size_t pixel) const {
    for (size_t c = 0; c < count_; c += 16) {
      Columns columns = columns_at(*t_.target.epilogue, first_ + c, smaller(16, count_ - c));
      columns.offset = set_ints(0);
      finish(t_.target, columns, pixel, load_ints(sums + c, 16));
    }
  }

  const Task& t_;
  size_t first_, count_, groups_;
  const uint8_t *zeros_, *weights_;
  typename Kit::Ends ends_;
  float slope_;
  Int offset_[kVectors];
  typename Kit::Float multiplier_[kVectors], bias_[kVectors];
};
