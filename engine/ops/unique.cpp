#include <algorithm>
#include <cstring>
#include <numeric>

#include "engine/ir/stop.h"
#include "engine/ops/common/axes.h"
#include "engine/ops/common/recoded.h"
#include "engine/ops/op.h"

namespace octet::ops::unique {
namespace {

struct UniqueAttrs {
  std::optional<int64_t> axis;
  int64_t sorted = 1;
  static constexpr auto fields() {
    return std::tuple{field("axis", &UniqueAttrs::axis), field("sorted", &UniqueAttrs::sorted)};
  }
};

Status infer(InferContext& context) {
  const auto& axis = context.attrs<UniqueAttrs>().axis;
  const Dim count = Dim::fresh();
  context.set_tensor(0, context.dtype(0));
  if (!axis) {
    context.set_tensor(0, context.dtype(0), Shape{count});
  } else if (context.has_rank(0)) {
    Shape out = context.shape(0);
    OCTET_ASSIGN(const size_t index, context.axis(*axis, out.size()));
    out[index] = count;
    context.set_tensor(0, context.dtype(0), std::move(out));
  }
  context.set_tensor(1, DType::s64, Shape{count});
  context.set_tensor(2, DType::s64, Shape{Dim::fresh()});
  context.set_tensor(3, DType::s64, Shape{count});
  return {};
}

using CompareElements = int (*)(const std::byte* a, const std::byte* b);

template <typename T>
int compare_as(const std::byte* a, const std::byte* b) {
  const T left = *reinterpret_cast<const T*>(a);
  const T right = *reinterpret_cast<const T*>(b);
  return left < right ? -1 : (right < left ? 1 : 0);
}

// Slices along an axis, compared element by element.
struct Slices {
  const std::byte* x;
  size_t bytes;  // Of an element.
  AxisCut cut;
  CompareElements compare_elements;

  const std::byte* at(size_t slice, size_t element) const {
    return x +
           ((element / cut.inner * cut.extent + slice) * cut.inner + element % cut.inner) * bytes;
  }
  int compare(size_t a, size_t b) const {
    int order = 0;
    for (size_t e = 0; e < cut.outer * cut.inner && order == 0; ++e)
      order = compare_elements(at(a, e), at(b, e));
    return order;
  }
};

// Distinct slices: where each occurs first, how often, and which one each slice is.
struct Groups {
  std::vector<size_t> first;
  std::vector<int64_t> counts;
  std::vector<int64_t> inverse;
};

Groups group(size_t slices, FunctionRef<int(size_t a, size_t b)> compare, bool sorted) {
  std::vector<size_t> order;
  order.reserve(slices);
  StopPoll poll;
  for (size_t i = 0; i < slices; ++i) {
    poll();
    order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return compare(a, b) < 0; });
  Groups groups;
  groups.inverse.resize(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || compare(order[i - 1], order[i]) != 0) {
      groups.first.push_back(order[i]);
      groups.counts.push_back(0);
    }
    ++groups.counts.back();
    groups.inverse[order[i]] = static_cast<int64_t>(groups.first.size()) - 1;
  }
  if (sorted) return groups;
  // By first occurrence.
  std::vector<size_t> by_place(groups.first.size());
  std::iota(by_place.begin(), by_place.end(), size_t{0});
  std::sort(by_place.begin(), by_place.end(),
            [&](size_t a, size_t b) { return groups.first[a] < groups.first[b]; });
  Groups placed = groups;
  std::vector<int64_t> rank(by_place.size());
  for (size_t i = 0; i < by_place.size(); ++i) {
    placed.first[i] = groups.first[by_place[i]];
    placed.counts[i] = groups.counts[by_place[i]];
    rank[by_place[i]] = static_cast<int64_t>(i);
  }
  for (int64_t& g : placed.inverse) g = rank[static_cast<size_t>(g)];
  return placed;
}

template <typename Range>
Status write(RunContext& context, size_t i, const Range& values) {
  if (!context.has_output(i)) return {};
  OCTET_RETURN_IF_ERROR(context.allocate(i, {static_cast<int64_t>(values.size())}));
  std::transform(values.begin(), values.end(), context.output(i).as<int64_t>(),
                 [](auto v) { return static_cast<int64_t>(v); });
  return {};
}

using UniqueTypes = TypeList<float, double, int32_t, int64_t, int8_t, uint8_t, int16_t, uint16_t,
                             uint32_t, uint64_t, bool>;

Status run(const Attrs& attributes, RunContext& context) {
  const auto& attrs = attributes.as<UniqueAttrs>();
  const TensorView& x = context.input(0);
  CompareElements compare_elements = nullptr;
  visit_dtype(x.dtype, UniqueTypes{}, [&]<typename T>() { compare_elements = compare_as<T>; });
  if (compare_elements == nullptr) return unsupported("elements of type {}", dtype_name(x.dtype));
  Dims dims = attrs.axis ? x.dims : Dims{x.count()};
  const size_t axis = attrs.axis ? *normalize_axis(*attrs.axis, x.rank()) : 0;
  const Slices slices{x.data, dtype_bytes(x.dtype, 1), cut_at(dims, axis), compare_elements};
  StopPoll poll;
  const auto compare = [&](size_t a, size_t b) {
    poll(slices.cut.outer * slices.cut.inner);
    return slices.compare(a, b);
  };
  const Groups groups = group(slices.cut.extent, compare, attrs.sorted != 0);
  if (context.has_output(0)) {
    dims[axis] = static_cast<int64_t>(groups.first.size());
    OCTET_RETURN_IF_ERROR(context.allocate(0, dims));
    std::byte* y = context.output(0).data;
    const AxisCut& cut = slices.cut;
    for (size_t o = 0; o < cut.outer && cut.inner > 0; ++o)
      for (const size_t slice : groups.first)
        y = std::copy_n(slices.at(slice, o * cut.inner), cut.inner * slices.bytes, y);
  }
  OCTET_RETURN_IF_ERROR(write(context, 1, groups.first));
  OCTET_RETURN_IF_ERROR(write(context, 2, groups.inverse));
  return write(context, 3, groups.counts);
}

constexpr Implementation kRows[] = {recoded<run>(), reference<run>()};

}  // namespace

extern const OpDef Unique;
const OpDef Unique = {.domain = "",
                      .name = "Unique",
                      .since = 11,
                      .outputs = {1, 4},
                      .attrs = attr_codec<UniqueAttrs>(),
                      .infer = infer,
                      .implementations = kRows};

}  // namespace octet::ops::unique
