// Included inside an anonymous namespace.

/// The same value in a register of its own: what follows may spill it, and a loop before doesn't.
template <typename Vector>
inline __attribute__((always_inline)) Vector apart(Vector v) {
#if !defined(OCTET_EMULATED_AVX512)  // whose vectors are no registers
  __asm__("" : "+v"(v));
#endif
  return v;
}
