#include <cstring>

#include "engine/ops/common/control.h"

namespace octet::ops::scan {
namespace {

constexpr std::string_view kBodies[] = {"body"};

struct ScanAttrs {
  int64_t num_scan_inputs = 0;
  std::vector<int64_t> scan_input_axes = {};
  std::vector<int64_t> scan_input_directions = {};
  std::vector<int64_t> scan_output_axes = {};
  std::vector<int64_t> scan_output_directions = {};
  static constexpr auto fields() {
    return std::tuple{field("num_scan_inputs", &ScanAttrs::num_scan_inputs, {.required = true}),
                      field("scan_input_axes", &ScanAttrs::scan_input_axes),
                      field("scan_input_directions", &ScanAttrs::scan_input_directions),
                      field("scan_output_axes", &ScanAttrs::scan_output_axes),
                      field("scan_output_directions", &ScanAttrs::scan_output_directions)};
  }
};

int64_t entry(const std::vector<int64_t>& values, size_t i) {
  return i < values.size() ? values[i] : 0;
}

struct Counts {
  size_t states = 0;
  size_t scanned = 0;
  size_t made = 0;
};

Result<Counts> counts_of(const Node& node) {
  const auto& attrs = node.attrs.as<ScanAttrs>();
  const size_t formals = node.inputs.size() - node.captures;
  const auto scanned = static_cast<size_t>(attrs.num_scan_inputs);
  if (attrs.num_scan_inputs < 1 || scanned > formals)
    return invalid_model("num_scan_inputs {}", attrs.num_scan_inputs);
  const size_t states = formals - scanned;
  if (node.outputs.size() < states) return invalid_model("fewer outputs than state");
  return Counts{states, scanned, node.outputs.size() - states};
}

Status infer(InferContext& context) {
  const auto& attrs = context.attrs<ScanAttrs>();
  OCTET_ASSIGN(const Counts counts, counts_of(context.node()));
  std::vector<Type> formals;
  for (size_t i = 0; i < counts.states; ++i) formals.push_back(context.input(i));
  Dim length = Dim::fresh();
  for (size_t i = 0; i < counts.scanned; ++i) {
    Type type = context.input(counts.states + i);
    if (type.shape) {
      OCTET_ASSIGN(const size_t axis,
                   context.axis(entry(attrs.scan_input_axes, i), type.shape->size()));
      const Dim extent = (*type.shape)[axis];
      if (length.known() && extent.known() && length != extent)
        return invalid_model("scan inputs of {} and {} entries", length.to_string(),
                             extent.to_string());
      if (!length.known()) length = extent;
      type.shape->erase(type.shape->begin() + static_cast<ptrdiff_t>(axis));
    }
    formals.push_back(std::move(type));
  }
  OCTET_ASSIGN(const auto outputs, infer_iterated(context, formals, 0, counts.states, 0));
  if (outputs.size() != context.output_count())
    return invalid_model("the subgraph gives {} values, not {}", outputs.size(),
                         context.output_count());
  for (size_t i = 0; i < counts.states; ++i) context.set_output(i, formals[i]);
  for (size_t k = 0; k < counts.made; ++k) {
    std::optional<Shape> shape = outputs[counts.states + k].shape;
    if (shape) {
      OCTET_ASSIGN(const size_t axis,
                   context.axis(entry(attrs.scan_output_axes, k), shape->size() + 1));
      shape->insert(shape->begin() + static_cast<ptrdiff_t>(axis), length);
    }
    context.set_tensor(counts.states + k, outputs[counts.states + k].dtype, std::move(shape));
  }
  return {};
}

// A tensor cut at an axis into runs of `inner` bytes.
struct Cut {
  size_t outer = 1;
  size_t extent = 1;
  size_t inner = 1;  ///< Bytes.
};

Result<Cut> cut_at(DType dtype, const Dims& dims, size_t axis) {
  if (dtype_bits(dtype) < 8) return unsupported("elements of {}", dtype_name(dtype));
  Cut cut;
  for (size_t a = 0; a < axis; ++a) cut.outer *= static_cast<size_t>(dims[a]);
  cut.extent = static_cast<size_t>(dims[axis]);
  cut.inner = dtype_bytes(dtype, 1);
  for (size_t a = axis + 1; a < dims.size(); ++a) cut.inner *= static_cast<size_t>(dims[a]);
  return cut;
}

Result<Tensor> slice(const TensorView& view, size_t axis, size_t index) {
  OCTET_ASSIGN(const Cut cut, cut_at(view.dtype, view.dims, axis));
  Dims dims = view.dims;
  dims.erase(dims.begin() + static_cast<ptrdiff_t>(axis));
  OCTET_ASSIGN(Tensor out, Tensor::zeros(view.dtype, dims));
  for (size_t o = 0; o < cut.outer && cut.inner > 0; ++o)
    std::memcpy(out.writable() + o * cut.inner, view.data + (o * cut.extent + index) * cut.inner,
                cut.inner);
  return out;
}

// Writes `part` as entry `index` of an output that has `length` along a new axis; the first part
// makes the output.
struct Stack {
  size_t output = 0;
  int64_t axis = 0;
  bool backward = false;
  Dims part_dims = {};

