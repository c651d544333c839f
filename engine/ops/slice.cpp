#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "engine/ops/common/movement.h"

namespace octet::ops::slice {
namespace {

struct SliceAttrs {
  std::optional<std::vector<int64_t>> starts;
  std::optional<std::vector<int64_t>> ends;
  std::optional<std::vector<int64_t>> axes;
  static constexpr auto fields() {
    return std::tuple{field("starts", &SliceAttrs::starts, {.until = 9}),
                      field("ends", &SliceAttrs::ends, {.until = 9}),
                      field("axes", &SliceAttrs::axes, {.until = 9})};
  }
};

Status canonical(const CanonicalContext& context) {
  if (context.opset >= 10) return {};
  const auto attrs = context.attrs<SliceAttrs>();
  if (!attrs.starts || !attrs.ends) return invalid_model("'starts' or 'ends' is missing");
  movement::attribute_to_input(context, 1, attrs.starts, "starts");
  movement::attribute_to_input(context, 2, attrs.ends, "ends");
  movement::attribute_to_input(context, 3, attrs.axes, "axes");
  return {};
}

// One axis, numbers known: the first index, the step, and how many.
struct Cut {
  int64_t start = 0;
  int64_t step = 1;
  int64_t count = 0;
};

Cut cut_of(int64_t extent, int64_t start, int64_t end, int64_t step) {
  const int64_t low = step > 0 ? 0 : -1;
  const int64_t high = step > 0 ? extent : extent - 1;
  const auto placed = [&](int64_t at) { return std::clamp(at < 0 ? at + extent : at, low, high); };
  start = placed(start);
  // An end that counts from in front of the first element stands before it.
  end = placed(end);
  if (step < 0) start = std::clamp<int64_t>(start, 0, std::max<int64_t>(extent - 1, 0));
  const int64_t span = step > 0 ? end - start : start - end;
  const int64_t stride = std::abs(step);
  return {start, step, extent == 0 || span <= 0 ? 0 : (span - 1) / stride + 1};
}

// The extent with symbols about: bounds are taken to lie inside, which binding checks by numbers.
Dim symbolic_count(const Dim& extent, const Dim& start, const Dim& end, int64_t step) {
  constexpr int64_t kOpen = int64_t{1} << 30;
  const bool flips = start == Dim(-1) && end.known() && end.value() < -kOpen;
  if (step < 0) return flips ? ceil_div(extent, Dim(-step)) : Dim::fresh();
  const auto placed = [&](const Dim& at) {
    if (!at.known()) return at;
    if (at.value() < 0) return at.value() < -kOpen ? Dim(0) : extent + at;
    return at.value() > kOpen ? extent : at;
  };
  const Dim first = placed(start);
  Dim last = placed(end);
  if (end.known() && !extent.known() && last != extent) last = min(last, extent);
  return ceil_div(last - first, Dim(step));
}

Result<std::vector<int64_t>> axes_of(const InferContext& context, size_t count) {
  std::vector<int64_t> axes(count);
  std::iota(axes.begin(), axes.end(), int64_t{0});
  if (!context.has_input(3)) return axes;
  const auto given = context.known_elements(3);
  if (!given || given->size() != count) return unsupported("axes that aren't known ahead");
  return *given;
}

Status infer(InferContext& context) {
  context.set_tensor(0, context.dtype(0));
  if (!context.has_rank(0)) return {};
  Shape out = context.shape(0);
  const auto* starts = context.elements(1);
  const auto* ends = context.elements(2);
  const bool open_axes = context.has_input(3) && !context.known_elements(3);
  if (starts == nullptr || ends == nullptr || open_axes) {
    // Rank and the untouched axes are known all the same.
    std::vector<bool> touched(out.size(), true);
    if (const auto axes = context.has_input(3) ? context.known_elements(3) : std::nullopt) {
      touched.assign(out.size(), false);
      for (const int64_t axis : *axes) {
        OCTET_ASSIGN(const size_t index, context.axis(axis, out.size()));
        touched[index] = true;
      }
    }
    for (size_t a = 0; a < out.size(); ++a)
      if (touched[a]) out[a] = Dim::fresh();
    context.set_tensor(0, context.dtype(0), std::move(out));
    return {};
  }
  OCTET_ASSIGN(const auto axes, axes_of(context, starts->size()));
  if (ends->size() != starts->size()) return invalid_model("starts and ends differ in length");
  std::vector<int64_t> steps(starts->size(), 1);
  if (context.has_input(4)) {
    const auto given = context.known_elements(4);
    if (!given || given->size() != steps.size())
      return unsupported("steps that aren't known ahead");
    steps = *given;
  }
  const auto* elements = out.size() == 1 ? context.elements(0) : nullptr;
  for (size_t i = 0; i < axes.size(); ++i) {
    OCTET_ASSIGN(const size_t axis, context.axis(axes[i], out.size()));
    const Dim& start = (*starts)[i];
    const Dim& end = (*ends)[i];
    if (steps[i] == 0) return invalid_model("a step of 0");
    if (!out[axis].known() || !start.known() || !end.known()) {
      out[axis] = symbolic_count(out[axis], start, end, steps[i]);
      elements = nullptr;
      continue;
    }
    const Cut cut = cut_of(out[axis].value(), start.value(), end.value(), steps[i]);
    out[axis] = cut.count;
    if (elements == nullptr) continue;
    std::vector<Dim> kept;
    for (int64_t k = 0; k < cut.count; ++k)
      kept.push_back((*elements)[static_cast<size_t>(cut.start + k * cut.step)]);
    context.set_elements(0, std::move(kept));
  }
  context.set_tensor(0, context.dtype(0), std::move(out));
  return {};
}

// An input of int32 or int64.
Extents entries_of(const TensorView& view) {
  Extents entries;
  visit_dtype(view.dtype, TypeList<int64_t, int32_t>{}, [&]<typename T>() {
    for (int64_t i = 0; i < view.count(); ++i) entries.push_back(view.as<T>()[i]);
  });
  return entries;
}

Status run(const Attrs& /*attrs*/, RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  OCTET_ASSIGN(const size_t bytes, element_bytes(x.dtype));
  const Extents starts = entries_of(context.input(1));
  const Extents ends = entries_of(context.input(2));
  Extents axes(starts.size());
  std::iota(axes.begin(), axes.end(), int64_t{0});
  if (context.has_input(3)) axes = entries_of(context.input(3));
  Extents strides(starts.size(), 1);
  if (context.has_input(4)) strides = entries_of(context.input(4));
  Steps steps = steps_of(x);
  int64_t offset = 0;
  for (size_t i = 0; i < axes.size(); ++i) {
    const size_t axis = *normalize_axis(axes[i], x.rank());
    const Cut cut = cut_of(x.dims[axis], starts[i], ends[i], strides[i]);
    offset += cut.start * steps[axis];
    // A step past the extent takes one element, however large it is.
    const int64_t most = std::max<int64_t>(x.dims[axis], 1);
    steps[axis] *= std::clamp(cut.step, -most, most);
  }
  if (y.count() > 0)
    copy_strided(y.data, steps_of(y), x.data + offset * static_cast<int64_t>(bytes), steps, y.dims,
                 bytes, context.parallel());
  return {};
}

}  // namespace

extern const OpDef Slice;
const OpDef Slice = {.domain = "",
                     .name = "Slice",
                     .inputs = {1, 5},
                     .attrs = attr_codec<SliceAttrs>(),
                     .canonical = canonical,
                     .infer = infer,
                     .quant = movement::quant_shared,
                     .implementations = movement::kLayoutRows<run, 1>};

}  // namespace octet::ops::slice
