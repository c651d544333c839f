#include "engine/ops/common/accumulator.h"
#include "engine/ops/common/dequantize.h"
#include "engine/ops/common/fused_attention_step.h"
#include "engine/ops/common/product_s8.h"
#include "engine/ops/common/quantize_ports.h"
#include "kernels/gemm_s8/gemm_s8.h"

namespace octet::ops {
namespace {

using namespace kernels;
using Storage = PortForm::Storage;

constexpr const FusedAttentionPorts& kAt = kFusedAttentionPorts;

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
        variant_(select_gemm_s8(context.cpu())) {
    // Another zero point of K adds the same to all scores of a query, which leaves their softmax as
    // it is. The middle of the codes' range costs products nothing.
    if (!attrs_.condition) k_.zero_point = k_.is_signed ? 0 : 128;
  }
  StepInfo info() const override { return {"attention_s8", "native", variant_.isa}; }

 protected:
  int64_t max_keys() const override { return kMaxIntegerDepth; }
  size_t own_bytes(const AttentionGeometry& g) const override {
    return packed_k(g) + packed_v(g) + code_bytes(g) + gemm_bytes(g);
  }
  void begin(const AttentionGeometry& g, const AttentionHead& head, std::byte* own) const override {
    pack(head.k, k_, g.k, g.depth, g.keys, own);
    pack(head.v, v_, g.v, g.keys, g.columns, own + packed_k(g));
  }
  void score(const AttentionGeometry& g, const AttentionHead& head, int64_t row, int64_t count,
             float* scores, std::byte* own) const override {
    GemmS8Args args = product(count, g.keys, g.depth, q_);
    args.a = head.q + row * g.q.row;
    args.a_stride = static_cast<size_t>(g.q.row);
    args.packed = own;
    args.c = scores;
    args.c_stride = static_cast<size_t>(line(g));
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
                    .x_stride = static_cast<size_t>(line(g)),
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
  void weigh(const AttentionGeometry& g, const AttentionHead& head, int64_t row, int64_t count,
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
    return whole_lines(gemm_s8_packed_bytes(*variant_.table, static_cast<size_t>(g.depth),
                                            static_cast<size_t>(g.keys)));
  }
  size_t packed_v(const AttentionGeometry& g) const {
    return whole_lines(gemm_s8_packed_bytes(*variant_.table, static_cast<size_t>(g.keys),
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
    return whole_lines(static_cast<size_t>(tile_rows(g)) * code_stride(g));
  }
  size_t gemm_bytes(const AttentionGeometry& g) const {
    const auto rows = static_cast<size_t>(tile_rows(g));
    return whole_lines(
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

}  // namespace octet::ops
