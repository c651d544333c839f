#include "engine/ops/common/conv_transpose_geometry.h"

#include <algorithm>

namespace octet::ops {
namespace {

int64_t entry(const std::vector<int64_t>& values, size_t i, int64_t missing) {
  return values.empty() ? missing : values[i];
}

bool same_padding(const ConvTransposeAttrs& attrs) {
  return attrs.auto_pad == "SAME_UPPER" || attrs.auto_pad == "SAME_LOWER";
}

Status check(const ConvTransposeAttrs& attrs, size_t spatial) {
  const auto fits = [&](const std::vector<int64_t>& values, size_t size, int64_t low,
                        const char* name) -> Status {
    const bool good =
        values.size() == size && std::all_of(values.begin(), values.end(),
                                             [&](auto v) { return v >= low && v <= INT32_MAX; });
    if (values.empty() || good) return {};
    return invalid_model("{} don't fit the input's rank", name);
  };
  OCTET_RETURN_IF_ERROR(fits(attrs.strides, spatial, 1, "strides"));
  OCTET_RETURN_IF_ERROR(fits(attrs.dilations, spatial, 1, "dilations"));
  OCTET_RETURN_IF_ERROR(fits(attrs.kernel_shape, spatial, 1, "extents in kernel_shape"));
  OCTET_RETURN_IF_ERROR(fits(attrs.output_padding, spatial, 0, "extents in output_padding"));
  OCTET_RETURN_IF_ERROR(fits(attrs.output_shape, spatial, 0, "extents in output_shape"));
  OCTET_RETURN_IF_ERROR(fits(attrs.pads, 2 * spatial, 0, "pads"));
  if (attrs.auto_pad != "NOTSET" && attrs.auto_pad != "VALID" && !same_padding(attrs))
    return invalid_model("auto_pad '{}' isn't known", attrs.auto_pad);
  return {};
}

// Extent of axis `i` without any padding.
template <typename D>
D full_extent(const ConvTransposeAttrs& attrs, size_t i, const D& in, const D& kernel) {
  return (in - D(1)) * D(entry(attrs.strides, i, 1)) + D(entry(attrs.output_padding, i, 0)) +
         (kernel - D(1)) * D(entry(attrs.dilations, i, 1)) + D(1);
}

}  // namespace

Result<std::optional<Shape>> conv_transpose_output_shape(const ConvTransposeAttrs& attrs,
                                                         const std::optional<Shape>& x,
                                                         const std::optional<Shape>& w) {
  if (w && !w->empty()) OCTET_RETURN_IF_ERROR(check_groups(attrs.group, (*w)[0], "C"));
  if (!x || !w) return std::optional<Shape>();
  const std::string both = "input " + to_string(*x) + " and weights " + to_string(*w);
  if (x->size() < 3 || x->size() != w->size())
    return invalid_model("{} differ in rank or have no spatial axis", both);
  const size_t spatial = x->size() - 2;
  OCTET_RETURN_IF_ERROR(check(attrs, spatial));
  const Dim& channels = (*w)[0];
  if (channels.known() && ((*x)[1].known() && (*x)[1] != channels))
    return invalid_model("{} differ in channels", both);
  Shape out = {(*x)[0], (*w)[1] * Dim(attrs.group)};
  for (size_t i = 0; i < spatial; ++i) {
    const Dim& kernel = (*w)[i + 2];
    if (!attrs.kernel_shape.empty() && kernel.known() && kernel != Dim(attrs.kernel_shape[i]))
      return invalid_model("kernel_shape differs from the weights {}", to_string(*w));
    if (!attrs.output_shape.empty()) {
      out.emplace_back(attrs.output_shape[i]);
    } else if (same_padding(attrs)) {
      out.push_back((*x)[i + 2] * Dim(entry(attrs.strides, i, 1)));
    } else {
      const bool padded = attrs.auto_pad == "NOTSET";
      const int64_t pads = padded ? entry(attrs.pads, i, 0) + entry(attrs.pads, i + spatial, 0) : 0;
      out.push_back(full_extent<Dim>(attrs, i, (*x)[i + 2], kernel) - Dim(pads));
    }
    if (out.back().known() && out.back().value() < 0)
      return invalid_model("the padding is larger than the output of {}", both);
  }
  return std::optional<Shape>(std::move(out));
}

ConvGeometry conv_transpose_geometry(const ConvTransposeAttrs& attrs, const Dims& x, const Dims& w,
                                     const Dims& out) {
  ConvGeometry g;
  g.batch = x[0];
  g.in_channels = w[0];
  g.out_channels = w[1] * attrs.group;
  g.groups = attrs.group;
  for (size_t i = 0; i + 2 < x.size(); ++i) {
    g.in.push_back(x[i + 2]);
    g.out.push_back(out[i + 2]);
    g.kernel.push_back(w[i + 2]);
    g.stride.push_back(entry(attrs.strides, i, 1));
    g.dilation.push_back(entry(attrs.dilations, i, 1));
    int64_t pad = attrs.auto_pad == "NOTSET" ? entry(attrs.pads, i, 0) : 0;
    if (!attrs.output_shape.empty() || same_padding(attrs)) {
      const int64_t full = full_extent<int64_t>(attrs, i, g.in[i], g.kernel[i]);
      const int64_t total = std::max<int64_t>(full - g.out[i], 0);
      pad = attrs.auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
    }
    g.pad_begin.push_back(pad);
  }
  return g;
}

}  // namespace octet::ops
