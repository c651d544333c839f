#pragma once

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "engine/ir/small_vector.h"
#include "engine/ir/stop.h"
#include "engine/ops/op.h"
#include "kernels/pool_f32/pool_f32.h"
#include "kernels/pool_s8/pool_s8.h"
#include "kernels/reduce_f32/reduce_f32.h"

namespace octet::ops {

/// What the pooling operators have in common. Empty vectors mean ones (dilations, strides) or zeros
/// (pads).
struct PoolWindow {
  std::string auto_pad = "NOTSET";
  int64_t ceil_mode = 0;
  std::vector<int64_t> dilations = {};
  std::vector<int64_t> kernel_shape = {};
  std::vector<int64_t> pads = {};  ///< Begins of all axes, then ends.
  std::vector<int64_t> strides = {};
  /// `ceil` and `dilated` say in which opsets ceil_mode and dilations are there.
  static constexpr auto window_fields(FieldRange ceil, FieldRange dilated) {
    return std::tuple{field("auto_pad", &PoolWindow::auto_pad),
                      field("ceil_mode", &PoolWindow::ceil_mode, ceil),
                      field("dilations", &PoolWindow::dilations, dilated),
                      field("kernel_shape", &PoolWindow::kernel_shape, {.required = true}),
                      field("pads", &PoolWindow::pads),
                      field("strides", &PoolWindow::strides)};
  }
};

struct MaxPoolAttrs : PoolWindow {
  int64_t storage_order = 0;
  static constexpr auto fields() {
    return std::tuple_cat(
        window_fields({.since = 10}, {.since = 10}),
        std::tuple{field("storage_order", &MaxPoolAttrs::storage_order, {.since = 8})});
  }
};

struct AveragePoolAttrs : PoolWindow {
  int64_t count_include_pad = 0;
  static constexpr auto fields() {
    return std::tuple_cat(
        window_fields({.since = 10}, {.since = 19}),
        std::tuple{field("count_include_pad", &AveragePoolAttrs::count_include_pad)});
  }
};

/// Dims of the output for X [N, C, spatial...]; nothing when the rank is unknown.
Result<std::optional<Shape>> pool_output_shape(const PoolWindow& window,
                                               const std::optional<Shape>& x);

/// A pool with all dims known, one entry a spatial axis.
struct PoolGeometry {
  size_t batch = 1;
  size_t channels = 1;
  SmallVector<int64_t, 3> in, out, kernel, stride, dilation, pad_begin, pad_end;

  int64_t in_pixels() const;
  int64_t out_pixels() const;
  /// Taps of output pixel `at` inside the input and its padding.
  int64_t padded_taps(int64_t at) const;
};
PoolGeometry pool_geometry(const PoolWindow& window, const Dims& x, const Dims& out);

/// Calls tap(pixel) for each tap of output pixel `at` inside the input, in order.
template <typename Tap>
void walk_window(const PoolGeometry& g, int64_t at, StopPoll& poll, Tap&& tap) {
  const size_t rank = g.in.size();
  SmallVector<int64_t, 3> start(rank);
  for (size_t a = rank; a-- > 0; at /= g.out[a])
    start[a] = at % g.out[a] * g.stride[a] - g.pad_begin[a];
  SmallVector<int64_t, 3> k(rank, 0);
  while (true) {
    poll();
    int64_t pixel = 0;
    bool inside = true;
    for (size_t a = 0; a < rank; ++a) {
      const int64_t i = start[a] + k[a] * g.dilation[a];
      inside = inside && i >= 0 && i < g.in[a];
      pixel = pixel * g.in[a] + i;
    }
    if (inside) tap(pixel);
    size_t a = rank;
    while (a-- > 0) {
      if (++k[a] < g.kernel[a]) break;
      k[a] = 0;
      if (a == 0) return;
    }
    if (rank == 0) return;
  }
}

/// Calls f(plane, in, out, poll) over the planes (image and channel) of row-major tensors.
template <typename T, typename F>
void for_planes(const PoolGeometry& g, RunContext& context, F&& f) {
  const T* x = context.input(0).as<T>();
  T* y = context.output(0).as<T>();
  context.parallel().for_ranges(g.batch * g.channels, 1, [&](size_t begin, size_t end) {
    StopPoll poll;
    for (size_t p = begin; p < end; ++p)
      f(p, x + p * static_cast<size_t>(g.in_pixels()), y + p * static_cast<size_t>(g.out_pixels()),
        poll);
  });
}

/// The geometry as kernels take it, for one or two spatial axes.
kernels::PoolF32Args pool_args_f32(const PoolGeometry& g);
kernels::PoolShape pool_shape_s8(const PoolGeometry& g);

/// Real channels-last ports for f32 tensors of one or two spatial axes.
std::optional<Ports> match_pool_f32(const LowerContext& context);
/// Stored channels-last ports for 8-bit codes of one or two spatial axes, per tensor on both sides.
std::optional<Ports> match_pool_s8(const LowerContext& context);

/// Both values are 8-bit codes, quantized per tensor.
bool both_codes(const LowerContext& context);
/// How averages of input 0's codes become output 0's.
kernels::AverageS8 average_args(const LowerContext& context);

QuantSpec quant_activation(const Graph& graph, const Node& node);

/// Whole-image pools: [N, C, spatial...] to [N, C, 1...].
Status infer_global_pool(InferContext& context);
/// [N, C, 1...] of known dims as a pool over one axis of all pixels.
PoolGeometry global_geometry(const Dims& x);

/// Real ports in the layout in which the f32 input lies.
std::optional<Ports> match_global_f32(const LowerContext& context);
std::unique_ptr<Step> make_global_f32(kernels::ReduceF32 function, CpuToken cpu);
template <kernels::ReduceF32 Function>
Result<std::unique_ptr<Step>> prepare_global_f32(const LowerContext& context) {
  return make_global_f32(Function, context.cpu());
}

}  // namespace octet::ops
