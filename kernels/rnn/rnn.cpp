#include "kernels/rnn/rnn.h"

#include <algorithm>
#include <cmath>

namespace octet::kernels {
namespace {

// Batch rows that one call of a cell takes.
constexpr size_t kRowsPerCall = 16;

// Bytes of weights past which steps take turns in the order of reading them: fewer stay in a
// second-level cache, where one order is as good as the other.
constexpr size_t kNearWeights = size_t{3} << 18;

size_t align64(size_t bytes) { return (bytes + 63) & ~size_t{63}; }

// The scratch of one batch row.
struct Buffers {
  float* hidden;
  float* cell;
  float* sums;
  void* reset_state;
  void* state[2];
};

size_t row_bytes(const RnnCell& cell, size_t hidden) {
  return 6 * align64(hidden * sizeof(float)) + 3 * cell.state_bytes(hidden);
}

Buffers buffers(const RnnCell& cell, const RnnArgs& args, size_t b) {
  auto* at = static_cast<unsigned char*>(args.scratch) + align64(args.batch * sizeof(float)) +
             b * row_bytes(cell, args.hidden);
  const size_t floats = align64(args.hidden * sizeof(float)), state = cell.state_bytes(args.hidden);
  const auto real = [at, floats](size_t i) { return reinterpret_cast<float*>(at + i * floats); };
  unsigned char* states = at + 6 * floats;
  return {real(0), real(1), real(2), states, {states + state, states + 2 * state}};
}

// The state's scale of a batch row, which no h can pass: |h| <= max(1, |h0|).
float state_scale(const RnnCell& cell, const float* h0, size_t hidden) {
  float bound = 1.0F;
  for (size_t i = 0; h0 != nullptr && i < hidden; ++i) bound = std::max(bound, std::fabs(h0[i]));
  return bound / cell.most_code;
}

void start(const RnnCell& cell, const RnnArgs& args, size_t b, bool has_cell) {
  const Buffers to = buffers(cell, args, b);
  const auto copy = [&](const float* from, float* into) {
    if (from == nullptr)
      std::fill_n(into, args.hidden, 0.0F);
    else
      std::copy_n(from + b * args.hidden, args.hidden, into);
  };
  copy(args.h0, to.hidden);
  if (has_cell) copy(args.c0, to.cell);
  auto* scales = static_cast<float*>(args.scratch);
  scales[b] = state_scale(cell, args.h0 == nullptr ? nullptr : to.hidden, args.hidden);
  cell.encode(to.hidden, args.hidden, scales[b], to.state[0]);
}

void finish(const RnnCell& cell, const RnnArgs& args, size_t b, size_t length, bool has_cell) {
  const Buffers from = buffers(cell, args, b);
  if (args.y_h != nullptr) std::copy_n(from.hidden, args.hidden, args.y_h + b * args.hidden);
  if (has_cell && args.y_c != nullptr)
    std::copy_n(from.cell, args.hidden, args.y_c + b * args.hidden);
  for (size_t t = length; args.y != nullptr && t < args.steps; ++t)
    std::fill_n(args.y + t * args.y_step + b * args.y_row, args.hidden, 0.0F);
}

size_t length_of(const RnnArgs& args, size_t b) {
  return args.lengths == nullptr ? args.steps : static_cast<size_t>(args.lengths[b]);
}

RnnRow row_at(const RnnCell& cell, const RnnArgs& args, size_t b, size_t step) {
  const Buffers at = buffers(cell, args, b);
  const size_t t = args.reverse ? length_of(args, b) - 1 - step : step;
  RnnRow row{};
  row.gates = args.gates + t * args.gates_step + b * args.gates_row;
  row.state = at.state[step % 2];
  row.next_state = at.state[(step + 1) % 2];
  row.scale = static_cast<const float*>(args.scratch)[b];
  row.hidden = at.hidden;
  row.cell = at.cell;
  row.y = args.y == nullptr ? nullptr : args.y + t * args.y_step + b * args.y_row;
  row.sums = at.sums;
  row.reset_state = at.reset_state;
  return row;
}

void run(const RnnCell& cell, const RnnArgs& args, void (*step_function)(const RnnStep&),
         bool has_cell) {
  for (size_t b = 0; b < args.batch; ++b) start(cell, args, b, has_cell);
  const bool takes_turns = cell.packed_bytes(has_cell ? 4 : 3, args.hidden) > kNearWeights;
  for (size_t s = 0; s < args.steps; ++s) {
    RnnRow rows[kRowsPerCall];
    RnnStep step{args.packed,
                 args.hidden,
                 rows,
                 0,
                 args.recurrent_bias,
                 args.linear_before_reset,
                 takes_turns && s % 2 == 1};
    for (size_t b = 0; b < args.batch; ++b) {
      if (s < length_of(args, b)) rows[step.rows++] = row_at(cell, args, b, s);
      if (step.rows == kRowsPerCall || (b + 1 == args.batch && step.rows > 0)) {
        step_function(step);
        step.rows = 0;
      }
    }
  }
  for (size_t b = 0; b < args.batch; ++b) finish(cell, args, b, length_of(args, b), has_cell);
}

}  // namespace

size_t rnn_scratch_bytes(const RnnCell& cell, size_t batch, size_t hidden) {
  return align64(batch * sizeof(float)) + batch * row_bytes(cell, hidden);
}

void lstm(const RnnCell& cell, const RnnArgs& args) { run(cell, args, cell.lstm, true); }
void gru(const RnnCell& cell, const RnnArgs& args) { run(cell, args, cell.gru, false); }

}  // namespace octet::kernels
