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

using Cell = CellS8<Vec256, 4, DotsVnni<Vec256>>;

}  // namespace

extern const RnnCell rnn_s8_avxvnni;
const RnnCell rnn_s8_avxvnni = {Cell::packed_bytes, Cell::pack,      Cell::state_bytes,
                                Cell::encode,       lstm_step<Cell>, gru_step<Cell>};

}  // namespace octet::kernels
