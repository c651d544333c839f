#include <algorithm>
#include <limits>

#include "engine/ops/common/control.h"
#include "engine/ops/common/movement.h"
#include "engine/ops/common/pieces.h"
#include "engine/ops/common/rewrite.h"

// A tensor cut into a sequence, and a sequence's elements. An element at a constant position of a
// tensor cut at constant places is a slice of the tensor: the pass split_sequences makes it one.

namespace octet::ops::sequence {
namespace {

struct SplitAttrs {
  int64_t axis = 0;
  int64_t keepdims = 1;  ///< Looked at only when the split is absent.
  static constexpr auto fields() {
    return std::tuple{field("axis", &SplitAttrs::axis), field("keepdims", &SplitAttrs::keepdims)};
  }
};

Status infer_split(InferContext& context) {
  const auto& attrs = context.attrs<SplitAttrs>();
  std::optional<Shape> shape = context.input(0).shape;
  if (shape) {
    OCTET_ASSIGN(const size_t axis, context.axis(attrs.axis, shape->size()));
    const auto at = shape->begin() + static_cast<ptrdiff_t>(axis);
    const auto split = context.has_input(1) ? context.known_elements(1) : std::vector<int64_t>{1};
    const bool equal = split && !split->empty() &&
                       std::all_of(split->begin(), split->end(),
                                   [&](int64_t size) { return size == split->front(); });
    if (!context.has_input(1) && attrs.keepdims == 0)
      shape->erase(at);
    else
      *at = equal ? Dim(split->front()) : Dim::fresh();
  }
  Type type;
  type.kind = Type::Kind::sequence;
  type.element = std::make_shared<const Type>(Type::tensor(context.dtype(0), std::move(shape)));
  context.set_output(0, std::move(type));
  return {};
}

Status infer_at(InferContext& context) {
  const Type& sequence = context.input(0);
  if (sequence.kind != Type::Kind::sequence || !sequence.element)
    return invalid_model("input 0 is no sequence");
  context.set_output(0, *sequence.element);
  return {};
}

struct Piece {
  int64_t begin = 0;
  int64_t end = 0;
  bool squeezed = false;  ///< The axis goes.
};

// Where element `position` lies along the axis; an error when it takes the extent to know it.
Result<Piece> piece_of(const Graph& graph, const Node& split, int64_t position) {
  constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();
  if (!split.has_input(1)) {
    const bool squeezed = split.attrs.as<SplitAttrs>().keepdims == 0;
    return Piece{position, position == -1 ? kEnd : position + 1, squeezed};
  }
  const Tensor* sizes = graph.constant(split.inputs[1]);
  if (sizes == nullptr) return unsupported("a sequence that is cut at computed places");
  const auto lengths = sizes->to_int64();
  if (sizes->rank() == 0) {
    if (position < 0) return unsupported("a position counted from a sequence's end");
    return Piece{position * lengths[0], (position + 1) * lengths[0], false};
  }
  const auto count = static_cast<int64_t>(lengths.size());
  const int64_t index = position < 0 ? position + count : position;
  if (index < 0 || index >= count)
    return invalid_model("position {} is outside a sequence of {}", position, count);
  int64_t begin = 0;
  for (int64_t i = 0; i < index; ++i) begin += lengths[static_cast<size_t>(i)];
  return Piece{begin, begin + lengths[static_cast<size_t>(index)], false};
}

Status expand(Graph& graph, NodeId id) {
  const Node& at = graph.node(id);
  const NodeId split_id = graph.value(at.inputs[0]).producer;
  const Tensor* position = graph.constant(at.inputs[1]);
  if (split_id == kNoNode || graph.node(split_id).op->name != "SplitToSequence" ||
      position == nullptr)
    return unsupported("this is no constant element of SplitToSequence");
  const Node& split = graph.node(split_id);
  OCTET_ASSIGN(const Piece piece, piece_of(graph, split, position->to_int64()[0]));
  const ValueId x = split.inputs[0];
  const int64_t axis = split.attrs.as<SplitAttrs>().axis;
  Rewriter rewrite(graph, id);
  const auto integer = [&](int64_t value, const char* suffix) {
    return rewrite.constant(Tensor::of(Dims{1}, std::vector<int64_t>{value}),
                            rewrite.base() + suffix);
  };
  ValueId element = kNoValue;
  if (piece.squeezed) {
    const ValueId index =
        rewrite.constant(Tensor::scalar<int64_t>(piece.begin), rewrite.base() + "_index");
    OCTET_ASSIGN(element, rewrite.before("Gather", {x, index}, {{"axis", axis}},
                                         rewrite.base() + "_element"));
  } else {
    OCTET_ASSIGN(element, rewrite.before("Slice",
                                         {x, integer(piece.begin, "_begin"),
                                          integer(piece.end, "_end"), integer(axis, "_axis")},
                                         {}, rewrite.base() + "_element"));
  }
  const ValueId sequence = at.inputs[0];
  rewrite.finish(element);
  if (graph.value(sequence).uses.empty() && !graph.is_output(sequence)) graph.remove_node(split_id);
  return {};
}

// Where the pieces of an axis end.
Result<std::vector<int64_t>> piece_ends(const RunContext& context, int64_t extent) {
  std::vector<int64_t> ends;
  if (!context.has_input(1)) {
    for (int64_t i = 0; i < extent; ++i) ends.push_back(i + 1);
    return ends;
  }
  const auto sizes = movement::integers_of(context.input(1));
  if (context.input(1).rank() == 0) {
    if (sizes[0] <= 0) return invalid_data("pieces of {}", sizes[0]);
    for (int64_t end = 0; end < extent;) ends.push_back(end = std::min(extent, end + sizes[0]));
    return ends;
  }
  int64_t end = 0;
  for (const int64_t size : sizes) {
    if (size < 0 || size > extent - end) return invalid_data("the pieces don't fit the axis");
    ends.push_back(end += size);
  }
  if (end != extent) return invalid_data("the pieces don't cover the axis");
  return ends;
}

Status run_split(const Attrs& attributes, RunContext& context) {
  const auto& attrs = attributes.as<SplitAttrs>();
  const Tensor x = borrow(context.input(0));
  const auto axis = normalize_axis(attrs.axis, x.rank());
  if (!axis) return invalid_data("axis {} is outside the rank", attrs.axis);
  OCTET_ASSIGN(const auto ends, piece_ends(context, x.dims()[*axis]));
  std::vector<Tensor> pieces;
  int64_t begin = 0;
  for (const int64_t end : ends) {
    OCTET_ASSIGN(Tensor piece, cut(x, *axis, static_cast<size_t>(begin), static_cast<size_t>(end)));
    if (!context.has_input(1) && attrs.keepdims == 0) {
      Dims dims = piece.dims();
      dims.erase(dims.begin() + static_cast<ptrdiff_t>(*axis));
      piece = piece.reshaped(std::move(dims));
    }
    pieces.push_back(std::move(piece));
    begin = end;
  }
  return context.set_boxed(0, Tensor::list(std::move(pieces)));
}

Status run_at(const Attrs& /*attrs*/, RunContext& context) {
  const auto& elements = context.input(0).boxed->elements();
  const auto given = movement::integers_of(context.input(1));
  const auto size = static_cast<int64_t>(elements.size());
  if (given.size() != 1 || given[0] < -size || given[0] >= size)
    return invalid_data("the position is outside a sequence of {}", size);
  const int64_t at = given[0] < 0 ? given[0] + size : given[0];
  return copy_to_output(context, 0, elements[static_cast<size_t>(at)]);
}

constexpr Implementation kAtRows[] = {
    {.name = "list", .match = match_stored, .prepare = prepare_function<run_at>}};
constexpr Implementation kSplitRows[] = {
    {.name = "list", .match = match_stored, .prepare = prepare_function<run_split>}};

}  // namespace

extern const OpDef SequenceAt;
extern const OpDef SplitToSequence;
const OpDef SequenceAt = {
    .domain = "",
    .name = "SequenceAt",
    .since = 11,
    .inputs = {2, 2},
    .infer = infer_at,
    .expand = expand,
    .implementations = kAtRows,
};
const OpDef SplitToSequence = {
    .domain = "",
    .name = "SplitToSequence",
    .since = 11,
    .inputs = {1, 2},
    .attrs = attr_codec<SplitAttrs>(),
    .infer = infer_split,
    .implementations = kSplitRows,
};

}  // namespace octet::ops::sequence
