#include <benchmark/benchmark.h>

#include <cstddef>
#include <string>

#include "kernels/elementwise_f32/elementwise_f32.h"
#include "kernels/layernorm_f32/layernorm_f32.h"
#include "kernels/reduce_f32/reduce_f32.h"
#include "kernels/softmax_f32/softmax_f32.h"

using namespace octet;
using namespace octet::kernels;

namespace {

constexpr size_t kRows = 64;
constexpr size_t kColumns = 256;

struct Buffers {
  Buffers() {
    for (size_t i = 0; i < kRows * kColumns; ++i) x[i] = static_cast<float>(i % 31) * 0.25F - 4.0F;
  }
  alignas(64) float x[kRows * kColumns];
  alignas(64) float y[kRows * kColumns];
  alignas(64) float scale[kColumns] = {};
};

template <typename Run>
void measure(benchmark::State& state, Run run) {
  Buffers buffers;
  SerialParallel serial;
  for (auto _ : state) {
    run(buffers, serial);
    benchmark::ClobberMemory();
  }
  state.counters["Gelement/s"] = benchmark::Counter(static_cast<double>(kRows * kColumns) * 1e-9,
                                                    benchmark::Counter::kIsIterationInvariantRate);
}

template <typename Variants, typename Run>
void add(const std::string& name, const Variants& variants, Run run) {
  for (const auto& variant : variants) {
    if (variant.isa == Isa::scalar || !CpuToken::probe(variant.isa)) continue;
    const std::string full = name + "/" + std::string(isa_name(variant.isa));
    benchmark::RegisterBenchmark(full.c_str(), [run, variant](benchmark::State& state) {
      measure(state, [&](Buffers& b, Parallel& parallel) { run(*variant.table, b, parallel); });
    })->MinTime(0.05);
  }
}

void add_unary(const std::string& name, UnaryF32 function) {
  add("unary_f32/" + name, elementwise_f32_variants(),
      [function](const ElementwiseF32Table& table, Buffers& b, Parallel& parallel) {
        unary_f32(table, {function, 0.1F, 0.5F, b.x, b.y, kRows * kColumns}, parallel);
      });
}

void add_softmax(const std::string& name, bool logarithm, size_t inner) {
  add("softmax_f32/" + name, softmax_f32_variants(),
      [=](const SoftmaxF32Table& table, Buffers& b, Parallel& parallel) {
        softmax_f32(table, {b.x, b.y, kRows / inner, kColumns, inner, logarithm}, parallel);
      });
}

// An attention's scores to codes, a mask added; the codes take the place of floats.
void add_softmax_codes() {
  add("softmax_f32/codes", softmax_f32_variants(),
      [](const SoftmaxF32Table& table, Buffers& b, Parallel& /*parallel*/) {
        table.codes({.x = b.x,
                     .x_stride = kColumns,
                     .addend = b.scale,
                     .y = reinterpret_cast<uint8_t*>(b.y),
                     .y_stride = kColumns,
                     .rows = kRows,
                     .axis = kColumns,
                     .rounding = {1.0F / 255, 0, 0, 255}});
      });
}

void add_binary(const std::string& name, ptrdiff_t row, ptrdiff_t column) {
  add("binary_f32/" + name, elementwise_f32_variants(),
      [=](const ElementwiseF32Table& table, Buffers& b, Parallel& parallel) {
        BinaryF32Args args;
        args.rank = 2;
        args.shape[0] = kRows;
        args.shape[1] = kColumns;
        args.a_stride[0] = kColumns;
        args.a_stride[1] = 1;
        args.b_stride[0] = row;
        args.b_stride[1] = column;
        args.a = b.x;
        args.b = b.x;
        args.out = b.y;
        binary_f32(table, args, parallel);
      });
}

void add_short_rows() {
  add("binary_f32/short_rows", elementwise_f32_variants(),
      [](const ElementwiseF32Table& table, Buffers& b, Parallel& parallel) {
        BinaryF32Args args;
        args.rank = 2;
        args.shape[0] = kRows * kColumns / 4;
        args.shape[1] = 4;
        args.a_stride[0] = 4;
        args.a_stride[1] = args.b_stride[1] = 1;
        args.a = b.x;
        args.b = b.scale;
        args.out = b.y;
        binary_f32(table, args, parallel);
      });
}

void add_reduce(const std::string& name, ReduceF32 function, size_t inner) {
  add("reduce_f32/" + name, reduce_f32_variants(),
      [=](const ReduceF32Table& table, Buffers& b, Parallel& parallel) {
        reduce_f32(table, {function, b.x, b.y, kRows / inner, kColumns, inner}, parallel);
      });
}

void add_norm(const std::string& name, NormF32 kind) {
  add("layernorm_f32/" + name, layernorm_f32_variants(),
      [=](const LayerNormF32Table& table, Buffers& b, Parallel& parallel) {
        LayerNormF32Args args;
        args.kind = kind;
        args.x = b.x;
        args.y = b.y;
        args.rows = kRows;
        args.n = kColumns;
        args.scale = args.bias = b.scale;
        layernorm_f32(table, args, parallel);
      });
}

const int kRegistered = [] {
  add_unary("relu", UnaryF32::relu);
  add_unary("exp", UnaryF32::exp);
  add_unary("sigmoid", UnaryF32::sigmoid);
  add_unary("tanh", UnaryF32::tanh);
  add_unary("gelu_erf", UnaryF32::gelu_erf);
  add_unary("silu", UnaryF32::silu);
  add_unary("log", UnaryF32::log);
  add_softmax_codes();
  add_binary("same", kColumns, 1);
  add_binary("row", 0, 1);
  add_binary("column", 1, 0);
  add_short_rows();
  add_softmax("rows", false, 1);
  add_softmax("log_rows", true, 1);
  add_softmax("columns", false, kRows);
  add_norm("layer", NormF32::layer);
  add_norm("rms", NormF32::rms);
  add_reduce("sum_rows", ReduceF32::sum, 1);
  add_reduce("max_rows", ReduceF32::max, 1);
  add_reduce("mean_columns", ReduceF32::mean, kRows);
  return 0;
}();

}  // namespace
