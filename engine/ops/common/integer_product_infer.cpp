#include "engine/ops/common/code_view.h"
#include "engine/ops/common/integer_product.h"

namespace octet::ops {
namespace {

// What parameters of A's rows, or of B's columns, may count: one for all, one for each line of a
// matrix, or - with the operand's own rank - one for each line of the batch.
Status require_lines(const InferContext& context, size_t port, const char* name, size_t operand,
                     bool columns) {
  if (!context.has_rank(operand)) return {};
  const Shape& shape = context.shape(operand);
  Shape batch = shape;
  if (!batch.empty()) batch.erase(columns && batch.size() > 1 ? batch.end() - 2 : batch.end() - 1);
  const Dim each = shape.size() < 2 ? Dim(1) : shape[shape.size() - (columns ? 1 : 2)];
  const bool whole =
      context.has_input(port) && context.has_rank(port) && context.shape(port).size() > 1;
  return require_count(context, port, name, {Dim(1), each, whole ? element_count(batch) : each});
}

Status check_counts(const InferContext& context, const IntegerProductPorts& ports) {
  const auto rows = [&](size_t port, const char* name) {
    return require_lines(context, port, name, ports.a, false);
  };
  const auto columns = [&](size_t port, const char* name) {
    return require_lines(context, port, name, ports.b, true);
  };
  OCTET_RETURN_IF_ERROR(columns(ports.b_zero, "B's zero point"));
  if (context.dtype(ports.a) == DType::f32) return columns(ports.b_scale, "B's scale");
  OCTET_RETURN_IF_ERROR(rows(ports.a_zero, "A's zero point"));
  if (!ports.requantizes && !ports.scales) return {};
  OCTET_RETURN_IF_ERROR(rows(ports.a_scale, "A's scale"));
  OCTET_RETURN_IF_ERROR(columns(ports.b_scale, "B's scale"));
  if (ports.scales) return {};
  OCTET_RETURN_IF_ERROR(rows(ports.y_scale, "the output's scale"));
  return rows(ports.y_zero, "the output's zero point");
}

}  // namespace

Status infer_integer_product(InferContext& context, const IntegerProductPorts& ports) {
  const bool rows = ports.scales && context.dtype(ports.a) == DType::f32;
  if (!rows) OCTET_RETURN_IF_ERROR(require_codes(context, ports.a, ports.a_zero));
  OCTET_RETURN_IF_ERROR(require_codes(context, ports.b, ports.b_zero));
  if (ports.requantizes) {
    OCTET_RETURN_IF_ERROR(context.require(ports.y_zero, {DType::u8, DType::s8}));
    for (const size_t scale : {ports.a_scale, ports.b_scale, ports.y_scale})
      OCTET_RETURN_IF_ERROR(context.require(scale, {DType::f32, DType::f16, DType::bf16}));
  } else if (ports.scales) {
    if (!rows) OCTET_RETURN_IF_ERROR(context.require(ports.a_scale, {DType::f32}));
    OCTET_RETURN_IF_ERROR(context.require(ports.b_scale, {DType::f32}));
  }
  OCTET_ASSIGN(auto shape, product_output_shape(context.input(ports.a).shape,
                                                context.input(ports.b).shape, false, false));
  OCTET_RETURN_IF_ERROR(check_counts(context, ports));
  const DType sums = ports.scales ? DType::f32 : DType::s32;
  context.set_tensor(0, ports.requantizes ? context.dtype(ports.y_zero) : sums, std::move(shape));
  return {};
}

}  // namespace octet::ops
