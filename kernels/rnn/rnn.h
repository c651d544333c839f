#pragma once

#include <cstddef>
#include <cstdint>

namespace octet::kernels {

/// Recurrences of ONNX LSTM and GRU over one direction: gates i, o, f, c (LSTM) or z, r, h (GRU),
/// sigmoid and tanh by math/poly.h, no peepholes, no clip. The input projection X W^T is the
/// caller's: it arrives as float gates with the biases in it.

/// R[gates * hidden, hidden], gate-major as ONNX stores it.
struct RnnWeights {
  size_t gates = 4;  // 4: LSTM, 3: GRU
  size_t hidden = 0;
  const void* data = nullptr;    // int8_t (symmetric) for rnn_s8, float for rnn_f32
  const float* scale = nullptr;  // rnn_s8: [gates * hidden], or one when scale_stride is 0
  size_t scale_stride = 1;
};

/// One batch row of a step.
struct RnnRow {
  const float* gates;  // [gates * hidden]: the input projection
  const void* state;   // h(t-1) as the cell encodes it
  void* next_state;    // h(t) likewise; another buffer
  float scale;         // of the codes in state
  float* hidden;       // [hidden]: h(t-1) in, h(t) out
  float* cell;         // [hidden]: LSTM's c, in and out
  float* y;            // [hidden]: h(t); may be null
  // For the cell's own use.
  float* sums;        // [gates][hidden rounded up to 16]
  void* reset_state;  // an encoded h
};

struct RnnStep {
  const void* packed;
  size_t hidden;
  const RnnRow* row;
  size_t rows;
  const float* recurrent_bias;  // GRU with linear_before_reset: Rb of gate h, [hidden] or null
  bool linear_before_reset;
  /// The order in which weights are read, which changes no result: the last units' first. Steps
  /// that take turns find what the one before read last in a cache.
  bool from_last;
};

/// One way to run the cells (family rnn_s8 or rnn_f32) on one instruction set.
struct RnnCell {
  size_t (*packed_bytes)(size_t gates, size_t hidden);
  void (*pack)(const RnnWeights& weights, void* packed);
  /// An encoded h; a multiple of 64.
  size_t (*state_bytes)(size_t hidden);
  void (*encode)(const float* h, size_t hidden, float scale, void* state);
  void (*lstm)(const RnnStep& step);
  void (*gru)(const RnnStep& step);
  float most_code = 1.0F;  // the largest of a state; floats have none
};

/// Strides are in floats. Rows of `lengths` shorter than steps end early: their y is zero past the
/// end, and a reverse direction starts at their own last step (y keeps its place).
struct RnnArgs {
  size_t steps = 0, batch = 0, hidden = 0;
  bool reverse = false;
  const int32_t* lengths = nullptr;  // [batch] within [0, steps]; null: all are steps
  const void* packed = nullptr;      // from the same cell's pack, 64-byte aligned
  const float* gates = nullptr;      // (t, b) at t * gates_step + b * gates_row
  size_t gates_step = 0, gates_row = 0;
  const float* h0 = nullptr;  // [batch, hidden], null: 0
  const float* c0 = nullptr;  // LSTM, likewise
  float* y = nullptr;         // (t, b) at t * y_step + b * y_row; null: not wanted
  size_t y_step = 0, y_row = 0;
  float* y_h = nullptr;  // [batch, hidden], null: not wanted; may be h0
  float* y_c = nullptr;  // LSTM, likewise; may be c0
  // GRU
  bool linear_before_reset = false;
  /// Rb of gate h when linear_before_reset ([hidden] or null); otherwise it belongs into gates.
  const float* recurrent_bias = nullptr;
  void* scratch = nullptr;  // rnn_scratch_bytes, 64-byte aligned
};

size_t rnn_scratch_bytes(const RnnCell& cell, size_t batch, size_t hidden);
/// Serial: the caller may run the two directions of a layer at the same time.
void lstm(const RnnCell& cell, const RnnArgs& args);
void gru(const RnnCell& cell, const RnnArgs& args);

}  // namespace octet::kernels
