#include <cmath>
#include <limits>

#include "engine/ops/common/pool.h"

namespace octet::ops::max_pool {
namespace {

using namespace kernels;

Status infer(InferContext& context) {
  OCTET_ASSIGN(auto shape,
               pool_output_shape(context.attrs<MaxPoolAttrs>(), context.input(0).shape));
  context.set_tensor(0, context.dtype(0), shape);
  context.set_tensor(1, DType::s64, std::move(shape));
  return {};
}

template <typename T>
constexpr T lowest() {
  if constexpr (std::numeric_limits<T>::has_infinity) return -std::numeric_limits<T>::infinity();
  return std::numeric_limits<T>::lowest();
}

// The flat index of a pixel when the last axis is outermost (storage_order 1).
int64_t column_major(const PoolGeometry& g, int64_t pixel) {
  std::vector<int64_t> index(g.in.size());
  for (size_t a = g.in.size(); a-- > 0; pixel /= g.in[a]) index[a] = pixel % g.in[a];
  int64_t flat = 0;
  for (size_t a = g.in.size(); a-- > 0;) flat = flat * g.in[a] + index[a];
  return flat;
}

template <typename T>
void maximum(const PoolGeometry& g, bool by_columns, RunContext& context) {
  int64_t* indices = context.has_output(1) ? context.output(1).as<int64_t>() : nullptr;
  for_planes<T>(g, context, [&](size_t plane, const T* x, T* y, StopPoll& poll) {
    for (int64_t at = 0; at < g.out_pixels(); ++at) {
      T best = lowest<T>();
      int64_t where = -1;
      walk_window(g, at, poll, [&](int64_t pixel) {
        const bool nan = x[pixel] != x[pixel];
        if (where >= 0 && !(x[pixel] > best) && !(nan && best == best)) return;
        best = x[pixel];
        where = pixel;
      });
      y[at] = best;
      if (indices == nullptr) continue;
      const auto first = static_cast<int64_t>(plane) * g.in_pixels();
      indices[static_cast<int64_t>(plane) * g.out_pixels() + at] =
          first + (by_columns && where >= 0 ? column_major(g, where) : where);
    }
  });
}

using MaxTypes = TypeList<float, double, int8_t, uint8_t>;

Status run_on(const PoolGeometry& g, bool by_columns, RunContext& context) {
  const DType type = context.input(0).dtype;
  const bool known =
      visit_dtype(type, MaxTypes{}, [&]<typename T>() { maximum<T>(g, by_columns, context); });
  return known ? Status{} : unsupported("a maximum of {}", dtype_name(type));
}

Status run(const Attrs& attrs, RunContext& context) {
  const auto& window = attrs.as<MaxPoolAttrs>();
  return run_on(pool_geometry(window, context.input(0).dims, context.output(0).dims),
                window.storage_order != 0, context);
}

Status run_global(const Attrs& /*attrs*/, RunContext& context) {
  return run_on(global_geometry(context.input(0).dims), false, context);
}

class MaxF32 final : public Step {
 public:
  MaxF32(const MaxPoolAttrs& attrs, const PoolF32Variant& variant)
      : attrs_(attrs), variant_(variant) {}
  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    const TensorView& y = context.output(0);
    PoolF32Args args = pool_args_f32(pool_geometry(attrs_, x.dims, y.dims));
    args.function = PoolF32::max;
    args.in = x.as<float>();
    args.out = y.as<float>();
    pool_f32(*variant_.table, args, context.parallel());
    return {};
  }
  StepInfo info() const override { return {"pool_f32", "native", variant_.isa}; }

 private:
  MaxPoolAttrs attrs_;
  const PoolF32Variant& variant_;
};

// Codes keep their order, so the largest code is the largest number.
class MaxS8 final : public Step {
 public:
  MaxS8(std::optional<MaxPoolAttrs> attrs, const Variant<PoolS8Table>& variant)
      : attrs_(std::move(attrs)), variant_(variant) {}
  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    const TensorView& y = context.output(0);
    const PoolGeometry g =
        attrs_ ? pool_geometry(*attrs_, x.dims, y.dims) : global_geometry(x.dims);
    variant_.table->max(pool_shape_s8(g), x.data, y.data, x.dtype == DType::s8, context.parallel());
    return {};
  }
  StepInfo info() const override { return {"pool_s8", "native", variant_.isa}; }

 private:
  std::optional<MaxPoolAttrs> attrs_;  // Nothing: the whole image.
  const Variant<PoolS8Table>& variant_;
};

// Codes under one set of parameters, or plain 8-bit integers.
std::optional<Ports> match_s8(const LowerContext& context) {
  if (context.has_output(1)) return std::nullopt;
  const Type& x = context.input(0).type;
  const bool integers = x.dtype == DType::u8 || x.dtype == DType::s8;
  const PortForm form{PortForm::Storage::stored, Layout::channels_last};
  if (integers && x.shape && (x.shape->size() == 3 || x.shape->size() == 4))
    return Ports{{form}, {form}};
  if (!same_quant(context.input_quant(0), context.output_quant(0))) return std::nullopt;
  return match_pool_s8(context);
}

std::optional<Ports> match_f32(const LowerContext& context) {
  return context.has_output(1) ? std::nullopt : match_pool_f32(context);
}

Result<std::unique_ptr<Step>> prepare_f32(const LowerContext& context) {
  return std::unique_ptr<Step>(
      std::make_unique<MaxF32>(context.attrs<MaxPoolAttrs>(), select_pool_f32(context.cpu())));
}

Result<std::unique_ptr<Step>> prepare_s8(const LowerContext& context) {
  return std::unique_ptr<Step>(
      std::make_unique<MaxS8>(context.attrs<MaxPoolAttrs>(), select_pool_s8(context.cpu())));
}

Result<std::unique_ptr<Step>> prepare_global_s8(const LowerContext& context) {
  return std::unique_ptr<Step>(
      std::make_unique<MaxS8>(std::nullopt, select_pool_s8(context.cpu())));
}

QuantSpec quant(const Graph&, const Node&) {
  using Role = PortQuant::Role;
  return {.inputs = {{Role::activation}}, .outputs = {{Role::shared}}};
}

constexpr Implementation kMaxRows[] = {
    {.name = "pool_s8", .match = match_s8, .prepare = prepare_s8},
    {.name = "pool_f32", .match = match_f32, .prepare = prepare_f32},
    reference<run>(),
};
constexpr Implementation kGlobalRows[] = {
    {.name = "pool_s8", .match = match_s8, .prepare = prepare_global_s8},
    {.name = "reduce_f32",
     .match = match_global_f32,
     .prepare = prepare_global_f32<ReduceF32::max>},
    reference<run_global>(),
};

}  // namespace

extern const OpDef GlobalMaxPool;
extern const OpDef MaxPool;
const OpDef GlobalMaxPool = {
    .domain = "",
    .name = "GlobalMaxPool",
    .infer = infer_global_pool,
    .quant = quant,
    .implementations = kGlobalRows,
};
const OpDef MaxPool = {
    .domain = "",
    .name = "MaxPool",
    .outputs = {1, 2},
    .attrs = attr_codec<MaxPoolAttrs>(),
    .infer = infer,
    .quant = quant,
    .implementations = kMaxRows,
};

}  // namespace octet::ops::max_pool
