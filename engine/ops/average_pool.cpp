#include "engine/ops/common/pool.h"

namespace octet::ops::average_pool {
namespace {

using namespace kernels;

Status infer(InferContext& context) {
  OCTET_ASSIGN(auto shape,
               pool_output_shape(context.attrs<AveragePoolAttrs>(), context.input(0).shape));
  context.set_tensor(0, context.dtype(0), std::move(shape));
  return {};
}

// An average of no taps is 0, as a sum of none.
template <typename T>
void average(const PoolGeometry& g, bool include_pad, RunContext& context) {
  for_planes<T>(g, context, [&](size_t /*plane*/, const T* x, T* y, StopPoll& poll) {
    for (int64_t at = 0; at < g.out_pixels(); ++at) {
      double sum = 0.0;
      int64_t taps = 0;
      walk_window(g, at, poll, [&](int64_t pixel) {
        sum += static_cast<double>(x[pixel]);
        ++taps;
      });
      if (include_pad) taps = g.padded_taps(at);
      y[at] = taps == 0 ? T{} : static_cast<T>(sum / static_cast<double>(taps));
    }
  });
}

Status run(const Attrs& attrs, RunContext& context) {
  const auto& window = attrs.as<AveragePoolAttrs>();
  const TensorView& x = context.input(0);
  const PoolGeometry g = pool_geometry(window, x.dims, context.output(0).dims);
  const bool known = visit_dtype(x.dtype, FloatTypes{}, [&]<typename T>() {
    average<T>(g, window.count_include_pad != 0, context);
  });
  return known ? Status{} : unsupported("an average of {}", dtype_name(x.dtype));
}

class AverageF32 final : public Step {
 public:
  AverageF32(const AveragePoolAttrs& attrs, const PoolF32Variant& variant)
      : attrs_(attrs), variant_(variant) {}
  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    const TensorView& y = context.output(0);
    PoolF32Args args = pool_args_f32(pool_geometry(attrs_, x.dims, y.dims));
    args.function = attrs_.count_include_pad != 0 ? PoolF32::average_padded : PoolF32::average;
    args.in = x.as<float>();
    args.out = y.as<float>();
    pool_f32(*variant_.table, args, context.parallel());
    return {};
  }
  StepInfo info() const override { return {"pool_f32", "native", variant_.isa}; }

 private:
  AveragePoolAttrs attrs_;
  const PoolF32Variant& variant_;
};

class AverageS8Step final : public Step {
 public:
  AverageS8Step(const LowerContext& context, const Variant<PoolS8Table>& variant)
      : attrs_(context.attrs<AveragePoolAttrs>()), args_(average_args(context)), variant_(variant) {
    args_.count_include_pad = attrs_.count_include_pad != 0;
  }
  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    const TensorView& y = context.output(0);
    const PoolShape shape = pool_shape_s8(pool_geometry(attrs_, x.dims, y.dims));
    variant_.table->average(shape, x.data, y.data, args_, context.parallel());
    return {};
  }
  StepInfo info() const override { return {"pool_s8", "native", variant_.isa}; }

 private:
  AveragePoolAttrs attrs_;
  AverageS8 args_;
  const Variant<PoolS8Table>& variant_;
};

Result<std::unique_ptr<Step>> prepare_f32(const LowerContext& context) {
  return std::unique_ptr<Step>(std::make_unique<AverageF32>(context.attrs<AveragePoolAttrs>(),
                                                            select_pool_f32(context.cpu())));
}

Result<std::unique_ptr<Step>> prepare_s8(const LowerContext& context) {
  return std::unique_ptr<Step>(
      std::make_unique<AverageS8Step>(context, select_pool_s8(context.cpu())));
}

Status run_global(const Attrs& /*attrs*/, RunContext& context) {
  const TensorView& x = context.input(0);
  const PoolGeometry g = global_geometry(x.dims);
  const bool known =
      visit_dtype(x.dtype, FloatTypes{}, [&]<typename T>() { average<T>(g, false, context); });
  return known ? Status{} : unsupported("an average of {}", dtype_name(x.dtype));
}

class GlobalS8 final : public Step {
 public:
  GlobalS8(const LowerContext& context, const Variant<PoolS8Table>& variant)
      : args_(average_args(context)), variant_(variant) {}
  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    const PoolGeometry g = global_geometry(x.dims);
    variant_.table->global_average(g.batch, static_cast<size_t>(g.in_pixels()), g.channels, x.data,
                                   context.output(0).data, args_, context.parallel());
    return {};
  }
  StepInfo info() const override { return {"pool_s8", "native", variant_.isa}; }

 private:
  AverageS8 args_;
  const Variant<PoolS8Table>& variant_;
};

Result<std::unique_ptr<Step>> prepare_global_s8(const LowerContext& context) {
  return std::unique_ptr<Step>(std::make_unique<GlobalS8>(context, select_pool_s8(context.cpu())));
}

constexpr Implementation kAverageRows[] = {
    {.name = "pool_s8", .match = match_pool_s8, .prepare = prepare_s8},
    {.name = "pool_f32", .match = match_pool_f32, .prepare = prepare_f32},
    reference<run>(),
};
constexpr Implementation kGlobalRows[] = {
    {.name = "pool_s8", .match = match_pool_s8, .prepare = prepare_global_s8},
    {.name = "reduce_f32",
     .match = match_global_f32,
     .prepare = prepare_global_f32<ReduceF32::mean>},
    reference<run_global>(),
};

}  // namespace

extern const OpDef AveragePool;
extern const OpDef GlobalAveragePool;
const OpDef AveragePool = {
    .domain = "",
    .name = "AveragePool",
    .attrs = attr_codec<AveragePoolAttrs>(),
    .infer = infer,
    .quant = quant_activation,
    .implementations = kAverageRows,
};
const OpDef GlobalAveragePool = {
    .domain = "",
    .name = "GlobalAveragePool",
    .infer = infer_global_pool,
    .quant = quant_activation,
    .implementations = kGlobalRows,
};

}  // namespace octet::ops::average_pool
