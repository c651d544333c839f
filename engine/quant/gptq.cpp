#include "engine/quant/gptq.h"

#include <algorithm>
#include <cmath>

#include "engine/quant/product.h"

namespace octet::quant {
namespace {

constexpr size_t kPanel = 64;  // Rows of a step of the factorization.

// Lower Cholesky factor of the leading panel rows [at, at + n) in place; false when the matrix
// isn't positive there.
bool factor_panel(std::vector<float>& h, size_t k, size_t at, size_t n) {
  for (size_t j = at; j < at + n; ++j) {
    for (size_t i = j; i < k; ++i) {
      double sum = static_cast<double>(h[i * k + j]);
      for (size_t t = at; t < j; ++t)
        sum -= static_cast<double>(h[i * k + t]) * static_cast<double>(h[j * k + t]);
      if (i == j) {
        if (!(sum > 0.0)) return false;
        h[j * k + j] = static_cast<float>(std::sqrt(sum));
      } else {
        h[i * k + j] = static_cast<float>(sum / static_cast<double>(h[j * k + j]));
      }
    }
  }
  return true;
}

// h becomes its lower Cholesky factor (above the diagonal: leftovers), panel by panel.
bool cholesky(std::vector<float>& h, size_t k) {
  for (size_t at = 0; at < k; at += kPanel) {
    const size_t n = std::min(kPanel, k - at);
    if (!factor_panel(h, k, at, n)) return false;
    const size_t next = at + n;
    if (next == k) break;
    const auto stride = static_cast<ptrdiff_t>(k);
    const float* panel = h.data() + next * k + at;
    float* rest = h.data() + next * k + next;
    multiply({.m = k - next,
              .n = k - next,
              .k = n,
              .a = {panel, stride, 1},
              .b = {panel, 1, stride},
              .out = rest,
              .out_row = k,
              .alpha = -1.0F,
              .addend = rest});
  }
  return true;
}

// The inverse of a lower triangular matrix, panel by panel.
std::vector<float> inverse_of_lower(const std::vector<float>& l, size_t k) {
  std::vector<float> inverse(k * k, 0.0F);
  for (size_t at = 0; at < k; at += kPanel) {
    const size_t n = std::min(kPanel, k - at);
    for (size_t i = 0; i < n; ++i) inverse[(at + i) * k + at + i] = 1.0F;
    float* rows = inverse.data() + at * k;
    if (at > 0)
      multiply({.m = n,
                .n = at,
                .k = at,
                .a = {l.data() + at * k, static_cast<ptrdiff_t>(k), 1},
                .b = {inverse.data(), static_cast<ptrdiff_t>(k), 1},
                .out = rows,
                .out_row = k,
                .alpha = -1.0F});
    for (size_t i = 0; i < n; ++i) {
      float* row = rows + i * k;
      const float* factor = l.data() + (at + i) * k + at;
      for (size_t t = 0; t < i; ++t)
        for (size_t j = 0; j < at + n; ++j) row[j] -= factor[t] * rows[t * k + j];
      for (size_t j = 0; j < at + n; ++j) row[j] /= factor[i];
    }
  }
  return inverse;
}

// Upper triangular U with U^T U = H^-1: with the order of inputs reversed, the inverse of H's lower
// Cholesky factor. Dampened until H is positive; empty when it never is.
std::vector<float> upper_factor(const SecondMoments& moments, double damping) {
  const size_t k = moments.inputs;
  double mean = 0.0;
  for (size_t i = 0; i < k; ++i)
    mean += static_cast<double>(moments.matrix[i * k + i]) / static_cast<double>(k);
  if (!std::isfinite(mean)) return {};
  if (mean <= 0.0) mean = 1.0;
  constexpr double kMostDamping = 100.0;
  for (; damping < kMostDamping; damping *= 10.0) {
    std::vector<float> reversed(moments.matrix.rbegin(), moments.matrix.rend());
    for (size_t i = 0; i < k; ++i) reversed[i * k + i] += static_cast<float>(damping * mean);
    if (!cholesky(reversed, k)) continue;
    std::vector<float> inverse = inverse_of_lower(reversed, k);
    std::reverse(inverse.begin(), inverse.end());
    return inverse;
  }
  return {};
}

struct Grid {
  float scale = 1.0F;
  int zero = 0;
  int low = -8;
  int high = 7;

