#include <doctest/doctest.h>

#include "engine/ops/op.h"
#include "runtime/session/program.h"
#include "tests/support/node_runner.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::runtime;
using namespace octet::testing;

// Rows of a stored table are, to the bit, the rows of the table of floats that it stands for; one
// step takes them.

namespace {

struct Storage {
  const char* name;
  DType type;
  Dims dims;
  const char* kernel;
  bool per_tensor = false;
  int axis = 0;
  int64_t block = 0;
  bool zero_points = false;
};

const Storage kStorages[] = {
    {"s8, a scale a row", DType::s8, {41, 96}, "gather_s8"},
    {"s8, one scale", DType::s8, {41, 37}, "gather_s8", true},
    {"s8, a scale a column", DType::s8, {41, 37}, "gather_s8", false, 1},
    {"s8, scales of the middle axis", DType::s8, {7, 5, 19}, "gather_s8", false, 1},
    {"s8, scales of the last axis", DType::s8, {7, 3, 20}, "gather_s8", false, 2},
    {"s8, single numbers", DType::s8, {41}, "gather_s8"},
    {"u8, a scale a row", DType::u8, {41, 96}, "gather_s8", false, 0, 0, true},
    {"u8, one scale", DType::u8, {41, 33}, "gather_s8", true, 0, 0, true},
    {"u8, blocks of rows", DType::u8, {41, 33}, "gather_s8", false, 0, 8, true},
    {"s16, a scale a row", DType::s16, {41, 20}, "gather_s16", false, 0, 0, true},
    {"u16, one scale", DType::u16, {41, 20}, "gather_s16", true},
    {"s4, blocks along a row", DType::s4, {41, 96}, "gather_s4", false, 1, 32},
    {"s4, a short last block", DType::s4, {41, 50}, "gather_s4", false, 1, 16, true},
    {"s4, rows of odd length", DType::s4, {41, 33}, "gather_s4", false, 1, 16, true},
    {"u4, blocks of rows", DType::u4, {41, 33}, "gather_s4", false, 0, 16, true},
    {"s4, blocks of the middle axis", DType::s4, {7, 21, 3}, "gather_s4", false, 1, 8},
    {"f16", DType::f16, {41, 45}, "gather_f16", true},
    {"bf16", DType::bf16, {41, 45}, "gather_bf16", true},
};

Tensor random_bytes(DType type, const Dims& dims, unsigned seed) {
  if (type == DType::f16 || type == DType::bf16)
    return *convert_float(random_floats(dims, seed), type);
  const auto count = static_cast<size_t>(*checked_count(dims));
  const Tensor bytes =
      random_codes<uint8_t>({static_cast<int64_t>(dtype_bytes(type, count))}, seed);
  return Tensor::copy(type, dims, bytes.bytes());
}

Dims scale_dims(const Storage& s) {
  if (s.per_tensor) return {};
  const auto axis = static_cast<size_t>(s.axis);
  if (s.block == 0) return {s.dims[axis]};
  Dims dims = s.dims;
  dims[axis] = (dims[axis] + s.block - 1) / s.block;
  return dims;
}

QuantPtr quant_of(const Storage& s) {
  QuantType quant;
  quant.storage = s.type;
  quant.axis = s.axis;
  quant.block = s.block;
  const bool half = dtype_is_float(s.type);
  quant.scale = half ? Tensor::scalar(1.0F) : random_floats(scale_dims(s), 3, 0.001F, 0.1F);
  if (s.zero_points) quant.zero_point = random_bytes(s.type, scale_dims(s), 4);
  return std::make_shared<const QuantType>(std::move(quant));
}

std::shared_ptr<Program> lookup(const Tensor& table, const QuantPtr& quant, const QuantPtr& rounded,
                                DType index, CpuToken cpu) {
  auto graph = std::make_shared<Graph>();
  const ValueId i = graph->add_input("i", Type::tensor(index, Shape{Dim::symbol("n"), 2}));
  const ValueId t = graph->add_constant("t", table, quant);
  const OpDef& gather = require_op("", "Gather");
  const ValueId y = graph->add_op(gather, {t, i}, *gather.attrs.read({}, kMaxOpset), "y");
  graph->set_outputs({y});
  REQUIRE(infer_graph(*graph).ok());
  graph->value(y).quant = rounded;
  CompileOptions options;
  options.cpu = cpu;
  options.threads = 2;
  auto program = Program::compile(graph, options);
  REQUIRE(program.ok());
  return *program;
}

std::vector<std::string> kernels_of(const Program& program) {
  std::vector<std::string> kernels;
  for (const PlannedStep& step : program.plan().steps) kernels.push_back(step.info.kernel);
  return kernels;
}

Tensor taken(Program& program, const Tensor& indices) {
  auto outputs = program.run(std::vector{indices});
  REQUIRE(outputs.ok());
  return (*outputs)[0];
}

template <typename T>
std::vector<Tensor> index_cases(T rows) {
  const auto high = static_cast<T>(rows - 1);
  return {Tensor::of(Dims{2, 2}, std::vector<T>{0, high, static_cast<T>(-rows), -1}),
          Tensor::of(Dims{3, 2}, std::vector<T>{3, 3, -2, 2, 5, 1}),
          Tensor::of(Dims{0, 2}, std::vector<T>{})};
}

}  // namespace

