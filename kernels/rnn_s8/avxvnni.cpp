#include "kernels/math/avx2.h"
#include "kernels/rnn_s8/rnn_s8.h"

namespace octet::kernels {
namespace {

#include "kernels/rnn/cells.inl"
#include "kernels/rnn_s8/cell.inl"
#include "kernels/simd/dot256.inl"
#include "kernels/simd/vec256.inl"

using Dot = Dot256;
constexpr size_t kVnniRows = 1, kVnniVectors = 1, kVnniGroups = 1, kVnniAhead = 2048;
#include "kernels/rnn_s8/vnni.inl"

template <typename Codes>
using Cell = CellS8<Vec256, 4, DotsVnni<Vec256, Codes>>;

}  // namespace

extern const RnnS8 rnn_s8_avxvnni;
const RnnS8 rnn_s8_avxvnni = {table_of<Cell<RnnWords>>(), table_of<Cell<RnnBytes>>()};

}  // namespace octet::kernels
