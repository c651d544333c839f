#include <algorithm>

#include "engine/ir/stop.h"
#include "engine/ops/op.h"

// https://arxiv.org/abs/2104.09864

namespace octet::ops::rotary_embedding {
namespace {

struct RotaryAttrs {
  int64_t interleaved = 0;
  int64_t num_heads = 0;
  int64_t rotary_embedding_dim = 0;  ///< Leading elements of a head that turn; 0: all.
  static constexpr auto fields() {
    return std::tuple{field("interleaved", &RotaryAttrs::interleaved),
                      field("num_heads", &RotaryAttrs::num_heads),
                      field("rotary_embedding_dim", &RotaryAttrs::rotary_embedding_dim)};
  }
};

Status infer(InferContext& context) {
  const auto& attrs = context.attrs<RotaryAttrs>();
  if (context.has_rank(0)) {
    const Shape& x = context.shape(0);
    const bool split = x.size() == 4;
    if (!split && (x.size() != 3 || attrs.num_heads < 1))
      return invalid_model("the input {} has no heads: rank 4, or rank 3 and num_heads",
                           to_string(x));
    if (!split && x[2].known() && x[2].value() % attrs.num_heads != 0)
      return invalid_model("num_heads doesn't divide {}", x[2].to_string());
  }
  return infer_same(context);
}

struct Geometry {
  int64_t batch, heads, length, size;
  bool split;  // [batch, heads, length, size]; else [batch, length, heads, size].
  int64_t turning;
};

Geometry geometry_of(const RotaryAttrs& attrs, const Dims& d) {
  Geometry g = d.size() == 4
                   ? Geometry{d[0], d[1], d[2], d[3], true, 0}
                   : Geometry{d[0], attrs.num_heads, d[1], d[2] / attrs.num_heads, false, 0};
  g.turning = attrs.rotary_embedding_dim == 0 ? g.size : attrs.rotary_embedding_dim;
  return g;
}

// Pairs (x1, x2) turn by the position's angles.
template <typename T>
void turn(const T* x, T* y, const T* cosine, const T* sine, int64_t pairs, bool interleaved) {
  for (int64_t p = 0; p < pairs; ++p) {
    const int64_t first = interleaved ? 2 * p : p;
    const int64_t second = interleaved ? 2 * p + 1 : p + pairs;
    const T real = cosine[p] * x[first] - sine[p] * x[second];
    const T imaginary = sine[p] * x[first] + cosine[p] * x[second];
    y[first] = real;
    y[second] = imaginary;
  }
}

template <typename T>
Status rotate(const RotaryAttrs& attrs, const Geometry& g, RunContext& context) {
  const int64_t pairs = g.turning / 2;
  const TensorView& cosine = context.input(1);
  const int64_t* positions = context.has_input(3) ? context.input(3).as<int64_t>() : nullptr;
  const int64_t angles = pairs == 0 ? 0 : cosine.count() / pairs;
  StopPoll poll;
  for (int64_t b = 0; b < g.batch; ++b)
    for (int64_t i = 0; i < g.length; ++i) {
      const int64_t token = b * g.length + i;
      const int64_t angle = positions != nullptr ? positions[token] : token;
      if (angle < 0 || angle >= angles) return invalid_data("a position outside the caches");
      const T* c = cosine.as<T>() + angle * pairs;
      const T* s = context.input(2).as<T>() + angle * pairs;
      for (int64_t h = 0; h < g.heads; ++h) {
        poll(static_cast<size_t>(g.size));
        const int64_t row = g.split ? (b * g.heads + h) * g.length + i : token * g.heads + h;
        const T* x = context.input(0).as<T>() + row * g.size;
        T* y = context.output(0).as<T>() + row * g.size;
        turn(x, y, c, s, pairs, attrs.interleaved != 0);
        std::copy(x + g.turning, x + g.size, y + g.turning);
      }
    }
  return {};
}

Status run(const Attrs& attributes, RunContext& context) {
  const auto& attrs = attributes.as<RotaryAttrs>();
  const TensorView& x = context.input(0);
  const Geometry g = geometry_of(attrs, x.dims);
  if (g.turning < 0 || g.turning > g.size || g.turning % 2 != 0 ||
      context.input(1).dims.back() != g.turning / 2 ||
      context.input(2).dims != context.input(1).dims || context.input(1).dtype != x.dtype ||
      context.input(2).dtype != x.dtype ||
      (context.has_input(3) && context.input(3).count() != g.batch * g.length))
    return invalid_data("the caches or the positions don't fit the input");
  Status status;
  const bool known = visit_dtype(x.dtype, FloatTypes{},
                                 [&]<typename T>() { status = rotate<T>(attrs, g, context); });
  return known ? std::move(status) : unsupported("elements of {}", dtype_name(x.dtype));
}

constexpr Implementation kImplementations[] = {reference<run>()};

}  // namespace

extern const OpDef RotaryEmbedding;
const OpDef RotaryEmbedding = {
    .domain = "",
    .name = "RotaryEmbedding",
    .since = 23,
    .inputs = {3, 4},
    .attrs = attr_codec<RotaryAttrs>(),
    .infer = infer,
    .implementations = kImplementations,
};

}  // namespace octet::ops::rotary_embedding
