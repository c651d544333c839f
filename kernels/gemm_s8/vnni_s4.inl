// The u8 x s4 product by vpdpbusd, over the including file's Dot. Included inside a namespace of
// the anonymous one after vnni.inl.
//
// An s4 code in the upper half of a byte is 16 times itself as s8, so no sign has to be extended:
// sums are 16 times too large, at most kGemmS8MaxK * 255 * 128 < 2^31, and shifted back in the end.

// Less lies in the second-level cache, where vpdpbusd takes bytes as fast as they come.
constexpr size_t kFrom = size_t{1} << 20;
constexpr size_t kLanes = Dot::kLanes;
constexpr size_t kSumStride = kPanel;
// An expanded panel should stay in the first-level cache.
constexpr size_t kPanelVectors = 2;
constexpr size_t kPanel = kPanelVectors * kLanes;

// 16 times the sums of R rows and V vectors of columns into acc[R][kPanel]; single rows run over
// two chains.
template <size_t R, size_t V>
void narrow_multiply(const uint8_t* a, size_t a_stride, const uint8_t* b, size_t steps,
                     int32_t* acc, Ahead /*ahead*/) {
  constexpr size_t U = R == 1 ? 4 : R <= 3 ? 2 : 1;
  Dot::Int sum[U][R][V];
#pragma GCC unroll 4
  for (size_t u = 0; u < U; ++u)
#pragma GCC unroll 8
    for (size_t r = 0; r < R; ++r)
#pragma GCC unroll 4
      for (size_t v = 0; v < V; ++v) sum[u][r][v] = Dot::zero();
  const auto half_step = [&](size_t u, size_t s, bool upper) __attribute__((always_inline)) {
    Dot::Int weights[V];
#pragma GCC unroll 4
    for (size_t v = 0; v < V; ++v) {
      const Dot::Int codes = Dot::load(b + (s * V + v) * kLanes * 4);
      weights[v] = upper ? Dot::upper_codes(codes) : Dot::lower_codes(codes);
    }
#pragma GCC unroll 8
    for (size_t r = 0; r < R; ++r) {
      const Dot::Int codes = Dot::broadcast_load(a + r * a_stride + s * 8 + (upper ? 4 : 0));
#pragma GCC unroll 4
      for (size_t v = 0; v < V; ++v) sum[u][r][v] = Dot::dot(sum[u][r][v], codes, weights[v]);
    }
  };
  size_t s = 0;
  if constexpr (U == 4)
    for (; s + 2 <= steps; s += 2) {
      half_step(0, s, false);
      half_step(1, s, true);
      half_step(2, s + 1, false);
      half_step(3, s + 1, true);
    }
  for (; s < steps; ++s) {
    half_step(0, s, false);
    half_step(U > 1 ? 1 : 0, s, true);
  }
#pragma GCC unroll 8
  for (size_t r = 0; r < R; ++r)
#pragma GCC unroll 2
    for (size_t v = 0; v < V; ++v) {
#pragma GCC unroll 4
      for (size_t u = 1; u < U; ++u) sum[0][r][v] = Dot::add(sum[0][r][v], sum[u][r][v]);
      Dot::store(acc + r * kSumStride + v * kLanes, sum[0][r][v]);
    }
}

template <size_t V>
constexpr Multiply kNarrowRows[kRows] = {narrow_multiply<1, V>, narrow_multiply<2, V>,
                                         narrow_multiply<3, V>, narrow_multiply<4, V>,
                                         narrow_multiply<5, V>, narrow_multiply<6, V>};

Multiply narrow_multiply_of(size_t rows, size_t vectors) {
  return (vectors == 1 ? kNarrowRows<1> : kNarrowRows<2>)[rows - 1];
}

// An expanded panel is one of 8-bit codes.
Multiply wide_multiply_of(size_t rows, size_t vectors) { return multiply_of(rows, vectors); }

void scale_down(size_t rows, int32_t* acc) {
  for (size_t r = 0; r < rows; ++r)
    for (size_t n = 0; n < kPanel; n += kLanes) {
      int32_t* sums = acc + r * kSumStride + n;
      Dot::store(sums, Dot::sixteenth(Dot::load(reinterpret_cast<const uint8_t*>(sums))));
    }
}

void expand(const uint8_t* packed, size_t vectors, size_t steps, uint8_t* out) {
  for (size_t s = 0; s < steps; ++s, out += vectors * kLanes * 4)
    for (size_t v = 0; v < vectors; ++v, packed += kLanes * 4, out += kLanes * 4) {
      const Dot::Int codes = Dot::load(packed);
      Dot::store(out, Dot::lower_signed(codes));
      Dot::store(out + vectors * kLanes * 4, Dot::upper_signed(codes));
    }
}
