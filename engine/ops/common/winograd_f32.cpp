#include "kernels/winograd_f32/winograd_f32.h"

#include <algorithm>

#include "engine/ops/common/conv_f32.h"

namespace octet::ops {
namespace {

using namespace kernels;

// More bytes of transformed weights, four times those that are stored, leave the caches.
constexpr size_t kMostWeightBytes = size_t{4} << 20;
// An image of fewer tiles reads the weights for too few outputs.
constexpr int64_t kFewestTiles = 4;

bool all_ones(const std::vector<int64_t>& values) {
  return std::all_of(values.begin(), values.end(), [](int64_t v) { return v == 1; });
}

// Whether the extents of the output are known to be too small.
bool is_small(const Value& out) {
  const auto& shape = out.type.shape;
  if (!shape || !(*shape)[2].known() || !(*shape)[3].known()) return false;
  const auto tiles = [](int64_t extent) {
    constexpr auto kTile = static_cast<int64_t>(kWinogradTile);
    return (extent + kTile - 1) / kTile;
  };
  return tiles((*shape)[2].value()) * tiles((*shape)[3].value()) < kFewestTiles;
}

class WinogradF32 final : public Step {
 public:
  WinogradF32(const LowerContext& context, const GemmF32Variant& gemm,
              const WinogradF32Variant& variant)
      : attrs_(context.attrs<ConvAttrs>()),
        ports_(conv_ports(context.node())),
        gemm_(gemm),
        variant_(variant) {}

  Status pack(const LowerContext& context) {
    OCTET_ASSIGN(packed_, pack_float_conv(context, info(), attrs_.group, *gemm_.table,
                                          winograd_f32_packed_size, winograd_f32_pack));
    return {};
  }

  Status run(RunContext& context) const override {
    ConvF32Args args = float_conv_args(attrs_, ports_, context);
    args.packed = reinterpret_cast<const float*>(packed_.bytes().data());
    winograd_f32(*gemm_.table, *variant_.table, args,
                 reinterpret_cast<float*>(context.scratch().data()), context.parallel());
    return {};
  }

  size_t scratch_bytes(std::span<const TensorView> inputs, std::span<const TensorView> outputs,
                       size_t width) const override {
    const ConvF32Shape shape =
        float_conv_shape(conv_geometry(attrs_, inputs[0].dims, inputs[1].dims, outputs[0].dims));
    return winograd_f32_scratch_size(shape, width) * sizeof(float);
  }

  StepInfo info() const override { return {"winograd_f32", "native", variant_.isa}; }

 private:
  ConvAttrs attrs_;
  ConvPorts ports_;
  const GemmF32Variant& gemm_;
  const WinogradF32Variant& variant_;
  Tensor packed_;
};

}  // namespace

std::optional<Ports> match_winograd_f32(const LowerContext& context) {
  const auto& attrs = context.attrs<ConvAttrs>();
  const Tensor* weights = context.constant(1);
  if (weights == nullptr || weights->rank() != 4) return std::nullopt;
  const ConvF32Shape shape = float_weight_shape(weights->dims(), attrs.group);
  const size_t bytes = kWinogradPoints * shape.in_channels * shape.out_channels * sizeof(float);
  const bool fits = all_ones(attrs.strides) && all_ones(attrs.dilations) &&
                    winograd_f32_fits(shape) && bytes <= kMostWeightBytes;
  if (!fits || is_small(context.output(0))) return std::nullopt;
  return match_conv_f32(context);
}

Result<std::unique_ptr<Step>> prepare_winograd_f32(const LowerContext& context) {
  auto step = std::make_unique<WinogradF32>(context, select_gemm_f32(context.cpu()),
                                            select_winograd_f32(context.cpu()));
  OCTET_RETURN_IF_ERROR(step->pack(context));
  return std::unique_ptr<Step>(std::move(step));
}

}  // namespace octet::ops