TEST_CASE("rows of a stored table are the rows of the floats that it stands for, in one step") {
  for (const Storage& s : kStorages) {
    CAPTURE(s.name);
    const Tensor table = random_bytes(s.type, s.dims, 1);
    const QuantPtr quant = quant_of(s);
    const Tensor real = Tensor::of(s.dims, ops::real_elements(table, quant));
    for (const CpuToken cpu : all_tokens()) {
      CAPTURE(isa_name(cpu.isa()));
      const auto stored = lookup(table, quant, nullptr, DType::s64, cpu);
      const auto floats = lookup(real, nullptr, nullptr, DType::s64, cpu);
      CHECK(kernels_of(*stored) == std::vector<std::string>{s.kernel});
      for (const Tensor& indices : index_cases<int64_t>(s.dims[0]))
        CHECK(taken(*stored, indices) == taken(*floats, indices));
      const auto narrow = lookup(table, quant, nullptr, DType::s32, cpu);
      CHECK(taken(*narrow, index_cases<int32_t>(static_cast<int32_t>(s.dims[0]))[0]) ==
            taken(*floats, index_cases<int64_t>(s.dims[0])[0]));
    }
  }
}

TEST_CASE("rows that are read as codes are rounded in the step that takes them") {
  const QuantPtr outputs[] = {tensor_quant(DType::u8, 0.07F, 120),
                              tensor_quant(DType::s8, 0.03F, -9)};
  for (const Storage& s : kStorages) {
    if (dtype_is_float(s.type)) continue;
    CAPTURE(s.name);
    const Tensor table = random_bytes(s.type, s.dims, 1);
    const QuantPtr quant = quant_of(s);
    const Tensor real = Tensor::of(s.dims, ops::real_elements(table, quant));
    for (const QuantPtr& to : outputs)
      for (const CpuToken cpu : all_tokens()) {
        const auto stored = lookup(table, quant, to, DType::s64, cpu);
        const auto floats = lookup(real, nullptr, to, DType::s64, cpu);
        CHECK(kernels_of(*stored) == std::vector<std::string>{s.kernel, "dequantize_linear"});
        for (const Tensor& indices : index_cases<int64_t>(s.dims[0]))
          CHECK(taken(*stored, indices) == taken(*floats, indices));
      }
  }
}

TEST_CASE("an index outside the table is named") {
  const Tensor table = random_codes<int8_t>({6, 4}, 2);
  const auto program =
      lookup(table, tensor_quant(DType::s8, 0.5F, 0), nullptr, DType::s64, CpuToken::best());
  for (const int64_t index : {6, -7}) {
    const auto result =
        program->run(std::vector{Tensor::of(Dims{1, 2}, std::vector<int64_t>{1, index})});
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().message.find("index " + std::to_string(index)) != std::string::npos);
  }
}
