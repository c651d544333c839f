#include "engine/ops/common/recurrent.h"

namespace octet::ops::recurrent {
namespace {

// Fails unless input i, when it is there and has a rank, fits `expected`.
Status require_shape(const InferContext& context, size_t i, const char* name,
                     const Shape& expected) {
  if (!context.has_input(i) || !context.has_rank(i)) return {};
  const Shape& shape = context.shape(i);
  bool fits = shape.size() == expected.size();
  for (size_t d = 0; fits && d < shape.size(); ++d)
    fits = !shape[d].known() || !expected[d].known() || shape[d] == expected[d];
  if (fits) return {};
  return invalid_model("{} is {}, not {}", name, to_string(shape), to_string(expected));
}

Status check_attrs(const RecurrentAttrs& attrs) {
  if (attrs.direction != "forward" && attrs.direction != "reverse" && !is_bidirectional(attrs))
    return invalid_model("direction '{}' isn't one", attrs.direction);
  if (attrs.layout != 0 && attrs.layout != 1) return invalid_model("layout isn't 0 or 1");
  return {};
}

// The extents that outputs and optional inputs are made of, as far as they are known.
struct Symbols {
  Dim steps, batch, inputs, hidden, directions;
};

Status check_inputs(const InferContext& context, const Symbols& s, Cell cell, bool batch_first) {
  const Dim gates(static_cast<int64_t>(gates_of(cell)));
  const Shape state =
      batch_first ? Shape{s.batch, s.directions, s.hidden} : Shape{s.directions, s.batch, s.hidden};
  OCTET_RETURN_IF_ERROR(
      require_shape(context, kW, "W", {s.directions, gates * s.hidden, s.inputs}));
  OCTET_RETURN_IF_ERROR(
      require_shape(context, kR, "R", {s.directions, gates * s.hidden, s.hidden}));
  OCTET_RETURN_IF_ERROR(require_shape(context, kB, "B", {s.directions, Dim(2) * gates * s.hidden}));
  OCTET_RETURN_IF_ERROR(require_shape(context, kLengths, "sequence_lens", {s.batch}));
  OCTET_RETURN_IF_ERROR(require_shape(context, kInitialH, "initial_h", state));
  if (cell != Cell::lstm) return {};
  OCTET_RETURN_IF_ERROR(require_shape(context, kInitialC, "initial_c", state));
  return require_shape(context, kPeepholes, "P", {s.directions, Dim(3) * s.hidden});
}

Status require_types(const InferContext& context) {
  OCTET_RETURN_IF_ERROR(context.require(kX, {DType::f32, DType::f16, DType::bf16, DType::f64}));
  for (size_t i = kW; i < context.input_count(); ++i) {
    if (!context.has_input(i)) continue;
    if (i == kLengths)
      OCTET_RETURN_IF_ERROR(context.require(i, {DType::s32}));
    else
      OCTET_RETURN_IF_ERROR(context.require_same_dtype(kX, i));
  }
  return {};
}

template <typename A, typename M>
Attrs attrs_with(const Node& node, M RecurrentAttrs::*member, M value) {
  A attrs = node.attrs.as<A>();
  attrs.*member = value;
  return Attrs::of(std::move(attrs));
}

// Of an LSTM or a GRU.
template <typename M>
Attrs with(const Node& node, M RecurrentAttrs::*member, M value) {
  return cell_of(node) == Cell::lstm ? attrs_with<LstmAttrs>(node, member, value)
                                     : attrs_with<GruAttrs>(node, member, value);
}

}  // namespace

Attrs with_dynamic_x(const Node& node) { return with(node, &RecurrentAttrs::dynamic_x, true); }

bool is_recurrent(const Node& node) {
  return node.attrs.is<LstmAttrs>() || node.attrs.is<GruAttrs>();
}

Attrs with_state_bits(const Node& node, int64_t bits) {
  return with(node, &RecurrentAttrs::state_bits, bits);
}

Cell cell_of(const Node& node) {
  if (node.attrs.is<LstmAttrs>()) return Cell::lstm;
  return node.attrs.is<GruAttrs>() ? Cell::gru : Cell::rnn;
}

const RecurrentAttrs& attrs_of(const Node& node) {
  if (node.attrs.is<LstmAttrs>()) return node.attrs.as<LstmAttrs>();
  if (node.attrs.is<GruAttrs>()) return node.attrs.as<GruAttrs>();
  return node.attrs.as<RnnAttrs>();
}

Extents extents_of(const RecurrentAttrs& attrs, const Dims& x, const Dims& r) {
  const size_t time = attrs.layout == 0 ? 0 : 1;
  return {static_cast<size_t>(x[time]), static_cast<size_t>(x[1 - time]), static_cast<size_t>(x[2]),
          static_cast<size_t>(r[2]), static_cast<size_t>(r[0])};
}

Result<const int32_t*> lengths_of(const RunContext& context, const Extents& extents) {
  if (!context.has_input(kLengths)) return static_cast<const int32_t*>(nullptr);
  const int32_t* lengths = context.input(kLengths).as<int32_t>();
  for (size_t b = 0; b < extents.batch; ++b)
    if (lengths[b] < 0 || static_cast<size_t>(lengths[b]) > extents.steps)
      return invalid_data("sequence_lens has {}, which is outside the time axis", lengths[b]);
  return lengths;
}

Status infer(InferContext& context) {
  const RecurrentAttrs& attrs = attrs_of(context.node());
  OCTET_RETURN_IF_ERROR(check_attrs(attrs));
  OCTET_RETURN_IF_ERROR(require_types(context));
  const DType type = context.dtype(kX);
  for (size_t i = 0; i < context.output_count(); ++i) context.set_tensor(i, type);
  for (const size_t i : {size_t{kX}, size_t{kW}, size_t{kR}})
    if (context.has_rank(i) && context.shape(i).size() != 3)
      return invalid_model("X, W and R must have three axes, not {}", to_string(context.shape(i)));
  const bool sized = attrs.hidden_size > 0;
  if (!context.has_rank(kX) || (!sized && !context.has_rank(kR))) return {};

  const bool batch_first = attrs.layout == 1;
  const Shape& x = context.shape(kX);
  const Symbols s{x[batch_first ? 1 : 0], x[batch_first ? 0 : 1], x[2],
                  sized ? Dim(attrs.hidden_size) : context.shape(kR)[2],
                  Dim(is_bidirectional(attrs) ? 2 : 1)};
  OCTET_RETURN_IF_ERROR(check_inputs(context, s, cell_of(context.node()), batch_first));
  context.set_tensor(0, type,
                     batch_first ? Shape{s.batch, s.steps, s.directions, s.hidden}
                                 : Shape{s.steps, s.directions, s.batch, s.hidden});
  for (size_t i = 1; i < context.output_count(); ++i)
    context.set_tensor(i, type,
                       batch_first ? Shape{s.batch, s.directions, s.hidden}
                                   : Shape{s.directions, s.batch, s.hidden});
  return {};
}

QuantSpec quant(const Graph& /*graph*/, const Node& /*node*/) {
  using Role = PortQuant::Role;
  const PortQuant weight{.role = Role::weight, .axis = 1};
  return {.inputs = {{Role::activation}, weight, weight}, .outputs = {}, .anchor = true};
}

std::optional<Dim> macs(const Graph& graph, const Node& node) {
  const auto& x = graph.value(node.inputs[kX]).type.shape;
  const auto& r = graph.value(node.inputs[kR]).type.shape;
  if (!x || !r || x->size() != 3 || r->size() != 3) return std::nullopt;
  return (*x)[0] * (*x)[1] * (*r)[0] * (*r)[1] * ((*x)[2] + (*r)[2]);
}

}  // namespace octet::ops::recurrent
