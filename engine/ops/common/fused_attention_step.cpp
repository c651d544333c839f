#include "engine/ops/common/fused_attention_step.h"

#include <array>

namespace octet::ops {
namespace {

using namespace kernels;

constexpr const FusedAttentionPorts& kAt = kFusedAttentionPorts;

// Scores of a tile, in floats: they shall stay in the second level of cache.
constexpr int64_t kTileScores = 24576;
constexpr int64_t kTileStep = 12;
constexpr size_t kMostHeadsTogether = 16;

bool present(std::span<const TensorView> inputs, size_t i) {
  return i < inputs.size() && inputs[i].data != nullptr;
}

}  // namespace

int64_t tile_rows(const AttentionGeometry& g) {
  const int64_t fit = kTileScores / std::max<int64_t>(g.keys, 1) / kTileStep * kTileStep;
  return std::min(std::clamp<int64_t>(fit, kTileStep, 252), std::max<int64_t>(g.queries, 1));
}

Status AttentionStep::run(RunContext& context) const {
  const std::span inputs(&context.input(0), context.input_count());
  const TensorView& out = context.output(0);
  return attend(attention_geometry(attrs_, inputs, out), inputs, out, context.parallel(),
                context.scratch());
}

Status AttentionStep::attend(const AttentionGeometry& g, std::span<const TensorView> inputs,
                             const TensorView& out, Parallel& parallel,
                             std::span<std::byte> scratch) const {
  if (g.keys > max_keys())
    return Error{ErrorCode::limit, "a product of depth " + std::to_string(g.keys) +
                                       " may leave the range of exact integer sums"};
  // Every slot of scratch takes a share of the units: parts of heads.
  const Split split = split_of(g, parallel.width());
  const size_t bytes = slot_bytes(g), together = heads_together(g);
  parallel.for_ranges(split.slots, 1, [&](size_t begin, size_t end) {
    for (size_t slot = begin; slot < end; ++slot) {
      std::byte* own = scratch.data() + slot * bytes;
      const size_t last = (slot + 1) * split.units / split.slots;
      size_t unit = slot * split.units / split.slots;
      if (together > 1)
        for (; unit < last; unit += together)
          run_heads(g, inputs, out, unit, std::min(unit + together, last), own);
      for (; unit < last; ++unit) run_unit(g, inputs, out, unit, split.parts, own);
    }
  });
  return {};
}

size_t AttentionStep::heads_together(const AttentionGeometry& g) const {
  if (!reads_in_place(g)) return 1;
  const int64_t fit = kTileScores / std::max<int64_t>(g.queries * line(g), 1);
  return std::clamp<size_t>(static_cast<size_t>(fit), 1, kMostHeadsTogether);
}

size_t AttentionStep::scratch_bytes(std::span<const TensorView> inputs,
                                    std::span<const TensorView> outputs, size_t width) const {
  const AttentionGeometry g = attention_geometry(attrs_, inputs, outputs[0]);
  return split_of(g, width).slots * slot_bytes(g);
}

AttentionStep::Split AttentionStep::split_of(const AttentionGeometry& g, size_t width) {
  const auto batch = static_cast<size_t>(g.batch_count());
  const auto tiles = static_cast<size_t>((g.queries + tile_rows(g) - 1) / tile_rows(g));
  const size_t wanted = batch == 0 ? 1 : (width + batch - 1) / batch;
  const size_t parts = std::max<size_t>(std::min(wanted, tiles), 1);
  const size_t units = batch * parts;
  return {units, parts, std::max<size_t>(std::min(width, units), 1)};
}

AttentionHead AttentionStep::head_of(const AttentionGeometry& g, std::span<const TensorView> inputs,
                                     const TensorView& out, int64_t index) {
  const Extents place = g.place(index);
  const auto at = [&](const TensorView& view, const AttentionOperand& operand) {
    return view.data + AttentionGeometry::offset(operand, place) *
                           static_cast<int64_t>(dtype_bytes(view.dtype, 1));
  };
  AttentionHead head{at(inputs[kAt.q], g.q), at(inputs[kAt.k], g.k), at(inputs[kAt.v], g.v),
                     at(out, g.out)};
  if (present(inputs, kAt.bias))
    head.bias = reinterpret_cast<const float*>(at(inputs[kAt.bias], g.bias));
  if (present(inputs, kAt.mask)) head.mask = at(inputs[kAt.mask], g.mask);
  return head;
}

void AttentionStep::run_unit(const AttentionGeometry& g, std::span<const TensorView> inputs,
                             const TensorView& out, size_t unit, size_t parts,
                             std::byte* scratch) const {
  const AttentionHead head = head_of(g, inputs, out, static_cast<int64_t>(unit / parts));
  auto* scores = reinterpret_cast<float*>(scratch);
  std::byte* own = scratch + tile_bytes(g);
  const auto part = static_cast<int64_t>(unit % parts), all = static_cast<int64_t>(parts);
  const int64_t last = (part + 1) * g.queries / all;
  begin(g, head, own);
  for (int64_t row = part * g.queries / all; row < last; row += tile_rows(g)) {
    const int64_t count = std::min(tile_rows(g), last - row);
    score(g, head, row, count, scores, own);
    complete(g, head, row, count, scores);
    soften(g, addend_of(g, head, row), count, scores, own);
    weigh(g, head, row, count, scores, own);
  }
}

void AttentionStep::run_heads(const AttentionGeometry& g, std::span<const TensorView> inputs,
                              const TensorView& out, size_t first, size_t last,
                              std::byte* scratch) const {
  std::array<AttentionHead, kMostHeadsTogether> heads;
  const auto scores = [&](size_t i) {
    return reinterpret_cast<float*>(scratch) + i * static_cast<size_t>(g.queries * line(g));
  };
  const size_t count = last - first;
  const auto queries = static_cast<size_t>(g.queries);
  // f(i, n) for runs of heads along the innermost axis.
  const auto each_run = [&](auto f) {
    const size_t inner = g.batch.empty() ? 1 : static_cast<size_t>(g.batch.back());
    for (size_t i = 0, n; i < count; i += n) {
      n = std::min(inner - (first + i) % inner, count - i);
      f(i, n);
    }
  };
  // What is done to the scores of each head needs it.
  const bool each = g.queries != 1 || attrs_.beta != 1.0F || present(inputs, kAt.bias) ||
                    present(inputs, kAt.mask);
  const auto find = [&](size_t i) {
    heads[i] = head_of(g, inputs, out, static_cast<int64_t>(first + i));
  };
  if (each)
    for (size_t i = 0; i < count; ++i) find(i);
  else
    each_run([&](size_t i, size_t) { find(i); });
  bool done = !each;
  if (done) each_run([&](size_t i, size_t n) { done = done && attend_heads(g, heads[i], n); });
  if (done) return;
  if (g.queries == 1)
    each_run([&](size_t i, size_t n) { score_heads(g, heads[i], n, scores(i)); });
  else
    for (size_t i = 0; i < count; ++i) score(g, heads[i], 0, g.queries, scores(i), nullptr);
  if (!each) soften_rows(g, {}, count, scores(0));
  for (size_t i = 0; each && i < count; ++i) {
    complete(g, heads[i], 0, g.queries, scores(i));
    soften_rows(g, addend_of(g, heads[i], 0), queries, scores(i));
  }
  if (g.queries == 1)
    each_run([&](size_t i, size_t n) { weigh_heads(g, heads[i], n, scores(i)); });
  else
    for (size_t i = 0; i < count; ++i) weigh(g, heads[i], 0, g.queries, scores(i), nullptr);
}

RowAddend AttentionStep::addend_of(const AttentionGeometry& g, const AttentionHead& head,
                                   int64_t row) const {
  if (head.mask == nullptr || attrs_.condition) return {};
  return {reinterpret_cast<const float*>(head.mask) + row * g.mask.row,
          static_cast<size_t>(g.mask.row), static_cast<size_t>(g.mask.column)};
}

void AttentionStep::soften_rows(const AttentionGeometry& g, const RowAddend& addend, size_t count,
                                float* scores) const {
  SoftmaxCodesArgs rows;
  rows.x = scores;
  rows.x_stride = static_cast<size_t>(line(g));
  rows.axis = static_cast<size_t>(g.keys);
  rows.addend = addend.data;
  rows.addend_stride = addend.stride;
  rows.addend_step = addend.step;
  rows.rows = count;
  softmax_.rows(rows);
}

void AttentionStep::complete(const AttentionGeometry& g, const AttentionHead& head, int64_t row,
                             int64_t rows, float* scores) const {
  const bool fills = head.mask != nullptr && attrs_.condition;
  if (head.bias == nullptr && attrs_.beta == 1.0F && !fills) return;
  const auto count = static_cast<size_t>(g.keys);
  for (const int64_t last = row + rows; row < last; ++row, scores += line(g)) {
    if (head.bias != nullptr)
      elementwise_.binary(BinaryF32::add, scores, 1, head.bias + row * g.bias.row, g.bias.column,
                          scores, count);
    if (attrs_.beta != 1.0F)
      elementwise_.binary(BinaryF32::mul, scores, 1, &attrs_.beta, 0, scores, count);
    if (!fills) continue;
    const auto* mask = reinterpret_cast<const uint8_t*>(head.mask) + row * g.mask.row;
    if (g.mask.column == 1)
      softmax_.fill(scores, mask, attrs_.fill, count);
    else if (*mask != 0)  // one for the whole row
      std::fill_n(scores, count, attrs_.fill);
  }
}

}  // namespace octet::ops
