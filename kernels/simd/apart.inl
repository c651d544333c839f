// Included inside an anonymous namespace.

/// The same value in a register of its own: what follows may spill it, and a loop before doesn't.
template <typename Vector>
inline __attribute__((always_inline)) Vector apart(Vector v) {
#if !defined(OCTET_EMULATED_AVX512)  // whose vectors are no registers
  __asm__("" : "+v"(v));
#endif
  return v;
}
/// The same of a pointer or a number: what is computed of it, or lies there, isn't kept for long.
inline __attribute__((always_inline)) size_t apart(size_t v) {
  __asm__("" : "+r"(v));
  return v;
}
template <typename T>
inline __attribute__((always_inline)) const T* apart(const T* p) {
  __asm__("" : "+r"(p));
  return p;
}
