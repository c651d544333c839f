#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "tests/support/node_runner.h"
#include "tests/support/op_data.h"

// Operators over elements of every type, against long double, which holds all of them.

using namespace octet;
using namespace octet::testing;

namespace {

using Types = TypeList<float, double, int32_t, int64_t, int8_t, uint8_t, int16_t, uint16_t,
                       uint32_t, uint64_t, bool, Half, Bfloat16>;

template <typename T>
inline constexpr bool kHalf = std::is_same_v<T, Half> || std::is_same_v<T, Bfloat16>;

Attrs attributes(std::string_view op, const AttrMap& map = {}) {
  auto attrs = require_op("", op).attrs.read(map, kWrittenOpset);
  REQUIRE(attrs.ok());
  return *attrs;
}

// More than a block of them; the extremes, ties of float's rounding, and what is past other types.
template <typename T>
std::vector<T> samples() {
  std::vector<T> values;
  std::mt19937_64 generator(3);
  for (size_t i = 0; i < 700; ++i) {
    const uint64_t bits = generator() >> (i % 64);
    if constexpr (kHalf<T>)
      values.push_back(
          from_float<T>(static_cast<float>(static_cast<int64_t>(bits % 4001) - 2000) / 16.0F));
    else if constexpr (std::is_floating_point_v<T>)
      values.push_back(static_cast<T>(static_cast<int64_t>(bits)) / T(i % 3 == 0 ? 1024 : 1));
    else
      values.push_back(static_cast<T>(bits));
  }
  if constexpr (std::is_floating_point_v<T>) {
    using L = std::numeric_limits<T>;
    for (const T x : {L::quiet_NaN(), L::infinity(), -L::infinity(), T(-0.0), L::denorm_min(),
                      T(0x1p63), T(-0x1p63), T(0x1p64), T(1e30), T(-1e30), T(-0.5), T(255.75)})
      values.push_back(x);
  } else if constexpr (!kHalf<T>) {
    values.push_back(std::numeric_limits<T>::max());
    values.push_back(std::numeric_limits<T>::min());
  }
  if constexpr (sizeof(T) == 8 && std::is_integral_v<T>)
    for (const T odd : {(T{1} << 54) + (T{1} << 29) + 1, (T{1} << 60) + (T{1} << 36) + 1})
      values.push_back(odd);
  return values;
}

template <typename T>
long double real_of(T x) {
  if constexpr (kHalf<T>)
    return static_cast<long double>(to_float(x));
  else
    return static_cast<long double>(x);
}

template <typename To, typename From>
To expected_cast(From from) {
  const long double x = real_of(from);
  if constexpr (std::is_same_v<To, From>) {
    return from;
  } else if constexpr (kHalf<To>) {
    return from_float<To>(static_cast<float>(x));
  } else if constexpr (std::is_same_v<To, bool>) {
    return !(x == 0.0L);
  } else if constexpr (std::is_floating_point_v<To>) {
    return static_cast<To>(x);
  } else {
    if (std::isnan(x)) return 0;
    const long double whole = std::trunc(x);
    if (std::is_same_v<To, uint64_t> && whole >= 0x1p63L)
      return whole >= 0x1p64L ? static_cast<To>(~uint64_t{0}) : static_cast<To>(whole);
    // Integers keep their low bits; reals saturate at 64 bits first.
    if (std::is_same_v<From, uint64_t> && whole >= 0x1p63L)
      return static_cast<To>(static_cast<uint64_t>(whole));
    if (whole >= 0x1p63L) return static_cast<To>(std::numeric_limits<int64_t>::max());
    if (whole < -0x1p63L) return static_cast<To>(std::numeric_limits<int64_t>::min());
    return static_cast<To>(static_cast<int64_t>(whole));
  }
}

template <typename T>
Tensor tensor_of(const std::vector<T>& values) {
  Tensor out = *Tensor::zeros(kDType<T>, {static_cast<int64_t>(values.size())});
  std::copy(values.begin(), values.end(), out.writable_as<T>());
  return out;
}

// The same number, or both NaN.
template <typename T>
bool same(T a, T b) {
  const long double x = real_of(a);
  const long double y = real_of(b);
  return std::isnan(x) ? std::isnan(y) : x == y && std::signbit(x) == std::signbit(y);
}

template <typename From>
void check_casts() {
  const std::vector<From> values = samples<From>();
  const Tensor x = tensor_of(values);
  const auto to_each = [&]<typename... Ts>(TypeList<Ts...>) {
    const auto to = [&]<typename To>() {
      CAPTURE(dtype_name(kDType<From>));
      CAPTURE(dtype_name(kDType<To>));
      const auto to_type = static_cast<int64_t>(kDType<To>);
      NodeRunner runner("Cast", attributes("Cast", {{"to", to_type}}));
      const Tensor y = runner.input(x).output().run("cast")[0];
      size_t wrong = 0;
      for (size_t i = 0; i < values.size(); ++i)
        wrong += same(y.as<To>()[i], expected_cast<To>(values[i])) ? 0 : 1;
      CHECK(wrong == 0);
    };
    (to.template operator()<Ts>(), ...);
  };
  to_each(Types{});
}

template <typename... Ts>
void check_all_casts(TypeList<Ts...> /*types*/) {
  (check_casts<Ts>(), ...);
}

// Whether a is before b among the largest: a NaN is above every number.
bool before(long double a, long double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && !std::isnan(b);
  return a > b;
}

template <typename T>
void check_top_k(bool largest) {
  CAPTURE(dtype_name(kDType<T>));
  const std::vector<T> values = samples<T>();
  const auto count = static_cast<int64_t>(values.size());
  std::vector<int64_t> order(values.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(order.begin(), order.end(), [&](int64_t i, int64_t j) {
    const long double a = real_of(values[static_cast<size_t>(i)]);
    const long double b = real_of(values[static_cast<size_t>(j)]);
    return largest ? before(a, b) : before(b, a);
  });
  // Two columns along the first axis, the second one backwards.
  std::vector<T> pairs;
  for (size_t i = 0; i < values.size(); ++i) {
    pairs.push_back(values[i]);
    pairs.push_back(values[values.size() - 1 - i]);
  }
  const int64_t k = 40;
  NodeRunner runner(
      "TopK", attributes("TopK", {{"axis", int64_t{0}}, {"largest", int64_t{largest ? 1 : 0}}}));
  const std::vector<Tensor> y = runner.input(tensor_of(pairs).reshaped({count, 2}))
                                    .constant(Tensor::of<int64_t>({1}, std::vector<int64_t>{k}))
                                    .output()
                                    .output()
                                    .run("reference");
  for (size_t i = 0; i < static_cast<size_t>(k); ++i) {
    CHECK(y[1].as<int64_t>()[2 * i] == order[i]);
    const T first = values[static_cast<size_t>(order[i])];
    CHECK(same(y[0].as<T>()[2 * i], first));
    const T second = y[0].as<T>()[2 * i + 1];
    CHECK((std::isnan(real_of(second)) ? std::isnan(real_of(first))
                                       : real_of(second) == real_of(first)));
  }
}

Tensor evaluated(std::string_view op, const AttrMap& attrs, const std::vector<Tensor>& inputs) {
  Graph graph;
  Node node;
  node.op = &require_op("", op);
  node.attrs = attributes(op, attrs);
  for (const Tensor& input : inputs)
    node.inputs.push_back(graph.add_constant(graph.unique_name("c"), input));
  node.outputs.push_back(graph.add_value("y"));
  auto result = evaluate(graph, node, size_t{1} << 20);
  REQUIRE_MESSAGE(result.ok(), result.error().message);
  return (*result)[0];
}

template <typename T>
void check_reductions() {
  CAPTURE(dtype_name(kDType<T>));
  std::vector<T> values;
  for (int i = 0; i < 600; ++i) values.push_back(static_cast<T>(i * 37 % 11 + 1));
  const auto total = [&](std::string_view op) {
    const Tensor axes = Tensor::of<int64_t>({1}, std::vector<int64_t>{1});
    return evaluated(op, {{"keepdims", int64_t{0}}},
                     {tensor_of(values).reshaped({2, 150, 2}), axes});
  };
  const auto at = [&](size_t o, size_t e, size_t i) {
    return static_cast<double>(values[(o * 150 + e) * 2 + i]);
  };
  const Tensor sum = total("ReduceSum");
  const Tensor most = total("ReduceMax");
  const Tensor least = total("ReduceMin");
  for (size_t o = 0; o < 2; ++o)
    for (size_t i = 0; i < 2; ++i) {
      double added = 0;
      double high = at(o, 0, i);
      double low = high;
      for (size_t e = 0; e < 150; ++e) {
        added += at(o, e, i);
        high = std::max(high, at(o, e, i));
        low = std::min(low, at(o, e, i));
      }
      const size_t j = o * 2 + i;
      CHECK(sum.as<T>()[j] == static_cast<T>(static_cast<int64_t>(added)));
      CHECK(most.as<T>()[j] == static_cast<T>(high));
      CHECK(least.as<T>()[j] == static_cast<T>(low));
    }
}

// Of no elements: the least value of the type for the largest, the greatest for the smallest.
template <typename T>
void check_empty_reductions() {
  using L = std::numeric_limits<T>;
  CAPTURE(dtype_name(kDType<T>));
  const auto total = [](std::string_view op) {
    const Tensor y = evaluated(op, {}, {*Tensor::zeros(kDType<T>, {1, 0})});
    return y.as<T>()[0];
  };
  CHECK(total("ReduceMax") == (L::has_infinity ? -L::infinity() : L::lowest()));
  CHECK(total("ReduceMin") == (L::has_infinity ? L::infinity() : L::max()));
  CHECK(total("ReduceSum") == T{0});
  CHECK(total("ReduceProd") == T{1});
}

template <typename... Ts, typename F>
void for_types(TypeList<Ts...> /*types*/, F f) {
  (f.template operator()<Ts>(), ...);
}

}  // namespace

TEST_CASE("Cast between any two types rounds once and keeps low bits") { check_all_casts(Types{}); }

TEST_CASE("TopK orders elements of every type, a NaN first among the largest") {
  for_types(NumericTypes{}, []<typename T>() {
    check_top_k<T>(true);
    check_top_k<T>(false);
  });
}

TEST_CASE("reductions of every type agree with sums in double") {
  using Reduced = TypeList<float, double, int32_t, int64_t, uint32_t, uint64_t>;
  for_types(Reduced{}, []<typename T>() {
    check_reductions<T>();
    check_empty_reductions<T>();
  });
  const std::vector<double> x = {700.0, 710.5, -3.0, 709.25};
  double sum = 0;
  for (const double v : x) sum += std::exp(v - 710.5);
  const Tensor log_sum = evaluated("ReduceLogSumExp", {}, {tensor_of(x)});
  CHECK(log_sum.as<double>()[0] == doctest::Approx(710.5 + std::log(sum)).epsilon(1e-12));
}

TEST_CASE("a message holds its arguments, and an error survives its way through results") {
  const auto failing = []() -> Status {
    return invalid_model("{} of {} and {}", std::string("axis"), size_t{3}, int8_t{-7});
  };
  const auto passing = [&]() -> Result<std::vector<int>> {
    OCTET_RETURN_IF_ERROR(failing());
    return std::vector<int>{1};
  };
  const auto result = passing();
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().message == "axis of 3 and -7");
  CHECK(result.error().code == ErrorCode::invalid_model);
  const auto copy = result;  // NOLINT(performance-unnecessary-copy-initialization)
  CHECK(Error(copy.error()).in("node").message == "node: axis of 3 and -7");
  CHECK(unsupported("{}", uint64_t{18446744073709551615U}).in("x").message ==
        "x: 18446744073709551615");
}
