#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "engine/ops/common/strided.h"
#include "engine/ops/op.h"

// https://arxiv.org/abs/1706.03762, section 3.2, with shared key heads
// (https://arxiv.org/abs/2305.13245) and a cache of past keys and values.

namespace octet::ops::attention {
namespace {

constexpr size_t kMask = 3;
constexpr size_t kPastKey = 4;
constexpr size_t kPastValue = 5;
constexpr size_t kValidKeys = 6;

struct AttentionAttrs {
  int64_t is_causal = 0;
  int64_t kv_num_heads = 0;
  int64_t q_num_heads = 0;
  int64_t qk_matmul_output_mode = 0;
  std::optional<float> scale;
  float softcap = 0.0F;
  int64_t softmax_precision = 0;  ///< Sums are double whatever it asks for.
  int64_t left_window_size = -1;
  int64_t right_window_size = -1;
  static constexpr auto fields() {
    return std::tuple{
        field("is_causal", &AttentionAttrs::is_causal),
        field("kv_num_heads", &AttentionAttrs::kv_num_heads),
        field("q_num_heads", &AttentionAttrs::q_num_heads),
        field("qk_matmul_output_mode", &AttentionAttrs::qk_matmul_output_mode),
        field("scale", &AttentionAttrs::scale),
        field("softcap", &AttentionAttrs::softcap),
        field("softmax_precision", &AttentionAttrs::softmax_precision),
        field("left_window_size", &AttentionAttrs::left_window_size, {.since = 25}),
        field("right_window_size", &AttentionAttrs::right_window_size, {.since = 25})};
  }
};

/// [batch, heads, length, size] of an operand of either rank.
struct Heads {
  Dim batch, heads, length, size;
};

Result<Heads> heads_of(const InferContext& context, size_t i, int64_t heads) {
  const Shape& s = context.shape(i);
  if (s.size() == 4) return Heads{s[0], s[1], s[2], s[3]};
  if (s.size() != 3 || heads < 1)
    return invalid_model("input {} of {} has no heads: rank 4, or rank 3 and a number of heads", i,
                         to_string(s));
  if (s[2].known() && s[2].value() % heads != 0)
    return invalid_model("{} heads don't divide {}", heads, s[2].to_string());
  return Heads{s[0], Dim(heads), s[1], floor_div(s[2], Dim(heads))};
}

Status infer(InferContext& context) {
  const auto& attrs = context.attrs<AttentionAttrs>();
  for (size_t i = 0; i < 3; ++i) {
    if (context.has_rank(i)) continue;
    for (size_t k = 0; k < context.output_count(); ++k) context.set_tensor(k, context.dtype(0));
    return {};
  }
  if (context.has_input(kPastKey) != context.has_input(kPastValue))
    return invalid_model("past keys and past values come together");
  if (context.has_input(kPastKey) && context.has_input(kValidKeys))
    return invalid_model("there are past keys and a number of valid keys");
  OCTET_ASSIGN(const Heads q, heads_of(context, 0, attrs.q_num_heads));
  OCTET_ASSIGN(const Heads k, heads_of(context, 1, attrs.kv_num_heads));
  OCTET_ASSIGN(const Heads v, heads_of(context, 2, attrs.kv_num_heads));
  if (q.heads.known() && k.heads.known() &&
      (k.heads.value() < 1 || q.heads.value() % k.heads.value() != 0))
    return invalid_model("{} key heads don't divide {}", k.heads.to_string(), q.heads.to_string());
  Dim total = k.length;
  if (context.has_input(kPastKey))
    total = context.has_rank(kPastKey) && context.shape(kPastKey).size() == 4
                ? k.length + context.shape(kPastKey)[2]
                : Dim::fresh();
  context.set_tensor(0, context.dtype(0),
                     context.shape(0).size() == 4 ? Shape{q.batch, q.heads, q.length, v.size}
                                                  : Shape{q.batch, q.length, q.heads * v.size});
  context.set_tensor(1, context.dtype(1), Shape{k.batch, k.heads, total, k.size});
  context.set_tensor(2, context.dtype(2), Shape{v.batch, v.heads, total, v.size});
  context.set_tensor(3, context.dtype(0), Shape{q.batch, q.heads, q.length, total});
  return {};
}

/// Rows of an operand: row `i` of head `h` of image `b`.
template <typename T>
struct Rows {
  T* data = nullptr;
  int64_t heads = 1, length = 0, size = 1;
  bool split = true;  ///< [batch, heads, length, size]; else [batch, length, heads, size].
  T* at(int64_t b, int64_t h, int64_t i) const {
    return data + (split ? (b * heads + h) * length + i : (b * length + i) * heads + h) * size;
  }
};

template <typename T>
Rows<T> rows_of(const TensorView& view, int64_t heads) {
  const Dims& d = view.dims;
  if (d.size() == 4) return {view.as<T>(), d[1], d[2], d[3], true};
  return {view.as<T>(), heads, d[1], d[2] / heads, false};
}

/// Keys or values: the cached ones in front.
template <typename T>
struct Cache {
  Rows<T> past, now;
  int64_t length() const { return past.length + now.length; }
  const T* at(int64_t b, int64_t h, int64_t i) const {
    return i < past.length ? past.at(b, h, i) : now.at(b, h, i - past.length);
  }
};

template <typename T>
Cache<T> cache_of(const RunContext& context, size_t now, size_t past, int64_t heads) {
  Cache<T> cache;
  cache.now = rows_of<T>(context.input(now), heads);
  if (context.has_input(past)) cache.past = rows_of<T>(context.input(past), heads);
  return cache;
}

template <typename T>
void write_cache(const Cache<T>& cache, RunContext& context, size_t output) {
  if (!context.has_output(output)) return;
  const TensorView& view = context.output(output);
  const Rows<T> out = rows_of<T>(view, cache.now.heads);
  for (int64_t b = 0; b < view.dims[0]; ++b)
    for (int64_t h = 0; h < out.heads; ++h)
      for (int64_t i = 0; i < out.length; ++i)
        std::copy_n(cache.at(b, h, i), out.size, out.at(b, h, i));
}

/// What is added to scores, broadcast to [batch, heads, queries, keys]. Keys past its end are
/// masked.
struct Mask {
  TensorView view;
  Steps steps;
  double at(const std::array<int64_t, 4>& index) const {
    if (view.data == nullptr) return 0.0;
    constexpr double kNever = -std::numeric_limits<double>::infinity();
    if (view.dims.back() != 1 && index[3] >= view.dims.back()) return kNever;
    int64_t offset = 0;
    for (size_t a = 0; a < 4; ++a) offset += index[a] * steps[a];
    if (view.dtype == DType::boolean) return view.as<bool>()[offset] ? 0.0 : kNever;
    if (view.dtype == DType::f64) return view.as<double>()[offset];
    return static_cast<double>(view.as<float>()[offset]);
  }
};

Result<Mask> mask_of(const RunContext& context) {
  Mask mask;
  mask.steps.resize(4, 0);
  if (!context.has_input(kMask)) return mask;
  mask.view = context.input(kMask);
  const size_t rank = mask.view.rank();
  const DType type = mask.view.dtype;
  if (rank < 1 || rank > 4) return invalid_data("the mask has rank {}", rank);
  if (type != DType::boolean && type != DType::f32 && type != DType::f64)
    return unsupported("a mask of {}", dtype_name(type));
  const Steps dense = row_major_steps(mask.view.dims);
  for (size_t a = 0; a < rank; ++a)
    mask.steps[4 - rank + a] = mask.view.dims[a] == 1 ? 0 : dense[a];
  return mask;
}

/// Which keys a query may look at, beside what the mask says.
struct Window {
  int64_t first = 0;  ///< Keys in front of the first query.
  int64_t valid = 0;  ///< Keys from here on are padding.
  int64_t left = -1;  ///< Keys in front of the query's own; -1: all.
  int64_t right = -1;

