#include "kernels/math/avx512.h"
#include "kernels/rnn_s8/rnn_s8.h"

namespace octet::kernels {
namespace {

#include "kernels/rnn/cells.inl"
#include "kernels/rnn_s8/cell.inl"
#include "kernels/simd/dot512.inl"
#include "kernels/simd/vec512.inl"

using Dot = Dot512;
constexpr size_t kVnniRows = 2, kVnniVectors = 2, kVnniGroups = 2, kVnniAhead = 4096;
#include "kernels/rnn_s8/vnni.inl"

template <typename Codes>
using Cell = CellS8<Vec512, 4, DotsVnni<Vec512, Codes>>;

}  // namespace

extern const RnnS8 rnn_s8_avx512vnni;
const RnnS8 rnn_s8_avx512vnni = {table_of<Cell<RnnWords>>(), table_of<Cell<RnnBytes>>()};

}  // namespace octet::kernels
