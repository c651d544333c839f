#include "engine/ops/common/recurrent.h"

namespace octet::ops::rnn {
namespace {

constexpr Implementation kImplementations[] = {
    {.name = "reference", .prepare = recurrent::prepare_reference},
};

}  // namespace

extern const OpDef RNN;
const OpDef RNN = {
    .domain = "",
    .name = "RNN",
    .since = 7,
    .inputs = {3, 6},
    .outputs = {0, 2},
    .attrs = attr_codec<RnnAttrs>(),
    .infer = recurrent::infer,
    .macs = recurrent::macs,
    .implementations = kImplementations,
};

}  // namespace octet::ops::rnn
