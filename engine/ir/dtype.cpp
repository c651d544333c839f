#include "engine/ir/dtype.h"

#include <array>

namespace octet {
namespace {

struct Row {
  std::string_view name;
  int bits;
};

constexpr std::array<Row, kDTypeCount> kRows = {{
    {"undefined", 0},      {"float", 32},       {"uint8", 8},          {"int8", 8},
    {"uint16", 16},        {"int16", 16},       {"int32", 32},         {"int64", 64},
    {"string", 0},         {"bool", 8},         {"float16", 16},       {"double", 64},
    {"uint32", 32},        {"uint64", 64},      {"complex64", 64},     {"complex128", 128},
    {"bfloat16", 16},      {"float8e4m3fn", 8}, {"float8e4m3fnuz", 8}, {"float8e5m2", 8},
    {"float8e5m2fnuz", 8}, {"uint4", 4},        {"int4", 4},           {"float4e2m1", 4},
    {"float8e8m0", 8},     {"uint2", 2},        {"int2", 2},
}};

}  // namespace

int dtype_bits(DType type) { return kRows[static_cast<size_t>(type)].bits; }
std::string_view dtype_name(DType type) { return kRows[static_cast<size_t>(type)].name; }

bool dtype_is_float(DType type) {
  switch (type) {
    case DType::f32:
    case DType::f64:
    case DType::f16:
    case DType::bf16: return true;
    default: return dtype_is_small_float(type);
  }
}

bool dtype_is_small_float(DType type) {
  switch (type) {
    case DType::f8e4m3fn:
    case DType::f8e4m3fnuz:
    case DType::f8e5m2:
    case DType::f8e5m2fnuz:
    case DType::f8e8m0:
    case DType::f4e2m1: return true;
    default: return false;
  }
}

bool dtype_is_integer(DType type) {
  switch (type) {
    case DType::u8:
    case DType::s8:
    case DType::u16:
    case DType::s16:
    case DType::u32:
    case DType::s32:
    case DType::u64:
    case DType::s64: return true;
    default: return dtype_is_packed_integer(type);
  }
}

bool dtype_is_packed_integer(DType type) {
  return type == DType::u4 || type == DType::s4 || type == DType::u2 || type == DType::s2;
}

uint8_t read_bits(DType type, const std::byte* data, size_t i) {
  const auto bits = static_cast<size_t>(dtype_bits(type));
  const size_t per_byte = 8 / bits;
  const unsigned mask = (1U << bits) - 1;
  return static_cast<uint8_t>((static_cast<unsigned>(data[i / per_byte]) >> (i % per_byte * bits)) &
                              mask);
}

void write_bits(DType type, std::byte* data, size_t i, uint8_t bits) {
  const auto width = static_cast<size_t>(dtype_bits(type));
  const size_t per_byte = 8 / width;
  const size_t shift = i % per_byte * width;
  const unsigned mask = ((1U << width) - 1) << shift;
  std::byte& byte = data[i / per_byte];
  byte = static_cast<std::byte>((static_cast<unsigned>(byte) & ~mask) |
                                (static_cast<unsigned>(bits) << shift & mask));
}

int64_t read_packed(DType type, const std::byte* data, size_t i) {
  const int code = read_bits(type, data, i);
  const int range = 1 << dtype_bits(type);
  const bool is_signed = type == DType::s4 || type == DType::s2;
  return is_signed && code >= range / 2 ? code - range : code;
}

}  // namespace octet
