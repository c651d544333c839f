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
  if (!kWhole) return end == End::bare || end == End::codes ? End::codes : End::any;
  constexpr bool kBare = requires(const typename Kit::Int(&v)[Kit::kVectors], uint8_t* to) {
    Kit::template store_bare<kWhole>(v, to, size_t{0});
  };
  constexpr bool kFloats = requires(float* to, const typename Kit::Float(&v)[Kit::kVectors]) {
    Kit::store_floats(to, v);
  };
  if (end == End::bare && !kBare) return End::codes;
  return end == End::floats && !kFloats ? End::any : end;
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
      offset_[v] = Kit::load(constants + v * sizeof(Int));
      multiplier_[v] = Kit::load_floats(constants + (kVectors + v) * sizeof(Int));
      bias_[v] = Kit::load_floats(constants + (2 * kVectors + v) * sizeof(Int));
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
      Int scaled[kVectors];
      simd::unroll<kVectors>([&](auto v) __attribute__((always_inline)) {
        scaled[v] = kEnd != End::swished
                        ? Kit::scaled(sums[v], multiplier_[v], bias_[v])
                        : Kit::swished(sums[v], multiplier_[v], bias_[v], Kit::set_float(slope_));
      });
      if constexpr (kEnd == End::bare)
        Kit::template store_bare<kWhole>(scaled, out_ + pixel * stride_, count_);
      else
        Kit::template store_codes<kWhole>(ends_, scaled, out_ + pixel * stride_, count_);
    }
  }

 private:
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

/// A block's outputs from planes.
template <typename Kit, bool kWhole>
class Block {
 public:
  Block(const Task& task, const uint8_t* packed, const Outputs<Kit, kWhole>& outputs)
      : t_(task),
        outputs_(outputs),
        groups_(Groups<Kit>{task.s}.count()),
        zeros_(packed + Kit::kChannels * sizeof(int32_t)),
        weights_(packed + 2 * Kit::kChannels * sizeof(int32_t)) {}

  /// Those of the task's row.
  template <End kEnd>
  void run() const {
    if (t_.s.stride_w == 1) return run_steps<kEnd, 1>();
    if constexpr (kEnd != End::any)
      if (t_.s.stride_w == 2) return run_steps<kEnd, 2>();
    run_steps<kEnd, 0>();
  }

 private:
  using Int = typename Kit::Int;
  static constexpr int kVectors = static_cast<int>(Kit::kVectors);

  /// kStride is that of the columns, or 0.
  template <End kEnd, size_t kStride>
  void run_steps() const {
    constexpr int kMost = kStride == 0 ? 2 : Kit::kPixels;
    size_t ox = t_.begin;
    for (; ox + kMost <= t_.end; ox += kMost) outputs<kMost, kEnd, kStride>(ox);
    if constexpr (kMost > 2 && kStride == 1)
      for (; ox + 2 <= t_.end; ox += 2) outputs<2, kEnd, kStride>(ox);
    for (; ox < t_.end; ++ox) outputs<1, kEnd, kStride>(ox);
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

  template <int kCount, End kEnd, size_t kStride>
  void outputs(size_t ox) const {
    Int sums[kCount][kVectors];
    simd::unroll<kCount>([&](auto p) __attribute__((always_inline)) { outputs_.begin(sums[p]); });
    multiply<kCount, kStride>(ox, weights_, sums);
    if constexpr (!Kit::kTakesZeros)
      if (t_.has_zeros) take_zeros<kCount, kStride>(ox, sums);
    const size_t pixel = t_.first_pixel() + ox;
    simd::unroll<kCount>([&](auto p) __attribute__((always_inline)) {
      outputs_.template finish<kEnd>(pixel + p, sums[p]);
    });
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

  const Task& t_;
  const Outputs<Kit, kWhole>& outputs_;
  size_t groups_;
  const uint8_t *zeros_, *weights_;
};
