// depthwise_s8 by groups of taps. Included inside an anonymous namespace after finish.inl,
// slots.inl and an instruction set's kits, classes with
//   kChannels          channels of a block
//   kGroup             taps whose products one 32-bit lane sums
//   kVectors           vectors of sums: 128-bit lane l of vector v has the channels from
//                      4 (kVectors l + v) on
//   kPixels            outputs that are computed at once
//   kTakesZeros        the packed weights are less their zero points
//   kParts             a block may have fewer channels
//   kWindows           each_block() gives it kernels that have a window
//   interleave         kGroup taps of a block to kVectors registers of codes as dot takes them
//   dot, store_codes and the like; those of End::bare and End::floats where the kit has them
// the widest of them as Widest, and each_block(shape, f), which calls f(Kit{}, first, count) for
// each block of its channels.

inline constexpr size_t kRowBytes = 64 * 1024;  // of input, about what a task takes at least

template <typename Kit>
void fill_constants(const ConvShape& s, const ConvIo& io, const ConvEpilogue& e,
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
  const auto* sums = reinterpret_cast<const int32_t*>(packed);
  const Int zero = Kit::set(io.in_zero_point - code_shift<Kit>(io.in_signed));
  const Int taps = Kit::set(static_cast<int32_t>(s.kernel_h * s.kernel_w));
  for (size_t at = 0; at < Kit::kChannels; at += Kit::kChannels / Kit::kVectors) {
    // The sums lack the input's zero point; what takes_zeros subtracts has it too often.
    const Int zeros = Kit::load(sums + Kit::kChannels + at);
    const Int over = Kit::sub(Kit::load(sums + at), Kit::mul(zeros, taps));
    Kit::store(offset + at, Kit::sub(Kit::load(bias + at), Kit::mul(over, zero)));
  }
}

/// What becomes of a block's sums.
enum class End {
  bare,     // Kit::scaled, as Scaling::bare says, of u8 codes as the kit takes them
  codes,    // Kit::scaled
  swished,  // Kit::swished
  floats,   // Kit::real
  any       // finish()
};

inline End end_of(const ConvEpilogue& e, Scaling scaling, uint8_t flip) {
  if (e.out == Element::f32 && e.residual == nullptr && e.swish_slope == 0.0F) return End::floats;
  if (scaling == Scaling::bare && flip == 0) return End::bare;
  if (scaling == Scaling::swished) return End::swished;
  const bool codes =
      scaling == Scaling::bare || scaling == Scaling::plain || scaling == Scaling::biased;
  return codes ? End::codes : End::any;
}

/// What `end` is for a kit: `any` does for all, and `codes` for all that end in codes. Parts of a
/// block are a layer of a few channels.
template <typename Kit, bool kWhole>
constexpr End taken_end(End end) {
  constexpr bool kBare = requires(const typename Kit::Int(&v)[Kit::kVectors], uint8_t* to) {
    Kit::template store_bare<kWhole>(v, to, size_t{0});
  };
  constexpr bool kFloats = requires(float* to, const typename Kit::Float(&v)[Kit::kVectors]) {
    Kit::store_floats(to, v);
  };
  if (end == End::bare) return kBare ? End::bare : End::codes;
  if (end == End::floats) return kWhole && kFloats ? End::floats : End::any;
  return end == End::swished && !kWhole ? End::any : end;
}

/// The outputs of one block. Whoever writes through it works on a copy of its own: stores of codes
/// may write to any object that isn't local.
template <typename Kit, bool kWhole>
class Outputs {
 public:
  using Int = typename Kit::Int;
  static constexpr int kVectors = static_cast<int>(Kit::kVectors);

  Outputs(const Target& target, const uint8_t* constants, size_t first, size_t count)
      : target_(&target),
        out_(static_cast<uint8_t*>(target.out) + first),
        floats_(static_cast<float*>(target.out) + first),
        stride_(target.out_stride),
        first_(first),
        count_(count),
        ends_(CodeEnds(*target.epilogue)),
        slope_(target.epilogue->swish_slope),
        low_(target.epilogue->low),
        high_(target.epilogue->high) {
    for (int v = 0; v < kVectors; ++v) {
      offset_[v] = Kit::load(constants + v * lane_bytes<Kit>());
      multiplier_[v] = Kit::load_floats(constants + (kVectors + v) * lane_bytes<Kit>());
      bias_[v] = Kit::load_floats(constants + (2 * kVectors + v) * lane_bytes<Kit>());
    }
  }

  size_t count() const { return count_; }

  /// What sums begin with.
  inline __attribute__((always_inline)) void begin(Int (&sums)[kVectors]) const {
    simd::unroll<kVectors>([&](auto v) __attribute__((always_inline)) { sums[v] = offset_[v]; });
  }

  template <End kEnd>
  inline __attribute__((always_inline)) void finish(size_t pixel,
                                                    const Int (&sums)[kVectors]) const {
    if constexpr (kEnd == End::any) {
      alignas(64) int32_t ordered[Kit::kChannels];
      simd::unroll<kVectors>([&](auto v) __attribute__((always_inline)) {
        Kit::spread(ordered + 4 * v, Kit::kVectors, sums[v]);
      });
      finish_any(ordered, pixel);
    } else if constexpr (kEnd == End::floats) {
      typename Kit::Float values[kVectors];
      simd::unroll<kVectors>([&](auto v) __attribute__((always_inline)) {
        values[v] = Kit::real(sums[v], multiplier_[v], bias_[v], Kit::set_float(low_),
                              Kit::set_float(high_));
      });
      Kit::store_floats(floats_ + pixel * stride_, values);
    } else {
      Int values[kVectors];
      scale<kEnd>(sums, values);
      if constexpr (kEnd == End::bare)
        Kit::template store_bare<kWhole>(values, out_ + pixel * stride_, count_);
      else
        Kit::template store_codes<kWhole>(ends_, values, out_ + pixel * stride_, count_);
    }
  }

