#pragma once

#include <array>
#include <cstddef>

#include "kernels/cpu/isa.h"

namespace octet::kernels {

/// One row of a family's table: the instruction set and its functions.
template <typename Table>
struct Variant {
  Isa isa;
  const Table* table;
};

/// The strongest variant that `token` allows. Rows stand weakest first; row 0 is scalar.
template <typename Table, size_t N>
const Variant<Table>& select(const std::array<Variant<Table>, N>& rows, CpuToken token) {
  for (size_t i = N; i-- > 1;)
    if (token.allows(rows[i].isa)) return rows[i];
  return rows[0];
}

}  // namespace octet::kernels
