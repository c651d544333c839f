#include "engine/ops/common/pool.h"

#include <numeric>

#include "engine/ops/common/real.h"

namespace octet::ops {
namespace {

int64_t entry_or(const std::vector<int64_t>& values, size_t i, int64_t missing) {
  return values.empty() ? missing : values[i];
}

bool fits(const std::vector<int64_t>& values, size_t size, int64_t low) {
  return values.size() == size && std::all_of(values.begin(), values.end(), [&](int64_t v) {
           return v >= low && v <= INT32_MAX;
         });
}

Status check_window(const PoolWindow& window, size_t spatial) {
  const auto absent_or = [&](const std::vector<int64_t>& values, size_t size, int64_t low) {
    return values.empty() || fits(values, size, low);
  };
  if (!fits(window.kernel_shape, spatial, 1))
    return invalid_model("kernel_shape doesn't fit the input's rank");
  if (!absent_or(window.strides, spatial, 1))
    return invalid_model("strides don't fit the input's rank");
  if (!absent_or(window.dilations, spatial, 1))
    return invalid_model("dilations don't fit the input's rank");
  if (!absent_or(window.pads, 2 * spatial, 0))
    return invalid_model("pads don't fit the input's rank");
  const std::string& pad = window.auto_pad;
  if (pad != "NOTSET" && pad != "VALID" && pad != "SAME_UPPER" && pad != "SAME_LOWER")
    return invalid_model("auto_pad '{}' isn't known", pad);
  return {};
}

bool same_padding(const PoolWindow& window) { return window.auto_pad.starts_with("SAME"); }

int64_t reach_of(const PoolWindow& window, size_t axis) {
  return (window.kernel_shape[axis] - 1) * entry_or(window.dilations, axis, 1) + 1;
}

Result<Dim> output_extent(const PoolWindow& window, size_t axis, const Dim& in) {
  const int64_t stride = entry_or(window.strides, axis, 1);
  if (same_padding(window)) return ceil_div(in, Dim(stride));
  const bool padded = window.auto_pad == "NOTSET";
  const int64_t begin = padded ? entry_or(window.pads, axis, 0) : 0;
  const int64_t end = padded ? entry_or(window.pads, axis + window.kernel_shape.size(), 0) : 0;
  const int64_t reach = reach_of(window, axis);
  const Dim room = in + Dim(begin + end - reach);
  if (room.known() && room.value() < 0)
    return invalid_model("the window is larger than the padded input");
  if (window.ceil_mode == 0) return floor_div(room, Dim(stride)) + Dim(1);
  Dim rounded_up = ceil_div(room, Dim(stride)) + Dim(1);
  // The last window must begin inside the input or the padding in front of it.
  if (end - reach + stride <= 0) return rounded_up;
  return min(rounded_up, ceil_div(in + Dim(begin), Dim(stride)));
}

size_t pool_axis(std::span<const int64_t> values, size_t i, size_t missing) {
  if (values.size() == 2) return static_cast<size_t>(values[i]);
  return i == 0 ? missing : static_cast<size_t>(values[0]);
}

bool planar(const Type& type) {
  return type.shape && (type.shape->size() == 3 || type.shape->size() == 4);
}

bool eight_bits(const QuantPtr& quant) {
  return quant && quant->per_tensor() &&
         (quant->storage == DType::u8 || quant->storage == DType::s8);
}

}  // namespace

Result<std::optional<Shape>> pool_output_shape(const PoolWindow& window,
                                               const std::optional<Shape>& x) {
  if (!x) return std::optional<Shape>();
  if (x->size() < 3) return invalid_model("the input {} has no spatial axis", to_string(*x));
  OCTET_RETURN_IF_ERROR(check_window(window, x->size() - 2));
  Shape out = {(*x)[0], (*x)[1]};
  for (size_t i = 2; i < x->size(); ++i) {
    OCTET_ASSIGN(Dim extent, output_extent(window, i - 2, (*x)[i]));
    out.push_back(std::move(extent));
  }
  return std::optional<Shape>(std::move(out));
}

int64_t PoolGeometry::in_pixels() const {
  return std::accumulate(in.begin(), in.end(), int64_t{1}, std::multiplies<>());
}

int64_t PoolGeometry::out_pixels() const {
  return std::accumulate(out.begin(), out.end(), int64_t{1}, std::multiplies<>());
}

int64_t PoolGeometry::padded_taps(int64_t at) const {
  int64_t count = 1;
  for (size_t a = in.size(); a-- > 0; at /= out[a]) {
    const int64_t start = at % out[a] * stride[a] - pad_begin[a];
    int64_t taps = 0;
    for (int64_t k = 0; k < kernel[a]; ++k)
      taps += start + k * dilation[a] < in[a] + pad_end[a] ? 1 : 0;
    count *= taps;
  }
  return count;
}

PoolGeometry pool_geometry(const PoolWindow& window, const Dims& x, const Dims& out) {
  PoolGeometry g;
  g.batch = static_cast<size_t>(x[0]);
  g.channels = static_cast<size_t>(x[1]);
  const size_t rank = x.size() - 2;
  for (size_t i = 0; i < rank; ++i) {
    g.in.push_back(x[i + 2]);
    g.out.push_back(out[i + 2]);
    g.kernel.push_back(window.kernel_shape[i]);
    g.stride.push_back(entry_or(window.strides, i, 1));
    g.dilation.push_back(entry_or(window.dilations, i, 1));
    const bool padded = window.auto_pad == "NOTSET";
    int64_t begin = padded ? entry_or(window.pads, i, 0) : 0;
    int64_t end = padded ? entry_or(window.pads, i + rank, 0) : 0;
    if (same_padding(window)) {
      const int64_t total =
          std::max<int64_t>((g.out[i] - 1) * g.stride[i] + reach_of(window, i) - g.in[i], 0);
      begin = window.auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
      end = total - begin;
    }
    g.pad_begin.push_back(begin);
    g.pad_end.push_back(end);
  }
  return g;
}

kernels::PoolF32Args pool_args_f32(const PoolGeometry& g) {
  kernels::PoolF32Args args;
  args.batch = g.batch;
  args.channels = g.channels;
  args.in_height = pool_axis(g.in, 0, 1);
  args.in_width = pool_axis(g.in, 1, 1);
  args.out_height = pool_axis(g.out, 0, 1);
  args.out_width = pool_axis(g.out, 1, 1);
  args.kernel_height = pool_axis(g.kernel, 0, 1);
  args.kernel_width = pool_axis(g.kernel, 1, 1);
  args.stride_y = pool_axis(g.stride, 0, 1);
  args.stride_x = pool_axis(g.stride, 1, 1);
  args.dilation_y = pool_axis(g.dilation, 0, 1);
  args.dilation_x = pool_axis(g.dilation, 1, 1);
  args.pad_top = pool_axis(g.pad_begin, 0, 0);
  args.pad_left = pool_axis(g.pad_begin, 1, 0);
  args.pad_bottom = pool_axis(g.pad_end, 0, 0);
  args.pad_right = pool_axis(g.pad_end, 1, 0);
  return args;
}

kernels::PoolShape pool_shape_s8(const PoolGeometry& g) {
  const kernels::PoolF32Args f = pool_args_f32(g);
  kernels::PoolShape s;
  s.batch = f.batch;
  s.channels = f.channels;
  s.in_h = f.in_height;
  s.in_w = f.in_width;
  s.out_h = f.out_height;
  s.out_w = f.out_width;
  s.kernel_h = f.kernel_height;
  s.kernel_w = f.kernel_width;
  s.stride_h = f.stride_y;
  s.stride_w = f.stride_x;
  s.dilation_h = f.dilation_y;
  s.dilation_w = f.dilation_x;
  s.pad_top = f.pad_top;
  s.pad_left = f.pad_left;
  s.pad_bottom = f.pad_bottom;
  s.pad_right = f.pad_right;
  return s;
}

std::optional<Ports> match_pool_f32(const LowerContext& context) {
  const Type& x = context.input(0).type;
  if (!runs_as_f32(x.dtype) || !planar(x)) return std::nullopt;
  const PortForm form{PortForm::Storage::real, Layout::channels_last};
  return Ports{{form}, {form}};
}

bool both_codes(const LowerContext& context) {
  return eight_bits(context.input_quant(0)) && eight_bits(context.output_quant(0));
}

std::optional<Ports> match_pool_s8(const LowerContext& context) {
  if (!both_codes(context) || !planar(context.input(0).type)) return std::nullopt;
  const PortForm form{PortForm::Storage::stored, Layout::channels_last};
  return Ports{{form}, {form}};
}

kernels::AverageS8 average_args(const LowerContext& context) {
  const QuantType& in = *context.input_quant(0);
  const QuantType& out = *context.output_quant(0);
  kernels::AverageS8 args;
  args.in_signed = in.storage == DType::s8;
  args.out_signed = out.storage == DType::s8;
  args.in_zero_point = in.tensor_zero_point().v;
  args.out_zero_point = out.tensor_zero_point().v;
  args.multiplier = in.tensor_scale().v / out.tensor_scale().v;
  args.low = args.out_signed ? -128 : 0;
  args.high = args.out_signed ? 127 : 255;
  return args;
}

QuantSpec quant_activation(const Graph& /*graph*/, const Node& /*node*/) {
  using Role = PortQuant::Role;
  return {.inputs = {{Role::activation}}, .outputs = {{Role::activation}}};
}

Status infer_global_pool(InferContext& context) {
  std::optional<Shape> shape = context.input(0).shape;
  if (shape && shape->size() < 2)
    return invalid_model("the input {} has no channels", to_string(*shape));
  if (shape) std::fill(shape->begin() + 2, shape->end(), Dim(1));
  context.set_tensor(0, context.dtype(0), std::move(shape));
  return {};
}

PoolGeometry global_geometry(const Dims& x) {
  PoolGeometry g;
  g.batch = static_cast<size_t>(x[0]);
  g.channels = static_cast<size_t>(x[1]);
  const int64_t pixels = std::accumulate(x.begin() + 2, x.end(), int64_t{1}, std::multiplies<>());
  g.in = {pixels};
  g.out = {1};
  g.kernel = {pixels};
  g.stride = {1};
  g.dilation = {1};
  g.pad_begin = {0};
  g.pad_end = {0};
  return g;
}

namespace {

class GlobalF32 final : public Step {
 public:
  GlobalF32(kernels::ReduceF32 function, const kernels::ReduceF32Variant& variant)
      : function_(function), variant_(variant) {}
  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    const PoolGeometry g = global_geometry(x.dims);
    const bool last = x.layout == Layout::channels_last;
    kernels::ReduceF32Args args;
    args.function = function_;
    args.x = x.as<float>();
    args.y = context.output(0).as<float>();
    args.outer = last ? g.batch : g.batch * g.channels;
    args.axis = static_cast<size_t>(g.in_pixels());
    args.inner = last ? g.channels : 1;
    kernels::reduce_f32(*variant_.table, args, context.parallel());
    return {};
  }
  StepInfo info() const override { return {"reduce_f32", "native", variant_.isa}; }

 private:
  kernels::ReduceF32 function_;
  const kernels::ReduceF32Variant& variant_;
};

}  // namespace

std::optional<Ports> match_global_f32(const LowerContext& context) {
  const Type& x = context.input(0).type;
  if (!runs_as_f32(x.dtype)) return std::nullopt;
  const PortForm form{PortForm::Storage::real, context.input_layout(0)};
  return Ports{{form}, {form}};
}

std::unique_ptr<Step> make_global_f32(kernels::ReduceF32 function, CpuToken cpu) {
  return std::make_unique<GlobalF32>(function, kernels::select_reduce_f32(cpu));
}

}  // namespace octet::ops