  /// The same of a kit whose vectors hold two outputs: the first `outputs` of them become codes.
  template <End kEnd>
  inline __attribute__((always_inline)) void finish_doubled(size_t pixel, size_t outputs,
                                                            const Int (&sums)[kVectors]) const {
    Int values[kVectors];
    scale<kEnd>(sums, values);
    const Int codes = kEnd == End::bare ? Kit::bare_codes(values) : Kit::codes_of(ends_, values);
    Kit::store(out_ + pixel * stride_, stride_, outputs, codes);
  }

 private:
  /// What is to be rounded codes.
  template <End kEnd>
  inline __attribute__((always_inline)) void scale(const Int (&sums)[kVectors],
                                                   Int (&to)[kVectors]) const {
    simd::unroll<kVectors>([&](auto v) __attribute__((always_inline)) {
      to[v] = kEnd != End::swished
                  ? Kit::scaled(sums[v], multiplier_[v], bias_[v])
                  : Kit::swished(sums[v], multiplier_[v], bias_[v], Kit::set_float(slope_));
    });
  }

  __attribute__((noinline)) void finish_any(const int32_t* sums, size_t pixel) const {
    for (size_t c = 0; c < count_; c += 16) {
      Columns columns = columns_at(*target_->epilogue, first_ + c, smaller(16, count_ - c));
      columns.offset = set_ints(0);
      octet::kernels::finish(*target_, columns, pixel, load_ints(sums + c, 16));
    }
  }

  const Target* target_;
  uint8_t* out_;   // the block's first channel of pixel 0
  float* floats_;  // the same where outputs are floats
  size_t stride_, first_, count_;
  typename Kit::Ends ends_;
  float slope_, low_, high_;
  Int offset_[kVectors];
  typename Kit::Float multiplier_[kVectors], bias_[kVectors];
};

/// Sums of a block's outputs from planes, by way of memory, so that there is one code for all that
/// may become of them.
template <typename Kit>
class Block {
 public:
  using Int = typename Kit::Int;
  static constexpr int kVectors = static_cast<int>(Kit::kVectors);
  static constexpr size_t kMost = 16;  // outputs at once
  using Sums = Int[kMost][kVectors];

  Block(const Task& task, const uint8_t* packed)
      : t_(task),
        groups_(Groups<Kit>{task.s}.count()),
        zeros_(packed + Kit::kChannels * sizeof(int32_t)),
        weights_(packed + 2 * Kit::kChannels * sizeof(int32_t)) {}

  /// Those of `count` outputs from output `ox` of the task's row on, on top of `start`.
  void sum(size_t ox, size_t count, const Int (&start)[kVectors], Sums& sums) const {
    multiply(ox, count, weights_, start, sums);
    if constexpr (!Kit::kTakesZeros)
      if (t_.has_zeros) take_zeros(ox, count, sums);
  }

 private:
  __attribute__((noinline)) void multiply(size_t ox, size_t count, const uint8_t* weights,
                                          const Int (&start)[kVectors], Sums& sums) const {
    constexpr size_t kTogether = Kit::kPixels;
    size_t i = 0;
    for (; i + kTogether <= count; i += kTogether) outputs<kTogether>(ox, i, weights, start, sums);
    for (; i < count; ++i) outputs<1>(ox, i, weights, start, sums);
  }

  template <size_t kCount>
  inline __attribute__((always_inline)) void outputs(size_t ox, size_t first,
                                                     const uint8_t* weights,
                                                     const Int (&start)[kVectors],
                                                     Sums& sums) const {
    Int made[kCount][kVectors];
    simd::unroll<kCount>(
        [&](auto p) { simd::unroll<kVectors>([&](auto v) { made[p][v] = start[v]; }); });
    const size_t step = t_.s.stride_w * entry_bytes<Kit>();
    const uint8_t* from = t_.planes + (ox + first - t_.begin) * step;
    const size_t* offsets = t_.offsets;
    for (const size_t* end = offsets + groups_; offsets != end; ++offsets) {
      const uint8_t* codes = from + *offsets;
      simd::unroll<kVectors>([&](auto v) {
        const Int w = Kit::load(weights + v * sizeof(Int));
        simd::unroll<kCount>([&](auto p) {
          const Int x = Kit::load(codes + p * step + v * sizeof(Int));
          made[p][v] = Kit::dot(made[p][v], x, w);
        });
      });
      weights += entry_bytes<Kit>();
    }
    simd::unroll<kCount>(
        [&](auto p) { simd::unroll<kVectors>([&](auto v) { sums[first + p][v] = made[p][v]; }); });
  }

  /// Subtracts Σ x of the taps times the weights' zero points.
  __attribute__((noinline)) void take_zeros(size_t ox, size_t count, Sums& sums) const {
    Sums totals;
    Int none[kVectors];
    for (Int& v : none) v = Kit::set(0);
    multiply(ox, count, weights_ + groups_ * entry_bytes<Kit>(), none, totals);
    for (size_t i = 0; i < count; ++i)
      for (int v = 0; v < kVectors; ++v) {
        const Int zeros = Kit::load(zeros_ + v * sizeof(Int));
        sums[i][v] = Kit::sub(sums[i][v], Kit::mul(zeros, totals[i][v]));
      }
  }

  const Task& t_;
  size_t groups_;
  const uint8_t *zeros_, *weights_;
};
