#include <cmath>

#include "engine/ops/common/dequantize.h"
#include "engine/ops/common/quantize_ports.h"
#include "engine/ops/common/real.h"
#include "engine/ops/op.h"
#include "kernels/layernorm_f32/layernorm_f32.h"

// https://arxiv.org/abs/1607.06450 and https://arxiv.org/abs/1910.07467

namespace octet::ops::layer_normalization {
namespace {

using namespace kernels;

struct LayerNormAttrs {
  int64_t axis = -1;
  float epsilon = 1e-5F;
  int64_t stash_type = 1;
  static constexpr auto fields() {
    return std::tuple{field("axis", &LayerNormAttrs::axis),
                      field("epsilon", &LayerNormAttrs::epsilon),
                      field("stash_type", &LayerNormAttrs::stash_type)};
  }
};

// Scale and bias must repeat to the input without widening it.
Status check_fits(const InferContext& context, size_t i) {
  if (!context.has_input(i) || !context.has_rank(i) || !context.has_rank(0)) return {};
  const Shape& x = context.shape(0);
  const Shape& s = context.shape(i);
  bool fits = s.size() <= x.size();
  for (size_t a = 0; fits && a < s.size(); ++a) {
    const Dim& extent = x[x.size() - s.size() + a];
    fits = !s[a].known() || s[a] == Dim(1) || !extent.known() || extent == s[a];
  }
  if (fits) return {};
  return invalid_model("input {} of {} doesn't broadcast to {}", i, to_string(s), to_string(x));
}

Status infer(InferContext& context) {
  const auto& attrs = context.attrs<LayerNormAttrs>();
  if (attrs.stash_type != static_cast<int64_t>(DType::f32) &&
      attrs.stash_type != static_cast<int64_t>(DType::bf16))
    return unsupported("stash_type {}", attrs.stash_type);
  const auto stash = static_cast<DType>(attrs.stash_type);
  std::optional<Shape> reduced = context.input(0).shape;
  if (reduced) {
    OCTET_ASSIGN(const size_t axis, context.axis(attrs.axis, reduced->size()));
    std::fill(reduced->begin() + static_cast<ptrdiff_t>(axis), reduced->end(), Dim(1));
  }
  OCTET_RETURN_IF_ERROR(check_fits(context, 1));
  OCTET_RETURN_IF_ERROR(check_fits(context, 2));
  context.set_like(0, 0);
  // The statistics of doubles are f32 as well.
  context.set_tensor(1, stash, reduced);
  context.set_tensor(2, stash, reduced);
  return {};
}

struct Rows {
  size_t count = 1;
  size_t extent = 1;
};

Rows rows_of(int64_t first_axis, const Dims& dims) {
  const auto axis =
      static_cast<size_t>(first_axis < 0 ? first_axis + std::ssize(dims) : first_axis);
  Rows rows;
  for (size_t i = 0; i < dims.size(); ++i)
    (i < axis ? rows.count : rows.extent) *= static_cast<size_t>(dims[i]);
  return rows;
}

// Element i of x's dims in a parameter that repeats.
size_t repeated_index(const TensorView& parameter, const Dims& dims, size_t i) {
  size_t at = 0;
  size_t step = 1;
  for (size_t a = dims.size(); a-- > 0; i /= static_cast<size_t>(dims[a])) {
    const size_t missing = dims.size() - parameter.rank();
    if (a < missing) break;
    const auto extent = static_cast<size_t>(parameter.dims[a - missing]);
    if (extent > 1) at += i % static_cast<size_t>(dims[a]) * step;
    step *= extent;
  }
  return at;
}

template <typename T, bool Centered>
void normalize(const LayerNormAttrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  const Rows rows = rows_of(attrs.axis, x.dims);
  const T* in = x.as<T>();
  T* out = context.output(0).as<T>();
  const auto parameter = [&](size_t port, size_t i, T missing) {
    if (!context.has_input(port)) return missing;
    const TensorView& p = context.input(port);
    return p.as<T>()[repeated_index(p, x.dims, i)];
  };
  for (size_t r = 0; r < rows.count; ++r) {
    const T* row = in + r * rows.extent;
    double mean = 0.0;
    for (size_t i = 0; Centered && i < rows.extent; ++i) mean += static_cast<double>(row[i]);
    mean /= static_cast<double>(rows.extent);
    double variance = 0.0;
    for (size_t i = 0; i < rows.extent; ++i) {
      const double d = static_cast<double>(row[i]) - mean;
      variance += d * d;
    }
    variance /= static_cast<double>(rows.extent);
    const double inverse = 1.0 / std::sqrt(variance + static_cast<double>(attrs.epsilon));
    for (size_t i = 0; i < rows.extent; ++i) {
      const size_t at = r * rows.extent + i;
      const auto value = static_cast<T>((static_cast<double>(in[at]) - mean) * inverse);
      out[at] = value * parameter(1, at, T(1)) + parameter(2, at, T(0));
    }
    if (context.has_output(1)) context.output(1).as<float>()[r] = static_cast<float>(mean);
    if (context.has_output(2)) context.output(2).as<float>()[r] = static_cast<float>(inverse);
  }
}

template <bool Centered>
Status run(const Attrs& attrs, RunContext& context) {
  const DType type = context.input(0).dtype;
  if (context.input(1).dtype != type) return unsupported("a scale of another type");
  const bool known = visit_dtype(type, FloatTypes{}, [&]<typename T>() {
    normalize<T, Centered>(attrs.as<LayerNormAttrs>(), context);
  });
  return known ? Status{} : unsupported("elements of {}", dtype_name(type));
}

class LayerNormStep final : public Step {
 public:
  LayerNormStep(const LayerNormAttrs& attrs, NormF32 kind, const QuantPtr& output,
                const LayerNormF32Variant& variant)
      : attrs_(attrs), kind_(kind), variant_(variant) {
    if (output) rounding_ = code_rounding(*output);
  }
  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    const Rows rows = rows_of(attrs_.axis, x.dims);
    LayerNormF32Args args;
    args.kind = kind_;
    args.x = x.as<float>();
    if (rounding_) {
      args.codes = reinterpret_cast<uint8_t*>(context.output(0).data);
      args.rounding = *rounding_;
    } else {
      args.y = context.output(0).as<float>();
    }
    args.rows = rows.count;
    args.n = rows.extent;
    args.epsilon = attrs_.epsilon;
    args.scale = context.input(1).as<float>();
    if (context.has_input(2)) args.bias = context.input(2).as<float>();
    if (context.has_output(1)) args.mean = context.output(1).as<float>();
    if (context.has_output(2)) args.inverse = context.output(2).as<float>();
    layernorm_f32(*variant_.table, args, context.parallel());
    return {};
  }
  StepInfo info() const override { return {"layernorm_f32", "native", variant_.isa}; }

