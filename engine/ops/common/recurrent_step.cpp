// The rows that run on the cells of kernels/rnn: input projection as one product, then the
// recurrence of each direction.

#include "engine/ops/common/dequantize.h"
#include "engine/ops/common/real.h"
#include "engine/ops/common/recurrent_functions.h"
#include "engine/ops/common/recurrent_projection.h"
#include "kernels/rnn_f32/rnn_f32.h"
#include "kernels/rnn_s8/rnn_s8.h"

namespace octet::ops::recurrent {
namespace {

kernels::Variant<kernels::RnnCell> select_cell(const LowerContext& context, bool integer) {
  if (!integer) return kernels::select_rnn_f32(context.cpu());
  const auto& variant = kernels::select_rnn_s8(context.cpu());
  const bool is_narrow = attrs_of(context.node()).state_bits == 8;
  return {variant.isa, is_narrow ? &variant.table->bytes : &variant.table->words};
}

class RecurrentStep final : public Step {
 public:
  RecurrentStep(const LowerContext& context, bool integer)
      : attrs_(attrs_of(context.node())),
        cell_(cell_of(context.node())),
        integer_(integer),
        variant_(select_cell(context, integer)),
        r_dims_(context.constant(kR)->dims()) {}

  Status prepare(const LowerContext& context, Projection::Input input) {
    OCTET_RETURN_IF_ERROR(projection_.prepare(context, input, take_bias(context)));
    return pack(context);
  }

  Status run(RunContext& context) const override {
    const Extents extents = extents_of(attrs_, context.input(kX).dims, r_dims_);
    OCTET_ASSIGN(const int32_t* lengths, lengths_of(context, extents));
    const size_t rows = extents.steps * extents.batch;
    auto* gates = reinterpret_cast<float*>(context.scratch().data());
    std::byte* work = context.scratch().data() + gate_bytes(rows);
    projection_.run(context.input(kX), rows, gates, work, context.parallel());
    const auto body = [&](size_t begin, size_t end) {
      for (size_t d = begin; d < end; ++d) {
        kernels::RnnArgs args = arguments(context, extents, d);
        args.lengths = lengths;
        args.gates = gates + d * extents.hidden * gates_of(cell_);
        args.scratch = work + d * cell_bytes(extents);
        (cell_ == Cell::lstm ? kernels::lstm : kernels::gru)(*variant_.table, args);
      }
    };
    context.parallel().for_ranges(extents.directions, 1, body);
    return {};
  }

  // The projection's part and the recurrences' overlap: one is done before the other begins.
  size_t scratch_bytes(std::span<const TensorView> inputs, std::span<const TensorView> /*outputs*/,
                       size_t /*width*/) const override {
    const Extents extents = extents_of(attrs_, inputs[kX].dims, r_dims_);
    const size_t rows = extents.steps * extents.batch;
    return gate_bytes(rows) +
           std::max(projection_.scratch_bytes(rows), extents.directions * cell_bytes(extents));
  }

  StepInfo info() const override {
    const std::string name = cell_ == Cell::lstm ? "lstm" : "gru";
    const char* form = attrs_.state_bits == 8 ? "_s8_bytes" : "_s8";
    return {name + (integer_ ? form : "_f32"), "native", variant_.isa};
  }

 private:
  size_t gate_bytes(size_t rows) const {
    return align_bytes(rows * projection_.columns() * sizeof(float));
  }
  size_t cell_bytes(const Extents& extents) const {
    return align_bytes(kernels::rnn_scratch_bytes(*variant_.table, extents.batch, extents.hidden));
  }

  kernels::RnnArgs arguments(const RunContext& context, const Extents& extents, size_t d) const {
    const size_t state = d * extents.batch * extents.hidden;
    const auto input = [&](size_t i) -> const float* {
      return context.has_input(i) ? context.input(i).as<float>() + state : nullptr;
    };
    const auto output = [&](size_t i) -> float* {
      return context.has_output(i) ? context.output(i).as<float>() + state : nullptr;
    };
    kernels::RnnArgs args;
    args.steps = extents.steps;
    args.batch = extents.batch;
    args.hidden = extents.hidden;
    args.reverse = d == 1 || attrs_.direction == "reverse";
    args.packed = packed_.bytes().data() + d * packed_stride_;
    args.gates_row = projection_.columns();
    args.gates_step = extents.batch * args.gates_row;
    args.h0 = input(kInitialH);
    args.y = output(0);
    args.y_row = extents.hidden;
    args.y_step = extents.directions * extents.batch * extents.hidden;
    args.y_h = output(1);
    if (cell_ == Cell::lstm) {
      args.c0 = input(kInitialC);
      args.y_c = output(2);
    }
    args.linear_before_reset = attrs_.linear_before_reset != 0;
    if (!recurrent_bias_.empty()) args.recurrent_bias = &recurrent_bias_[d * extents.hidden];
    return args;
  }

