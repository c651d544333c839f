#pragma once

#include <algorithm>

#include "engine/ops/common/fused_attention.h"
#include "engine/ops/common/lengthened_rows.h"
#include "kernels/elementwise_f32/elementwise_f32.h"
#include "kernels/softmax_f32/softmax_f32.h"

namespace octet::ops {

/// Bytes, to whole cache lines.
inline size_t whole_lines(size_t bytes) { return (bytes + 63) / 64 * 64; }

/// Rows of scores that are made, softened and used together: they stay in the second cache.
int64_t tile_rows(const AttentionGeometry& g);

/// One head's operands.
struct AttentionHead {
  const std::byte *q, *k, *v;
  std::byte* out;
  const float* bias = nullptr;
  const std::byte* mask = nullptr;
};

/// What is added to a tile's scores: as in kernels::SoftmaxCodesArgs.
struct RowAddend {
  const float* data = nullptr;
  size_t stride = 0, step = 0;
};

struct GrowingCaches {
  LengthenedRows k, v;
};

/// The walk over heads and tiles; how products are made is the derived class's.
class AttentionStep : public Step {
 public:
  explicit AttentionStep(const LowerContext& context)
      : attrs_(context.attrs<FusedAttentionAttrs>()),
        softmax_(*kernels::select_softmax_f32(context.cpu()).table),
        elementwise_(*kernels::select_elementwise_f32(context.cpu()).table) {}

  Status run(RunContext& context) const override;
  /// The same on views of geometry `g`, in scratch of `scratch_bytes` for them.
  Status attend(const AttentionGeometry& g, std::span<const TensorView> inputs,
                const TensorView& out, Parallel& parallel, std::span<std::byte> scratch) const;
  /// Whether `attend_caches` is there for an attention. Where it isn't, caches are made apart.
  virtual bool attends_caches(const AttentionGeometry& /*g*/) const { return false; }
  /// Makes rows [first, last) of the caches K and V, the operands, and attends to them: one query a
  /// head, over a batch [rows, heads] where each head has its own K and V, which grow by one key.
  virtual void attend_caches(const AttentionGeometry& /*g*/, std::span<const TensorView> /*inputs*/,
                             const TensorView& /*out*/, const GrowingCaches& /*caches*/,
                             size_t /*first*/, size_t /*last*/) const {}

  size_t scratch_bytes(std::span<const TensorView> inputs, std::span<const TensorView> outputs,
                       size_t width) const override;

 protected:
  virtual int64_t max_keys() const { return INT64_MAX; }
  /// Bytes of a slot beyond the tile of scores.
  virtual size_t own_bytes(const AttentionGeometry& g) const = 0;
  /// Whether K and V are read as they lie, for all queries in one tile, and the probabilities are
  /// floats: `begin` does nothing and `own` isn't used.
  virtual bool reads_in_place(const AttentionGeometry& /*g*/) const { return false; }
  /// `score` and `weigh` for the one query of each of so many heads that follow `head` along the
  /// innermost axis of the batch, where K and V are read in place.
  virtual void score_heads(const AttentionGeometry& /*g*/, const AttentionHead& /*head*/,
                           size_t /*heads*/, float* /*scores*/) const {}
  /// All of it for them, where nothing is added to the scores of few keys; false: not here.
  virtual bool attend_heads(const AttentionGeometry& /*g*/, const AttentionHead& /*head*/,
                            size_t /*heads*/) const {
    return false;
  }
  virtual void weigh_heads(const AttentionGeometry& /*g*/, const AttentionHead& /*head*/,
                           size_t /*heads*/, const float* /*scores*/) const {}
  /// Floats from a row of scores to the next: each begins a line of the cache, so that no vector
  /// lies across two, and what reads one row waits for no store to another.
  static int64_t line(const AttentionGeometry& g) { return (g.keys + 15) / 16 * 16; }
  /// Packs K and V.
  virtual void begin(const AttentionGeometry& g, const AttentionHead& head,
                     std::byte* own) const = 0;
  /// alpha Q K for rows [row, row + count).
  virtual void score(const AttentionGeometry& g, const AttentionHead& head, int64_t row,
                     int64_t count, float* scores, std::byte* own) const = 0;
  /// From the scores of a tile, which it may change and which `addend` still lacks, to
  /// probabilities.
  virtual void soften(const AttentionGeometry& g, const RowAddend& addend, int64_t count,
                      float* scores, std::byte* own) const = 0;
  /// The output's rows from a tile of probabilities.
  virtual void weigh(const AttentionGeometry& g, const AttentionHead& head, int64_t row,
                     int64_t count, const float* scores, std::byte* own) const = 0;

  /// Rows of scores become probabilities, in floats.
  void soften_rows(const AttentionGeometry& g, const RowAddend& addend, size_t count,
                   float* scores) const;

  FusedAttentionAttrs attrs_;
  const kernels::SoftmaxF32Table& softmax_;
  const kernels::ElementwiseF32Table& elementwise_;

 private:
  struct Split {
    size_t units, parts, slots;
  };
  static Split split_of(const AttentionGeometry& g, size_t width);
  /// Small heads go together stage by stage, so that one's chains fill the gaps of another's.
  size_t heads_together(const AttentionGeometry& g) const;
  size_t tile_bytes(const AttentionGeometry& g) const {
    return whole_lines(heads_together(g) * static_cast<size_t>(tile_rows(g) * line(g)) *
                       sizeof(float));
  }

  size_t slot_bytes(const AttentionGeometry& g) const { return tile_bytes(g) + own_bytes(g); }

  static AttentionHead head_of(const AttentionGeometry& g, std::span<const TensorView> inputs,
                               const TensorView& out, int64_t index);
  void run_unit(const AttentionGeometry& g, std::span<const TensorView> inputs,
                const TensorView& out, size_t unit, size_t parts, std::byte* scratch) const;
  // The heads [first, last), at most heads_together.
  void run_heads(const AttentionGeometry& g, std::span<const TensorView> inputs,
                 const TensorView& out, size_t first, size_t last, std::byte* scratch) const;
  // A mask of numbers, from a row on.
  RowAddend addend_of(const AttentionGeometry& g, const AttentionHead& head, int64_t row) const;

  // Bias, factor and condition of `rows` rows, one rounding each, as the nodes would.
  void complete(const AttentionGeometry& g, const AttentionHead& head, int64_t row, int64_t rows,
                float* scores) const;
};

/// The step of match_attention_f32's row; it reads inputs Q, K and V, and what follows them.
std::unique_ptr<AttentionStep> make_attention_f32(const LowerContext& context);

}  // namespace octet::ops
