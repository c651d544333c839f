// A as u8 for products with signed codes of B. Included inside an anonymous namespace after
// pack.inl and
//   kRowStep: the product reads so many k of a row at once
//   kDepth: rows in the scratch are padded to a multiple of it, itself one of kRowStep
//
// Scratch: int32_t row_sums[M], then, when A is signed or K is no multiple of kRowStep, A as u8
// (signed codes plus 128) with zeros past K.

// Rows of A in the scratch; the odd multiple of 64 keeps rows off the same cache sets.
size_t scratch_stride(size_t k) { return round_up(k, 128) + 64; }
size_t scratch_offset(size_t m) { return round_up(m * sizeof(int32_t), 64); }
size_t scratch_bytes(size_t m, size_t k) { return scratch_offset(m) + m * scratch_stride(k); }

bool copies_a(const GemmS8Args& args) {
  return args.a_signed || (args.k % kRowStep != 0 && !(args.a_padded && kRowStep <= 4));
}

// The sum of a row's codes as u8.
int32_t row_sum(const uint8_t* from, size_t k, uint8_t flip) {
  const __m256i flip32 = _mm256_set1_epi8(static_cast<char>(flip));
  __m256i sums = _mm256_setzero_si256();
  size_t i = 0;
  for (; i + 32 <= k; i += 32) {
    const __m256i codes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + i));
    sums = _mm256_add_epi64(
        sums, _mm256_sad_epu8(_mm256_xor_si256(codes, flip32), _mm256_setzero_si256()));
  }
  alignas(32) int64_t parts[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(parts), sums);
  auto sum = static_cast<int32_t>(parts[0] + parts[1] + parts[2] + parts[3]);
  for (; i < k; ++i) sum += from[i] ^ flip;
  return sum;
}

void prepare(const GemmS8Args& args, size_t row_begin, size_t row_end) {
  auto* scratch = static_cast<uint8_t*>(args.scratch);
  const bool sums = static_cast<const PackedHeader*>(args.packed)->has_zero != 0;
  const uint8_t flip = args.a_signed ? 0x80 : 0;
  for (size_t m = row_begin; m < row_end; ++m) {
    const uint8_t* from = static_cast<const uint8_t*>(args.a) + m * args.a_stride;
    if (copies_a(args)) {
      uint8_t* to = scratch + scratch_offset(args.m) + m * scratch_stride(args.k);
      size_t k = 0;
      const __m256i flip32 = _mm256_set1_epi8(static_cast<char>(flip));
      for (; k + 32 <= args.k; k += 32) {
        const __m256i codes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + k));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + k), _mm256_xor_si256(codes, flip32));
      }
      for (; k < args.k; ++k) to[k] = from[k] ^ flip;
      for (; k < round_up(args.k, kDepth); ++k) to[k] = 0;
    }
    if (sums) reinterpret_cast<int32_t*>(scratch)[m] = row_sum(from, args.k, flip);
  }
}
