#include <atomic>
#include <bit>
#include <cmath>
#include <random>

#include "engine/ir/stop.h"
#include "engine/ops/op.h"

// Random tensors. With a seed a run gives the same numbers each time; ONNX leaves open which.

namespace octet::ops::random {
namespace {

template <bool Like, bool Normal>
struct RandomAttrs {
  std::optional<int64_t> dtype;
  std::optional<float> seed;
  float first = 0.0F;   ///< mean, or low.
  float second = 1.0F;  ///< scale (standard deviation), or high.
  std::vector<int64_t> shape;
  static constexpr auto fields() {
    using A = RandomAttrs;
    const auto common = std::tuple{field("dtype", &A::dtype), field("seed", &A::seed),
                                   field(Normal ? "mean" : "low", &A::first),
                                   field(Normal ? "scale" : "high", &A::second)};
    if constexpr (Like)
      return common;
    else
      return std::tuple_cat(common, std::tuple{field("shape", &A::shape, {.required = true})});
  }
};

struct BernoulliAttrs {
  std::optional<int64_t> dtype;
  std::optional<float> seed;
  static constexpr auto fields() {
    return std::tuple{field("dtype", &BernoulliAttrs::dtype), field("seed", &BernoulliAttrs::seed)};
  }
};

struct MultinomialAttrs {
  std::optional<int64_t> dtype;
  std::optional<float> seed;
  int64_t sample_size = 1;
  static constexpr auto fields() {
    return std::tuple{field("dtype", &MultinomialAttrs::dtype),
                      field("seed", &MultinomialAttrs::seed),
                      field("sample_size", &MultinomialAttrs::sample_size)};
  }
};

// The nodes without a seed go on from each other.
std::mt19937_64 generator(const std::optional<float>& seed) {
  static std::atomic<uint64_t> next{0x9E3779B97F4A7C15U};
  if (seed) return std::mt19937_64(std::bit_cast<uint32_t>(*seed));
  return std::mt19937_64(next.fetch_add(1));
}

Result<DType> type_of(const std::optional<int64_t>& dtype, DType otherwise) {
  if (!dtype) return otherwise;
  if (*dtype <= 0 || *dtype >= kDTypeCount) return unsupported("element type {}", *dtype);
  return static_cast<DType>(*dtype);
}

template <bool Like, bool Normal>
Status infer(InferContext& context) {
  const auto& attrs = context.attrs<RandomAttrs<Like, Normal>>();
  OCTET_ASSIGN(const DType dtype, type_of(attrs.dtype, Like ? context.dtype(0) : DType::f32));
  context.set_tensor(0, dtype,
                     Like ? context.input(0).shape : std::optional(to_shape(attrs.shape)));
  return {};
}

template <bool Like, bool Normal>
Status run(const Attrs& attrs, RunContext& context) {
  const auto& options = attrs.as<RandomAttrs<Like, Normal>>();
  const TensorView& y = context.output(0);
  auto source = generator(options.seed);
  const bool known = visit_dtype(y.dtype, FloatTypes{}, [&]<typename T>() {
    using Distribution = std::conditional_t<Normal, std::normal_distribution<double>,
                                            std::uniform_real_distribution<double>>;
    Distribution distribution(static_cast<double>(options.first),
                              static_cast<double>(options.second));
    StopPoll poll;
    for (int64_t i = 0; i < y.count(); ++i) {
      poll(8);
      y.as<T>()[i] = static_cast<T>(distribution(source));
    }
  });
  return known ? Status{} : unsupported("elements of type {}", dtype_name(y.dtype));
}

Status infer_bernoulli(InferContext& context) {
  OCTET_ASSIGN(const DType dtype, type_of(context.attrs<BernoulliAttrs>().dtype, context.dtype(0)));
  context.set_tensor(0, dtype, context.input(0).shape);
  return {};
}

using BernoulliTypes = TypeList<float, double, int32_t, int64_t, int8_t, uint8_t, int16_t, uint16_t,
                                uint32_t, uint64_t, bool>;

Status run_bernoulli(const Attrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  auto source = generator(attrs.as<BernoulliAttrs>().seed);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  bool known = false;
  visit_dtype(x.dtype, FloatTypes{}, [&]<typename P>() {
    known = visit_dtype(y.dtype, BernoulliTypes{}, [&]<typename T>() {
      StopPoll poll;
      for (int64_t i = 0; i < y.count(); ++i) {
        poll(8);
        y.as<T>()[i] = static_cast<T>(uniform(source) < static_cast<double>(x.as<P>()[i]));
      }
    });
  });
  return known ? Status{} : unsupported("elements of type {}", dtype_name(y.dtype));
}

Status infer_multinomial(InferContext& context) {
  const auto& attrs = context.attrs<MultinomialAttrs>();
  OCTET_ASSIGN(const DType dtype, type_of(attrs.dtype, DType::s32));
  const Dim batch = context.has_rank(0) ? context.shape(0).at(0) : Dim::fresh();
  context.set_tensor(0, dtype, Shape{batch, Dim(attrs.sample_size)});
  return {};
}

// Rows are unnormalized log probabilities.
Status run_multinomial(const Attrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  const int64_t samples = attrs.as<MultinomialAttrs>().sample_size;
  auto source = generator(attrs.as<MultinomialAttrs>().seed);
  bool known = false;
  visit_dtype(x.dtype, FloatTypes{}, [&]<typename P>() {
    known = visit_dtype(y.dtype, TypeList<int32_t, int64_t>{}, [&]<typename T>() {
      const int64_t classes = x.dims[1];
      StopPoll poll;
      for (int64_t b = 0; b < x.dims[0]; ++b) {
        std::vector<double> weights;
        for (int64_t c = 0; c < classes; ++c)
          weights.push_back(std::exp(static_cast<double>(x.as<P>()[b * classes + c])));
        std::discrete_distribution<int64_t> pick(weights.begin(), weights.end());
        poll(8 * static_cast<size_t>(classes));
        for (int64_t i = 0; i < samples; ++i) {
          poll(16);
          y.as<T>()[b * samples + i] = static_cast<T>(pick(source));
        }
      }
    });
  });
  return known ? Status{} : unsupported("elements of type {}", dtype_name(y.dtype));
}

template <bool Like, bool Normal>
constexpr Implementation kRows[] = {reference<run<Like, Normal>>()};

template <bool Like, bool Normal>
constexpr OpDef random_op(std::string_view name) {
  constexpr int kInputs = Like ? 1 : 0;
  return {.domain = "",
          .name = name,
          .inputs = {kInputs, kInputs},
          .attrs = attr_codec<RandomAttrs<Like, Normal>>(),
          .infer = infer<Like, Normal>,
          .implementations = kRows<Like, Normal>,
          .foldable = false};
}

constexpr Implementation kBernoulliRows[] = {reference<run_bernoulli>()};
constexpr Implementation kMultinomialRows[] = {reference<run_multinomial>()};

}  // namespace

extern const OpDef Bernoulli;
extern const OpDef Multinomial;
extern const OpDef RandomNormal;
extern const OpDef RandomNormalLike;
extern const OpDef RandomUniform;
extern const OpDef RandomUniformLike;
const OpDef Bernoulli = {.domain = "",
                         .name = "Bernoulli",
                         .since = 15,
                         .attrs = attr_codec<BernoulliAttrs>(),
                         .infer = infer_bernoulli,
                         .implementations = kBernoulliRows,
                         .foldable = false};
const OpDef Multinomial = {.domain = "",
                           .name = "Multinomial",
                           .attrs = attr_codec<MultinomialAttrs>(),
                           .infer = infer_multinomial,
                           .implementations = kMultinomialRows,
                           .foldable = false};
const OpDef RandomNormal = random_op<false, true>("RandomNormal");
const OpDef RandomNormalLike = random_op<true, true>("RandomNormalLike");
const OpDef RandomUniform = random_op<false, false>("RandomUniform");
const OpDef RandomUniformLike = random_op<true, false>("RandomUniformLike");

}  // namespace octet::ops::random
