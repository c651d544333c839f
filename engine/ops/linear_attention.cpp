#include <algorithm>
#include <cmath>

#include "engine/ir/stop.h"
#include "engine/ops/op.h"

// Attention as a recurrence over a state of keys by values: https://arxiv.org/abs/2006.16236,
// section 3.3; with decay and the delta rule: https://arxiv.org/abs/2412.06464, section 3.

namespace octet::ops::linear_attention {
namespace {

constexpr size_t kPast = 3;
constexpr size_t kDecay = 4;
constexpr size_t kBeta = 5;

struct LinearAttentionAttrs {
  int64_t chunk_size = 64;  ///< A hint for other algorithms.
  int64_t kv_num_heads = 0;
  int64_t q_num_heads = 0;
  float scale = 0.0F;
  std::string update_rule = "gated_delta";
  static constexpr auto fields() {
    using A = LinearAttentionAttrs;
    return std::tuple{field("chunk_size", &A::chunk_size),
                      field("kv_num_heads", &A::kv_num_heads, {.required = true}),
                      field("q_num_heads", &A::q_num_heads, {.required = true}),
                      field("scale", &A::scale), field("update_rule", &A::update_rule)};
  }
  bool gated() const { return update_rule == "gated" || update_rule == "gated_delta"; }
  bool delta() const { return update_rule == "delta" || update_rule == "gated_delta"; }
};

Status infer(InferContext& context) {
  const auto& attrs = context.attrs<LinearAttentionAttrs>();
  if (attrs.update_rule != "linear" && !attrs.gated() && !attrs.delta())
    return invalid_model("update_rule '{}'", attrs.update_rule);
  if (attrs.kv_num_heads < 1 || attrs.q_num_heads < 1 ||
      attrs.q_num_heads % attrs.kv_num_heads != 0)
    return invalid_model("the key heads don't divide the query heads");
  if (context.has_input(kDecay) != attrs.gated() || context.has_input(kBeta) != attrs.delta())
    return invalid_model("update_rule '{}' asks for other inputs", attrs.update_rule);
  const DType state = context.has_input(kPast) ? context.dtype(kPast) : context.dtype(0);
  context.set_tensor(0, context.dtype(0));
  context.set_tensor(1, state);
  if (!context.has_rank(0) || !context.has_rank(2)) return {};
  const Shape& q = context.shape(0);
  const Shape& v = context.shape(2);
  if (q.size() != 3 || v.size() != 3) return invalid_model("the operands aren't of rank 3");
  const Dim keys = floor_div(q[2], Dim(attrs.q_num_heads));
  const Dim values = floor_div(v[2], Dim(attrs.kv_num_heads));
  context.set_tensor(0, context.dtype(0), Shape{q[0], q[1], Dim(attrs.q_num_heads) * values});
  context.set_tensor(1, state, Shape{q[0], Dim(attrs.kv_num_heads), keys, values});
  return {};
}

Status check(const LinearAttentionAttrs& attrs, const RunContext& context) {
  const Dims& q = context.input(0).dims;
  const Dims& v = context.input(2).dims;
  const int64_t heads = attrs.kv_num_heads;
  const int64_t keys = q[2] / attrs.q_num_heads;
  bool fits = q[2] % attrs.q_num_heads == 0 && v[2] % heads == 0 &&
              context.input(1).dims == Dims{q[0], q[1], heads * keys} && v[0] == q[0] &&
              v[1] == q[1];
  for (const size_t i : {kDecay, kBeta}) {
    if (!context.has_input(i) || !fits) continue;
    const Dims& dims = context.input(i).dims;
    const bool wide = i == kDecay ? dims.back() == heads * keys : dims.back() == 1;
    fits = dims.size() == 3 && dims[0] == q[0] && dims[1] == q[1] && (dims[2] == heads || wide);
  }
  if (context.has_input(kPast))
    fits = fits && context.input(kPast).dims == Dims{q[0], heads, keys, v[2] / heads};
  for (size_t i = 1; i < context.input_count(); ++i)
    if (context.has_input(i)) fits = fits && context.input(i).dtype == context.input(0).dtype;
  return fits ? Status{} : invalid_data("the operands don't fit each other");
}

// One key head of one image: a state of [keys, values] walked along time.
template <typename T>
struct Recurrence {
  const LinearAttentionAttrs& attrs;
  RunContext& context;
  int64_t keys;
  int64_t values;
  std::vector<double> state;

