#include "engine/ops/common/movement.h"

namespace octet::ops::depth_space {
namespace {

struct DepthToSpaceAttrs {
  int64_t blocksize = 1;
  std::string mode = "DCR";
  static constexpr auto fields() {
    return std::tuple{field("blocksize", &DepthToSpaceAttrs::blocksize, {.required = true}),
                      field("mode", &DepthToSpaceAttrs::mode, {.since = 11})};
  }
};

struct SpaceToDepthAttrs {
  int64_t blocksize = 1;
  std::string mode = "DCR";
  static constexpr auto fields() {
    return std::tuple{field("blocksize", &SpaceToDepthAttrs::blocksize, {.required = true}),
                      field("mode", &SpaceToDepthAttrs::mode, {.since = 28})};
  }
};

Status check(const InferContext& context, int64_t block) {
  constexpr int64_t kMost = 1 << 20;  // Its square is a divisor.
  if (block <= 0 || block > kMost) return invalid_model("blocksize {}", block);
  if (context.has_rank(0) && context.shape(0).size() != 4)
    return invalid_model("the input isn't of rank 4");
  return {};
}

bool divides(int64_t block, const Dim& extent) {
  return !extent.known() || extent.value() % block == 0;
}

Status infer_to_space(InferContext& context) {
  const auto& [block, mode] = context.attrs<DepthToSpaceAttrs>();
  OCTET_RETURN_IF_ERROR(check(context, block));
  if (mode != "DCR" && mode != "CRD") return unsupported("mode '{}'", mode);
  context.set_tensor(0, context.dtype(0));
  if (!context.has_rank(0)) return {};
  const Shape& x = context.shape(0);
  if (!divides(block * block, x[1])) return invalid_model("blocksize doesn't divide the channels");
  context.set_tensor(
      0, context.dtype(0),
      Shape{x[0], floor_div(x[1], Dim(block * block)), x[2] * Dim(block), x[3] * Dim(block)});
  return {};
}

Status infer_to_depth(InferContext& context) {
  const auto& [block, mode] = context.attrs<SpaceToDepthAttrs>();
  OCTET_RETURN_IF_ERROR(check(context, block));
  if (mode != "DCR" && mode != "CRD") return unsupported("mode '{}'", mode);
  context.set_tensor(0, context.dtype(0));
  if (!context.has_rank(0)) return {};
  const Shape& x = context.shape(0);
  if (!divides(block, x[2]) || !divides(block, x[3]))
    return invalid_model("blocksize doesn't divide the image");
  context.set_tensor(0, context.dtype(0),
                     Shape{x[0], x[1] * Dim(block * block), floor_div(x[2], Dim(block)),
                           floor_div(x[3], Dim(block))});
  return {};
}

// Steps of [n, c, h, block row, w, block column] in the tensor with the larger image.
Steps space_steps(const TensorView& space, int64_t block) {
  const Steps s = steps_of(space);
  return {s[0], s[1], s[2] * block, s[2], s[3] * block, s[3]};
}

Steps depth_steps(const TensorView& depth, int64_t block, int64_t channels, bool blocks_first) {
  const Steps s = steps_of(depth);
  const int64_t row = blocks_first ? block * channels * s[1] : block * s[1];
  const int64_t column = blocks_first ? channels * s[1] : s[1];
  const int64_t channel = blocks_first ? s[1] : block * block * s[1];
  return {s[0], channel, s[2], row, s[3], column};
}

Dims blocked_dims(const TensorView& depth, int64_t block) {
  const Dims& d = depth.dims;
  return {d[0], d[1] / (block * block), d[2], block, d[3], block};
}

Status run_to_space(const Attrs& attrs, RunContext& context) {
  const auto& [block, mode] = attrs.as<DepthToSpaceAttrs>();
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  OCTET_ASSIGN(const size_t bytes, element_bytes(x.dtype));
  const Dims dims = blocked_dims(x, block);
  copy_strided(y.data, space_steps(y, block), x.data, depth_steps(x, block, dims[1], mode == "DCR"),
               dims, bytes, context.parallel());
  return {};
}

Status run_to_depth(const Attrs& attrs, RunContext& context) {
  const auto& [block, mode] = attrs.as<SpaceToDepthAttrs>();
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  OCTET_ASSIGN(const size_t bytes, element_bytes(x.dtype));
  const Dims dims = blocked_dims(y, block);
  copy_strided(y.data, depth_steps(y, block, dims[1], mode == "DCR"), x.data, space_steps(x, block),
               dims, bytes, context.parallel());
  return {};
}

}  // namespace

extern const OpDef DepthToSpace;
extern const OpDef SpaceToDepth;
const OpDef DepthToSpace = {.domain = "",
                            .name = "DepthToSpace",
                            .attrs = attr_codec<DepthToSpaceAttrs>(),
                            .infer = infer_to_space,
                            .quant = movement::quant_shared,
                            .implementations = movement::kLayoutRows<run_to_space, 1>};
const OpDef SpaceToDepth = {.domain = "",
                            .name = "SpaceToDepth",
                            .attrs = attr_codec<SpaceToDepthAttrs>(),
                            .infer = infer_to_depth,
                            .quant = movement::quant_shared,
                            .implementations = movement::kLayoutRows<run_to_depth, 1>};

}  // namespace octet::ops::depth_space
