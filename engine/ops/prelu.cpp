#include "engine/ops/common/binary.h"
#include "engine/ops/common/elements.h"
#include "engine/ops/common/real.h"

namespace octet::ops::prelu {
namespace {

struct PReluFunction {
  static constexpr auto kKernel = kernels::BinaryF32::prelu;
  template <typename T>
  T operator()(T x, T slope) const {
    return x < T{} ? wrapping_product(x, slope) : x;
  }
};

using PReluTypes = TypeList<float, double, int32_t, int64_t, uint32_t, uint64_t>;

// The slope broadcasts to x, never the other way.
Status infer(InferContext& context) {
  OCTET_RETURN_IF_ERROR(elementwise::infer_binary<PReluFunction>(context));
  OCTET_ASSIGN(const auto shape, broadcast_shape(context));
  if (shape && context.has_rank(0) && all_known(*shape) && all_known(context.shape(0)) &&
      *shape != context.shape(0))
    return invalid_model("the slope of {} doesn't broadcast to {}", to_string(context.shape(1)),
                         to_string(context.shape(0)));
  context.set_like(0, 0);
  return {};
}

constexpr OpDef with_infer(OpDef op) {
  op.infer = infer;
  return op;
}

}  // namespace

extern const OpDef PRelu;
const OpDef PRelu = with_infer(elementwise::binary_op<PReluFunction, PReluTypes>("PRelu"));

}  // namespace octet::ops::prelu