  // Wb + Rb of all directions. Rb of a GRU's candidate stays apart when the reset gate scales it.
  std::vector<float> take_bias(const LowerContext& context) {
    const auto directions = static_cast<size_t>(r_dims_[0]);
    const auto columns = static_cast<size_t>(r_dims_[1]);
    const auto hidden = static_cast<size_t>(r_dims_[2]);
    std::vector<float> bias(directions * columns, 0.0F);
    if (!context.has_input(kB)) return bias;
    const auto b = real_elements(*context.constant(kB), context.input_quant(kB));
    const bool apart = cell_ == Cell::gru && attrs_.linear_before_reset != 0;
    for (size_t d = 0; d < directions; ++d) {
      const float* of_w = &b[d * 2 * columns];
      const float* of_r = of_w + columns;
      const size_t joint = apart ? columns - hidden : columns;
      for (size_t n = 0; n < columns; ++n)
        bias[d * columns + n] = of_w[n] + (n < joint ? of_r[n] : 0.0F);
      recurrent_bias_.insert(recurrent_bias_.end(), of_r + joint, of_r + columns);
    }
    return bias;
  }

  Status pack(const LowerContext& context) {
    const Tensor& r = *context.constant(kR);
    const auto directions = static_cast<size_t>(r_dims_[0]);
    kernels::RnnWeights weights{gates_of(cell_), static_cast<size_t>(r_dims_[2])};
    const size_t elements = static_cast<size_t>(r_dims_[1]) * weights.hidden;
    std::vector<float> real;
    ChannelParams params;
    packed_stride_ = align_bytes(variant_.table->packed_bytes(weights.gates, weights.hidden));
    const auto pack_directions = [&](std::byte* packed) {
      if (integer_) {
        params = channel_params(*context.input_quant(kR), static_cast<size_t>(r_dims_[1]));
        weights.scale = params.scale.data();
      } else {
        real = real_elements(r, context.input_quant(kR));
      }
      for (size_t d = 0; d < directions; ++d) {
        if (integer_)
          weights.data = r.bytes().data() + d * elements;
        else
          weights.data = real.data() + d * elements;
        variant_.table->pack(weights, packed + d * packed_stride_);
      }
    };
    PackLayout layout(info().kernel, variant_.isa);
    layout.with(context.input_quant(kR));
    OCTET_ASSIGN(packed_, context.pack(kR, layout, directions * packed_stride_, pack_directions));
    return {};
  }

  RecurrentAttrs attrs_;
  Cell cell_;
  bool integer_;
  kernels::Variant<kernels::RnnCell> variant_;
  Dims r_dims_;
  Projection projection_;
  std::vector<float> recurrent_bias_;  // [directions, hidden], or empty
  Tensor packed_;
  size_t packed_stride_ = 0;
};

bool has_plain_cell(const LowerContext& context) {
  const RecurrentAttrs& attrs = attrs_of(context.node());
  const Cell cell = cell_of(context.node());
  return cell != Cell::rnn && attrs.layout == 0 && !attrs.clip && attrs.input_forget == 0 &&
         !(cell == Cell::lstm && context.has_input(kPeepholes)) &&
         has_default_functions(attrs, cell);
}

bool is_codes_of_gates(const LowerContext& context, size_t i) {
  const QuantPtr& quant = context.input_quant(i);
  const Dims& dims = context.constant(i)->dims();
  return is_int8_weight(quant, 1) &&
         (quant->per_tensor() || quant->scale.count() == static_cast<size_t>(dims[1])) &&
         static_cast<size_t>(dims[2]) <= kernels::kGemmS8MaxK;
}

bool has_symmetric_codes(const LowerContext& context) {
  const QuantPtr& quant = context.input_quant(kR);
  return is_codes_of_gates(context, kR) && quant->storage == DType::s8 &&
         channel_params(*quant, quant->scale.count()).symmetric();
}

Projection::Input input_of(const LowerContext& context) {
  if (attrs_of(context.node()).dynamic_x) return Projection::Input::dynamic;
  return is_int8_per_tensor(context.input_quant(kX)) ? Projection::Input::codes
                                                     : Projection::Input::real;
}

}  // namespace

std::optional<Ports> match_f32(const LowerContext& context) {
  if (!runs_as_f32(context.input(kX).type.dtype) || !has_plain_cell(context)) return std::nullopt;
  Ports ports;
  ports.inputs.resize(context.node().inputs.size());
  ports.inputs.emplace_back();
  for (const size_t i : {size_t{kW}, size_t{kR}, size_t{kB}}) {
    if (!context.has_input(i) && i == kB) continue;
    if (context.constant(i) == nullptr) return std::nullopt;
    ports.inputs[i].storage = PortForm::Storage::stored;
  }
  return ports;
}

std::optional<Ports> match_s8(const LowerContext& context) {
  auto ports = match_f32(context);
  if (!ports || !is_codes_of_gates(context, kW) || !has_symmetric_codes(context))
    return std::nullopt;
  if (input_of(context) == Projection::Input::codes)
    ports->inputs[kX].storage = PortForm::Storage::stored;
  return ports;
}

Result<std::unique_ptr<Step>> prepare_f32(const LowerContext& context) {
  auto step = std::make_unique<RecurrentStep>(context, false);
  OCTET_RETURN_IF_ERROR(step->prepare(context, Projection::Input::real));
  return std::unique_ptr<Step>(std::move(step));
}

Result<std::unique_ptr<Step>> prepare_s8(const LowerContext& context) {
  auto step = std::make_unique<RecurrentStep>(context, true);
  OCTET_RETURN_IF_ERROR(step->prepare(context, input_of(context)));
  return std::unique_ptr<Step>(std::move(step));
}

}  // namespace octet::ops::recurrent
