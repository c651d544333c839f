#include "engine/quant/rounding_descent.h"

#include <algorithm>
#include <atomic>

#include "engine/quant/product.h"

namespace octet::quant {
namespace {

constexpr int kSweeps = 6;  // Over all inputs.
constexpr int kPasses = 4;  // Over a block's inputs, in each sweep.
constexpr int kLargestCode = 127;
constexpr size_t kBlock = 64;   // Inputs whose moves reach the other inputs together.
constexpr size_t kGroup = 128;  // Outputs that are worked on together, by one thread.
constexpr size_t kLanes = 16;   // A fixed count, so that compilers use vectors.
constexpr size_t kDense = 6;    // Moves an output above which a product beats adding rows.

// values[i] += factor * row[i]
void add_scaled(float* values, const float* row, float factor, size_t count) {
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (size_t lane = 0; lane < kLanes; ++lane) values[i + lane] += factor * row[i + lane];
  for (; i < count; ++i) values[i] += factor * row[i];
}

// The outputs [first, first + count): their gradients e^T M stay true while codes move.
class Group {
 public:
  Group(RoundingProblem& problem, size_t first)
      : problem_(problem),
        inputs_(problem.inputs),
        first_(first),
        count_(std::min(kGroup, problem.outputs - first)),
        gradients_(count_ * inputs_),
        changes_(count_ * inputs_),
        moves_(count_ * kBlock),
        moments_(kBlock * kBlock) {}

  size_t run() {
    tell(count_, inputs_, problem_.errors.data() + first_ * inputs_, problem_.moments.data(),
         gradients_.data());
    size_t moved = 0;
    for (int sweep = 0; sweep < kSweeps; ++sweep) {
      size_t now = 0;
      for (size_t at = 0; at < inputs_; at += kBlock) now += run_block(at);
      moved += now;
      if (now == 0) break;
    }
    return moved;
  }

 private:
  // out[rows, inputs] = errors[rows, depth] M[depth, inputs]
  void tell(size_t rows, size_t depth, const float* errors, const float* moments,
            float* out) const {
    multiply({.m = rows,
              .n = inputs_,
              .k = depth,
              .a = {errors, static_cast<ptrdiff_t>(depth), 1},
              .b = {moments, static_cast<ptrdiff_t>(inputs_), 1},
              .out = out,
              .out_row = inputs_});
  }

  const float* moments(size_t input) const { return problem_.moments.data() + input * inputs_; }

  size_t run_block(size_t at) {
    const size_t n = std::min(kBlock, inputs_ - at);
    for (size_t i = 0; i < n; ++i)
      std::copy_n(moments(at + i) + at, n, moments_.data() + i * kBlock);
    active_.clear();
    size_t moved = 0;
    for (size_t o = 0; o < count_; ++o) {
      const size_t own = descend_one(o, at, n, moves_.data() + active_.size() * n);
      if (own > 0) active_.push_back(o);
      moved += own;
    }
    if (moved > kDense * active_.size()) {
      tell(active_.size(), n, moves_.data(), moments(at), changes_.data());
      for (size_t a = 0; a < active_.size(); ++a)
        add_scaled(gradients_.data() + active_[a] * inputs_, changes_.data() + a * inputs_, 1.0F,
                   inputs_);
      return moved;
    }
    for (size_t a = 0; a < active_.size(); ++a)
      for (size_t i = 0; i < n; ++i)
        if (const float move = moves_[a * n + i]; move != 0.0F)
          add_scaled(gradients_.data() + active_[a] * inputs_, moments(at + i), move, inputs_);
    return moved;
  }

  // The inputs [at, at + n) of one output, alone; leaves the sum of each one's steps in `moves`.
  size_t descend_one(size_t output, size_t at, size_t n, float* moves) {
    int8_t* codes = problem_.codes.data() + (first_ + output) * inputs_ + at;
    float* errors = problem_.errors.data() + (first_ + output) * inputs_ + at;
    float gradient[kBlock] = {};
    std::copy_n(gradients_.data() + output * inputs_ + at, n, gradient);
    std::fill_n(moves, n, 0.0F);
    size_t moved = 0;
    for (int pass = 0; pass < kPasses; ++pass) {
      const size_t before = moved;
      for (size_t i = 0; i < n; ++i) {
        const float step = errors[i] > 0.0F ? -1.0F : 1.0F;
        const float* row = moments_.data() + i * kBlock;
        if (2.0F * step * gradient[i] + row[i] >= 0.0F || errors[i] == 0.0F) continue;
        const int code = codes[i] + static_cast<int>(step);
        if (code > kLargestCode || code < -kLargestCode) continue;
        codes[i] = static_cast<int8_t>(code);
        errors[i] += step;
        moves[i] += step;
        add_scaled(gradient, row, step, kBlock);
        ++moved;
      }
      if (moved == before) break;
    }
    return moved;
  }

  RoundingProblem& problem_;
  size_t inputs_;
  size_t first_;
  size_t count_;
  std::vector<float> gradients_;
  std::vector<float> changes_;
  std::vector<float> moves_;    // Of the active outputs, a row each.
  std::vector<float> moments_;  // Between a block's inputs, rows kBlock apart.
  std::vector<size_t> active_;  // Outputs with a move in the block.
};

}  // namespace

size_t descend(RoundingProblem& problem, Parallel* parallel) {
  SerialParallel serial;
  std::atomic<size_t> moved{0};
  const size_t groups = (problem.outputs + kGroup - 1) / kGroup;
  (parallel != nullptr ? *parallel : serial).for_ranges(groups, 1, [&](size_t from, size_t to) {
    for (size_t g = from; g < to; ++g) moved += Group(problem, g * kGroup).run();
  });
  return moved;
}

}  // namespace octet::quant
