#include <cstring>

#include "engine/ops/common/movement.h"

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

// Rows of a table as [outer, extent, inner], and the checked places of the indices.
struct Rows {
  size_t outer = 1;
  size_t extent = 0;
  size_t inner = 1;
  std::vector<size_t> picks;
};

Result<Rows> rows_of(const TensorView& table, const TensorView& indices, size_t axis) {
  Rows rows;
  for (size_t a = 0; a < axis; ++a) rows.outer *= static_cast<size_t>(table.dims[a]);
  for (size_t a = axis + 1; a < table.rank(); ++a) rows.inner *= static_cast<size_t>(table.dims[a]);
  rows.extent = static_cast<size_t>(table.dims[axis]);
  for (const int64_t index : movement::integers_of(indices)) {
    const auto pick = normalize_axis(index, rows.extent);
    if (!pick)
      return invalid_data("index " + std::to_string(index) + " is outside " +
                          std::to_string(rows.extent) + " rows");
    rows.picks.push_back(*pick);
  }
  return rows;
}

Status run(const Attrs& attrs, RunContext& context) {
  const TensorView& table = context.input(0);
  OCTET_ASSIGN(const size_t element, element_bytes(table.dtype));
  const size_t axis = *normalize_axis(attrs.as<GatherAttrs>().axis, table.rank());
  OCTET_ASSIGN(const Rows rows, rows_of(table, context.input(1), axis));
  const size_t bytes = rows.inner * element;
  const size_t count = rows.picks.size();
  const std::byte* from = table.data;
  std::byte* to = context.output(0).data;
  context.parallel().for_ranges(
      rows.outer * count, kParallelGrain / (rows.inner + 1) + 1, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i)
          std::memcpy(to + i * bytes,
                      from + (i / count * rows.extent + rows.picks[i % count]) * bytes, bytes);
      });
  return {};
}

// A table of codes stays as it is; the rows asked for leave it as real numbers.
class QuantizedRows final : public Step {
 public:
  explicit QuantizedRows(QuantPtr quant) : quant_(std::move(quant)) {
    scales_ = quant_->scale.to_float();
    zero_points_.assign(scales_.size(), 0);
    if (quant_->zero_point.dtype() != DType::undefined)
      zero_points_ = quant_->zero_point.to_int64();
  }
  Status run(RunContext& context) const override {
    const TensorView& table = context.input(0);
    OCTET_ASSIGN(const Rows rows, rows_of(table, context.input(1), 0));
    if (table.dtype == DType::s8) return dequantize_rows<int8_t>(rows, context);
    return dequantize_rows<uint8_t>(rows, context);
  }
  StepInfo info() const override { return {"gather_s8", "native", Isa::scalar}; }

 private:
  template <typename T>
  Status dequantize_rows(const Rows& rows, RunContext& context) const {
    const T* from = context.input(0).as<T>();
    float* to = context.output(0).as<float>();
    context.parallel().for_ranges(
        rows.picks.size(), kParallelGrain / (rows.inner + 1) + 1, [&](size_t begin, size_t end) {
          for (size_t i = begin; i < end; ++i) {
            const size_t parameters = scales_.size() == 1 ? 0 : rows.picks[i];
            const float scale = scales_[parameters];
            const auto zero = static_cast<int32_t>(zero_points_[parameters]);
            const T* row = from + rows.picks[i] * rows.inner;
            float* out = to + i * rows.inner;
            for (size_t k = 0; k < rows.inner; ++k)
              out[k] = static_cast<float>(static_cast<int32_t>(row[k]) - zero) * scale;
          }
        });
    return {};
  }

  QuantPtr quant_;
  std::vector<float> scales_;
  std::vector<int64_t> zero_points_;
};

std::optional<Ports> match_table(const LowerContext& context) {
  const QuantPtr& quant = context.input_quant(0);
  if (context.constant(0) == nullptr || !quant || quant->block != 0) return std::nullopt;
  if (quant->storage != DType::s8 && quant->storage != DType::u8) return std::nullopt;
  const bool per_row = quant->per_tensor() || quant->axis == 0;
  const size_t rank = context.constant(0)->rank();
  const auto axis = normalize_axis(context.attrs<GatherAttrs>().axis, rank);
  if (!per_row || axis != 0) return std::nullopt;
  return Ports{{{PortForm::Storage::stored, Layout::row_major}, PortForm{}}, {PortForm{}}};
}

Result<std::unique_ptr<Step>> prepare_table(const LowerContext& context) {
  return std::unique_ptr<Step>(std::make_unique<QuantizedRows>(context.input_quant(0)));
}

// An embedding table is a weight: most of a language model's bytes.
QuantSpec quant(const Graph& graph, const Node& node) {
  if (graph.constant(node.inputs[0]) == nullptr) return movement::quant_shared(graph, node);
  return {.inputs = {{PortQuant::Role::weight, 0}}, .outputs = {PortQuant{}}, .anchor = true};
}

constexpr Implementation kRows[] = {
    {.name = "copy", .match = match_moved<1>, .prepare = prepare_function<run>},
    {.name = "gather_s8", .match = match_table, .prepare = prepare_table},
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
