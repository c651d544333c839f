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
    {"float8e5m2fnuz", 8}, {"uint4", 4},        {"int4", 4},
}};

}  // namespace

int dtype_bits(DType type) { return kRows[static_cast<size_t>(type)].bits; }
std::string_view dtype_name(DType type) { return kRows[static_cast<size_t>(type)].name; }

bool dtype_is_float(DType type) {
  switch (type) {
    case DType::f32:
    case DType::f64:
    case DType::f16:
    case DType::bf16:
    case DType::f8e4m3fn:
    case DType::f8e4m3fnuz:
    case DType::f8e5m2:
    case DType::f8e5m2fnuz: return true;
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
    case DType::s64:
    case DType::u4:
    case DType::s4: return true;
    default: return false;
  }
}

}  // namespace octet
