#include <algorithm>
#include <cstring>

#include "engine/ops/common/dequantize.h"
#include "engine/ops/common/movement.h"
#include "engine/ops/common/picks.h"
#include "engine/ops/common/quantize_ports.h"
#include "kernels/convert/convert.h"
#include "kernels/quantize_linear/quantize_linear.h"

namespace octet::ops::gather {
namespace {

struct GatherAttrs {
  int64_t axis = 0;
  static constexpr auto fields() { return std::tuple{field("axis", &GatherAttrs::axis)}; }
};

// Picks of known integers out of a known vector: shape arithmetic.
void infer_picked(InferContext& context) {
  const auto* table = context.elements(0);
  const auto indices = context.known_elements(1);
  if (table == nullptr || !indices) return;
  std::vector<Dim> picked;
  for (const int64_t index : *indices) {
    const auto at = normalize_axis(index, table->size());
    if (!at) return;
    picked.push_back((*table)[*at]);
  }
  context.set_elements(0, std::move(picked));
}

Status infer(InferContext& context) {
  context.set_tensor(0, context.dtype(0));
  OCTET_RETURN_IF_ERROR(context.require(1, {DType::s64, DType::s32}));
  if (!context.has_rank(0) || !context.has_rank(1)) return {};
  const Shape& table = context.shape(0);
  OCTET_ASSIGN(const size_t axis, context.axis(context.attrs<GatherAttrs>().axis, table.size()));
  const auto at = table.begin() + static_cast<ptrdiff_t>(axis);
  Shape out(table.begin(), at);
  out.insert(out.end(), context.shape(1).begin(), context.shape(1).end());
  out.insert(out.end(), at + 1, table.end());
  const bool vector = table.size() == 1;
  context.set_tensor(0, context.dtype(0), std::move(out));
  if (vector) infer_picked(context);
  return {};
}

size_t elements_after(const Dims& dims, size_t axis) {
  size_t count = 1;
  for (size_t a = axis + 1; a < dims.size(); ++a) count *= static_cast<size_t>(dims[a]);
  return count;
}

Status run(const Attrs& attrs, RunContext& context) {
  const TensorView& table = context.input(0);
  OCTET_ASSIGN(const size_t element, element_bytes(table.dtype));
  const size_t axis = *normalize_axis(attrs.as<GatherAttrs>().axis, table.rank());
  const auto extent = static_cast<size_t>(table.dims[axis]);
  OCTET_ASSIGN(const Picks picks, Picks::of(context.input(1), extent));
  const size_t inner = elements_after(table.dims, axis);
  const size_t bytes = inner * element;
  size_t outer = 1;
  for (size_t a = 0; a < axis; ++a) outer *= static_cast<size_t>(table.dims[a]);
  const size_t count = picks.count();
  const std::byte* from = table.data;
  std::byte* to = context.output(0).data;
  context.parallel().for_ranges(
      outer * count, kParallelGrain / (inner + 1) + 1, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i)
          std::memcpy(to + i * bytes, from + (i / count * extent + picks[i % count]) * bytes,
                      bytes);
      });
  return {};
}

struct StoredForm {
  DType storage;
  const char* kernel;
  kernels::Element codes;  // of integers; 4-bit ones are nibbles
};
constexpr StoredForm kStoredForms[] = {
    {DType::s8, "gather_s8", kernels::Element::s8},
    {DType::u8, "gather_s8", kernels::Element::u8},
    {DType::s16, "gather_s16", kernels::Element::s16},
    {DType::u16, "gather_s16", kernels::Element::u16},
    {DType::s4, "gather_s4", kernels::Element::s8},
    {DType::u4, "gather_s4", kernels::Element::u8},
    {DType::f16, "gather_f16", kernels::Element::f32},
    {DType::bf16, "gather_bf16", kernels::Element::f32},
};

const StoredForm* stored_form(const QuantPtr& quant) {
  for (const StoredForm& form : kStoredForms)
    if (quant && quant->storage == form.storage) return &form;
  return nullptr;
}

bool is_integer(const StoredForm& form) { return form.codes != kernels::Element::f32; }

// Whether the rows become codes of the output's type in the same step.
bool rounds(const LowerContext& context) {
  const QuantPtr& to = context.output_quant(0);
  const StoredForm* form = stored_form(to);
  return form != nullptr && to->per_tensor() && is_integer(*form) && dtype_bits(to->storage) >= 8 &&
         is_integer(*stored_form(context.input_quant(0)));
}

// A table of codes or halfs stays as it is; the rows asked for leave it as real numbers, or as the
// codes of another type.
class StoredRows final : public Step {
 public:
  StoredRows(const LowerContext& context, const StoredForm& form)
      : form_(form),
        row_(elements_after(context.constant(0)->dims(), 0)),
        scales_(context.input_quant(0)->scale.to_float()),
        index_(context.constant(0)->dims(), scales_.size(), context.input_quant(0)->axis,
               context.input_quant(0)->block),
        runs_(index_.runs(row_)),
        codes_(kernels::select_quantize_linear(context.cpu())),
        halfs_(kernels::select_convert(context.cpu())) {
    const QuantType& quant = *context.input_quant(0);
    zero_points_.assign(scales_.size(), 0);
    if (quant.zero_point.dtype() != DType::undefined) {
      const auto zeros = quant.zero_point.to_int64();
      zero_points_.assign(zeros.begin(), zeros.end());
    }
    if (rounds(context)) round_to(*context.output_quant(0));
  }

