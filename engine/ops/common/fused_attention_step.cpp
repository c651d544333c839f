#include <algorithm>

#include "engine/ops/common/accumulator.h"
#include "engine/ops/common/dequantize.h"
#include "engine/ops/common/fused_attention.h"
#include "engine/ops/common/product_s8.h"
#include "engine/ops/common/quantize_ports.h"
#include "kernels/elementwise_f32/elementwise_f32.h"
#include "kernels/gemm_f32/gemm_f32.h"
#include "kernels/gemm_s8/gemm_s8.h"
#include "kernels/row_f32/row_f32.h"
#include "kernels/softmax_f32/softmax_f32.h"

namespace octet::ops {
namespace {

using namespace kernels;
using Storage = PortForm::Storage;

constexpr const FusedAttentionPorts& kAt = kFusedAttentionPorts;

size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }

// Scores of a tile, in floats: they shall stay in the first level of cache.
constexpr int64_t kTileScores = 8192;
constexpr int64_t kTileStep = 12;

int64_t tile_rows(const AttentionGeometry& g) {
  const int64_t fit = kTileScores / std::max<int64_t>(g.keys, 1) / kTileStep * kTileStep;
  return std::min(std::clamp<int64_t>(fit, kTileStep, 252), std::max<int64_t>(g.queries, 1));
}

// One head's operands.
struct Head {
  const std::byte *q, *k, *v;
  std::byte* out;
  const float* bias = nullptr;
  const std::byte* mask = nullptr;
};

// What is added to a tile's scores: as in SoftmaxCodesArgs.
struct RowAddend {
  const float* data = nullptr;
  size_t stride = 0, step = 0;
};

// The walk over heads and tiles; how products are made is the derived class's.
class AttentionStep : public Step {
 public:
  explicit AttentionStep(const LowerContext& context)
      : attrs_(context.attrs<FusedAttentionAttrs>()),
        softmax_(*select_softmax_f32(context.cpu()).table),
        elementwise_(*select_elementwise_f32(context.cpu()).table) {}

  Status run(RunContext& context) const override {
    const std::span inputs(&context.input(0), context.input_count());
    const TensorView& out = context.output(0);
    const AttentionGeometry g = attention_geometry(attrs_, inputs, out);
    if (g.keys > max_keys())
      return Error{ErrorCode::limit, "a product of depth " + std::to_string(g.keys) +
                                         " may leave the range of exact integer sums"};
    // Every slot of scratch takes a share of the units: parts of heads.
    const Split split = split_of(g, context.parallel().width());
    const size_t bytes = slot_bytes(g);
    context.parallel().for_ranges(split.slots, 1, [&](size_t begin, size_t end) {
      for (size_t slot = begin; slot < end; ++slot)
        for (size_t unit = slot * split.units / split.slots;
             unit < (slot + 1) * split.units / split.slots; ++unit)
          run_unit(g, inputs, out, unit, split.parts, context.scratch().data() + slot * bytes);
    });
    return {};
  }

  size_t scratch_bytes(std::span<const TensorView> inputs, std::span<const TensorView> outputs,
                       size_t width) const override {
    const AttentionGeometry g = attention_geometry(attrs_, inputs, outputs[0]);
    return split_of(g, width).slots * slot_bytes(g);
  }

 protected:
  virtual int64_t max_keys() const { return INT64_MAX; }
  /// Bytes of a slot beyond the tile of scores.
  virtual size_t own_bytes(const AttentionGeometry& g) const = 0;
  /// Packs K and V.
  virtual void begin(const AttentionGeometry& g, const Head& head, std::byte* own) const = 0;
  /// alpha Q K for rows [row, row + count).
  virtual void score(const AttentionGeometry& g, const Head& head, int64_t row, int64_t count,
                     float* scores, std::byte* own) const = 0;
  /// From the scores of a tile, which it may change and which `addend` still lacks, to
  /// probabilities.
  virtual void soften(const AttentionGeometry& g, const RowAddend& addend, int64_t count,
                      float* scores, std::byte* own) const = 0;
  /// The output's rows from a tile of probabilities.
  virtual void weigh(const AttentionGeometry& g, const Head& head, int64_t row, int64_t count,
                     const float* scores, std::byte* own) const = 0;

