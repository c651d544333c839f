#include <array>

#include "engine/ops/common/fused_attention_step.h"
#include "engine/ops/common/lengthened_rows.h"
#include "engine/ops/common/product.h"
#include "engine/ops/op.h"

// octet.CachedAttention: an octet.Attention without addends over K = octet.GatherConcat(kept K,
// rows, new K) along its last axis and V = octet.GatherConcat(kept V, rows, new V) along the one
// before. Inputs: Q, kept K, kept V, rows, new K, new V; outputs: the result, K, V. A row's K and V
// are attended to while they are in the first cache.

namespace octet::ops::cached_attention {
namespace {

enum Input : size_t { kQ, kKeptK, kKeptV, kRows, kNewK, kNewV };
enum Output : size_t { kResult, kK, kV };

// Along which the caches grow, from the last axis on.
constexpr int64_t kAxisOfK = -1, kAxisOfV = -2;

Result<std::optional<Shape>> cache_shape(const InferContext& context, size_t kept, size_t added,
                                         int64_t axis) {
  OCTET_RETURN_IF_ERROR(context.require(kept, {DType::f32}));
  OCTET_RETURN_IF_ERROR(context.require(added, {DType::f32}));
  for (const size_t i : {kept, added, size_t{kRows}})
    if (!context.has_rank(i)) return std::optional<Shape>();
  OCTET_ASSIGN(Shape shape, lengthened_shape(context.shape(kept), context.shape(kRows),
                                             context.shape(added), axis));
  return std::optional(std::move(shape));
}

Status infer(InferContext& context) {
  const auto& attrs = context.attrs<FusedAttentionAttrs>();
  OCTET_RETURN_IF_ERROR(context.require(kQ, {DType::f32}));
  OCTET_RETURN_IF_ERROR(context.require(kRows, {DType::s64, DType::s32}));
  OCTET_ASSIGN(const auto k, cache_shape(context, kKeptK, kNewK, kAxisOfK));
  OCTET_ASSIGN(const auto v, cache_shape(context, kKeptV, kNewV, kAxisOfV));
  const auto q = permuted_shape(context.input(kQ).shape, attrs.q_perm);
  OCTET_ASSIGN(const auto scores, product_output_shape(q, k, false, false));
  OCTET_ASSIGN(const auto out, product_output_shape(scores, v, false, false));
  context.set_tensor(kResult, DType::f32, permuted_shape(out, attrs.out_perm));
  context.set_tensor(kK, DType::f32, k);
  context.set_tensor(kV, DType::f32, v);
  return {};
}

std::optional<Dim> macs(const Graph& graph, const Node& node) {
  const auto& q = graph.value(node.inputs[kQ]).type.shape;
  const auto& k = graph.value(node.outputs[kK]).type.shape;
  const auto& out = graph.value(node.outputs[kResult]).type.shape;
  if (!q || !k || !out) return std::nullopt;
  return (element_count(*q) + element_count(*out)) * k->back();
}

void copy_row(const GrowingCaches& caches, size_t row) {
  caches.k.copy_row(row);
  caches.v.copy_row(row);
}

Result<GrowingCaches> caches_of(RunContext& context) {
  const TensorView& rows = context.input(kRows);
  OCTET_ASSIGN(auto k, LengthenedRows::of(context.input(kKeptK), rows, context.input(kNewK),
                                          kAxisOfK, context.output(kK).data));
  OCTET_ASSIGN(auto v, LengthenedRows::of(context.input(kKeptV), rows, context.input(kNewV),
                                          kAxisOfV, context.output(kV).data));
  return GrowingCaches{k, v};
}

class CachedAttention final : public Step {
 public:
  explicit CachedAttention(const LowerContext& context)
      : attrs_(context.attrs<FusedAttentionAttrs>()), attention_(make_attention_f32(context)) {}

  Status run(RunContext& context) const override {
    OCTET_ASSIGN(const GrowingCaches caches, caches_of(context));
    const Operands operands = {context.input(kQ), context.output(kK), context.output(kV)};
    const TensorView& out = context.output(kResult);
    const AttentionGeometry g = attention_geometry(attrs_, operands, out);
    const size_t rows = caches.k.count();
    Parallel& parallel = context.parallel();
    if (grows_by_one(context, g, rows) && attention_->attends_caches(g)) {
      parallel.for_ranges(rows, 1, [&](size_t begin, size_t end) {
        attention_->attend_caches(g, operands, out, caches, begin, end);
      });
      return {};
    }
    parallel.for_ranges(rows, 1, [&](size_t begin, size_t end) {
      for (size_t row = begin; row < end; ++row) copy_row(caches, row);
    });
    return attention_->attend(g, operands, out, parallel, context.scratch());
  }

  size_t scratch_bytes(std::span<const TensorView> inputs, std::span<const TensorView> outputs,
                       size_t width) const override {
    const Operands operands = {inputs[kQ], outputs[kK], outputs[kV]};
    return attention_->scratch_bytes(operands, outputs.first(1), width);
  }

  StepInfo info() const override {
    return {"cached_attention_f32", "native", attention_->info().isa};
  }

 private:
  using Operands = std::array<TensorView, 3>;

  // One query a head, one key more, and K and V of each head its own.
  static bool grows_by_one(const RunContext& context, const AttentionGeometry& g, size_t rows) {
    if (g.queries != 1 || g.batch.size() != 2 || g.batch[0] != static_cast<int64_t>(rows))
      return false;
    const auto &k = context.output(kK).dims, &v = context.output(kV).dims;
    return context.input(kNewK).dims.back() == 1 && k[1] == g.batch[1] && v[1] == g.batch[1];
  }

  FusedAttentionAttrs attrs_;
  std::unique_ptr<AttentionStep> attention_;
};

Result<std::unique_ptr<Step>> prepare(const LowerContext& context) {
  return std::unique_ptr<Step>(std::make_unique<CachedAttention>(context));
}

Status run_reference(const Attrs& attrs, RunContext& context) {
  OCTET_ASSIGN(const GrowingCaches caches, caches_of(context));
  for (size_t row = 0; row < caches.k.count(); ++row) copy_row(caches, row);
  const std::array<TensorView, 3> operands = {context.input(kQ), context.output(kK),
                                              context.output(kV)};
  attend_plainly(attrs.as<FusedAttentionAttrs>(), operands, context.output(kResult));
  return {};
}

constexpr Implementation kImplementations[] = {
    {.name = "cached_attention_f32", .prepare = prepare},
    reference<run_reference>(),
};

}  // namespace

extern const OpDef CachedAttention;
const OpDef CachedAttention = {
    .domain = kOctetDomain,
    .name = "CachedAttention",
    .inputs = {6, 6},
    .outputs = {3, 3},
    .attrs = attr_codec<FusedAttentionAttrs>(),
    .infer = infer,
    .macs = macs,
    .implementations = kImplementations,
    .foldable = false,
};

}  // namespace octet::ops::cached_attention
