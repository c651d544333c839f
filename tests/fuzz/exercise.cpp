#include "tests/fuzz/exercise.h"

#include <unistd.h>

#include <limits>
#include <map>

#include "engine/passes/pass.h"
#include "engine/quant/quantize.h"
#include "importers/onnx/import.h"
#include "importers/onnx/write.h"
#include "tests/conformance/random.h"

namespace octet::fuzz {
namespace {

using conformance::Random;

constexpr int64_t kMostElements = 1 << 20;
constexpr const char* kQuantized = "quantized.onnx";

void fill(Tensor& tensor, Random& random) {
  const bool real = tensor.dtype() == DType::f32;
  const bool index = tensor.dtype() == DType::s64 || tensor.dtype() == DType::s32;
  std::byte* bytes = tensor.writable();
  const size_t size = tensor.bytes().size();
  if (real)
    for (size_t i = 0; i < tensor.count(); ++i)
      tensor.writable_as<float>()[i] =
          random.integer(0, 63) == 0
              ? random.pick<float>({std::numeric_limits<float>::infinity(), 0.0F, -0.0F, 1e30F,
                                    std::numeric_limits<float>::quiet_NaN()})
              : static_cast<float>(random.real(-2, 2));
  else if (index)
    // Small numbers, little-endian: what shapes and indices are.
    for (size_t i = 0; i < size; ++i)
      bytes[i] =
          i % dtype_bytes(tensor.dtype(), 1) == 0 ? std::byte(random.integer(0, 5)) : std::byte(0);
  else
    for (size_t i = 0; i < size; ++i)
      bytes[i] = std::byte(random.integer(0, tensor.dtype() == DType::boolean ? 1 : 255));
}

using Extents = std::map<std::string, int64_t>;

std::optional<Tensor> make_input(const Type& type, Extents& extents, Random& random) {
  if (type.kind == Type::Kind::map) return std::nullopt;
  if (type.kind != Type::Kind::tensor) {
    std::vector<Tensor> list;
    const int64_t most = type.kind == Type::Kind::optional ? 1 : 3;
    for (int64_t n = random.integer(0, most); n > 0; --n) {
      auto element = make_input(*type.element, extents, random);
      if (!element) return std::nullopt;
      list.push_back(std::move(*element));
    }
    return Tensor::list(std::move(list));
  }
  Dims dims;
  if (!type.shape)
    dims = random.integers(static_cast<size_t>(random.integer(0, 4)), 1, 4);
  else
    for (const Dim& dim : *type.shape)
      dims.push_back(dim.known()
                         ? dim.value()
                         : extents.emplace(dim.to_string(), random.integer(1, 5)).first->second);
  const auto count = checked_count(dims);
  if (!count || *count > kMostElements) return std::nullopt;
  if (type.dtype == DType::string)
    return Tensor::strings(dims, std::vector<std::string>(static_cast<size_t>(*count), "a 1.5"));
  auto tensor = Tensor::zeros(type.dtype, std::move(dims));
  if (!tensor) return std::nullopt;
  fill(*tensor, random);
  return std::move(*tensor);
}

runtime::CompileOptions compile_options(uint64_t seed) {
  runtime::CompileOptions options;
  options.provider = runtime::Provider::native;
  options.threads = 1;
  const auto sets = instruction_sets();
  options.cpu = sets[seed % sets.size()];
  return options;
}

quant::QuantizeOptions quantize_options(uint64_t seed) {
  constexpr quant::Mode kModes[] = {quant::Mode::statically, quant::Mode::dynamic,
                                    quant::Mode::statically, quant::Mode::fp16,
                                    quant::Mode::statically, quant::Mode::int4};
  quant::QuantizeOptions options;
  options.mode = kModes[seed % std::size(kModes)];
  options.format = seed / 6 % 2 == 0 ? quant::Format::qdq : quant::Format::integer;
  options.activations = seed / 12 % 4 == 0 ? DType::s16 : DType::u8;
  options.row_scales = seed / 12 % 2 == 0;
  options.state_bits = seed / 24 % 2 == 0 ? 16 : 8;
  options.block_size = 16;
  return options;
}

quant::Calibrate calibrate(uint64_t seed) {
  return [seed](const Graph& graph, const quant::ValueSink& sink) -> Result<size_t> {
    runtime::CompileOptions options = compile_options(seed);
    options.fuse = false;
    OCTET_ASSIGN(const auto program, runtime::Program::compile(graph.clone(), options));
    runtime::RunOptions run;
    Status seen;
    run.observer = [&](std::string_view name, const TensorView& view) {
      if (seen) seen = sink(name, view);
    };
    constexpr size_t kSamples = 2;
    for (size_t i = 0; i < kSamples; ++i) {
      const auto inputs = make_inputs(*program, seed + i);
      if (!inputs) return invalid_data("no inputs can be made");
      if (auto outputs = program->run(*inputs, run); !outputs) return std::move(outputs).error();
      OCTET_RETURN_IF_ERROR(seen);
    }
    return kSamples;
  };
}

Status quantize_and_write(Model& model, uint64_t seed, const std::filesystem::path& path) {
  OCTET_RETURN_IF_ERROR(run_passes(*model.graph, PassPhase::portable));
  quant::Calibration calibration;
  const quant::QuantizeOptions options = quantize_options(seed);
  if (options.mode == quant::Mode::statically) calibration.run = calibrate(seed);
  if (auto report = quant::quantize(*model.graph, options, calibration); !report)
    return std::move(report).error();
  return write_model(model, path, {});
}

Status load_and_run(const Model& model, uint64_t seed, Outcome& outcome) {
  OCTET_ASSIGN(const auto program,
               runtime::Program::compile(model.graph->clone(), compile_options(seed)));
  outcome.loaded = true;
  const auto inputs = make_inputs(*program, seed);
  if (!inputs) return {};
  for (int again = 0; again < 2; ++again)
    if (auto outputs = program->run(*inputs); !outputs) return std::move(outputs).error();
  outcome.ran = true;
  return {};
}

Status take(std::string_view bytes, uint64_t seed, const std::filesystem::path& folder, Steps steps,
            Outcome& outcome) {
  OCTET_ASSIGN(Model model, import_model(std::as_bytes(std::span(bytes)), folder));
  if (steps != Steps::quantize) (void)load_and_run(model, seed, outcome).ok();
  if (steps == Steps::run) return {};
  OCTET_RETURN_IF_ERROR(quantize_and_write(model, seed, folder / kQuantized));
  outcome.quantized = true;
  return {};
}

}  // namespace

std::vector<CpuToken> instruction_sets() {
  std::vector<CpuToken> sets;
  for (size_t isa = 0; isa < kIsaCount; ++isa)
    if (const auto token = CpuToken::probe(static_cast<Isa>(isa))) sets.push_back(*token);
  return sets;
}

std::optional<std::vector<Tensor>> make_inputs(const runtime::Program& program, uint64_t seed) {
  Random random(seed);
  Extents extents;
  std::vector<Tensor> inputs;
  for (const ValueId id : program.inputs()) {
    auto input = make_input(program.plan().graph->value(id).type, extents, random);
    if (!input) return std::nullopt;
    inputs.push_back(std::move(*input));
  }
  return inputs;
}

Outcome exercise(std::string_view model, uint64_t seed, const std::filesystem::path& folder,
                 Steps steps) {
  const BudgetScope scope(std::make_shared<MemoryBudget>(kMemoryLimit));
  Outcome outcome;
  {
    const TimeLimit limit;
    (void)catch_memory_errors([&] { return take(model, seed, folder, steps, outcome); }).ok();
  }
  if (outcome.quantized) outcome.read_back = import_model(folder / kQuantized).ok();
  return outcome;
}

}  // namespace octet::fuzz