  double entry(size_t input, int64_t row, int64_t column) const {
    const TensorView& view = context.input(input);
    return static_cast<double>(view.as<T>()[row * view.dims[2] + column]);
  }
  double& at(int64_t k, int64_t v) { return state[static_cast<size_t>(k * values + v)]; }

  // `row` is the image's entry at a time.
  void update(int64_t head, int64_t row) {
    if (attrs.gated()) {
      const bool scalar = context.input(kDecay).dims[2] == attrs.kv_num_heads;
      for (int64_t k = 0; k < keys; ++k) {
        const double factor = std::exp(entry(kDecay, row, scalar ? head : head * keys + k));
        for (int64_t v = 0; v < values; ++v) at(k, v) *= factor;
      }
    }
    const double rate =
        attrs.delta() ? entry(kBeta, row, context.input(kBeta).dims[2] == 1 ? 0 : head) : 1.0;
    for (int64_t v = 0; v < values; ++v) {
      double written = entry(2, row, head * values + v);
      if (attrs.delta()) {
        for (int64_t k = 0; k < keys; ++k) written -= at(k, v) * entry(1, row, head * keys + k);
        written *= rate;
      }
      for (int64_t k = 0; k < keys; ++k) at(k, v) += entry(1, row, head * keys + k) * written;
    }
  }

  void read(int64_t query_head, int64_t row, double scale) {
    T* y = context.output(0).as<T>() + row * context.output(0).dims[2] + query_head * values;
    for (int64_t v = 0; v < values; ++v) {
      double sum = 0.0;
      for (int64_t k = 0; k < keys; ++k) sum += entry(0, row, query_head * keys + k) * at(k, v);
      y[v] = static_cast<T>(scale * sum);
    }
  }
};

template <typename T>
void attend(const LinearAttentionAttrs& attrs, RunContext& context) {
  const Dims& q = context.input(0).dims;
  const int64_t heads = attrs.kv_num_heads;
  const int64_t shared = attrs.q_num_heads / heads;
  const int64_t keys = q[2] / attrs.q_num_heads;
  const int64_t values = context.input(2).dims[2] / heads;
  const double scale = attrs.scale == 0.0F ? 1.0 / std::sqrt(static_cast<double>(keys))
                                           : static_cast<double>(attrs.scale);
  const auto size = static_cast<size_t>(keys * values);
  StopPoll poll;
  for (int64_t b = 0; b < q[0]; ++b) {
    for (int64_t h = 0; h < heads; ++h) {
      Recurrence<T> walk{attrs, context, keys, values, std::vector<double>(size, 0.0)};
      const auto first = static_cast<size_t>(b * heads + h) * size;
      if (context.has_input(kPast)) {
        const T* past = context.input(kPast).as<T>() + first;
        walk.state.assign(past, past + size);
      }
      for (int64_t t = 0; t < q[1]; ++t) {
        poll(size * static_cast<size_t>(2 + shared));
        walk.update(h, b * q[1] + t);
        for (int64_t g = 0; g < shared; ++g) walk.read(h * shared + g, b * q[1] + t, scale);
      }
      if (!context.has_output(1)) continue;
      std::transform(walk.state.begin(), walk.state.end(), context.output(1).as<T>() + first,
                     [](double s) { return static_cast<T>(s); });
    }
  }
}

Status run(const Attrs& attributes, RunContext& context) {
  const auto& attrs = attributes.as<LinearAttentionAttrs>();
  OCTET_RETURN_IF_ERROR(check(attrs, context));
  const DType dtype = context.input(0).dtype;
  const bool known =
      visit_dtype(dtype, FloatTypes{}, [&]<typename T>() { attend<T>(attrs, context); });
  return known ? Status{} : unsupported("elements of type {}", dtype_name(dtype));
}

constexpr Implementation kRows[] = {reference<run>()};

}  // namespace

extern const OpDef LinearAttention;
const OpDef LinearAttention = {.domain = "",
                               .name = "LinearAttention",
                               .since = 27,
                               .inputs = {3, 6},
                               .outputs = {1, 2},
                               .attrs = attr_codec<LinearAttentionAttrs>(),
                               .infer = infer,
                               .implementations = kRows};

}  // namespace octet::ops::linear_attention