  Status run(RunContext& context) const override {
    const std::byte* table = context.input(0).data;
    const auto extent = static_cast<size_t>(context.input(0).dims[0]);
    OCTET_ASSIGN(const Picks picks, Picks::of(context.input(1), extent));
    std::byte* out = context.output(0).data;
    const size_t bytes = row_ * dtype_bytes(context.output(0).dtype, 1);
    context.parallel().for_ranges(picks.count(), kParallelGrain / (row_ + 1) + 1,
                                  [&](size_t begin, size_t end) {
                                    for (size_t i = begin; i < end; ++i)
                                      widen(table, picks[i], out + i * bytes);
                                  });
    return {};
  }
  StepInfo info() const override {
    return {form_.kernel, "native", is_integer(form_) ? codes_.isa : halfs_.isa};
  }

 private:
  void widen(const std::byte* table, size_t pick, std::byte* out) const {
    const size_t first = pick * row_;
    auto* real = reinterpret_cast<float*>(out);
    switch (form_.storage) {
      case DType::f16:
        return halfs_.table->half_to_float(reinterpret_cast<const Half*>(table) + first, real,
                                           row_);
      case DType::bf16:
        return halfs_.table->bfloat16_to_float(reinterpret_cast<const Bfloat16*>(table) + first,
                                               real, row_);
      default: return dequantize(table, first, out);
    }
  }

  void round_to(const QuantType& quant) {
    out_storage_ = quant.storage;
    out_scale_ = quant.tensor_scale().v;
    out_zero_point_ = quant.tensor_zero_point().v;
    const CodeLimits limits = code_limits(quant.storage);
    rounded_.type = *kernel_element(quant.storage);
    rounded_.scale = &out_scale_;
    rounded_.zero_point = &out_zero_point_;
    rounded_.low = limits.low;
    rounded_.high = limits.high;
  }

  void dequantize(const std::byte* table, size_t first, std::byte* out) const {
    kernels::CodeRunArgs args;
    args.in = table;
    args.type = form_.codes;
    args.nibbles = dtype_bits(form_.storage) == 4;
    args.count = runs_.length;
    args.group = runs_.group;
    for (size_t k = 0; k < row_; k += runs_.length) {
      args.first = first + k;
      const size_t at = index_(args.first);
      args.scale = scales_.data() + at;
      args.zero_point = zero_points_.data() + at;
      if (out_storage_ == DType::f32) {
        args.out = reinterpret_cast<float*>(out) + k;
        codes_.table->code_run(args);
        continue;
      }
      kernels::QuantizeArgs rounded = rounded_;
      rounded.out = out + k * dtype_bytes(out_storage_, 1);
      args.codes = &rounded;
      codes_.table->code_run(args);
    }
  }

  StoredForm form_;
  size_t row_;
  std::vector<float> scales_;
  std::vector<int32_t> zero_points_;
  ScaleIndex index_;
  ScaleIndex::Runs runs_;
  DType out_storage_ = DType::f32;
  float out_scale_ = 1.0F;
  int32_t out_zero_point_ = 0;
  kernels::QuantizeArgs rounded_;  // reads the two above
  const kernels::Variant<kernels::QuantizeLinearTable>& codes_;
  const kernels::Variant<kernels::ConvertTable>& halfs_;
};

std::optional<Ports> match_table(const LowerContext& context) {
  if (context.constant(0) == nullptr || stored_form(context.input_quant(0)) == nullptr)
    return std::nullopt;
  const size_t rank = context.constant(0)->rank();
  if (normalize_axis(context.attrs<GatherAttrs>().axis, rank) != 0) return std::nullopt;
  const PortForm stored{PortForm::Storage::stored, Layout::row_major};
  return Ports{{stored, PortForm{}}, {rounds(context) ? stored : PortForm{}}};
}

Result<std::unique_ptr<Step>> prepare_table(const LowerContext& context) {
  return std::unique_ptr<Step>(
      std::make_unique<StoredRows>(context, *stored_form(context.input_quant(0))));
}

// An embedding table is a weight: most of a language model's bytes.
QuantSpec quant(const Graph& graph, const Node& node) {
  if (graph.constant(node.inputs[0]) == nullptr) return movement::quant_shared(graph, node);
  return {.inputs = {{PortQuant::Role::weight, 0}}, .outputs = {PortQuant{}}, .anchor = true};
}

constexpr Implementation kRows[] = {
    recoded<run>(),
    {.name = "copy", .match = match_moved<1>, .prepare = prepare_function<run>},
    {.name = "gather_stored", .match = match_table, .prepare = prepare_table},
    reference<run>(),
};

}  // namespace

extern const OpDef Gather;
const OpDef Gather = {.domain = "",
                      .name = "Gather",
                      .inputs = {2, 2},
                      .attrs = attr_codec<GatherAttrs>(),
                      .infer = infer,
                      .quant = quant,
                      .implementations = kRows};

}  // namespace octet::ops::gather