  bool open(int64_t query, int64_t key) const {
    const int64_t own = first + query;
    return key < valid && (left < 0 || key >= own - left) && (right < 0 || key <= own + right);
  }
};

Result<Window> window_of(const AttentionAttrs& attrs, const RunContext& context, int64_t batch,
                         int64_t past, int64_t keys, int64_t queries) {
  Window window{past, keys, attrs.left_window_size, attrs.right_window_size};
  if (attrs.is_causal != 0) window.right = 0;
  if (!context.has_input(kValidKeys)) return window;
  const TensorView& valid = context.input(kValidKeys);
  if (valid.count() != context.input(0).dims[0])
    return invalid_data("there isn't one number of valid keys for each sample");
  window.valid = valid.as<int64_t>()[batch];
  if (window.valid < 0 || window.valid > keys)
    return invalid_data("{} valid keys of {}", window.valid, keys);
  window.first = window.valid - queries;
  return window;
}

/// One row of scores on its way to probabilities.
struct Scores {
  std::vector<double> raw, capped, masked, probability;
  const std::vector<double>& stage(int64_t mode) const {
    return mode == 0 ? raw : (mode == 1 ? capped : (mode == 2 ? masked : probability));
  }
};

// A row without any key to look at gives zeros.
void softmax(const std::vector<double>& bias, Scores& s) {
  const auto open = [](double v) { return v != -std::numeric_limits<double>::infinity(); };
  s.probability.assign(s.masked.size(), 0.0);
  if (std::none_of(bias.begin(), bias.end(), open)) return;
  const double max = *std::max_element(s.masked.begin(), s.masked.end());
  double sum = 0.0;
  for (size_t j = 0; j < s.masked.size(); ++j)
    sum += s.probability[j] = std::exp(s.masked[j] - max);
  for (double& p : s.probability) p /= sum;
}

template <typename T>
void score_row(const AttentionAttrs& attrs, const T* q, const Cache<T>& keys, const Mask& mask,
               const Window& window, const std::array<int64_t, 3>& at, int64_t key_head,
               Scores& s) {
  const auto count = static_cast<size_t>(keys.length());
  const int64_t size = keys.now.size;
  const double scale =
      attrs.scale ? static_cast<double>(*attrs.scale) : 1.0 / std::sqrt(static_cast<double>(size));
  const auto cap = static_cast<double>(attrs.softcap);
  std::vector<double> bias(count);
  for (auto* row : {&s.raw, &s.capped, &s.masked}) row->resize(count);
  for (size_t j = 0; j < count; ++j) {
    const auto key = static_cast<int64_t>(j);
    const T* k = keys.at(at[0], key_head, key);
    double sum = 0.0;
    for (int64_t d = 0; d < size; ++d) sum += static_cast<double>(q[d]) * static_cast<double>(k[d]);
    s.raw[j] = sum * scale;
    s.capped[j] = cap > 0.0 ? cap * std::tanh(s.raw[j] / cap) : s.raw[j];
    bias[j] = window.open(at[2], key) ? mask.at({at[0], at[1], at[2], key})
                                      : -std::numeric_limits<double>::infinity();
    s.masked[j] = s.capped[j] + bias[j];
  }
  softmax(bias, s);
}

template <typename T>
Status attend(const AttentionAttrs& attrs, RunContext& context) {
  const Rows<T> q = rows_of<T>(context.input(0), attrs.q_num_heads);
  const Cache<T> keys = cache_of<T>(context, 1, kPastKey, attrs.kv_num_heads);
  const Cache<T> values = cache_of<T>(context, 2, kPastValue, attrs.kv_num_heads);
  const Rows<T> y = rows_of<T>(context.output(0), q.heads);
  const int64_t batch = context.input(0).dims[0];
  if (keys.now.size != q.size || keys.length() != values.length() ||
      keys.now.heads != values.now.heads || keys.now.heads < 1 || q.heads % keys.now.heads != 0)
    return invalid_data("queries, keys and values don't fit each other");
  OCTET_ASSIGN(const Mask mask, mask_of(context));
  std::vector<Window> windows;
  for (int64_t b = 0; b < batch; ++b) {
    OCTET_ASSIGN(windows.emplace_back(),
                 window_of(attrs, context, b, keys.past.length, keys.length(), q.length));
  }
  const int64_t shared = q.heads / keys.now.heads;
  const auto rows = static_cast<size_t>(batch * q.heads * q.length);
  context.parallel().for_ranges(rows, 1, [&](size_t begin, size_t end) {
    Scores s;
    std::vector<double> sum(static_cast<size_t>(y.size));
    for (auto r = static_cast<int64_t>(begin); r < static_cast<int64_t>(end); ++r) {
      const int64_t i = r % q.length;
      const int64_t h = r / q.length % q.heads;
      const int64_t b = r / (q.length * q.heads);
      score_row(attrs, q.at(b, h, i), keys, mask, windows[static_cast<size_t>(b)], {b, h, i},
                h / shared, s);
      std::fill(sum.begin(), sum.end(), 0.0);
      for (int64_t j = 0; j < values.length(); ++j) {
        const T* v = values.at(b, h / shared, j);
        for (size_t d = 0; d < sum.size(); ++d)
          sum[d] += s.probability[static_cast<size_t>(j)] * static_cast<double>(v[d]);
      }
      std::transform(sum.begin(), sum.end(), y.at(b, h, i),
                     [](double v) { return static_cast<T>(v); });
      if (!context.has_output(3)) continue;
      const auto& stage = s.stage(attrs.qk_matmul_output_mode);
      std::transform(stage.begin(), stage.end(), context.output(3).as<T>() + r * keys.length(),
                     [](double v) { return static_cast<T>(v); });
    }
  });
  write_cache(keys, context, 1);
  write_cache(values, context, 2);
  return {};
}

Status run(const Attrs& attrs, RunContext& context) {
  const DType type = context.input(0).dtype;
  for (const size_t i : {size_t{1}, size_t{2}, kPastKey, kPastValue})
    if (context.has_input(i) && context.input(i).dtype != type)
      return unsupported("operands of different types");
  Status status;
  const bool known = visit_dtype(type, FloatTypes{}, [&]<typename T>() {
    status = attend<T>(attrs.as<AttentionAttrs>(), context);
  });
  return known ? std::move(status) : unsupported("elements of {}", dtype_name(type));
}

constexpr Implementation kImplementations[] = {reference<run>()};

}  // namespace

extern const OpDef Attention;
const OpDef Attention = {
    .domain = "",
    .name = "Attention",
    .since = 23,
    .inputs = {3, 7},
    .outputs = {1, 4},
    .attrs = attr_codec<AttentionAttrs>(),
    .infer = infer,
    .implementations = kImplementations,
};

}  // namespace octet::ops::attention