  int code(float w) const {
    return std::clamp(static_cast<int>(std::nearbyint(w / scale)) + zero, low, high);
  }
  float real(int code) const { return static_cast<float>(code - zero) * scale; }
};

// The scale and zero point of the least squared error among ranges shrunk step by step.
Grid choose_grid(const float* w, size_t count, bool symmetric) {
  const auto [least, most] = std::minmax_element(w, w + count);
  const float low = std::min(*least, 0.0F);
  const float high = std::max(*most, 0.0F);
  Grid best;
  double error = INFINITY;
  constexpr int kSteps = 12;
  for (int step = 0; step < kSteps; ++step) {
    const float part = 1.0F - 0.04F * static_cast<float>(step);
    Grid grid;
    if (symmetric) {
      grid.scale = std::max(high / 7.5F, -low / 8.5F) * part;
    } else {
      grid.low = 0;
      grid.high = 15;
      grid.scale = (high - low) / 15.0F * part;
    }
    if (!(grid.scale > 1e-30F)) grid.scale = 1.0F;
    if (!symmetric)
      grid.zero = std::clamp(static_cast<int>(std::nearbyint(-low * part / grid.scale)), 0, 15);
    double own = 0.0;
    for (size_t i = 0; i < count; ++i) {
      const double d = static_cast<double>(w[i] - grid.real(grid.code(w[i])));
      own += d * d;
    }
    if (own < error) {
      error = own;
      best = grid;
    }
  }
  return best;
}

class Rounder {
 public:
  Rounder(std::span<const float> weights, size_t outputs, size_t inputs,
          const BlockOptions& options)
      : options_(options), outputs_(outputs), inputs_(inputs), w_(weights.begin(), weights.end()) {
    result_.blocks = (inputs + options.block - 1) / options.block;
    result_.codes.resize(outputs * inputs);
    result_.scales.resize(outputs * result_.blocks);
    if (!options.symmetric) result_.zero_points.resize(outputs * result_.blocks);
  }

  // `upper` empty: errors stay where they are.
  BlockCodes run(const std::vector<float>& upper) {
    const size_t batch = std::max<size_t>(kBatch / options_.block, 1) * options_.block;
    std::vector<float> errors(outputs_ * batch);
    for (size_t at = 0; at < inputs_; at += batch) {
      const size_t n = std::min(batch, inputs_ - at);
      for (size_t o = 0; o < outputs_; ++o) round_row(upper, o, at, n, errors.data() + o * batch);
      const size_t next = at + n;
      if (next == inputs_ || upper.empty()) continue;
      float* rest = w_.data() + next;
      multiply({.m = outputs_,
                .n = inputs_ - next,
                .k = n,
                .a = {errors.data(), static_cast<ptrdiff_t>(batch), 1},
                .b = {upper.data() + at * inputs_ + next, static_cast<ptrdiff_t>(inputs_), 1},
                .out = rest,
                .out_row = inputs_,
                .alpha = -1.0F,
                .addend = rest});
    }
    return std::move(result_);
  }

 private:
  static constexpr size_t kBatch = 128;  // Inputs whose errors reach the rest in one product.

  // Inputs [at, at + n) of one output, which only these inputs hear of.
  void round_row(const std::vector<float>& upper, size_t o, size_t at, size_t n, float* errors) {
    float* w = w_.data() + o * inputs_;
    Grid grid;
    for (size_t i = at; i < at + n; ++i) {
      if (i % options_.block == 0) {
        grid = choose_grid(w + i, std::min(options_.block, inputs_ - i), options_.symmetric);
        const size_t block = o * result_.blocks + i / options_.block;
        result_.scales[block] = grid.scale;
        if (!options_.symmetric) result_.zero_points[block] = static_cast<int8_t>(grid.zero);
      }
      const int code = grid.code(w[i]);
      result_.codes[o * inputs_ + i] = static_cast<int8_t>(code);
      if (upper.empty()) continue;
      const float* row = upper.data() + i * inputs_;
      const float error = (w[i] - grid.real(code)) / row[i];
      errors[i - at] = error;
      for (size_t j = i + 1; j < at + n; ++j) w[j] -= error * row[j];
    }
  }

  const BlockOptions& options_;
  size_t outputs_;
  size_t inputs_;
  std::vector<float> w_;
  BlockCodes result_;
};

}  // namespace

float BlockCodes::real(size_t output, size_t input, size_t inputs, size_t block) const {
  const size_t at = output * blocks + input / block;
  const int zero = zero_points.empty() ? 0 : zero_points[at];
  return static_cast<float>(codes[output * inputs + input] - zero) * scales[at];
}

Result<BlockCodes> gptq(std::span<const float> weights, size_t outputs, size_t inputs,
                        const SecondMoments& moments, const BlockOptions& options) {
  assert(weights.size() == outputs * inputs && options.block > 0);
  for (const float w : weights)
    if (!std::isfinite(w)) return invalid_model("a weight is not finite");
  std::vector<float> upper;
  if (moments.rows > 0) {
    assert(moments.inputs == inputs);
    upper = upper_factor(moments, options.damping);
    if (upper.empty())
      return invalid_data("calibration: the inputs' second moments are not finite");
  }
  return Rounder(weights, outputs, inputs, options).run(upper);
}

}  // namespace octet::quant