  FusedAttentionAttrs attrs_;
  const SoftmaxF32Table& softmax_;
  const ElementwiseF32Table& elementwise_;

 private:
  struct Split {
    size_t units, parts, slots;
  };
  static Split split_of(const AttentionGeometry& g, size_t width) {
    const auto batch = static_cast<size_t>(g.batch_count());
    const auto tiles = static_cast<size_t>((g.queries + tile_rows(g) - 1) / tile_rows(g));
    const size_t wanted = batch == 0 ? 1 : (width + batch - 1) / batch;
    const size_t parts = std::max<size_t>(std::min(wanted, tiles), 1);
    const size_t units = batch * parts;
    return {units, parts, std::max<size_t>(std::min(width, units), 1)};
  }
  static size_t tile_bytes(const AttentionGeometry& g) {
    return aligned(static_cast<size_t>(tile_rows(g) * g.keys) * sizeof(float));
  }
  size_t slot_bytes(const AttentionGeometry& g) const { return tile_bytes(g) + own_bytes(g); }

  static Head head_of(const AttentionGeometry& g, std::span<const TensorView> inputs,
                      const TensorView& out, int64_t index) {
    const auto at = [&](const TensorView& view, const AttentionOperand& operand) {
      return view.data +
             g.offset(operand, index) * static_cast<int64_t>(dtype_bytes(view.dtype, 1));
    };
    Head head{at(inputs[kAt.q], g.q), at(inputs[kAt.k], g.k), at(inputs[kAt.v], g.v),
              at(out, g.out)};
    const auto present = [&](size_t i) { return i < inputs.size() && inputs[i].data != nullptr; };
    if (present(kAt.bias)) head.bias = reinterpret_cast<const float*>(at(inputs[kAt.bias], g.bias));
    if (present(kAt.mask)) head.mask = at(inputs[kAt.mask], g.mask);
    return head;
  }

  void run_unit(const AttentionGeometry& g, std::span<const TensorView> inputs,
                const TensorView& out, size_t unit, size_t parts, std::byte* scratch) const {
    const Head head = head_of(g, inputs, out, static_cast<int64_t>(unit / parts));
    auto* scores = reinterpret_cast<float*>(scratch);
    std::byte* own = scratch + tile_bytes(g);
    const auto part = static_cast<int64_t>(unit % parts), all = static_cast<int64_t>(parts);
    const int64_t last = (part + 1) * g.queries / all;
    begin(g, head, own);
    for (int64_t row = part * g.queries / all; row < last; row += tile_rows(g)) {
      const int64_t count = std::min(tile_rows(g), last - row);
      score(g, head, row, count, scores, own);
      for (int64_t i = 0; i < count; ++i) complete(g, head, row + i, scores + i * g.keys);
      soften(g, addend_of(g, head, row), count, scores, own);
      weigh(g, head, row, count, scores, own);
    }
  }

  // A mask of numbers, from a row on.
  RowAddend addend_of(const AttentionGeometry& g, const Head& head, int64_t row) const {
    if (head.mask == nullptr || attrs_.condition) return {};
    return {reinterpret_cast<const float*>(head.mask) + row * g.mask.row,
            static_cast<size_t>(g.mask.row), static_cast<size_t>(g.mask.column)};
  }

  // Bias, factor and condition of one row, one rounding each, as the nodes would.
  void complete(const AttentionGeometry& g, const Head& head, int64_t row, float* line) const {
    const auto count = static_cast<size_t>(g.keys);
    if (head.bias != nullptr)
      elementwise_.binary(BinaryF32::add, line, 1, head.bias + row * g.bias.row, g.bias.column,
                          line, count);
    if (attrs_.beta != 1.0F)
      elementwise_.binary(BinaryF32::mul, line, 1, &attrs_.beta, 0, line, count);
    if (head.mask == nullptr || !attrs_.condition) return;
    const auto* mask = reinterpret_cast<const uint8_t*>(head.mask) + row * g.mask.row;
    if (g.mask.column == 1)
      softmax_.fill(line, mask, attrs_.fill, count);
    else if (*mask != 0)  // one for the whole row
      std::fill_n(line, count, attrs_.fill);
  }
};

class AttentionF32 final : public AttentionStep {
 public:
  explicit AttentionF32(const LowerContext& context)
      : AttentionStep(context),
        variant_(select_gemm_f32(context.cpu())),
        row_(*select_row_f32(context.cpu()).table) {}
  StepInfo info() const override { return {"attention_f32", "native", variant_.isa}; }

