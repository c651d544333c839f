#include "engine/ops/common/fused_attention.h"

#include <cmath>
#include <numeric>

#include "engine/ops/common/dequantize.h"
#include "engine/ops/common/strided.h"

namespace octet::ops {
namespace {

// A dense tensor seen through a permutation: axis `a` is its own axis perm[a]. Worked out in each
// run, hence without lists of extents and steps.
struct Permuted {
  const TensorView& view;
  std::span<const int64_t> perm;

  size_t rank() const { return view.rank(); }
  size_t own(size_t a) const { return perm.empty() ? a : static_cast<size_t>(perm[a]); }
  int64_t extent(size_t a) const { return view.dims[own(a)]; }
  int64_t step(size_t a) const {
    int64_t step = 1;
    for (size_t b = own(a) + 1; b < rank(); ++b) step *= view.dims[b];
    return step;
  }
};

// With the last two axes of `p` for its own, the others broadcast to those of `batch`, which end
// where they do.
AttentionOperand operand(const Permuted& p, const Extents& batch, int64_t rows, int64_t columns) {
  const size_t axes = batch.size() + 2;
  const auto step = [&](size_t a, int64_t extent) {
    if (a + p.rank() < axes) return int64_t{0};
    const size_t own = a + p.rank() - axes;
    return p.extent(own) == 1 && extent != 1 ? 0 : p.step(own);
  };
  AttentionOperand o;
  o.row = step(axes - 2, rows);
  o.column = step(axes - 1, columns);
  o.batch.resize(batch.size());
  for (size_t a = 0; a < batch.size(); ++a) o.batch[a] = step(a, batch[a]);
  return o;
}

// One query a head, along an axis of heads that share K and V (hypotheses over one utterance): the
// axis becomes the queries', so that K and V are packed once.
void join_queries(AttentionGeometry& g) {
  if (g.queries != 1) return;
  for (size_t a = 0; a < g.batch.size(); ++a) {
    if (g.batch[a] < 2 || g.k.batch[a] != 0 || g.v.batch[a] != 0) continue;
    for (AttentionOperand* operand : {&g.q, &g.out, &g.bias, &g.mask})
      if (!operand->batch.empty()) operand->row = operand->batch[a];
    g.queries = g.batch[a];
    g.batch[a] = 1;
    return;
  }
}

// The scores of one row of Q; `bias` and `mask` begin at the row's head.
void score_row(const FusedAttentionAttrs& attrs, const AttentionGeometry& g, int64_t row,
               const float* q, const float* k, const float* bias, const TensorView* mask,
               int64_t mask_at, std::vector<double>& scores) {
  for (int64_t j = 0; j < g.keys; ++j) {
    double sum = 0.0;
    for (int64_t d = 0; d < g.depth; ++d)
      sum += static_cast<double>(q[row * g.q.row + d * g.q.column]) *
             static_cast<double>(k[d * g.k.row + j * g.k.column]);
    double score = sum * static_cast<double>(attrs.alpha);
    if (bias != nullptr) score += static_cast<double>(bias[row * g.bias.row + j * g.bias.column]);
    score *= static_cast<double>(attrs.beta);
    const int64_t at = mask_at + row * g.mask.row + j * g.mask.column;
    if (mask != nullptr && !attrs.condition) score += static_cast<double>(mask->as<float>()[at]);
    if (mask != nullptr && attrs.condition && mask->as<bool>()[at])
      score = static_cast<double>(attrs.fill);
    scores[static_cast<size_t>(j)] = score;
  }
}

void normalize(const FusedAttentionAttrs& attrs, std::vector<double>& scores) {
  const double max = *std::max_element(scores.begin(), scores.end());
  double sum = 0.0;
  for (double& s : scores) sum += s = std::exp(s - max);
  for (double& s : scores) {
    s /= sum;
    if (!attrs.probabilities) continue;
    const QuantType& quant = *attrs.probabilities;
    const auto p = static_cast<float>(s);
    const Scale scale = quant.tensor_scale();
    const ZeroPoint zero = quant.tensor_zero_point();
    s = static_cast<double>(quant.storage == DType::u8
                                ? dequantize(quantize<uint8_t>(p, scale, zero), scale, zero)
                                : dequantize(quantize<int8_t>(p, scale, zero), scale, zero));
  }
}

}  // namespace

std::optional<Shape> permuted_shape(const std::optional<Shape>& shape,
                                    const std::vector<int64_t>& perm) {
  if (!shape || perm.empty()) return shape;
  Shape out;
  for (const int64_t axis : perm) out.push_back((*shape)[static_cast<size_t>(axis)]);
  return out;
}

int64_t AttentionGeometry::batch_count() const {
  return std::accumulate(batch.begin(), batch.end(), int64_t{1}, std::multiplies<>());
}

Extents AttentionGeometry::place(int64_t index) const {
  Extents place(batch.size());
  for (size_t a = batch.size(); a-- > 0; index /= batch[a]) place[a] = index % batch[a];
  return place;
}

int64_t AttentionGeometry::offset(const AttentionOperand& operand, const Extents& place) {
  int64_t at = 0;
  for (size_t a = 0; a < place.size(); ++a) at += place[a] * operand.batch[a];
  return at;
}

AttentionGeometry attention_geometry(const FusedAttentionAttrs& attrs,
                                     std::span<const TensorView> inputs, const TensorView& out) {
  const auto& at = kFusedAttentionPorts;
  const Permuted q{inputs[at.q], attrs.q_perm}, k{inputs[at.k], attrs.k_perm},
      v{inputs[at.v], attrs.v_perm};
  // The result's axes are found by where they were brought.
  SmallVector<int64_t, 8> back(attrs.out_perm.size());
  for (size_t a = 0; a < back.size(); ++a)
    back[static_cast<size_t>(attrs.out_perm[a])] = static_cast<int64_t>(a);
  const Permuted y{out, {back.data(), back.size()}};
  const size_t rank = q.rank();
  AttentionGeometry g;
  g.batch.resize(rank - 2);
  for (size_t a = 0; a < g.batch.size(); ++a) g.batch[a] = y.extent(a);
  g.queries = q.extent(rank - 2);
  g.depth = q.extent(rank - 1);
  g.keys = k.extent(rank - 1);
  g.columns = v.extent(rank - 1);
  g.q = operand(q, g.batch, g.queries, g.depth);
  g.k = operand(k, g.batch, g.depth, g.keys);
  g.v = operand(v, g.batch, g.keys, g.columns);
  g.out = operand(y, g.batch, g.queries, g.columns);
  const auto addend = [&](size_t i) {
    if (i >= inputs.size() || inputs[i].dims.empty()) return AttentionOperand{};
    return operand({inputs[i], {}}, g.batch, g.queries, g.keys);
  };
  g.bias = addend(at.bias);
  g.mask = addend(at.mask);
  join_queries(g);
  return g;
}

void attend_plainly(const FusedAttentionAttrs& attrs, std::span<const TensorView> inputs,
                    const TensorView& out) {
  const auto& at = kFusedAttentionPorts;
  const AttentionGeometry g = attention_geometry(attrs, inputs, out);
  const auto present = [&](size_t i) { return i < inputs.size() && inputs[i].data != nullptr; };
  const TensorView* mask = present(at.mask) ? &inputs[at.mask] : nullptr;
  std::vector<double> scores(static_cast<size_t>(g.keys));
  for (int64_t index = 0; index < g.batch_count(); ++index) {
    const Extents head = g.place(index);
    const float* q = inputs[at.q].as<float>() + g.offset(g.q, head);
    const float* k = inputs[at.k].as<float>() + g.offset(g.k, head);
    const float* v = inputs[at.v].as<float>() + g.offset(g.v, head);
    float* y = out.as<float>() + g.offset(g.out, head);
    const float* bias = nullptr;
    if (present(at.bias)) bias = inputs[at.bias].as<float>() + g.offset(g.bias, head);
    const int64_t mask_at = mask != nullptr ? g.offset(g.mask, head) : 0;
    for (int64_t i = 0; i < g.queries && g.keys > 0; ++i) {
      score_row(attrs, g, i, q, k, bias, mask, mask_at, scores);
      normalize(attrs, scores);
      for (int64_t e = 0; e < g.columns; ++e) {
        double sum = 0.0;
        for (int64_t j = 0; j < g.keys; ++j)
          sum +=
              scores[static_cast<size_t>(j)] * static_cast<double>(v[j * g.v.row + e * g.v.column]);
        y[i * g.out.row + e * g.out.column] = static_cast<float>(sum);
      }
    }
  }
}

Status run_attention_reference(const Attrs& attrs, RunContext& context) {
  attend_plainly(attrs.as<FusedAttentionAttrs>(), {&context.input(0), context.input_count()},
                 context.output(0));
  return {};
}

}  // namespace octet::ops