 private:
  LayerNormAttrs attrs_;
  NormF32 kind_;
  std::optional<CodeRounding> rounding_;  // Of the codes to write; nothing: floats.
  const LayerNormF32Variant& variant_;
};

// A parameter with the extents of the normalized axes, ones in front allowed.
bool is_row(const Type& parameter, const Shape& normalized) {
  if (!parameter.shape || parameter.shape->size() < normalized.size()) return false;
  const auto first = parameter.shape->end() - static_cast<ptrdiff_t>(normalized.size());
  return std::equal(first, parameter.shape->end(), normalized.begin()) &&
         std::all_of(parameter.shape->begin(), first, [](const Dim& d) { return d == Dim(1); });
}

std::optional<Ports> match_f32(const LowerContext& context) {
  const Type& x = context.input(0).type;
  if (!runs_as_f32(x.dtype) || !x.shape) return std::nullopt;
  const auto axis = normalize_axis(context.attrs<LayerNormAttrs>().axis, x.shape->size());
  if (!axis) return std::nullopt;
  const Shape normalized(x.shape->begin() + static_cast<ptrdiff_t>(*axis), x.shape->end());
  for (size_t i = 1; i < context.node().inputs.size(); ++i)
    if (context.has_input(i) &&
        (!is_row(context.input(i).type, normalized) || !runs_as_f32(context.input(i).type.dtype)))
      return std::nullopt;
  Ports ports;
  ports.outputs.resize(context.node().outputs.size());
  if (is_int8_per_tensor(context.output_quant(0)))
    ports.outputs[0] = {PortForm::Storage::stored, Layout::row_major};
  return ports;
}

template <NormF32 Kind>
Result<std::unique_ptr<Step>> prepare_f32(const LowerContext& context) {
  return std::unique_ptr<Step>(std::make_unique<LayerNormStep>(
      context.attrs<LayerNormAttrs>(), Kind,
      is_int8_per_tensor(context.output_quant(0)) ? context.output_quant(0) : nullptr,
      select_layernorm_f32(context.cpu())));
}

QuantSpec quant(const Graph&, const Node&) {
  return {.inputs = {{}}, .outputs = {{PortQuant::Role::activation}}};
}

constexpr Implementation kLayerRows[] = {
    {.name = "layernorm_f32", .match = match_f32, .prepare = prepare_f32<NormF32::layer>},
    reference<run<true>>(),
};
constexpr Implementation kRmsRows[] = {
    {.name = "layernorm_f32", .match = match_f32, .prepare = prepare_f32<NormF32::rms>},
    reference<run<false>>(),
};

}  // namespace

extern const OpDef LayerNormalization;
extern const OpDef RMSNormalization;
const OpDef LayerNormalization = {
    .domain = "",
    .name = "LayerNormalization",
    .since = 17,
    .inputs = {2, 3},
    .outputs = {1, 3},
    .attrs = attr_codec<LayerNormAttrs>(),
    .infer = infer,
    .quant = quant,
    .implementations = kLayerRows,
};
const OpDef RMSNormalization = {
    .domain = "",
    .name = "RMSNormalization",
    .since = 23,
    .inputs = {2, 2},
    .attrs = attr_codec<LayerNormAttrs>(),
    .infer = infer,
    .quant = quant,
    .implementations = kRmsRows,
};

}  // namespace octet::ops::layer_normalization
