#include "kernels/math/avx512.h"
#include "kernels/rnn_f32/rnn_f32.h"

namespace octet::kernels {
namespace {

#include "kernels/rnn/cells.inl"
#include "kernels/rnn_f32/cell.inl"
#include "kernels/simd/vec512.inl"

using Cell = CellF32<Vec512>;

}  // namespace

extern const RnnCell rnn_f32_avx512vnni;
const RnnCell rnn_f32_avx512vnni = {Cell::packed_bytes, Cell::pack,      Cell::state_bytes,
                                    Cell::encode,       lstm_step<Cell>, gru_step<Cell>};

}  // namespace octet::kernels
