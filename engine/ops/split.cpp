#include <algorithm>

#include "engine/ops/common/movement.h"

namespace octet::ops::split {
namespace {

struct SplitAttrs {
  int64_t axis = 0;
  std::optional<std::vector<int64_t>> split;
  std::optional<int64_t> num_outputs;
  static constexpr auto fields() {
    return std::tuple{field("axis", &SplitAttrs::axis),
                      field("split", &SplitAttrs::split, {.until = 12}),
                      field("num_outputs", &SplitAttrs::num_outputs, {.since = 18})};
  }
};

// Parts were an attribute before opset 13; equal parts need their number from opset 18 on.
Status canonical(const CanonicalContext& context) {
  auto attrs = context.attrs<SplitAttrs>();
  movement::attribute_to_input(context, 1, attrs.split, "split");
  attrs.split.reset();
  if (!context.node().has_input(1) && !attrs.num_outputs)
    attrs.num_outputs = static_cast<int64_t>(context.node().outputs.size());
  context.node().attrs = Attrs::of(std::move(attrs));
  return {};
}

Result<std::vector<Dim>> parts_of(const InferContext& context, const Dim& extent) {
  const size_t count = context.output_count();
  if (context.has_input(1)) {
    const auto* parts = context.elements(1);
    if (parts == nullptr) {
      std::vector<Dim> unknown;
      while (unknown.size() < count) unknown.push_back(Dim::fresh());
      return unknown;
    }
    if (parts->size() != count) return invalid_model("'split' doesn't have an entry an output");
    Dim sum;
    for (const Dim& part : *parts) sum = sum + part;
    if (extent.known() && sum.known() && sum != extent)
      return invalid_model("'split' doesn't add up to {}", extent.to_string());
    return *parts;
  }
  const auto number = context.attrs<SplitAttrs>().num_outputs.value_or(static_cast<int64_t>(count));
  if (number <= 0 || static_cast<size_t>(number) != count)
    return invalid_model("num_outputs isn't the number of outputs");
  const Dim part = ceil_div(extent, Dim(number));
  std::vector<Dim> parts(count, part);
  parts.back() = extent - part * Dim(number - 1);
  // Too many parts are an error only if the node runs: branches that aren't taken may have some.
  if (parts.back().known() && parts.back().value() < 0)
    std::generate(parts.begin(), parts.end(), Dim::fresh);
  return parts;
}

Status infer(InferContext& context) {
  for (size_t i = 0; i < context.output_count(); ++i) context.set_tensor(i, context.dtype(0));
  if (!context.has_rank(0)) return {};
  const Shape& shape = context.shape(0);
  OCTET_ASSIGN(const size_t axis, context.axis(context.attrs<SplitAttrs>().axis, shape.size()));
  OCTET_ASSIGN(const auto parts, parts_of(context, shape[axis]));
  const auto* elements = shape.size() == 1 ? context.elements(0) : nullptr;
  int64_t begin = 0;
  for (size_t i = 0; i < context.output_count(); ++i) {
    Shape out = shape;
    out[axis] = parts[i];
    context.set_tensor(i, context.dtype(0), std::move(out));
    if (elements == nullptr || !parts[i].known()) {
      elements = nullptr;
      continue;
    }
    const int64_t end = begin + parts[i].value();
    context.set_elements(i, {elements->begin() + begin, elements->begin() + end});
    begin = end;
  }
  return {};
}

Status run(const Attrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  OCTET_ASSIGN(const size_t bytes, element_bytes(x.dtype));
  const size_t axis = *normalize_axis(attrs.as<SplitAttrs>().axis, x.rank());
  const Steps steps = steps_of(x);
  // Outputs that nobody wants have dims too: they are in front of those that somebody does.
  const auto parts =
      context.has_input(1) ? movement::integers_of(context.input(1)) : std::vector<int64_t>();
  const auto count = static_cast<int64_t>(context.output_count());
  const int64_t part = (x.dims[axis] + count - 1) / count;
  if (parts.empty() && part * (count - 1) > x.dims[axis])
    return invalid_data("{} elements don't split into {}", x.dims[axis], count);
  int64_t begin = 0;
  for (size_t i = 0; i < context.output_count(); ++i) {
    const TensorView& y = context.output(i);
    if (context.has_output(i))
      copy_strided(y.data, steps_of(y), x.data + begin * steps[axis] * static_cast<int64_t>(bytes),
                   steps, y.dims, bytes, context.parallel());
    begin += parts.empty() ? part : parts[i];
  }
  return {};
}

}  // namespace

extern const OpDef Split;
const OpDef Split = {.domain = "",
                     .name = "Split",
                     .inputs = {1, 2},
                     .outputs = {1, -1},
                     .attrs = attr_codec<SplitAttrs>(),
                     .canonical = canonical,
                     .infer = infer,
                     .quant = movement::quant_shared,
                     .implementations = movement::kLayoutRows<run, 1>};

}  // namespace octet::ops::split
