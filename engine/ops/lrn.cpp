#include <algorithm>
#include <cmath>

#include "engine/ops/op.h"

// Local response normalization: AlexNet, section 3.3.

namespace octet::ops::lrn {
namespace {

struct LrnAttrs {
  float alpha = 1e-4F;
  float beta = 0.75F;
  float bias = 1.0F;
  int64_t size = 1;
  static constexpr auto fields() {
    return std::tuple{field("alpha", &LrnAttrs::alpha), field("beta", &LrnAttrs::beta),
                      field("bias", &LrnAttrs::bias),
                      field("size", &LrnAttrs::size, {.required = true})};
  }
};

Status infer(InferContext& context) {
  if (context.has_rank(0) && context.shape(0).size() < 2)
    return invalid_model("the input {} has no channels", to_string(context.shape(0)));
  if (context.attrs<LrnAttrs>().size < 1) return invalid_model("size must be positive");
  return infer_same(context);
}

// Each channel is divided by a power of the energy of `size` channels around it.
template <typename T>
void normalize(const LrnAttrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  const int64_t channels = x.dims[1];
  int64_t pixels = 1;
  for (size_t a = 2; a < x.rank(); ++a) pixels *= x.dims[a];
  const int64_t before = (attrs.size - 1) / 2;
  const int64_t after = attrs.size - 1 - before;
  const auto planes = static_cast<size_t>(x.dims[0] * channels);
  context.parallel().for_ranges(planes, 1, [&](size_t begin, size_t end) {
    for (auto p = static_cast<int64_t>(begin); p < static_cast<int64_t>(end); ++p) {
      const int64_t c = p % channels;
      const T* image = x.as<T>() + (p - c) * pixels;
      for (int64_t i = 0; i < pixels; ++i) {
        double energy = 0.0;
        for (int64_t k = std::max<int64_t>(c - before, 0); k <= std::min(c + after, channels - 1);
             ++k) {
          const auto value = static_cast<double>(image[k * pixels + i]);
          energy += value * value;
        }
        const double base = static_cast<double>(attrs.bias) + static_cast<double>(attrs.alpha) /
                                                                  static_cast<double>(attrs.size) *
                                                                  energy;
        context.output(0).as<T>()[p * pixels + i] =
            static_cast<T>(static_cast<double>(image[c * pixels + i]) /
                           std::pow(base, static_cast<double>(attrs.beta)));
      }
    }
  });
}

Status run(const Attrs& attrs, RunContext& context) {
  const DType type = context.input(0).dtype;
  const bool known = visit_dtype(
      type, FloatTypes{}, [&]<typename T>() { normalize<T>(attrs.as<LrnAttrs>(), context); });
  return known ? Status{} : unsupported("elements of {}", dtype_name(type));
}

constexpr Implementation kImplementations[] = {reference<run>()};

}  // namespace

extern const OpDef LRN;
const OpDef LRN = {
    .domain = "",
    .name = "LRN",
    .attrs = attr_codec<LrnAttrs>(),
    .infer = infer,
    .implementations = kImplementations,
};

}  // namespace octet::ops::lrn
