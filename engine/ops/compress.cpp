#include <cstring>

#include "engine/ir/stop.h"
#include "engine/ops/common/axes.h"
#include "engine/ops/common/movement.h"

// Operators whose output's extent is a count of elements.

namespace octet::ops::compress {
namespace {

struct CompressAttrs {
  std::optional<int64_t> axis;
  static constexpr auto fields() { return std::tuple{field("axis", &CompressAttrs::axis)}; }
};

Status infer_compress(InferContext& context) {
  OCTET_RETURN_IF_ERROR(context.require(1, {DType::boolean}));
  context.set_tensor(0, context.dtype(0));
  const auto& axis = context.attrs<CompressAttrs>().axis;
  if (!axis) {
    context.set_tensor(0, context.dtype(0), Shape{Dim::fresh()});
  } else if (context.has_rank(0)) {
    Shape out = context.shape(0);
    OCTET_ASSIGN(const size_t index, context.axis(*axis, out.size()));
    out[index] = Dim::fresh();
    context.set_tensor(0, context.dtype(0), std::move(out));
  }
  return {};
}

Status run_compress(const Attrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  OCTET_ASSIGN(const size_t bytes, element_bytes(x.dtype));
  const auto& axis = attrs.as<CompressAttrs>().axis;
  Dims dims = axis ? x.dims : Dims{x.count()};
  const size_t index = axis ? *normalize_axis(*axis, x.rank()) : 0;
  const AxisCut cut = cut_at(dims, index);
  const auto flags = movement::integers_of(context.input(1));
  std::vector<size_t> kept;
  for (size_t i = 0; i < flags.size() && i < cut.extent; ++i)
    if (flags[i] != 0) kept.push_back(i);
  dims[index] = static_cast<int64_t>(kept.size());
  OCTET_RETURN_IF_ERROR(context.allocate(0, dims));
  const size_t run = cut.inner * bytes;
  std::byte* to = context.output(0).data;
  StopPoll poll;
  for (size_t o = 0; o < cut.outer; ++o)
    for (const size_t i : kept) {
      poll(cut.inner);
      std::memcpy(to, x.data + (o * cut.extent + i) * run, run);
      to += run;
    }
  return {};
}

Status infer_non_zero(InferContext& context) {
  const Dim rank =
      context.has_rank(0) ? Dim(static_cast<int64_t>(context.shape(0).size())) : Dim::fresh();
  context.set_tensor(0, DType::s64, Shape{rank, Dim::fresh()});
  return {};
}

using NonZeroTypes = TypeList<float, double, int32_t, int64_t, int8_t, uint8_t, int16_t, uint16_t,
                              uint32_t, uint64_t, bool>;

Status run_non_zero(const Attrs& /*attrs*/, RunContext& context) {
  const TensorView& x = context.input(0);
  std::vector<int64_t> found;
  StopPoll poll;
  const bool known = visit_dtype(x.dtype, NonZeroTypes{}, [&]<typename T>() {
    for (int64_t i = 0; i < x.count(); ++i) {
      poll();
      if (x.as<T>()[i] != T{}) found.push_back(i);
    }
  });
  if (!known) return unsupported("elements of type {}", dtype_name(x.dtype));
  const auto count = static_cast<int64_t>(found.size());
  OCTET_RETURN_IF_ERROR(context.allocate(0, {static_cast<int64_t>(x.rank()), count}));
  int64_t* y = context.output(0).as<int64_t>();
  const Steps steps = row_major_steps(x.dims);
  for (size_t a = 0; a < x.rank(); ++a)
    for (const int64_t flat : found) {
      poll();
      *y++ = flat / steps[a] % x.dims[a];
    }
  return {};
}

constexpr Implementation kNonZeroRows[] = {reference<run_non_zero>()};

}  // namespace

extern const OpDef Compress;
extern const OpDef NonZero;
const OpDef Compress = {.domain = "",
                        .name = "Compress",
                        .since = 9,
                        .inputs = {2, 2},
                        .attrs = attr_codec<CompressAttrs>(),
                        .infer = infer_compress,
                        .quant = movement::quant_shared,
                        .implementations = movement::kRows<run_compress, 1>};
const OpDef NonZero = {.domain = "",
                       .name = "NonZero",
                       .since = 9,
                       .infer = infer_non_zero,
                       .implementations = kNonZeroRows};

}  // namespace octet::ops::compress
