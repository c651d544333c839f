#pragma once

#include <optional>

#include "engine/ir/small_vector.h"
#include "engine/ops/conv.h"
#include "engine/ops/op.h"

namespace octet::ops {

/// The type-level rule of a convolution: dims of the output for an input X [N, C, spatial...] and
/// weights W [M, C / group, kernel...]. Nothing when a rank is unknown.
Result<std::optional<Shape>> conv_output_shape(const ConvAttrs& attrs,
                                               const std::optional<Shape>& x,
                                               const std::optional<Shape>& w);

/// That `groups` divide the weights' first axis, called `name` in errors, and are no more than it
/// has.
Status check_groups(int64_t groups, const Dim& channels, const char* name);

/// That input `bias`, where there is one, has an element for each output channel: axis `axis` of
/// the weights (input 1), times `groups`.
Status check_bias(const InferContext& context, std::optional<size_t> bias, size_t axis,
                  int64_t groups);

/// A convolution with all dims known, one entry a spatial axis.
struct ConvGeometry {
  int64_t batch = 1;
  int64_t in_channels = 1;   ///< Over all groups.
  int64_t out_channels = 1;  ///< Over all groups.
  int64_t groups = 1;
  SmallVector<int64_t, 3> in, out, kernel, stride, dilation, pad_begin;

  int64_t group_in() const { return in_channels / groups; }
  int64_t group_out() const { return out_channels / groups; }
  int64_t taps() const;
  /// Padding behind the last element of an axis that the outputs reach; negative where they leave
  /// elements unread.
  int64_t pad_end(size_t axis) const {
    const int64_t reach = (out[axis] - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis] + 1;
    return reach - in[axis] - pad_begin[axis];
  }
};
ConvGeometry conv_geometry(const ConvAttrs& attrs, const Dims& x, const Dims& w, const Dims& out);

/// Whether weights of these dims (rank 3 and up) make a convolution depthwise: one input channel
/// for each output channel.
inline bool is_depthwise(const Dims& weights, int64_t groups) {
  return groups > 1 && weights[0] == groups && weights[1] == 1;
}

/// Multiply-accumulates of a convolution whose weights are input `weights`.
std::optional<Dim> conv_macs(const Graph& graph, const Node& node, size_t weights);

/// Walks every output of a convolution of row-major tensors, of any rank, in order. `tap(x, w)` is
/// called with flat indices for each product that isn't in the padding, then `done(out, channel)`.
template <typename Tap, typename Done>
void walk_convolution(const ConvGeometry& g, Tap&& tap, Done&& done);

}  // namespace octet::ops

#include "engine/ops/common/conv_walk_inl.h"
