#include <cmath>
#include <numeric>

#include "engine/ops/common/real.h"
#include "engine/ops/op.h"

// https://arxiv.org/abs/1502.03167

namespace octet::ops::batch_normalization {
namespace {

struct BatchNormAttrs {
  float epsilon = 1e-5F;
  float momentum = 0.9F;
  int64_t spatial = 1;
  int64_t training_mode = 0;
  static constexpr auto fields() {
    return std::tuple{field("epsilon", &BatchNormAttrs::epsilon),
                      field("momentum", &BatchNormAttrs::momentum),
                      field("spatial", &BatchNormAttrs::spatial, {.until = 8}),
                      field("training_mode", &BatchNormAttrs::training_mode, {.since = 14})};
  }
};

// Below opset 14 there were five outputs; more than one ask for training, whose statistics differ
// from today's.
Status canonical(const CanonicalContext& context) {
  if (context.attrs<BatchNormAttrs>().spatial != 1)
    return unsupported("statistics of single elements (spatial = 0)");
  for (size_t i = 1; i < context.node().outputs.size(); ++i) {
    if (!context.node().has_output(i)) continue;
    if (context.opset < 14) return unsupported("training outputs below opset 14");
    if (i > 2) return invalid_model("output {} isn't one of the operator's", i);
  }
  return {};
}

Status infer(InferContext& context) {
  const auto& attrs = context.attrs<BatchNormAttrs>();
  if (attrs.training_mode == 0 && (context.has_output(1) || context.has_output(2)))
    return invalid_model("running statistics without training_mode");
  if (context.has_rank(0)) {
    const Shape& x = context.shape(0);
    const Dim channels = x.size() < 2 ? Dim(1) : x[1];
    for (size_t i = 1; i < 5; ++i) {
      if (!context.has_rank(i)) continue;
      const Shape& s = context.shape(i);
      if (s.size() != 1 || (s[0].known() && channels.known() && s[0] != channels))
        return invalid_model("input {} of {} doesn't fit {}", i, to_string(s), to_string(x));
    }
  }
  context.set_like(0, 0);
  context.set_like(1, 3);
  context.set_like(2, 4);
  return {};
}

// [images, channels, pixels] in the layout of the view.
struct Split {
  size_t images = 1, channels = 1, pixels = 1;
  size_t image_step = 1, channel_step = 1, pixel_step = 1;
};

Split split(const TensorView& x) {
  Split s;
  if (x.rank() > 0) s.images = static_cast<size_t>(x.dims[0]);
  if (x.rank() > 1) s.channels = static_cast<size_t>(x.dims[1]);
  for (size_t i = 2; i < x.rank(); ++i) s.pixels *= static_cast<size_t>(x.dims[i]);
  const bool last = x.layout == Layout::channels_last;
  s.image_step = s.channels * s.pixels;
  s.channel_step = last ? 1 : s.pixels;
  s.pixel_step = last ? s.channels : 1;
  return s;
}

template <typename T>
struct Affine {
  std::vector<T> scale, shift;
};

template <typename T>
Affine<T> affine(RunContext& context, const T* mean, const T* variance, float epsilon) {
  const auto channels = static_cast<size_t>(context.input(1).count());
  Affine<T> a{std::vector<T>(channels), std::vector<T>(channels)};
  for (size_t c = 0; c < channels; ++c) {
    const double factor =
        static_cast<double>(context.input(1).as<T>()[c]) /
        std::sqrt(static_cast<double>(variance[c]) + static_cast<double>(epsilon));
    a.scale[c] = static_cast<T>(factor);
    a.shift[c] = static_cast<T>(static_cast<double>(context.input(2).as<T>()[c]) -
                                static_cast<double>(mean[c]) * factor);
  }
  return a;
}

template <typename T>
void apply(RunContext& context, const Affine<T>& a) {
  const TensorView& x = context.input(0);
  const Split s = split(x);
  const T* in = x.as<T>();
  T* out = context.output(0).as<T>();
  if (s.channel_step == 1 && s.channels > 1) {
    context.parallel().for_ranges(s.images * s.pixels, 4096 / s.channels + 1,
                                  [&](size_t begin, size_t end) {
                                    for (size_t p = begin; p < end; ++p)
                                      for (size_t c = 0; c < s.channels; ++c) {
                                        const size_t i = p * s.channels + c;
                                        out[i] = in[i] * a.scale[c] + a.shift[c];
                                      }
                                  });
    return;
  }
  context.parallel().for_ranges(s.images * s.channels, 4096 / std::max<size_t>(s.pixels, 1) + 1,
                                [&](size_t begin, size_t end) {
                                  for (size_t p = begin; p < end; ++p) {
                                    const T scale = a.scale[p % s.channels];
                                    const T shift = a.shift[p % s.channels];
                                    for (size_t i = p * s.pixels; i < (p + 1) * s.pixels; ++i)
                                      out[i] = in[i] * scale + shift;
                                  }
                                });
}

// Statistics of the batch; the variance is the population's.
template <typename T>
void batch_statistics(const TensorView& x, std::vector<T>& mean, std::vector<T>& variance) {
  const Split s = split(x);
  const auto count = static_cast<double>(s.images * s.pixels);
  for (size_t c = 0; c < s.channels; ++c) {
    const auto total = [&](auto&& f) {
      double sum = 0.0;
      for (size_t n = 0; n < s.images; ++n)
        for (size_t p = 0; p < s.pixels; ++p)
          sum += f(static_cast<double>(
              x.as<T>()[n * s.image_step + c * s.channel_step + p * s.pixel_step]));
      return sum / count;
    };
    const double center = total([](double v) { return v; });
    mean[c] = static_cast<T>(center);
    variance[c] = static_cast<T>(total([&](double v) { return (v - center) * (v - center); }));
  }
}

template <typename T>
void train(const BatchNormAttrs& attrs, RunContext& context) {
  const auto channels = static_cast<size_t>(context.input(1).count());
  std::vector<T> mean(channels);
  std::vector<T> variance(channels);
  batch_statistics<T>(context.input(0), mean, variance);
  const auto momentum = static_cast<T>(attrs.momentum);
  const auto track = [&](size_t output, const std::vector<T>& current) {
    if (!context.has_output(output)) return;
    const T* running = context.input(output + 2).as<T>();
    for (size_t c = 0; c < channels; ++c)
      context.output(output).as<T>()[c] = running[c] * momentum + current[c] * (T(1) - momentum);
  };
  track(1, mean);
  track(2, variance);
  apply<T>(context, affine<T>(context, mean.data(), variance.data(), attrs.epsilon));
}

Status run(const Attrs& attrs, RunContext& context) {
  const auto& norm = attrs.as<BatchNormAttrs>();
  const DType type = context.input(0).dtype;
  for (size_t i = 1; i < 5; ++i)
    if (context.input(i).dtype != type) return unsupported("inputs of different types");
  const bool known = visit_dtype(type, FloatTypes{}, [&]<typename T>() {
    if (norm.training_mode != 0)
      train<T>(norm, context);
    else
      apply<T>(context, affine<T>(context, context.input(3).as<T>(), context.input(4).as<T>(),
                                  norm.epsilon));
  });
  return known ? Status{} : unsupported("elements of {}", dtype_name(type));
}

std::optional<Ports> match_layout(const LowerContext& context) {
  if (!runs_as_f32(context.input(0).type.dtype)) return std::nullopt;
  const PortForm form{PortForm::Storage::real, context.input_layout(0)};
  return Ports{{form, {}}, {form, {}}};
}

constexpr Implementation kImplementations[] = {
    {.name = "affine", .match = match_layout, .prepare = prepare_function<run>},
    reference<run>(),
};

}  // namespace

extern const OpDef BatchNormalization;
const OpDef BatchNormalization = {
    .domain = "",
    .name = "BatchNormalization",
    .inputs = {5, 5},
    .outputs = {1, 5},
    .attrs = attr_codec<BatchNormAttrs>(),
    .canonical = canonical,
    .infer = infer,
    .alias = {AliasRule::Kind::in_place},
    .implementations = kImplementations,
};

}  // namespace octet::ops::batch_normalization