 protected:
  size_t own_bytes(const AttentionGeometry& g) const override {
    if (reads_once(g)) return 0;
    return packed_k(g) + aligned(gemm_f32_packed_size(*variant_.table, static_cast<size_t>(g.keys),
                                                      static_cast<size_t>(g.columns)) *
                                 sizeof(float));
  }
  void begin(const AttentionGeometry& g, const Head& head, std::byte* own) const override {
    if (reads_once(g)) return;
    SerialParallel serial;
    const MatrixF32 k{reinterpret_cast<const float*>(head.k), g.k.row, g.k.column};
    gemm_f32_pack(*variant_.table, k, static_cast<size_t>(g.depth), static_cast<size_t>(g.keys),
                  reinterpret_cast<float*>(own), serial);
    const MatrixF32 v{reinterpret_cast<const float*>(head.v), g.v.row, g.v.column};
    gemm_f32_pack(*variant_.table, v, static_cast<size_t>(g.keys), static_cast<size_t>(g.columns),
                  reinterpret_cast<float*>(own + packed_k(g)), serial);
  }
  void score(const AttentionGeometry& g, const Head& head, int64_t row, int64_t count,
             float* scores, std::byte* own) const override {
    if (reads_once(g))
      return row_.multiply({reinterpret_cast<const float*>(head.q), g.q.column,
                            reinterpret_cast<const float*>(head.k), g.k.row,
                            static_cast<size_t>(g.depth), static_cast<size_t>(g.keys), attrs_.alpha,
                            scores});
    GemmF32Args args;
    args.m = static_cast<size_t>(count);
    args.n = static_cast<size_t>(g.keys);
    args.k = static_cast<size_t>(g.depth);
    args.a = {reinterpret_cast<const float*>(head.q) + row * g.q.row, g.q.row, g.q.column};
    args.packed_b = reinterpret_cast<const float*>(own);
    args.out = scores;
    args.out_row = g.keys;
    args.epilogue.alpha = attrs_.alpha;
    SerialParallel serial;
    gemm_f32(*variant_.table, args, serial);
  }
  void soften(const AttentionGeometry& g, const RowAddend& addend, int64_t count, float* scores,
              std::byte* /*own*/) const override {
    const auto keys = static_cast<size_t>(g.keys);
    for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
      float* line = scores + i * keys;
      if (addend.data != nullptr)
        elementwise_.binary(BinaryF32::add, line, 1, addend.data + i * addend.stride,
                            static_cast<int64_t>(addend.step), line, keys);
      softmax_.row(line, line, keys, false);
    }
  }
  void weigh(const AttentionGeometry& g, const Head& head, int64_t row, int64_t count,
             const float* scores, std::byte* own) const override {
    if (reads_once(g))
      return row_.multiply({scores, 1, reinterpret_cast<const float*>(head.v), g.v.row,
                            static_cast<size_t>(g.keys), static_cast<size_t>(g.columns), 1.0F,
                            reinterpret_cast<float*>(head.out)});
    GemmF32Args args;
    args.m = static_cast<size_t>(count);
    args.n = static_cast<size_t>(g.columns);
    args.k = static_cast<size_t>(g.keys);
    args.a = {scores, g.keys, 1};
    args.packed_b = reinterpret_cast<const float*>(own + packed_k(g));
    args.out = reinterpret_cast<float*>(head.out) + row * g.out.row;
    args.out_row = g.out.row;
    SerialParallel serial;
    gemm_f32(*variant_.table, args, serial);
  }

 private:
  // A single query: K and V aren't worth packing.
  static bool reads_once(const AttentionGeometry& g) {
    return g.queries == 1 && g.k.column == 1 && g.v.column == 1;
  }
  size_t packed_k(const AttentionGeometry& g) const {
    return aligned(gemm_f32_packed_size(*variant_.table, static_cast<size_t>(g.depth),
                                        static_cast<size_t>(g.keys)) *
                   sizeof(float));
  }
  const GemmF32Variant& variant_;
  const RowF32Table& row_;
};

