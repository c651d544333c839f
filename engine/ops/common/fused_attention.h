#pragma once

#include <optional>
#include <vector>

#include "engine/ops/common/strided.h"
#include "engine/ops/op.h"

namespace octet::ops {

/// octet.Attention: softmax(beta * (alpha * Q K + bias) + mask) V over the last two axes of
/// Q [..., M, D], K [..., D, N] and V [..., N, E], whose leading axes broadcast, as do bias and
/// mask to the scores [..., M, N]. Every member is set by fusion alone.
struct FusedAttentionAttrs {
  /// How the operands above lie in the inputs, as Transpose's perm: Q is Transpose(input 0). Empty:
  /// as they are. The output is Transpose([..., M, E]).
  std::vector<int64_t> q_perm = {}, k_perm = {}, v_perm = {}, out_perm = {};
  float alpha = 1.0F;
  float beta = 1.0F;
  /// The mask is a condition: where it is true, the score is `fill`.
  bool condition = false;
  float fill = 0.0F;
  /// How the probabilities are rounded on their way to V; null: not at all.
  QuantPtr probabilities = nullptr;
  static constexpr auto fields() { return std::tuple<>{}; }
};

/// Its inputs.
struct FusedAttentionPorts {
  size_t q = 0, k = 1, v = 2, bias = 3, mask = 4;
};
inline constexpr FusedAttentionPorts kFusedAttentionPorts{};

/// One operand of a batch: distances between its elements along the last two logical axes, and
/// along each leading axis of the scores (0: the same for all).
struct AttentionOperand {
  int64_t row = 0;
  int64_t column = 0;
  Steps batch = {};
};

/// An attention with all dims known.
struct AttentionGeometry {
  Extents batch;
  int64_t queries = 0, keys = 0, depth = 0, columns = 0;  ///< M, N, D, E
  AttentionOperand q, k, v, bias, mask, out;
  int64_t batch_count() const;
  /// Where head `index` is along each axis of the batch,
  Extents place(int64_t index) const;
  /// and where it begins in an operand.
  static int64_t offset(const AttentionOperand& operand, const Extents& place);
};
/// `inputs` are by port; absent ones have no data and are left out.
AttentionGeometry attention_geometry(const FusedAttentionAttrs& attrs,
                                     std::span<const TensorView> inputs, const TensorView& out);

/// As Transpose; an empty `perm` leaves it.
std::optional<Shape> permuted_shape(const std::optional<Shape>& shape,
                                    const std::vector<int64_t>& perm);

/// Head by head in tiles of rows, so that scores stay in cache; 8-bit codes of Q, K, V and the
/// probabilities,
std::optional<Ports> match_attention_s8(const LowerContext& context);
Result<std::unique_ptr<Step>> prepare_attention_s8(const LowerContext& context);
/// and floats.
std::optional<Ports> match_attention_f32(const LowerContext& context);
Result<std::unique_ptr<Step>> prepare_attention_f32(const LowerContext& context);

/// Plain loops over real numbers; `inputs` as of attention_geometry.
void attend_plainly(const FusedAttentionAttrs& attrs, std::span<const TensorView> inputs,
                    const TensorView& out);
Status run_attention_reference(const Attrs& attrs, RunContext& context);

}  // namespace octet::ops
