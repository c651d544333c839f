#include <algorithm>
#include <cmath>

#include "engine/ops/common/real.h"
#include "engine/ops/common/resample_pass.h"

namespace octet::ops::resize {
namespace {

constexpr size_t kRoi = 1;
constexpr size_t kScales = 2;
constexpr size_t kSizes = 3;

struct UpsampleAttrs {
  std::string mode = "nearest";
  std::vector<float> scales = {};
  static constexpr auto fields() {
    return std::tuple{field("mode", &UpsampleAttrs::mode),
                      field("scales", &UpsampleAttrs::scales, {.until = 8, .required = true})};
  }
};

// Opset 10 and Upsample: coordinates are asymmetric; the nearest element is the one in front, or
// behind where the axis shrinks.
Status canonical_asymmetric(const CanonicalContext& context, ResizeAttrs attrs) {
  attrs.coordinate_transformation_mode = "asymmetric";
  attrs.nearest_mode = "floor";
  Graph& graph = context.graph;
  if (!context.node().has_input(1)) return invalid_model("its input 1 is missing");
  const ValueId scales = context.node().inputs[1];
  const bool shrinks_are_behind = context.node().op->name == "Resize" && attrs.mode == "nearest";
  if (shrinks_are_behind) {
    const Tensor* constant = graph.constant(scales);
    if (constant == nullptr) return unsupported("nearest elements by computed scales in opset 10");
    const auto values = constant->to_float();
    const bool shrinks = std::any_of(values.begin(), values.end(), [](float s) { return s < 1; });
    const bool grows = std::any_of(values.begin(), values.end(), [](float s) { return s > 1; });
    if (shrinks && grows) return unsupported("axes that grow and axes that shrink in opset 10");
    if (shrinks) attrs.nearest_mode = "ceil";
  }
  graph.set_input(context.id, 1, kNoValue);
  graph.append_input(context.id, scales);
  context.node().op = &require_op("", "Resize");
  context.node().attrs = Attrs::of(std::move(attrs));
  return {};
}

Status canonical(const CanonicalContext& context) {
  ResizeAttrs attrs = context.attrs<ResizeAttrs>();
  if (context.opset <= 10) return canonical_asymmetric(context, std::move(attrs));
  if (attrs.coordinate_transformation_mode == "tf_half_pixel_for_nn") {
    // (x + 0.5) / scale, rounded down, is half_pixel's coordinate rounded half up.
    if (attrs.mode != "nearest" || attrs.nearest_mode != "floor")
      return unsupported("tf_half_pixel_for_nn with {} {}", attrs.mode, attrs.nearest_mode);
    attrs.coordinate_transformation_mode = "half_pixel";
    attrs.nearest_mode = "round_prefer_ceil";
    context.node().attrs = Attrs::of(std::move(attrs));
  }
  return {};
}

Status canonical_upsample(const CanonicalContext& context) {
  const UpsampleAttrs old = context.attrs<UpsampleAttrs>();
  if (context.opset < 9)
    context.set_constant_input(
        1, Tensor::of(Dims{static_cast<int64_t>(old.scales.size())}, old.scales), "scales");
  ResizeAttrs attrs;
  attrs.mode = old.mode == "bilinear" ? "linear" : old.mode;
  return canonical_asymmetric(context, std::move(attrs));
}

Result<std::vector<size_t>> resized_axes(const ResizeAttrs& attrs, size_t rank) {
  std::vector<size_t> axes;
  for (const int64_t axis : attrs.axes) {
    const auto at = normalize_axis(axis, rank);
    if (!at) return invalid_model("axis {} is outside the rank", axis);
    axes.push_back(*at);
  }
  for (size_t a = 0; attrs.axes.empty() && a < rank; ++a) axes.push_back(a);
  return axes;
}

Status check_length(size_t given, size_t axes, const char* what) {
  if (given == axes) return {};
  return invalid_model("{} has {} entries for {} axes", what, given, axes);
}

// floor(extent * scale); symbolic where the scale is an integer or one over an integer.
Dim scaled(const Dim& extent, float scale) {
  if (extent.known())
    return Dim(integer_of<int64_t>(std::floor(static_cast<float>(extent.value()) * scale)));
  if (scale == std::floor(scale)) return extent * Dim(integer_of<int64_t>(scale));
  const float inverse = 1.0F / scale;
  if (inverse == std::floor(inverse)) return floor_div(extent, Dim(integer_of<int64_t>(inverse)));
  return Dim::fresh();
}

// The one scale of all axes that keeps their ratio.
double common_scale(const ResizeAttrs& attrs, const std::vector<size_t>& axes,
                    const std::vector<int64_t>& in, const std::vector<int64_t>& sizes) {
  double scale = 0.0;
  for (size_t i = 0; i < axes.size(); ++i) {
    const double s = static_cast<double>(sizes[i]) / static_cast<double>(in[axes[i]]);
    const bool smaller = attrs.keep_aspect_ratio_policy == "not_larger";
    scale = i == 0 ? s : (smaller ? std::min(scale, s) : std::max(scale, s));
  }
  return scale;
}

Status infer_sizes(InferContext& context, const ResizeAttrs& attrs, const std::vector<size_t>& axes,
                   Shape& shape) {
  const auto* sizes = context.elements(kSizes);
  if (sizes != nullptr) OCTET_RETURN_IF_ERROR(check_length(sizes->size(), axes.size(), "sizes"));
  const auto known = context.known_elements(kSizes);
  const bool stretch = attrs.keep_aspect_ratio_policy == "stretch";
  if (!stretch && known && all_known(shape)) {
    const auto in = known_dims(shape);
    const double scale = common_scale(attrs, axes, in, *known);
    for (const size_t a : axes) shape[a] = Dim(std::llround(scale * static_cast<double>(in[a])));
    return {};
  }
  for (size_t i = 0; i < axes.size(); ++i)
    shape[axes[i]] = sizes != nullptr && stretch ? (*sizes)[i] : Dim::fresh();
  return {};
}

bool is_given(const InferContext& context, size_t i) {
  if (!context.has_input(i)) return false;
  const auto& shape = context.input(i).shape;
  return !(shape && shape->size() == 1 && (*shape)[0] == Dim(0));
}

Status infer(InferContext& context) {
  const auto& attrs = context.attrs<ResizeAttrs>();
  OCTET_RETURN_IF_ERROR(check_resize(attrs));
  if (!context.has_rank(0)) {
    context.set_tensor(0, context.dtype(0));
    return {};
  }
  Shape shape = context.shape(0);
  OCTET_ASSIGN(const auto axes, resized_axes(attrs, shape.size()));
  if (is_given(context, kSizes)) {
    OCTET_RETURN_IF_ERROR(infer_sizes(context, attrs, axes, shape));
  } else if (context.has_input(kScales)) {
    const Tensor* scales = context.constant(kScales);
    const auto values = scales != nullptr ? scales->to_float() : std::vector<float>();
    if (scales != nullptr)
      OCTET_RETURN_IF_ERROR(check_length(values.size(), axes.size(), "scales"));
    for (const float scale : values)
      if (!(scale > 0.0F)) return invalid_model("a scale of {}", std::to_string(scale));
    for (size_t i = 0; i < axes.size(); ++i)
      shape[axes[i]] = scales != nullptr ? scaled(shape[axes[i]], values[i]) : Dim::fresh();
  } else {
    return invalid_model("neither scales nor sizes are given");
  }
  context.set_tensor(0, context.dtype(0), std::move(shape));
  return {};
}

std::vector<float> floats_of(const TensorView& view) {
  return Tensor(view.dtype, view.dims, view.bytes(), nullptr).to_float();
}

// All axes in logical order, with what the inputs say of them.
Result<std::vector<ResampleAxis>> axes_of(const ResizeAttrs& attrs, const RunContext& context) {
  const Dims& in = context.input(0).dims;
  OCTET_ASSIGN(const auto axes, resized_axes(attrs, in.size()));
  std::vector<ResampleAxis> all(in.size());
  for (size_t a = 0; a < in.size(); ++a) all[a] = {in[a], in[a], 1.0, 0.0, 1.0};
  if (context.has_input(kSizes) && context.input(kSizes).count() > 0) {
    const TensorView& view = context.input(kSizes);
    const auto sizes = Tensor(view.dtype, view.dims, view.bytes(), nullptr).to_int64();
    OCTET_RETURN_IF_ERROR(check_length(sizes.size(), axes.size(), "sizes"));
    const bool stretch = attrs.keep_aspect_ratio_policy == "stretch";
    const double common = stretch ? 1.0 : common_scale(attrs, axes, in, sizes);
    for (size_t i = 0; i < axes.size(); ++i) {
      ResampleAxis& axis = all[axes[i]];
      const auto extent = static_cast<double>(axis.in);
      axis.out = stretch ? sizes[i] : std::llround(common * extent);
      axis.scale = stretch ? static_cast<double>(sizes[i]) / extent : common;
    }
  } else {
    const auto scales = floats_of(context.input(kScales));
    OCTET_RETURN_IF_ERROR(check_length(scales.size(), axes.size(), "scales"));
    for (size_t i = 0; i < axes.size(); ++i) {
      if (!(scales[i] > 0.0F)) return invalid_data("a scale of {}", std::to_string(scales[i]));
      ResampleAxis& axis = all[axes[i]];
      axis.out = scaled(Dim(axis.in), scales[i]).value();
      axis.scale = static_cast<double>(scales[i]);
    }
  }
  if (attrs.coordinate_transformation_mode == "tf_crop_and_resize") {
    if (!context.has_input(kRoi)) return invalid_model("tf_crop_and_resize without a roi");
    const auto roi = floats_of(context.input(kRoi));
    OCTET_RETURN_IF_ERROR(check_length(roi.size(), 2 * axes.size(), "roi"));
    for (size_t i = 0; i < axes.size(); ++i) {
      all[axes[i]].roi_begin = static_cast<double>(roi[i]);
      all[axes[i]].roi_end = static_cast<double>(roi[i + axes.size()]);
    }
  }
  for (const ResampleAxis& axis : all) {
    if (axis.out < 0) return invalid_data("a negative size");
    if (axis.in == 0 && axis.out > 0) return invalid_data("an empty axis can't grow");
  }
  return all;
}

// Axes in the order in which they lie in memory.
std::vector<ResampleAxis> stored_order(std::vector<ResampleAxis> axes, Layout layout) {
  if (layout == Layout::channels_last && axes.size() > 2)
    std::rotate(axes.begin() + 1, axes.begin() + 2, axes.end());
  return axes;
}

bool moves_only(const ResizeAttrs& attrs) {
  return attrs.mode == "nearest" && attrs.coordinate_transformation_mode != "tf_crop_and_resize";
}

Status run(const Attrs& attributes, RunContext& context) {
  const auto& attrs = attributes.as<ResizeAttrs>();
  OCTET_ASSIGN(auto axes, axes_of(attrs, context));
  Dims dims;
  for (const ResampleAxis& axis : axes) dims.push_back(axis.out);
  OCTET_RETURN_IF_ERROR(context.allocate(0, dims));
  if (context.output(0).count() == 0) return {};
  axes = stored_order(std::move(axes), context.input(0).layout);
  const DType type = context.input(0).dtype;
  if (moves_only(attrs) && dtype_bits(type) >= 8) {
    move_nearest(attrs, axes, context.input(0), context.output(0));
    return {};
  }
  const bool known =
      interpolate(attrs, axes, context.input(0), context.output(0), context.parallel());
  return known ? Status{} : unsupported("elements of {}", dtype_name(type));
}

Ports ports_of(PortForm::Storage storage, Layout layout) {
  const PortForm form{storage, layout};
  return {{form, {}}, {form}};
}

// Elements that only move keep their codes.
std::optional<Ports> match_codes(const LowerContext& context) {
  const QuantPtr& quant = context.input_quant(0);
  if (!moves_only(context.attrs<ResizeAttrs>()) || !quant || !quant->per_tensor() ||
      dtype_bits(quant->storage) < 8 || !same_quant(quant, context.output_quant(0)))
    return std::nullopt;
  return ports_of(PortForm::Storage::stored, context.input_layout(0));
}

std::optional<Ports> match_layout(const LowerContext& context) {
  if (!runs_as_f32(context.input(0).type.dtype)) return std::nullopt;
  return ports_of(PortForm::Storage::real, context.input_layout(0));
}

QuantSpec quant(const Graph&, const Node& node) {
  using Role = PortQuant::Role;
  const bool moves = moves_only(node.attrs.as<ResizeAttrs>());
  return {.inputs = {{Role::activation}}, .outputs = {{moves ? Role::shared : Role::activation}}};
}

constexpr Implementation kImplementations[] = {
    {.name = "gather", .match = match_codes, .prepare = prepare_function<run>},
    {.name = "resample", .match = match_layout, .prepare = prepare_function<run>},
    reference<run>(),
};

}  // namespace

extern const OpDef Resize;
extern const OpDef Upsample;
const OpDef Resize = {
    .domain = "",
    .name = "Resize",
    .since = 10,
    .inputs = {1, 4},
    .attrs = attr_codec<ResizeAttrs>(),
    .canonical = canonical,
    .infer = infer,
    .quant = quant,
    .implementations = kImplementations,
};
const OpDef Upsample = {
    .domain = "",
    .name = "Upsample",
    .until = 9,
    .inputs = {1, 2},
    .attrs = attr_codec<UpsampleAttrs>(),
    .canonical = canonical_upsample,
};

}  // namespace octet::ops::resize
