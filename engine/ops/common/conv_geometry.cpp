#include "engine/ops/common/conv_geometry.h"

#include <algorithm>

namespace octet::ops {
namespace {

int64_t entry(const std::vector<int64_t>& values, size_t i, int64_t missing) {
  return values.empty() ? missing : values[i];
}

Status check_lengths(const ConvAttrs& attrs, size_t spatial) {
  const auto fits = [&](const std::vector<int64_t>& values, size_t size, int64_t low) {
    return values.empty() ||
           (values.size() == size && std::all_of(values.begin(), values.end(), [&](int64_t v) {
              return v >= low && v <= INT32_MAX;
            }));
  };
  if (!fits(attrs.strides, spatial, 1)) return invalid_model("strides don't fit the input's rank");
  if (!fits(attrs.dilations, spatial, 1))
    return invalid_model("dilations don't fit the input's rank");
  if (!fits(attrs.kernel_shape, spatial, 1))
    return invalid_model("kernel_shape doesn't fit the input's rank");
  if (!fits(attrs.pads, 2 * spatial, 0)) return invalid_model("pads don't fit the input's rank");
  const std::string& pad = attrs.auto_pad;
  if (pad != "NOTSET" && pad != "VALID" && pad != "SAME_UPPER" && pad != "SAME_LOWER")
    return invalid_model("auto_pad '{}' isn't known", pad);
  return {};
}

Status check_channels(const ConvAttrs& attrs, const Dim& channels, const Shape& w) {
  const std::string group = "group " + std::to_string(attrs.group);
  if (channels.known() && channels.value() % attrs.group != 0)
    return invalid_model("{} does not divide C={}", group, channels.to_string());
  if (channels.known() && w[1].known() && channels != w[1] * Dim(attrs.group))
    return invalid_model("the input has {} channels, the weights take {}", channels.to_string(),
                         (w[1] * Dim(attrs.group)).to_string());
  return {};
}

bool same_padding(const ConvAttrs& attrs) {
  return attrs.auto_pad == "SAME_UPPER" || attrs.auto_pad == "SAME_LOWER";
}

int64_t pad_sum(const ConvAttrs& attrs, size_t i, size_t spatial) {
  if (attrs.auto_pad != "NOTSET") return 0;
  return entry(attrs.pads, i, 0) + entry(attrs.pads, i + spatial, 0);
}

}  // namespace

Status check_groups(int64_t groups, const Dim& channels, const char* name) {
  if (groups < 1) return invalid_model("group {}", groups);
  if (!channels.known()) return {};
  if (channels.value() % groups == 0 && groups <= std::max<int64_t>(channels.value(), 1)) return {};
  return invalid_model("group {} does not divide {}={}", groups, name, channels.to_string());
}

Status check_bias(const InferContext& context, std::optional<size_t> bias, size_t axis,
                  int64_t groups) {
  if (!bias || !context.has_rank(*bias) || !context.has_rank(1)) return {};
  const Shape& shape = context.shape(*bias);
  const Dim channels = context.shape(1)[axis] * Dim(groups);
  if (shape.size() == 1 && (!shape[0].known() || !channels.known() || shape[0] == channels))
    return {};
  return invalid_model("the bias of {} isn't one of {} channels", to_string(shape),
                       channels.to_string());
}

Result<std::optional<Shape>> conv_output_shape(const ConvAttrs& attrs,
                                               const std::optional<Shape>& x,
                                               const std::optional<Shape>& w) {
  if (w && !w->empty()) OCTET_RETURN_IF_ERROR(check_groups(attrs.group, (*w)[0], "M"));
  if (!x || !w) return std::optional<Shape>();
  if (x->size() < 3 || x->size() != w->size())
    return invalid_model("input {} and weights {} differ in rank or have no spatial axis",
                         to_string(*x), to_string(*w));
  const size_t spatial = x->size() - 2;
  OCTET_RETURN_IF_ERROR(check_lengths(attrs, spatial));
  OCTET_RETURN_IF_ERROR(check_channels(attrs, (*x)[1], *w));
  Shape out = {(*x)[0], (*w)[0]};
  for (size_t i = 0; i < spatial; ++i) {
    const Dim& in = (*x)[i + 2];
    const Dim& kernel = (*w)[i + 2];
    if (!attrs.kernel_shape.empty() && kernel.known() && kernel != Dim(attrs.kernel_shape[i]))
      return invalid_model("kernel_shape differs from the weights {}", to_string(*w));
    const Dim stride(entry(attrs.strides, i, 1));
    if (same_padding(attrs)) {
      out.push_back(ceil_div(in, stride));
      continue;
    }
    const Dim reach = (kernel - Dim(1)) * Dim(entry(attrs.dilations, i, 1)) + Dim(1);
    const Dim room = in + Dim(pad_sum(attrs, i, spatial)) - reach;
    if (room.known() && room.value() < 0)
      return invalid_model("the kernel is larger than the padded input {}", to_string(*x));
    out.push_back(floor_div(room, stride) + Dim(1));
  }
  return std::optional<Shape>(std::move(out));
}

int64_t ConvGeometry::taps() const { return detail::product_of(kernel); }

ConvGeometry conv_geometry(const ConvAttrs& attrs, const Dims& x, const Dims& w, const Dims& out) {
  ConvGeometry g;
  g.batch = x[0];
  g.in_channels = x[1];
  g.out_channels = w[0];
  g.groups = attrs.group;
  for (size_t i = 0; i + 2 < x.size(); ++i) {
    g.in.push_back(x[i + 2]);
    g.out.push_back(out[i + 2]);
    g.kernel.push_back(w[i + 2]);
    g.stride.push_back(entry(attrs.strides, i, 1));
    g.dilation.push_back(entry(attrs.dilations, i, 1));
    int64_t pad = attrs.auto_pad == "NOTSET" ? entry(attrs.pads, i, 0) : 0;
    if (same_padding(attrs)) {
      const int64_t reach = (g.kernel[i] - 1) * g.dilation[i] + 1;
      const int64_t total = std::max<int64_t>((g.out[i] - 1) * g.stride[i] + reach - g.in[i], 0);
      pad = attrs.auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
    }
    g.pad_begin.push_back(pad);
  }
  return g;
}

std::optional<Dim> conv_macs(const Graph& graph, const Node& node, size_t weights) {
  const auto& out = graph.value(node.outputs[0]).type.shape;
  const auto& w = graph.value(node.inputs[weights]).type.shape;
  if (!out || !w) return std::nullopt;
  return element_count(*out) * element_count(Shape(w->begin() + 1, w->end()));
}

}  // namespace octet::ops
