#include "kernels/simd/neon.h"

#include "kernels/rnn_f32/rnn_f32.h"

namespace octet::kernels {
namespace {

#include "kernels/rnn/cells.inl"
#include "kernels/rnn_f32/cell.inl"
#include "kernels/simd/vec_neon.inl"

using Cell = CellF32<VecNeon>;

}  // namespace

extern const RnnCell rnn_f32_neon;
const RnnCell rnn_f32_neon = {Cell::packed_bytes, Cell::pack,      Cell::state_bytes,
                              Cell::encode,       lstm_step<Cell>, gru_step<Cell>};

}  // namespace octet::kernels
