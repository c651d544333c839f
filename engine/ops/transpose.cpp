#include "engine/ops/transpose.h"

#include <algorithm>

#include "engine/ops/common/movement.h"
#include "kernels/transpose/transpose.h"

namespace octet::ops::transpose {
namespace {

struct TransposeAttrs {
  std::vector<int64_t> perm;
  static constexpr auto fields() { return std::tuple{field("perm", &TransposeAttrs::perm)}; }
};

Extents permutation(const TransposeAttrs& attrs, size_t rank) {
  if (!attrs.perm.empty()) return attrs.perm;
  Extents reversed(rank);
  for (size_t a = 0; a < rank; ++a) reversed[a] = static_cast<int64_t>(rank - 1 - a);
  return reversed;
}

Status infer(InferContext& context) {
  const auto& attrs = context.attrs<TransposeAttrs>();
  if (!context.has_rank(0)) {
    context.set_tensor(0, context.dtype(0));
    return {};
  }
  const Shape& shape = context.shape(0);
  const auto perm = permutation(attrs, shape.size());
  auto sorted = perm;
  std::sort(sorted.begin(), sorted.end());
  bool permutes = sorted.size() == shape.size();
  for (size_t a = 0; a < shape.size() && permutes; ++a)
    permutes = sorted[a] == static_cast<int64_t>(a);
  if (!permutes) return invalid_model("'perm' doesn't permute the axes of {}", to_string(shape));
  Shape out;
  for (const int64_t axis : perm) out.push_back(shape[static_cast<size_t>(axis)]);
  context.set_tensor(0, context.dtype(0), std::move(out));
  if (shape.size() == 1 && context.elements(0) != nullptr)
    context.set_elements(0, *context.elements(0));
  return {};
}

using Order = SmallVector<size_t, kernels::kMaxTransposeRank>;

// Axes from the outermost to the innermost in memory.
Order memory_axes(const TensorView& view) {
  const Steps steps = steps_of(view);
  const auto outside = [&](size_t a, size_t b) {
    return steps[a] > steps[b] || (steps[a] == steps[b] && view.dims[a] > view.dims[b]);
  };
  Order axes;
  for (size_t axis = 0; axis < view.rank(); ++axis) {
    axes.push_back(axis);
    // Insertion keeps equals in their order; std::stable_sort would allocate.
    for (size_t i = axis; i > 0 && outside(axes[i], axes[i - 1]); --i)
      std::swap(axes[i], axes[i - 1]);
  }
  return axes;
}

// Input dims as they lie in memory, and the permutation between the two memories.
std::pair<Order, Order> in_memory(const TensorView& x, const TensorView& y, const Extents& perm) {
  const Order from = memory_axes(x);
  Order dims;
  Order place(from.size());
  for (size_t i = 0; i < from.size(); ++i) {
    dims.push_back(static_cast<size_t>(x.dims[from[i]]));
    place[from[i]] = i;
  }
  Order axes;
  for (const size_t axis : memory_axes(y)) axes.push_back(place[static_cast<size_t>(perm[axis])]);
  return {dims, axes};
}

// Works on any layouts: where input and output lie in the same order in memory, it is one copy.
Status run(const Attrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  OCTET_ASSIGN(const size_t bytes, element_bytes(x.dtype));
  const auto perm = permutation(attrs.as<TransposeAttrs>(), x.rank());
  // With the innermost axis in place whole runs move; else the kernel turns tiles in registers.
  const auto [dims, axes] = in_memory(x, y, perm);
  const bool runs = axes.empty() || axes.back() + 1 == axes.size();
  if (!runs && bytes <= 8 && x.rank() <= kernels::kMaxTransposeRank) {
    kernels::select_transpose(context.cpu())
        .table->run({x.data, y.data, bytes, x.rank(), dims.data(), axes.data()},
                    context.parallel());
    return {};
  }
  const Steps own = steps_of(x);
  Steps from;
  for (const int64_t axis : perm) from.push_back(own[static_cast<size_t>(axis)]);
  copy_strided(y.data, steps_of(y), x.data, from, y.dims, bytes, context.parallel());
  return {};
}

bool takes_channels_last(const Graph& graph, ValueId id) {
  // Glu keeps what comes.
  constexpr std::string_view kTakers[] = {"Conv",        "ConvTranspose",     "MaxPool",
                                          "AveragePool", "GlobalAveragePool", "Glu"};
  for (const Use& use : graph.value(id).uses)
    if (std::find(std::begin(kTakers), std::end(kTakers), graph.node(use.node).op->name) !=
        std::end(kTakers))
      return true;
  return false;
}

// N, spatial, C to N, C, spatial: the bytes of a row-major input are the channels-last output.
bool moves_last_to_channels(const Extents& perm) {
  const size_t rank = perm.size();
  if (rank < 3 || perm[0] != 0 || perm[1] != static_cast<int64_t>(rank) - 1) return false;
  for (size_t a = 2; a < rank; ++a)
    if (perm[a] != static_cast<int64_t>(a) - 1) return false;
  return true;
}

std::optional<Ports> match(const LowerContext& context) {
  auto ports = match_movement(context, 1, context.input_layout(0));
  if (!ports || !context.input(0).type.shape) return ports;
  const auto perm =
      permutation(context.attrs<TransposeAttrs>(), context.input(0).type.shape->size());
  const bool last = context.input_layout(0) == Layout::row_major && moves_last_to_channels(perm) &&
                    takes_channels_last(context.graph(), context.node().outputs[0]);
  ports->outputs[0].layout = last ? Layout::channels_last : Layout::row_major;
  return ports;
}

constexpr Implementation kRows[] = {
    recoded<run>(),
    {.name = "transpose", .match = match, .prepare = prepare_function<run>},
    reference<run>(),
};

}  // namespace

extern const OpDef Transpose;
const OpDef Transpose = {.domain = "",
                         .name = "Transpose",
                         .attrs = attr_codec<TransposeAttrs>(),
                         .infer = infer,
                         .quant = movement::quant_shared,
                         .implementations = kRows};

}  // namespace octet::ops::transpose

namespace octet::ops {

std::optional<std::vector<int64_t>> transpose_axes(const Node& node, size_t rank) {
  if (node.op != &transpose::Transpose) return std::nullopt;
  const auto axes = transpose::permutation(node.attrs.as<transpose::TransposeAttrs>(), rank);
  return std::vector<int64_t>(axes.begin(), axes.end());
}

bool keeps_bytes(const TensorView& x, const TensorView& y, const std::vector<int64_t>& axes) {
  if (x.dtype != y.dtype || x.quant != y.quant) return false;
  const Steps from = steps_of(x);
  const Steps to = steps_of(y);
  for (size_t a = 0; a < to.size(); ++a) {
    const size_t axis = axes.empty() ? a : static_cast<size_t>(axes[a]);
    if (y.dims[a] != 1 && to[a] != from[axis]) return false;
  }
  return true;
}

}  // namespace octet::ops
