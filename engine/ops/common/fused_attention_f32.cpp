#include "engine/ops/common/fused_attention_step.h"
#include "kernels/gemm_f32/gemm_f32.h"
#include "kernels/row_f32/row_f32.h"

namespace octet::ops {
namespace {

using namespace kernels;

constexpr int64_t kFewQueries = 8;

class AttentionF32 final : public AttentionStep {
 public:
  explicit AttentionF32(const LowerContext& context)
      : AttentionStep(context),
        variant_(select_gemm_f32(context.cpu())),
        row_(*select_row_f32(context.cpu()).table) {}
  StepInfo info() const override { return {"attention_f32", "native", variant_.isa}; }

  bool attends_caches(const AttentionGeometry& g) const override {
    return row_.attend_caches != nullptr && g.keys <= static_cast<int64_t>(kAttendedKeys);
  }
  void attend_caches(const AttentionGeometry& g, std::span<const TensorView> inputs,
                     const TensorView& out, const GrowingCaches& caches, size_t first,
                     size_t last) const override {
    const auto& at = kFusedAttentionPorts;
    const auto heads = static_cast<size_t>(g.batch[1]);
    AttentionHead head{inputs[at.q].data, inputs[at.k].data, inputs[at.v].data, out.data};
    RowCachesArgs args;
    args.attention = attended(g, head, heads);
    const RowAttentionArgs base = args.attention;
    for (size_t row = first; row < last; ++row) {
      const auto r = static_cast<ptrdiff_t>(row);
      args.attention.scores.a = base.scores.a + r * g.q.batch[0];
      args.attention.scores.b = base.scores.b + r * g.k.batch[0];
      args.attention.v = base.v + r * g.v.batch[0];
      args.attention.y = base.y + r * g.out.batch[0];
      args.k = const_cast<float*>(args.attention.scores.b);
      args.v = const_cast<float*>(args.attention.v);
      args.kept_k = reinterpret_cast<const float*>(caches.k.kept(row));
      args.new_k = reinterpret_cast<const float*>(caches.k.added(row));
      args.kept_v = reinterpret_cast<const float*>(caches.v.kept(row));
      args.new_v = reinterpret_cast<const float*>(caches.v.added(row));
      row_.attend_caches(args);
    }
  }

 protected:
  // K and V aren't worth packing for a few queries.
  bool reads_in_place(const AttentionGeometry& g) const override {
    return g.queries <= kFewQueries && g.k.column == 1 && g.v.column == 1;
  }
  size_t own_bytes(const AttentionGeometry& g) const override {
    if (reads_in_place(g)) return 0;
    return packed_k(g) +
           whole_lines(gemm_f32_packed_size(*variant_.table, static_cast<size_t>(g.keys),
                                            static_cast<size_t>(g.columns)) *
                       sizeof(float));
  }
  void begin(const AttentionGeometry& g, const AttentionHead& head, std::byte* own) const override {
    if (reads_in_place(g)) return;
    SerialParallel serial;
    const MatrixF32 k{reinterpret_cast<const float*>(head.k), g.k.row, g.k.column};
    gemm_f32_pack(*variant_.table, k, static_cast<size_t>(g.depth), static_cast<size_t>(g.keys),
                  reinterpret_cast<float*>(own), serial);
    const MatrixF32 v{reinterpret_cast<const float*>(head.v), g.v.row, g.v.column};
    gemm_f32_pack(*variant_.table, v, static_cast<size_t>(g.keys), static_cast<size_t>(g.columns),
                  reinterpret_cast<float*>(own + packed_k(g)), serial);
  }
  void score(const AttentionGeometry& g, const AttentionHead& head, int64_t row, int64_t count,
             float* scores, std::byte* own) const override {
    if (reads_in_place(g)) {
      RowF32Args rows = score_rows(g, head, scores);
      rows.a += row * g.q.row;
      rows.a_row = g.q.row;
      rows.rows = static_cast<size_t>(count);
      return row_.multiply(rows);
    }
    GemmF32Args args;
    args.m = static_cast<size_t>(count);
    args.n = static_cast<size_t>(g.keys);
    args.k = static_cast<size_t>(g.depth);
    args.a = {reinterpret_cast<const float*>(head.q) + row * g.q.row, g.q.row, g.q.column};
    args.packed_b = reinterpret_cast<const float*>(own);
    args.out = scores;
    args.out_row = line(g);
    args.epilogue.alpha = attrs_.alpha;
    SerialParallel serial;
    gemm_f32(*variant_.table, args, serial);
  }
  void score_heads(const AttentionGeometry& g, const AttentionHead& head, size_t heads,
                   float* scores) const override {
    RowF32Args rows = score_rows(g, head, scores);
    rows.rows = heads;
    if (heads > 1) {
      rows.a_row = g.q.batch.back();
      rows.b_next = g.k.batch.back();
    }
    row_.multiply(rows);
  }
  bool attend_heads(const AttentionGeometry& g, const AttentionHead& head,
                    size_t heads) const override {
    if (g.keys == 0 || g.keys > static_cast<int64_t>(kAttendedKeys)) return false;
    row_.attend(attended(g, head, heads));
    return true;
  }
  void weigh_heads(const AttentionGeometry& g, const AttentionHead& head, size_t heads,
                   const float* scores) const override {
    RowF32Args rows = weigh_rows(g, head, scores);
    rows.rows = heads;
    if (heads > 1) {
      rows.b_next = g.v.batch.back();
      rows.y_row = g.out.batch.back();
    }
    row_.multiply(rows);
  }
  void soften(const AttentionGeometry& g, const RowAddend& addend, int64_t count, float* scores,
              std::byte* /*own*/) const override {
    soften_rows(g, addend, static_cast<size_t>(count), scores);
  }
  void weigh(const AttentionGeometry& g, const AttentionHead& head, int64_t row, int64_t count,
             const float* scores, std::byte* own) const override {
    if (reads_in_place(g)) {
      RowF32Args rows = weigh_rows(g, head, scores);
      rows.y += row * g.out.row;
      rows.y_row = g.out.row;
      rows.rows = static_cast<size_t>(count);
      return row_.multiply(rows);
    }
    GemmF32Args args;
    args.m = static_cast<size_t>(count);
    args.n = static_cast<size_t>(g.columns);
    args.k = static_cast<size_t>(g.keys);
    args.a = {scores, line(g), 1};
    args.packed_b = reinterpret_cast<const float*>(own + packed_k(g));
    args.out = reinterpret_cast<float*>(head.out) + row * g.out.row;
    args.out_row = g.out.row;
    SerialParallel serial;
    gemm_f32(*variant_.table, args, serial);
  }

