#include "engine/ops/common/element_conversion.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "engine/ops/common/elementwise.h"
#include "engine/ops/common/real.h"

namespace octet::ops {
namespace {

using Types = TypeList<float, double, int32_t, int64_t, int8_t, uint8_t, int16_t, uint16_t,
                       uint32_t, uint64_t, bool, Half, Bfloat16>;
// Converted into each other in one step; any other pair goes by way of a carrier.
using FrequentTypes = TypeList<float, int32_t, int64_t, uint8_t, bool>;

template <typename T>
inline constexpr bool kHalf = std::is_same_v<T, Half> || std::is_same_v<T, Bfloat16>;

template <typename To, typename From>
To convert(From value) {
  if constexpr (std::is_same_v<To, From>)
    return value;
  else if constexpr (kHalf<From>)
    return convert<To>(to_float(value));
  else if constexpr (kHalf<To>)
    return from_float<To>(static_cast<float>(value));
  else if constexpr (std::is_same_v<To, bool>)
    return value != From{};
  else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>)
    return integer_of<To>(static_cast<double>(value));
  else
    return static_cast<To>(value);
}

// Holds every value of its sources exactly, so that what comes out of it is rounded once.
template <typename From>
using CarrierOf = std::conditional_t<std::is_same_v<From, uint64_t>, uint64_t,
                                     std::conditional_t<std::is_integral_v<From>, int64_t, double>>;

constexpr size_t kBlock = 256;
using Block = std::array<uint64_t, kBlock>;

template <typename To, typename From>
void convert_run(const void* from, void* to, size_t count) {
  const auto* x = static_cast<const From*>(from);
  auto* y = static_cast<To*>(to);
  for (size_t i = 0; i < count; ++i) y[i] = convert<To>(x[i]);
}
using ConvertRun = void (*)(const void* from, void* to, size_t count);

ConvertRun direct(DType from, DType to) {
  ConvertRun run = nullptr;
  visit_dtype(from, FrequentTypes{}, [&]<typename From>() {
    visit_dtype(to, FrequentTypes{}, [&]<typename To>() { run = convert_run<To, From>; });
  });
  return run;
}

enum class Carrier : uint8_t { real, integer, large };

struct Loader {
  ConvertRun run = nullptr;
  Carrier carrier = Carrier::real;
};

Loader loader_of(DType from) {
  Loader loader;
  visit_dtype(from, Types{}, [&]<typename From>() {
    using C = CarrierOf<From>;
    loader = {convert_run<C, From>, std::is_same_v<C, double>    ? Carrier::real
                                    : std::is_same_v<C, int64_t> ? Carrier::integer
                                                                 : Carrier::large};
  });
  return loader;
}

ConvertRun storer_of(Carrier carrier, DType to) {
  ConvertRun run = nullptr;
  visit_dtype(to, Types{}, [&]<typename To>() {
    constexpr ConvertRun kRuns[] = {convert_run<To, double>, convert_run<To, int64_t>,
                                    convert_run<To, uint64_t>};
    run = kRuns[static_cast<size_t>(carrier)];
  });
  return run;
}

}  // namespace

bool is_convertible(DType type) {
  return visit_dtype(type, Types{}, []<typename T>() {});
}

bool convert_elements(const TensorView& x, const TensorView& y, Parallel& parallel) {
  if (!is_convertible(x.dtype) || !is_convertible(y.dtype)) return false;
  const size_t x_bytes = dtype_bytes(x.dtype, 1);
  const size_t y_bytes = dtype_bytes(y.dtype, 1);
  const ConvertRun at_once = direct(x.dtype, y.dtype);
  const Loader loader = loader_of(x.dtype);
  const ConvertRun store = storer_of(loader.carrier, y.dtype);
  const auto run = [&](size_t begin, size_t end) {
    const std::byte* from = x.data + begin * x_bytes;
    std::byte* to = y.data + begin * y_bytes;
    if (x.dtype == y.dtype) {
      std::memcpy(to, from, (end - begin) * y_bytes);
      return;
    }
    if (at_once != nullptr) {
      at_once(from, to, end - begin);
      return;
    }
    Block block;
    for (size_t i = begin; i < end; i += kBlock) {
      const size_t count = std::min(kBlock, end - i);
      loader.run(from + (i - begin) * x_bytes, block.data(), count);
      store(block.data(), to + (i - begin) * y_bytes, count);
    }
  };
  parallel.for_ranges(static_cast<size_t>(x.count()), kParallelGrain, run);
  return true;
}

}  // namespace octet::ops