// Codes with one scale.
struct Codes {
  bool is_signed;
  int32_t zero_point;
  float scale;
  explicit Codes(const QuantType& quant)
      : is_signed(quant.storage == DType::s8),
        zero_point(quant.tensor_zero_point().v),
        scale(quant.tensor_scale().v) {}
};

class AttentionS8 final : public AttentionStep {
 public:
  AttentionS8(const LowerContext& context, AccumulatorPlan plan)
      : AttentionStep(context),
        q_(*context.input_quant(kAt.q)),
        k_(*context.input_quant(kAt.k)),
        v_(*context.input_quant(kAt.v)),
        p_(*attrs_.probabilities),
        score_scale_(q_.scale * k_.scale * attrs_.alpha),
        rounding_(code_rounding(*attrs_.probabilities)),
        plan_(std::move(plan)),
        variant_(select_gemm_s8(context.cpu())) {}
  StepInfo info() const override { return {"attention_s8", "native", variant_.isa}; }

 protected:
  int64_t max_keys() const override { return kMaxIntegerDepth; }
  size_t own_bytes(const AttentionGeometry& g) const override {
    return packed_k(g) + packed_v(g) + code_bytes(g) + gemm_bytes(g);
  }
  void begin(const AttentionGeometry& g, const Head& head, std::byte* own) const override {
    pack(head.k, k_, g.k, g.depth, g.keys, own);
    pack(head.v, v_, g.v, g.keys, g.columns, own + packed_k(g));
  }
  void score(const AttentionGeometry& g, const Head& head, int64_t row, int64_t count,
             float* scores, std::byte* own) const override {
    GemmS8Args args = product(count, g.keys, g.depth, q_);
    args.a = head.q + row * g.q.row;
    args.a_stride = static_cast<size_t>(g.q.row);
    args.packed = own;
    args.c = scores;
    args.c_stride = static_cast<size_t>(g.keys);
    args.scratch = codes_of(g, own) + code_bytes(g);
    args.epilogue.type = GemmS8Output::f32;
    args.epilogue.multiplier = &score_scale_;
    args.epilogue.multiplier_stride = 0;
    SerialParallel serial;
    gemm_s8(*variant_.table, args, serial);
  }
  void soften(const AttentionGeometry& g, const RowAddend& addend, int64_t count, float* scores,
              std::byte* own) const override {
    const size_t stride = code_stride(g);
    const auto keys = static_cast<size_t>(g.keys);
    auto* codes = reinterpret_cast<uint8_t*>(codes_of(g, own));
    softmax_.codes({.x = scores,
                    .x_stride = keys,
                    .addend = addend.data,
                    .addend_stride = addend.stride,
                    .addend_step = addend.step,
                    .y = codes,
                    .y_stride = stride,
                    .rows = static_cast<size_t>(count),
                    .axis = keys,
                    .rounding = rounding_});
    for (int64_t i = 0; i < count; ++i, codes += stride)
      std::fill(codes + keys, codes + stride, uint8_t{0});
  }
  void weigh(const AttentionGeometry& g, const Head& head, int64_t row, int64_t count,
             const float* /*scores*/, std::byte* own) const override {
    SerialParallel serial;
    std::byte* codes = codes_of(g, own);
    GemmS8Args args = product(count, g.columns, g.keys, p_);
    args.a = codes;
    args.a_stride = code_stride(g);
    args.a_padded = true;
    args.packed = own + packed_k(g);
    const size_t element = plan_.codes ? 1 : sizeof(float);
    args.c = head.out + row * g.out.row * static_cast<int64_t>(element);
    args.c_stride = static_cast<size_t>(g.out.row);
    args.scratch = codes + code_bytes(g);
    GemmS8Epilogue& e = args.epilogue;
    e.multiplier = plan_.multiplier.data();
    e.multiplier_stride = 0;
    e.type = gemm_output(plan_.codes ? plan_.storage : DType::f32);
    if (plan_.codes) {
      e.zero_point = plan_.zero_point;
      e.low = static_cast<int32_t>(plan_.low);
      e.high = static_cast<int32_t>(plan_.high);
    }
    gemm_s8(*variant_.table, args, serial);
  }