  Status put(RunContext& context, const Tensor& part, size_t index, size_t length) {
    if (!context.has_output(output)) return {};
    const auto at = normalize_axis(axis, part.rank() + 1);
    if (!at) return invalid_model("scan_output_axes {}", axis);
    if (index == 0) {
      part_dims = part.dims();
      Dims dims = part_dims;
      dims.insert(dims.begin() + static_cast<ptrdiff_t>(*at), static_cast<int64_t>(length));
      OCTET_RETURN_IF_ERROR(context.allocate(output, std::move(dims)));
    }
    const TensorView& out = context.output(output);
    if (part.dims() != part_dims || part.dtype() != out.dtype)
      return invalid_data("output {} changes between iterations", output);
    OCTET_ASSIGN(const Cut cut, cut_at(out.dtype, out.dims, *at));
    const size_t entry_at = backward ? length - 1 - index : index;
    for (size_t o = 0; o < cut.outer && cut.inner > 0; ++o)
      std::memcpy(out.data + (o * cut.extent + entry_at) * cut.inner,
                  part.bytes().data() + o * cut.inner, cut.inner);
    return {};
  }
  // No iteration made it.
  Status empty(RunContext& context) const {
    if (!context.has_output(output)) return {};
    const Graph& body = *context.node().bodies[0];
    Dims dims;
    for (const Dim& d : body.value(body.outputs()[output]).type.shape.value_or(Shape{}))
      dims.push_back(d.maybe().value_or(0));
    const size_t at = normalize_axis(axis, dims.size() + 1).value_or(0);
    dims.insert(dims.begin() + static_cast<ptrdiff_t>(at), 0);
    return context.allocate(output, std::move(dims));
  }
};

struct ScanInput {
  size_t input = 0;
  size_t axis = 0;
  bool backward = false;
};

Result<std::vector<ScanInput>> scan_inputs(const ScanAttrs& attrs, const Counts& counts,
                                           const RunContext& context) {
  std::vector<ScanInput> inputs;
  for (size_t i = 0; i < counts.scanned; ++i) {
    const TensorView& view = context.input(counts.states + i);
    const auto axis = normalize_axis(entry(attrs.scan_input_axes, i), view.rank());
    if (!axis) return invalid_model("scan_input_axes don't fit the inputs");
    inputs.push_back({counts.states + i, *axis, entry(attrs.scan_input_directions, i) != 0});
    const TensorView& first = context.input(inputs[0].input);
    if (view.dims[*axis] != first.dims[inputs[0].axis])
      return invalid_data("scan inputs of different lengths");
  }
  return inputs;
}

Status run(const Attrs& attributes, RunContext& context) {
  BodyRunner* bodies = context.bodies();
  if (bodies == nullptr) return unsupported("subgraphs don't run here");
  const auto& attrs = attributes.as<ScanAttrs>();
  OCTET_ASSIGN(const Counts counts, counts_of(context.node()));
  OCTET_ASSIGN(const auto scanned, scan_inputs(attrs, counts, context));
  const auto length = static_cast<size_t>(context.input(scanned[0].input).dims[scanned[0].axis]);
  const auto captures = borrow_inputs(context, counts.states + counts.scanned);
  std::vector<Tensor> state;
  for (size_t i = 0; i < counts.states; ++i) state.push_back(borrow(context.input(i)));
  std::vector<Stack> stacks;
  for (size_t k = 0; k < counts.made; ++k)
    stacks.push_back({counts.states + k, entry(attrs.scan_output_axes, k),
                      entry(attrs.scan_output_directions, k) != 0});
  for (size_t t = 0; t < length; ++t) {
    if (context.stopped()) return Error{ErrorCode::deadline, "stopped"};
    std::vector<Tensor> arguments = state;
    for (const ScanInput& in : scanned) {
      OCTET_ASSIGN(Tensor part,
                   slice(context.input(in.input), in.axis, in.backward ? length - 1 - t : t));
      arguments.push_back(std::move(part));
    }
    arguments.insert(arguments.end(), captures.begin(), captures.end());
    OCTET_ASSIGN(auto results, bodies->run(0, std::move(arguments)));
    for (size_t k = 0; k < counts.made; ++k)
      OCTET_RETURN_IF_ERROR(stacks[k].put(context, results[counts.states + k], t, length));
    for (size_t s = 0; s < counts.states; ++s) state[s] = std::move(results[s]);
  }
  for (size_t s = 0; s < counts.states; ++s)
    OCTET_RETURN_IF_ERROR(copy_to_output(context, s, state[s]));
  for (const Stack& stack : stacks)
    if (length == 0) OCTET_RETURN_IF_ERROR(stack.empty(context));
  return {};
}

constexpr Implementation kImplementations[] = {
    {.name = "bodies", .match = match_logical, .prepare = prepare_function<run>},
};

}  // namespace

extern const OpDef Scan;
const OpDef Scan = {
    .domain = "",
    .name = "Scan",
    .since = 9,
    .inputs = {1, -1},
    .outputs = {1, -1},
    .attrs = attr_codec<ScanAttrs>(),
    .bodies = kBodies,
    .infer = infer,
    .implementations = kImplementations,
    .foldable = false,
};

}  // namespace octet::ops::scan
