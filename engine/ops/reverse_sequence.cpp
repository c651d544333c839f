#include <cstring>

#include "engine/ir/stop.h"
#include "engine/ops/common/movement.h"

namespace octet::ops::reverse_sequence {
namespace {

struct ReverseSequenceAttrs {
  int64_t batch_axis = 1;
  int64_t time_axis = 0;
  static constexpr auto fields() {
    return std::tuple{field("batch_axis", &ReverseSequenceAttrs::batch_axis),
                      field("time_axis", &ReverseSequenceAttrs::time_axis)};
  }
};

Status infer(InferContext& context) {
  const auto& [batch, time] = context.attrs<ReverseSequenceAttrs>();
  if (batch + time != 1 || batch < 0 || time < 0)
    return invalid_model("batch_axis and time_axis aren't 0 and 1");
  if (context.has_rank(0) && context.shape(0).size() < 2)
    return invalid_model("the input has no batch and time axes");
  context.set_like(0, 0);
  return {};
}

Status run(const Attrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  OCTET_ASSIGN(const size_t element, element_bytes(x.dtype));
  const bool time_first = attrs.as<ReverseSequenceAttrs>().time_axis == 0;
  const auto lengths = movement::integers_of(context.input(1));
  const int64_t batch = x.dims[time_first ? 1 : 0];
  const int64_t time = x.dims[time_first ? 0 : 1];
  if (static_cast<int64_t>(lengths.size()) != batch)
    return invalid_data("there isn't one length a batch entry");
  size_t bytes = element;
  for (size_t a = 2; a < x.rank(); ++a) bytes *= static_cast<size_t>(x.dims[a]);
  const auto place = [&](int64_t b, int64_t t) {
    return static_cast<size_t>(time_first ? t * batch + b : b * time + t) * bytes;
  };
  StopPoll poll;
  for (int64_t b = 0; b < batch; ++b) {
    const int64_t length = lengths[static_cast<size_t>(b)];
    if (length < 0 || length > time) return invalid_data("a length is outside the time axis");
    for (int64_t t = 0; t < time; ++t) {
      poll(bytes / element);
      std::memcpy(context.output(0).data + place(b, t),
                  x.data + place(b, t < length ? length - 1 - t : t), bytes);
    }
  }
  return {};
}

}  // namespace

extern const OpDef ReverseSequence;
const OpDef ReverseSequence = {.domain = "",
                               .name = "ReverseSequence",
                               .since = 10,
                               .inputs = {2, 2},
                               .attrs = attr_codec<ReverseSequenceAttrs>(),
                               .infer = infer,
                               .quant = movement::quant_shared,
                               .implementations = movement::kRows<run, 1>};

}  // namespace octet::ops::reverse_sequence
