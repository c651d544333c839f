#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "kernels/half.h"

namespace octet {

/// Element types, numbered as ONNX's TensorProto.DataType.
enum class DType : uint8_t {
  undefined = 0,
  f32 = 1,
  u8 = 2,
  s8 = 3,
  u16 = 4,
  s16 = 5,
  s32 = 6,
  s64 = 7,
  string = 8,
  boolean = 9,
  f16 = 10,
  f64 = 11,
  u32 = 12,
  u64 = 13,
  complex64 = 14,
  complex128 = 15,
  bf16 = 16,
  f8e4m3fn = 17,
  f8e4m3fnuz = 18,
  f8e5m2 = 19,
  f8e5m2fnuz = 20,
  u4 = 21,
  s4 = 22,
  f4e2m1 = 23,
  f8e8m0 = 24,
  u2 = 25,
  s2 = 26,
};
inline constexpr int kDTypeCount = 27;

/// Bits of an element; below 8 for the packed types (the first element in a byte's lowest bits); 0
/// for string and undefined.
int dtype_bits(DType type);
/// Name as ONNX spells it in lower case: "float", "int8", "bfloat16".
std::string_view dtype_name(DType type);
/// Bytes that `count` elements take, packed types rounded up.
inline size_t dtype_bytes(DType type, size_t count) {
  return (count * static_cast<size_t>(dtype_bits(type)) + 7) / 8;
}
bool dtype_is_float(DType type);        ///< f16, bf16, f32, f64, and the small ones.
bool dtype_is_small_float(DType type);  ///< The float8 types and float4: only stored.
bool dtype_is_integer(
    DType type);  ///< Signed and unsigned integers, packed ones included; not bool.
bool dtype_is_packed_integer(DType type);  ///< int4 and int2.

/// Bits of element i, of a type of at most 8 bits.
uint8_t read_bits(DType type, const std::byte* data, size_t i);
/// Sets element i, whose neighbours in the byte stay.
void write_bits(DType type, std::byte* data, size_t i, uint8_t bits);
/// Element i of int4 or int2 data.
int64_t read_packed(DType type, const std::byte* data, size_t i);

/// The DType of a C++ element type.
template <typename T>
struct DTypeOf;
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::f32;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::f64;
};
template <>
struct DTypeOf<Half> {
  static constexpr DType value = DType::f16;
};
template <>
struct DTypeOf<Bfloat16> {
  static constexpr DType value = DType::bf16;
};
template <>
struct DTypeOf<uint8_t> {
  static constexpr DType value = DType::u8;
};
template <>
struct DTypeOf<int8_t> {
  static constexpr DType value = DType::s8;
};
template <>
struct DTypeOf<uint16_t> {
  static constexpr DType value = DType::u16;
};
template <>
struct DTypeOf<int16_t> {
  static constexpr DType value = DType::s16;
};
template <>
struct DTypeOf<uint32_t> {
  static constexpr DType value = DType::u32;
};
template <>
struct DTypeOf<int32_t> {
  static constexpr DType value = DType::s32;
};
template <>
struct DTypeOf<uint64_t> {
  static constexpr DType value = DType::u64;
};
template <>
struct DTypeOf<int64_t> {
  static constexpr DType value = DType::s64;
};
template <>
struct DTypeOf<bool> {
  static constexpr DType value = DType::boolean;
};
template <typename T>
inline constexpr DType kDType = DTypeOf<T>::value;

/// Element conversions for code that is generic over element types, the half types included.
template <typename T>
float float_of(T value) {
  if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, Bfloat16>)
    return to_float(value);
  else
    return static_cast<float>(value);
}
template <typename T>
T from_float(float value) {
  if constexpr (std::is_same_v<T, Half>)
    return to_half(value);
  else if constexpr (std::is_same_v<T, Bfloat16>)
    return to_bfloat16(value);
  else
    return static_cast<T>(value);
}

template <typename... Ts>
struct TypeList {};
using FloatTypes = TypeList<float, double>;
using IntegerTypes =
    TypeList<int32_t, int64_t, int8_t, uint8_t, int16_t, uint16_t, uint32_t, uint64_t>;
using NumericTypes = TypeList<float, double, int32_t, int64_t, int8_t, uint8_t, int16_t, uint16_t,
                              uint32_t, uint64_t>;
using CopyTypes = TypeList<uint8_t, uint16_t, uint32_t, uint64_t>;

/// Calls `f.template operator()<T>()` for the T of `list` whose DType is `type`; false when none
/// is.
template <typename F, typename... Ts>
bool visit_dtype(DType type, TypeList<Ts...> /*list*/, F&& f) {
  return ((type == kDType<Ts> ? (f.template operator()<Ts>(), true) : false) || ...);
}

}  // namespace octet
