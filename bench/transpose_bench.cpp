#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "kernels/parallel.h"
#include "kernels/transpose/transpose.h"

using namespace octet;
using namespace octet::kernels;

namespace {

struct Shape {
  const char* name;
  size_t dims[3], permutation[3];
};

// Frequencies and channels of a conformer's subsampling, heads of an attention, planes of an image.
constexpr Shape kShapes[] = {
    {"frames_20x512", {200, 20, 512}, {0, 2, 1}},
    {"heads_8x64", {200, 8, 64}, {1, 0, 2}},
    {"image_3x50176", {1, 3, 50176}, {0, 2, 1}},
    {"matrix_512", {1, 512, 512}, {0, 2, 1}},
};

void transpose(benchmark::State& state, const TransposeTable& table, const Shape& shape,
               size_t element) {
  const size_t bytes = shape.dims[0] * shape.dims[1] * shape.dims[2] * element;
  const std::vector<uint8_t> in(bytes, 3);
  std::vector<uint8_t> out(bytes);
  const TransposeArgs args{.in = in.data(),
                           .out = out.data(),
                           .element_bytes = element,
                           .rank = 3,
                           .in_dims = shape.dims,
                           .permutation = shape.permutation};
  SerialParallel serial;
  for (auto _ : state) table.run(args, serial);
  state.SetBytesProcessed(static_cast<int64_t>(bytes * static_cast<size_t>(state.iterations())));
}

const bool kRegistered = [] {
  for (const Variant<TransposeTable>& variant : transpose_variants())
    for (const Shape& shape : kShapes)
      for (const size_t element : {size_t{1}, size_t{4}}) {
        if (variant.isa == Isa::scalar || !CpuToken::probe(variant.isa)) continue;
        benchmark::RegisterBenchmark(("transpose/" + std::string(isa_name(variant.isa)) + "/" +
                                      shape.name + "/" + std::to_string(element))
                                         .c_str(),
                                     transpose, *variant.table, shape, element);
      }
  return true;
}();

}  // namespace
