#include "engine/ops/common/movement.h"
#include "engine/ops/common/selection.h"

namespace octet::ops::top_k {
namespace {

struct TopKAttrs {
  int64_t axis = -1;
  int64_t largest = 1;
  int64_t sorted = 1;
  std::optional<int64_t> k;
  static constexpr auto fields() {
    return std::tuple{field("axis", &TopKAttrs::axis),
                      field("largest", &TopKAttrs::largest, {.since = 11}),
                      field("sorted", &TopKAttrs::sorted, {.since = 11}),
                      field("k", &TopKAttrs::k, {.until = 9})};
  }
};

Status canonical(const CanonicalContext& context) {
  const auto& k = context.attrs<TopKAttrs>().k;
  if (k) movement::attribute_to_input(context, 1, std::vector<int64_t>{*k}, "k");
  return {};
}

Status infer(InferContext& context) {
  context.set_tensor(0, context.dtype(0));
  context.set_tensor(1, DType::s64);
  if (!context.has_rank(0)) return {};
  Shape out = context.shape(0);
  OCTET_ASSIGN(const size_t axis, context.axis(context.attrs<TopKAttrs>().axis, out.size()));
  const auto* k = context.has_input(1) ? context.elements(1) : nullptr;
  if (k != nullptr && k->size() == 1) {
    if (k->front().known() && out[axis].known() &&
        (k->front().value() < 0 || k->front().value() > out[axis].value()))
      return invalid_model("k is {} of {}", k->front().to_string(), out[axis].to_string());
    out[axis] = k->front();
  } else {
    out[axis] = Dim::fresh();
  }
  context.set_tensor(0, context.dtype(0), out);
  context.set_tensor(1, DType::s64, std::move(out));
  return {};
}

Status run(const Attrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  const auto& options = attrs.as<TopKAttrs>();
  const AxisCut cut = cut_at(x.dims, *normalize_axis(options.axis, x.rank()));
  const int64_t k = movement::integers_of(context.input(1)).at(0);
  if (k < 0 || static_cast<size_t>(k) > cut.extent)
    return invalid_data("k is {} of {}", k, cut.extent);
  const auto output = [&](size_t i) {
    return context.has_output(i) ? &context.output(i) : nullptr;
  };
  const bool known = select_top(x, cut, static_cast<size_t>(k), options.largest != 0, output(0),
                                output(1), context.parallel());
  return known ? Status{} : unsupported("elements of type {}", dtype_name(x.dtype));
}

constexpr Implementation kRows[] = {reference<run>()};

}  // namespace

extern const OpDef TopK;
const OpDef TopK = {.domain = "",
                    .name = "TopK",
                    .inputs = {1, 2},
                    .outputs = {2, 2},
                    .attrs = attr_codec<TopKAttrs>(),
                    .canonical = canonical,
                    .infer = infer,
                    .implementations = kRows};

}  // namespace octet::ops::top_k
