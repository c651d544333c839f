#include "engine/ops/common/recurrent.h"

namespace octet::ops::lstm {
namespace {

constexpr Implementation kImplementations[] = {
    {.name = "rnn_s8", .match = recurrent::match_s8, .prepare = recurrent::prepare_s8},
    {.name = "rnn_f32", .match = recurrent::match_f32, .prepare = recurrent::prepare_f32},
    {.name = "reference", .prepare = recurrent::prepare_reference},
};

}  // namespace

extern const OpDef LSTM;
const OpDef LSTM = {
    .domain = "",
    .name = "LSTM",
    .since = 7,
    .inputs = {3, 8},
    .outputs = {0, 3},
    .attrs = attr_codec<LstmAttrs>(),
    .infer = recurrent::infer,
    .quant = recurrent::quant,
    .macs = recurrent::macs,
    .implementations = kImplementations,
};

}  // namespace octet::ops::lstm
