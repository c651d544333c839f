// s16 x s8 sums by half as many products: x0 w0 + x1 w1 = (x0 + w1)(x1 + w0) - x0 x1 - w0 w1
// (Winograd, "A New Algorithm for Inner Product", 1968). What comes off is summed once: x0 x1 when
// a state is written, w0 w1 when weights are packed. All sums are modulo 2^32, of which the result
// is one. Included inside an anonymous namespace.
//
// State: int16_t codes[hidden rounded up to 64], within RnnWords::kMost, so that a weight added to
// one stays s16; uint32_t products[blocks] of their pairs.

struct PairState {
  int16_t* codes;
  uint32_t* products;

  PairState(const void* state, size_t hidden)
      : codes(static_cast<int16_t*>(const_cast<void*>(state))),
        products(reinterpret_cast<uint32_t*>(codes + ceil_div(hidden, 64) * 64)) {}

  static size_t bytes(size_t hidden) {
    const size_t words = ceil_div(hidden, 64) * 32 + ceil_div(hidden, RnnWords::kBlock);
    return ceil_div(words * sizeof(uint32_t), 64) * 64;
  }
};

// Units are stored four after four, from the first on.
inline void store_pairs(const PairState& to, size_t begin, int16x4_t codes) {
  vst1_s16(to.codes + begin, codes);
  const uint32x4_t products = vreinterpretq_u32_s32(vmull_s16(codes, vrev32_s16(codes)));
  uint32_t& sum = to.products[begin / RnnWords::kBlock];
  if (begin % RnnWords::kBlock == 0) sum = 0;
  sum += vgetq_lane_u32(products, 0) + vgetq_lane_u32(products, 2);
}

// Puts the products of pairs of weights where Layout::pack left the sums of the weights.
template <typename Packed, size_t P>
void sum_weight_pairs(const RnnWeights& w, void* packed) {
  constexpr size_t kLanes = Packed::kLanes;
  for (size_t row = 0; row < w.gates * w.hidden; ++row) {
    const size_t gate = row / w.hidden, unit = row % w.hidden;
    const size_t lanes = Packed::vectors(w.hidden, unit) * w.gates * kLanes;
    const size_t lane = (unit / kLanes % P * w.gates + gate) * kLanes + unit % kLanes;
    auto* panel = static_cast<uint8_t*>(packed) + Packed::panel_offset(w.gates, w.hidden, unit);
    int32_t* sums = reinterpret_cast<int32_t*>(panel) + lanes + lane;
    const auto* from = static_cast<const int8_t*>(w.data) + row * w.hidden;
    for (size_t k = 0; k < w.hidden; k += 2) {
      int32_t& sum = sums[k / RnnWords::kBlock * lanes];
      const int32_t product = k + 1 < w.hidden ? from[k] * from[k + 1] : 0;
      sum = k % RnnWords::kBlock == 0 ? product : sum + product;
    }
  }
}