 private:
  RowAttentionArgs attended(const AttentionGeometry& g, const AttentionHead& head,
                            size_t heads) const {
    RowAttentionArgs args;
    args.scores = score_rows(g, head, nullptr);
    args.scores.rows = heads;
    args.v = reinterpret_cast<const float*>(head.v);
    args.v_row = g.v.row;
    args.columns = static_cast<size_t>(g.columns);
    args.y = reinterpret_cast<float*>(head.out);
    if (heads > 1) {
      args.scores.a_row = g.q.batch.back();
      args.scores.b_next = g.k.batch.back();
      args.v_next = g.v.batch.back();
      args.y_row = g.out.batch.back();
    }
    return args;
  }
  RowF32Args score_rows(const AttentionGeometry& g, const AttentionHead& head,
                        float* scores) const {
    RowF32Args rows;
    rows.a = reinterpret_cast<const float*>(head.q);
    rows.a_step = g.q.column;
    rows.b = reinterpret_cast<const float*>(head.k);
    rows.b_row = g.k.row;
    rows.depth = static_cast<size_t>(g.depth);
    rows.columns = static_cast<size_t>(g.keys);
    rows.alpha = attrs_.alpha;
    rows.y = scores;
    rows.y_row = line(g);
    return rows;
  }
  RowF32Args weigh_rows(const AttentionGeometry& g, const AttentionHead& head,
                        const float* scores) const {
    RowF32Args rows;
    rows.a = scores;
    rows.a_row = line(g);
    rows.b = reinterpret_cast<const float*>(head.v);
    rows.b_row = g.v.row;
    rows.depth = static_cast<size_t>(g.keys);
    rows.columns = static_cast<size_t>(g.columns);
    rows.y = reinterpret_cast<float*>(head.out);
    return rows;
  }
  size_t packed_k(const AttentionGeometry& g) const {
    return whole_lines(gemm_f32_packed_size(*variant_.table, static_cast<size_t>(g.depth),
                                            static_cast<size_t>(g.keys)) *
                       sizeof(float));
  }
  const GemmF32Variant& variant_;
  const RowF32Table& row_;
};

}  // namespace

std::optional<Ports> match_attention_f32(const LowerContext& context) {
  if (context.attrs<FusedAttentionAttrs>().probabilities) return std::nullopt;
  return Ports{};
}

std::unique_ptr<AttentionStep> make_attention_f32(const LowerContext& context) {
  return std::make_unique<AttentionF32>(context);
}

Result<std::unique_ptr<Step>> prepare_attention_f32(const LowerContext& context) {
  return std::unique_ptr<Step>(make_attention_f32(context));
}

}  // namespace octet::ops
