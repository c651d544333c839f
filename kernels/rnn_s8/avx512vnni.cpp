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

using Cell = CellS8<Vec512, 4, DotsVnni<Vec512>>;

}  // namespace

extern const RnnCell rnn_s8_avx512vnni;
const RnnCell rnn_s8_avx512vnni = {Cell::packed_bytes, Cell::pack,      Cell::state_bytes,
                                   Cell::encode,       lstm_step<Cell>, gru_step<Cell>};

}  // namespace octet::kernels