 private:
  static GemmS8Args product(int64_t m, int64_t n, int64_t k, const Codes& a) {
    GemmS8Args args;
    args.m = static_cast<size_t>(m);
    args.n = static_cast<size_t>(n);
    args.k = static_cast<size_t>(k);
    args.a_signed = a.is_signed;
    args.a_zero = a.zero_point;
    return args;
  }
  void pack(const std::byte* data, const Codes& codes, const AttentionOperand& at, int64_t k,
            int64_t n, std::byte* to) const {
    GemmS8Weights b;
    b.data = data;
    b.is_unsigned = !codes.is_signed;
    b.k = static_cast<size_t>(k);
    b.n = static_cast<size_t>(n);
    b.row_stride = static_cast<size_t>(at.row);
    b.column_stride = static_cast<size_t>(at.column);
    b.zero_point = &codes.zero_point;
    gemm_s8_pack(*variant_.table, b, to);
  }
  size_t packed_k(const AttentionGeometry& g) const {
    return aligned(gemm_s8_packed_bytes(*variant_.table, static_cast<size_t>(g.depth),
                                        static_cast<size_t>(g.keys)));
  }
  size_t packed_v(const AttentionGeometry& g) const {
    return aligned(gemm_s8_packed_bytes(*variant_.table, static_cast<size_t>(g.keys),
                                        static_cast<size_t>(g.columns)));
  }
  // Rows of probabilities are padded with zeros.
  static size_t code_stride(const AttentionGeometry& g) {
    return static_cast<size_t>((g.keys + 3) / 4 * 4);
  }
  std::byte* codes_of(const AttentionGeometry& g, std::byte* own) const {
    return own + packed_k(g) + packed_v(g);
  }
  static size_t code_bytes(const AttentionGeometry& g) {
    return aligned(static_cast<size_t>(tile_rows(g)) * code_stride(g));
  }
  size_t gemm_bytes(const AttentionGeometry& g) const {
    const auto rows = static_cast<size_t>(tile_rows(g));
    return aligned(
        std::max(gemm_s8_scratch_bytes(*variant_.table, rows, static_cast<size_t>(g.depth)),
                 gemm_s8_scratch_bytes(*variant_.table, rows, static_cast<size_t>(g.keys))));
  }

  Codes q_, k_, v_, p_;
  float score_scale_;
  CodeRounding rounding_;
  AccumulatorPlan plan_;
  const Variant<GemmS8Table>& variant_;
};

std::optional<AccumulatorPlan> output_plan(const LowerContext& context) {
  AccumulatorSpec sums;
  sums.scale = {context.attrs<FusedAttentionAttrs>().probabilities->tensor_scale().v *
                context.input_quant(kAt.v)->tensor_scale().v};
  sums.output = context.output_quant(0);
  return plan_accumulator(sums);
}

}  // namespace

std::optional<Ports> match_attention_s8(const LowerContext& context) {
  for (const size_t i : {kAt.q, kAt.k, kAt.v})
    if (!is_int8_per_tensor(context.input_quant(i))) return std::nullopt;
  const auto& attrs = context.attrs<FusedAttentionAttrs>();
  if (!is_int8_per_tensor(attrs.probabilities) || !is_accumulator_output(context.output(0)) ||
      attrs.alpha <= 0.0F)
    return std::nullopt;
  Ports ports;
  ports.inputs.resize(context.node().inputs.size());
  for (const size_t i : {kAt.q, kAt.k, kAt.v}) ports.inputs[i].storage = Storage::stored;
  ports.outputs = {{context.output_quant(0) ? Storage::stored : Storage::real}};
  return ports;
}

Result<std::unique_ptr<Step>> prepare_attention_s8(const LowerContext& context) {
  return std::unique_ptr<Step>(std::make_unique<AttentionS8>(context, *output_plan(context)));
}

std::optional<Ports> match_attention_f32(const LowerContext& context) {
  if (context.attrs<FusedAttentionAttrs>().probabilities) return std::nullopt;
  return Ports{};
}

Result<std::unique_ptr<Step>> prepare_attention_f32(const LowerContext& context) {
  return std::unique_ptr<Step>(std::make_unique<AttentionF32>(context));
}

}  // namespace octet::ops
