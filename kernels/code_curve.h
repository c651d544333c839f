#pragma once

#include <cstdint>

namespace octet::kernels {

/// A function whose values are 8-bit codes, as 128 chords over 65,536 arguments: at argument i,
/// with {start, slope} = chords[i / 512],
///   code = clamp(floor((512 * start + slope * (i % 512) + 256) / 2^16), -128, 127),
/// plus 128 where codes are unsigned: starts and slopes are in steps of 1/128 code, and a start
/// holds the 64 that rounding to the nearest code needs.
struct CodeCurve {
  /// start, slope and start + slope fit 16 bits.
  struct Chord {
    int16_t start, slope;
  };
  static constexpr int32_t kChords = 128, kArguments = 65536, kChordBits = 9;
  alignas(64) Chord chords[kChords];

  /// The code's byte at argument i, from 0 to kArguments - 1.
  __attribute__((always_inline)) uint8_t at(int32_t i, bool is_signed) const {
    const Chord& chord = chords[i >> kChordBits];
    const int32_t code = (512 * chord.start + chord.slope * (i & 511) + 256) >> 16;
    const int32_t held = code < -128 ? -128 : (code > 127 ? 127 : code);
    return static_cast<uint8_t>(is_signed ? held : held + 128);
  }
};

}  // namespace octet::kernels
