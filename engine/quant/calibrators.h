#pragma once

#include "engine/ir/dtype.h"
#include "engine/ir/result.h"
#include "engine/quant/observer.h"
#include "kernels/quantize.h"

namespace octet::quant {

/// How the range of a value's codes follows from what was observed of it.
enum class Calibrator : uint8_t {
  minmax,      ///< The smallest and the largest element.
  moving,      ///< The mean over samples of these.
  percentile,  ///< All but a share of the elements, half of it at each end.
  entropy,     ///< Least Kullback-Leibler divergence of the rounded distribution from the true one.
  mse,         ///< Least mean squared error of rounding and clipping.
};

struct CalibratorOptions {
  Calibrator calibrator = Calibrator::minmax;
  double percentile = 99.99;  ///< Of the elements, inside the range (Calibrator::percentile).
};

/// The range for codes of `levels` values. Never wider than the extremes; holds 0. Entropy and MSE
/// search the histogram, and give the extremes where it isn't finer than the codes (16 bits).
Range choose_range(const Observer& observer, const CalibratorOptions& options, int64_t levels);

/// Leaves out at most (100 - percentile)% of the elements, half of them at each end.
Range percentile_range(const Observer& observer, double percentile);

/// S. Migacz, "8-bit Inference with TensorRT" (2017): of the symmetric clips [-T, T], T from
/// `levels` bins on, the one whose distribution P (what is clipped is counted at the ends) is
/// closest to its rounding Q (each level's mass spread over its bins that aren't empty), by
/// KL(P, Q). Zeros, which every choice represents, are left out. A clip leaves out at most 1% of
/// the rest: divergence doesn't see how far it moves elements, only how many share a code.
Range entropy_range(const Observer& observer, int64_t levels);

/// The range with the least sum over bins of count * error², where the error of a bin is that of
/// its middle: found on a grid of 100 clips common to both ends, then for each end alone.
Range mse_range(const Observer& observer, int64_t levels);

/// The mean squared error by that sum of codes with `levels` values over the range.
double mean_squared_error(const Observer& observer, Range range, int64_t levels);

/// Scale and zero point of integer codes.
struct Affine {
  Scale scale;
  ZeroPoint zero_point;
};

/// Asymmetric codes of `storage` (u8, s8, u16, s16) for a range, which is first widened to hold 0
/// (ONNX needs a code for it: padding). The empty range gives scale 1. Fails where the scale is no
/// normal float: a range past the largest float, or too small to divide.
Result<Affine> choose_affine(Range range, DType storage);

/// Codes that a storage type has: 256 for u8.
int64_t levels_of(DType storage);
/// The smallest of them.
int64_t lowest_code(DType storage);

}  // namespace octet::quant
