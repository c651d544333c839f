#include "engine/ops/common/recurrent.h"

namespace octet::ops::gru {
namespace {

constexpr Implementation kImplementations[] = {
    {.name = "rnn_s8", .match = recurrent::match_s8, .prepare = recurrent::prepare_s8},
    {.name = "rnn_f32", .match = recurrent::match_f32, .prepare = recurrent::prepare_f32},
    {.name = "reference", .prepare = recurrent::prepare_reference},
};

}  // namespace

extern const OpDef GRU;
const OpDef GRU = {
    .domain = "",
    .name = "GRU",
    .since = 7,
    .inputs = {3, 6},
    .outputs = {0, 2},
    .attrs = attr_codec<GruAttrs>(),
    .infer = recurrent::infer,
    .quant = recurrent::quant,
    .macs = recurrent::macs,
    .implementations = kImplementations,
};

}  // namespace octet::ops::gru
