// Codes of a curve, over vec_neon.inl: see curve512.inl.

// Arguments of a curve to its codes.
class CurvePacker {
 public:
  using Int = VecNeon::Int;
  CurvePacker(const CodeCurve& curve, bool is_signed) : curve_(curve), is_signed_(is_signed) {}
  template <size_t N>
  void store(uint8_t* p, size_t count, const Int (&v)[N]) const {
    int32_t arguments[N * VecNeon::kLanes];
    for (size_t i = 0; i < N; ++i)
      vst1q_s32(arguments + i * VecNeon::kLanes, vmaxq_s32(v[i], VecNeon::zero_int()));
    for (size_t i = 0; i < count; ++i) p[i] = curve_.at(arguments[i], is_signed_);
  }

 private:
  const CodeCurve& curve_;
  bool is_signed_;
};
