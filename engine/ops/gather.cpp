#include <algorithm>
#include <cstring>

#include "engine/ops/common/dequantize.h"
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

// A table of codes or halfs stays as it is; the rows asked for leave it as real numbers.
class StoredRows final : public Step {
 public:
  StoredRows(const Dims& dims, QuantPtr quant)
      : quant_(std::move(quant)),
        scales_(quant_->scale.to_float()),
        index_(dims, scales_.size(), quant_->axis, quant_->block) {
    zero_points_.assign(scales_.size(), 0);
    if (quant_->zero_point.dtype() != DType::undefined)
      zero_points_ = quant_->zero_point.to_int64();
  }

  Status run(RunContext& context) const override {
    OCTET_ASSIGN(const Rows rows, rows_of(context.input(0), context.input(1), 0));
    const std::byte* table = context.input(0).data;
    switch (quant_->storage) {
      case DType::s8: return dequantize(rows, reinterpret_cast<const int8_t*>(table), context);
      case DType::u8: return dequantize(rows, reinterpret_cast<const uint8_t*>(table), context);
      case DType::s4: return dequantize(rows, Nibbles{table}, context);
      default: return widen(rows, reinterpret_cast<const Half*>(table), context);
    }
  }
  StepInfo info() const override {
    const DType storage = quant_->storage;
    const char* name = storage == DType::f16  ? "gather_f16"
                       : storage == DType::s4 ? "gather_s4"
                                              : "gather_s8";
    return {name, "native", Isa::scalar};
  }

 private:
  struct Nibbles {
    const std::byte* data;
    int32_t operator[](size_t i) const {
      const auto code = static_cast<int32_t>(data[i / 2] >> (i % 2 * 4) & std::byte{0xF});
      return (code ^ 8) - 8;
    }
  };

  // body(row of the table, its output) for each row asked for.
  template <typename Body>
  static void for_rows(const Rows& rows, RunContext& context, const Body& body) {
    float* to = context.output(0).as<float>();
    context.parallel().for_ranges(rows.picks.size(), kParallelGrain / (rows.inner + 1) + 1,
                                  [&](size_t begin, size_t end) {
                                    for (size_t i = begin; i < end; ++i)
                                      body(rows.picks[i] * rows.inner, to + i * rows.inner);
                                  });
  }

  template <typename Codes>
  Status dequantize(const Rows& rows, const Codes& codes, RunContext& context) const {
    for_rows(rows, context, [&](size_t first, float* out) {
      for (size_t k = 0; k < rows.inner; ++k) {
        const size_t at = index_(first + k);
        const auto zero = static_cast<int32_t>(zero_points_[at]);
        out[k] = static_cast<float>(static_cast<int32_t>(codes[first + k]) - zero) * scales_[at];
      }
    });
    return {};
  }

  static Status widen(const Rows& rows, const Half* table, RunContext& context) {
    for_rows(rows, context, [&](size_t first, float* out) {
      for (size_t k = 0; k < rows.inner; ++k) out[k] = to_float(table[first + k]);
    });
    return {};
  }

  QuantPtr quant_;
  std::vector<float> scales_;
  std::vector<int64_t> zero_points_;
  ScaleIndex index_;
};

std::optional<Ports> match_table(const LowerContext& context) {
  constexpr DType kStored[] = {DType::s8, DType::u8, DType::s4, DType::f16};
  const QuantPtr& quant = context.input_quant(0);
  if (context.constant(0) == nullptr || !quant) return std::nullopt;
  if (std::find(std::begin(kStored), std::end(kStored), quant->storage) == std::end(kStored))
    return std::nullopt;
  const size_t rank = context.constant(0)->rank();
  if (normalize_axis(context.attrs<GatherAttrs>().axis, rank) != 0) return std::nullopt;
  return Ports{{{PortForm::Storage::stored, Layout::row_major}, PortForm{}}, {PortForm{}}};
}

Result<std::unique_ptr<Step>> prepare_table(const LowerContext& context) {
  return std::unique_ptr<Step>(
      std::make_unique<StoredRows>(context.constant(0)->dims(), context.input_quant(0)));
}

// An embedding table is a weight: most of a language model's bytes.
QuantSpec quant(const Graph& graph, const Node& node) {
  if (graph.constant(node.inputs[0]) == nullptr) return movement::quant_shared(graph, node);
  return {.inputs = {{PortQuant::Role::weight, 0}}, .outputs = {PortQuant{}}, .anchor = true};
}

constexpr Implementation kRows[] = {
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
