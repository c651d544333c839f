#include "engine/ops/matmul.h"
#include "tests/support/node_runner.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::testing;
using ops::MatMulAttrs;

namespace {

template <typename T>
int code(const Tensor& tensor, size_t i) {
  return tensor.as<T>()[i];
}

// Products of `batch` matrices; zero points repeat.
template <typename A, typename B>
std::vector<int32_t> product(const Tensor& a, const Tensor& b, const Tensor& a_zero,
                             const Tensor& b_zero, size_t batch, size_t m, size_t k, size_t n) {
  std::vector<int32_t> out;
  const size_t b_step = b.count() == k * n ? 0 : k * n;
  for (size_t g = 0; g < batch; ++g)
    for (size_t i = 0; i < m; ++i)
      for (size_t j = 0; j < n; ++j) {
        int32_t sum = 0;
        for (size_t d = 0; d < k; ++d)
          sum += (code<A>(a, (g * m + i) * k + d) - code<A>(a_zero, (g * m + i) % a_zero.count())) *
                 (code<B>(b, g * b_step + d * n + j) - code<B>(b_zero, j % b_zero.count()));
        out.push_back(sum);
      }
  return out;
}

}  // namespace

TEST_CASE("MatMulInteger: every row against plain sums, zero points by tensor, row and column") {
  const Tensor b = random_codes<int8_t>({33, 19}, 2);
  const Tensor b_zeros[] = {Tensor::scalar(int8_t{-3}), random_codes<int8_t>({19}, 3)};
  for (const int64_t batch : {1, 2}) {
    const auto count = static_cast<size_t>(batch);
    const Tensor a = random_codes<uint8_t>({batch, 5, 33}, 1);
    const Tensor a_zeros[] = {Tensor::scalar(uint8_t{131}), random_codes<uint8_t>({5}, 4),
                              random_codes<uint8_t>({batch, 5, 1}, 5)};
    for (const Tensor& a_zero : a_zeros)
      for (const Tensor& b_zero : b_zeros) {
        const Tensor expected = Tensor::of(
            {batch, 5, 19}, product<uint8_t, int8_t>(a, b, a_zero, b_zero, count, 5, 33, 19));
        NodeRunner node("MatMulInteger", Attrs::of(MatMulAttrs{}));
        node.input(a).constant(b).input(a_zero).constant(b_zero).output();
        for (const CpuToken cpu : all_tokens()) {
          CHECK(node.run("gemm_s8", cpu)[0] == expected);
          CHECK(node.info().kernel == "gemm_s8");
          if (a_zero.rank() < 2) CHECK(node.run("matmul_s8", cpu)[0] == expected);
        }
        CHECK(node.run("reference")[0] == expected);
      }
  }
}

TEST_CASE("MatMulInteger: two activations, a batch, absent zero points, few rows, no depth") {
  const Tensor zero_s = Tensor::scalar(int8_t{0});
  const Tensor zero_u = Tensor::scalar(uint8_t{0});
  for (const int64_t rows : {1, 6})
    for (const int64_t depth : {0, 40}) {
      const Tensor a = random_codes<int8_t>({3, rows, depth}, 6);
      const Tensor b = random_codes<uint8_t>({3, depth, 17}, 7);
      const Tensor expected =
          Tensor::of({3, rows, 17},
                     product<int8_t, uint8_t>(a, b, zero_s, zero_u, 3, static_cast<size_t>(rows),
                                              static_cast<size_t>(depth), 17));
      NodeRunner node("MatMulInteger", Attrs::of(MatMulAttrs{}));
      node.input(a).input(b).output();
      CHECK(node.rows() == std::vector<std::string>{"matmul_s8", "reference"});
      for (const CpuToken cpu : all_tokens()) CHECK(node.run("matmul_s8", cpu)[0] == expected);
      CHECK(node.run("reference")[0] == expected);
    }
}
