// The transform over `Lanes`, kWidth `Real`s that add, subtract and multiply each by each; a cell
// is kLanes real parts, then as many imaginary ones (kCell). Included inside an anonymous
// namespace.

#define OCTET_INLINE __attribute__((always_inline))

struct Part {
  Lanes re, im;
};

struct Root {
  Real re, im;
};

inline OCTET_INLINE Part load(const Real* cell) {
  return {*reinterpret_cast<const Lanes*>(cell), *reinterpret_cast<const Lanes*>(cell + kLanes)};
}
inline OCTET_INLINE void store(Real* cell, const Part& part) {
  *reinterpret_cast<Lanes*>(cell) = part.re;
  *reinterpret_cast<Lanes*>(cell + kLanes) = part.im;
}
inline OCTET_INLINE Part plus(const Part& a, const Part& b) { return {a.re + b.re, a.im + b.im}; }
inline OCTET_INLINE Part minus(const Part& a, const Part& b) { return {a.re - b.re, a.im - b.im}; }
inline OCTET_INLINE Part turned(const Part& x, const Root& root) {
  return {x.re * root.re - x.im * root.im, x.re * root.im + x.im * root.re};
}
// a + sign i b.
inline OCTET_INLINE Part plus_turned(const Part& a, const Part& b, Real sign) {
  return {a.re - b.im * sign, a.im + b.re * sign};
}

class Transform {
 public:
  Transform(const FourierTransform<Real>& plan, Real* scratch) : plan_(plan), scratch_(scratch) {}

  // The transform of x[0], x[stride], ...: `radix` shorter ones behind each other in y, joined.
  void level(const Real* x, size_t stride, Real* y, size_t length, size_t depth) const {
    const size_t radix = plan_.radices[depth];
    const size_t part = length / radix;
    if (part == 1) return last(x, stride * kCell, y, radix);
    for (size_t q = 0; q < radix; ++q)
      level(x + q * stride * kCell, stride * radix, y + q * part * kCell, part, depth + 1);
    const size_t apart = part * kCell;
    for (size_t k = 0; k < part; ++k, y += kCell) {
      if (radix == 4)
        join_fours(y, apart, y, apart, k * stride);
      else if (radix == 2)
        join_twos(y, apart, y, apart, k * stride);
      else
        join_primes(y, apart, y, apart, radix, k * stride);
    }
  }

 private:
  Root root(size_t k) const { return {plan_.roots[2 * k], plan_.roots[2 * k + 1]}; }

  void last(const Real* x, size_t x_apart, Real* y, size_t radix) const {
    if (radix == 8)
      last_eights(x, x_apart, y);
    else if (radix == 4)
      join_fours(x, x_apart, y, kCell, 0);
    else if (radix == 2)
      join_twos(x, x_apart, y, kCell, 0);
    else
      join_primes(x, x_apart, y, kCell, radix, 0);
  }

  // The transform of four points, none turned.
  struct Four {
    Part at[4];
  };
  inline OCTET_INLINE Four four(const Real* x, size_t x_apart) const {
    const Part a = load(x), b = load(x + x_apart);
    const Part c = load(x + 2 * x_apart), d = load(x + 3 * x_apart);
    const Part even = plus(a, c), odd = plus(b, d);
    const Part across = minus(a, c), between = minus(b, d);
    return {{plus(even, odd), plus_turned(across, between, plan_.turn), minus(even, odd),
             plus_turned(across, between, -plan_.turn)}};
  }

  // Eight points: those of even and of odd place, joined.
  void last_eights(const Real* x, size_t x_apart, Real* y) const {
    const Root first = root(plan_.length / 8), third = root(3 * plan_.length / 8);
    for (size_t l = 0; l < kLanes; l += kWidth) {
      const Four even = four(x + l, 2 * x_apart), odd = four(x + x_apart + l, 2 * x_apart);
      const auto join = [&](size_t k, const Part& turned_odd) OCTET_INLINE {
        store(y + k * kCell + l, plus(even.at[k], turned_odd));
        store(y + (k + 4) * kCell + l, minus(even.at[k], turned_odd));
      };
      join(0, odd.at[0]);
      join(1, turned(odd.at[1], first));
      store(y + 2 * kCell + l, plus_turned(even.at[2], odd.at[2], plan_.turn));
      store(y + 6 * kCell + l, plus_turned(even.at[2], odd.at[2], -plan_.turn));
      join(3, turned(odd.at[3], third));
    }
  }

  // Each of these joins one point of `radix` transforms, whose q-th turns by q · turn.
  inline OCTET_INLINE void join_fours(const Real* x, size_t x_apart, Real* y, size_t y_apart,
                                      size_t turn) const {
    const Root first = root(turn), second = root(2 * turn), third = root(3 * turn);
    for (size_t l = 0; l < kLanes; l += kWidth) {
      const Part a = load(x + l);
      const Part b = turned(load(x + x_apart + l), first);
      const Part c = turned(load(x + 2 * x_apart + l), second);
      const Part d = turned(load(x + 3 * x_apart + l), third);
      const Part even = plus(a, c), odd = plus(b, d);
      const Part across = minus(a, c), between = minus(b, d);
      store(y + l, plus(even, odd));
      store(y + y_apart + l, plus_turned(across, between, plan_.turn));
      store(y + 2 * y_apart + l, minus(even, odd));
      store(y + 3 * y_apart + l, plus_turned(across, between, -plan_.turn));
    }
  }

  inline OCTET_INLINE void join_twos(const Real* x, size_t x_apart, Real* y, size_t y_apart,
                                     size_t turn) const {
    const Root first = root(turn);
    for (size_t l = 0; l < kLanes; l += kWidth) {
      const Part a = load(x + l);
      const Part b = turned(load(x + x_apart + l), first);
      store(y + l, plus(a, b));
      store(y + y_apart + l, minus(a, b));
    }
  }

  void join_primes(const Real* x, size_t x_apart, Real* y, size_t y_apart, size_t radix,
                   size_t turn) const {
    const size_t step = plan_.length / radix;
    for (size_t l = 0; l < kLanes; l += kWidth) {
      for (size_t q = 0; q < radix; ++q)
        store(scratch_ + q * kCell + l, turned(load(x + q * x_apart + l), root(q * turn)));
      for (size_t r = 0; r < radix; ++r) {
        Part sum = load(scratch_ + l);
        for (size_t q = 1; q < radix; ++q)
          sum = plus(sum, turned(load(scratch_ + q * kCell + l), root(q * r % radix * step)));
        store(y + r * y_apart + l, sum);
      }
    }
  }

  const FourierTransform<Real>& plan_;
  Real* scratch_;
};

void transform(const FourierTransform<Real>& plan, const Real* x, Real* y, Real* scratch) {
  if (plan.length == 1) {
    for (size_t l = 0; l < kLanes; l += kWidth) store(y + l, load(x + l));
    return;
  }
  Transform(plan, scratch).level(x, 1, y, plan.length, 0);
}

// Point k of the frames in the real and in the imaginary parts: what of the cells is and isn't its
// own mirrored conjugate.
struct Pair {
  Part first, second;
};
inline OCTET_INLINE Pair pair_of(const Real* cells, size_t length, size_t k, size_t l) {
  constexpr Real kHalf = 0.5;
  const Part at = load(cells + k * kCell + l);
  const Part mirror = load(cells + (k == 0 ? 0 : length - k) * kCell + l);
  return {{(at.re + mirror.re) * kHalf, (at.im - mirror.im) * kHalf},
          {(at.im + mirror.im) * kHalf, (mirror.re - at.re) * kHalf}};
}

#undef OCTET_INLINE
