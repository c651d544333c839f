// The transform over `Lanes`, kWidth doubles that add, subtract and multiply each by each. Included
// inside an anonymous namespace.

#define OCTET_INLINE __attribute__((always_inline))

struct Part {
  Lanes re, im;
};

struct Root {
  double re, im;
};

inline OCTET_INLINE Part load(const double* cell) {
  return {*reinterpret_cast<const Lanes*>(cell),
          *reinterpret_cast<const Lanes*>(cell + kFourierLanes)};
}
inline OCTET_INLINE void store(double* cell, const Part& part) {
  *reinterpret_cast<Lanes*>(cell) = part.re;
  *reinterpret_cast<Lanes*>(cell + kFourierLanes) = part.im;
}
inline OCTET_INLINE Part plus(const Part& a, const Part& b) { return {a.re + b.re, a.im + b.im}; }
inline OCTET_INLINE Part minus(const Part& a, const Part& b) { return {a.re - b.re, a.im - b.im}; }
inline OCTET_INLINE Part turned(const Part& x, const Root& root) {
  return {x.re * root.re - x.im * root.im, x.re * root.im + x.im * root.re};
}
// a + sign i b.
inline OCTET_INLINE Part plus_turned(const Part& a, const Part& b, double sign) {
  return {a.re - b.im * sign, a.im + b.re * sign};
}

class Transform {
 public:
  Transform(const FourierF64Plan& plan, double* scratch) : plan_(plan), scratch_(scratch) {}

  // The transform of x[0], x[stride], ...: `radix` shorter ones behind each other in y, joined.
  void level(const double* x, size_t stride, double* y, size_t length, size_t depth) const {
    const size_t radix = plan_.radices[depth];
    const size_t part = length / radix;
    if (part == 1) return last(x, stride * kFourierCell, y, radix);
    for (size_t q = 0; q < radix; ++q)
      level(x + q * stride * kFourierCell, stride * radix, y + q * part * kFourierCell, part,
            depth + 1);
    const size_t apart = part * kFourierCell;
    for (size_t k = 0; k < part; ++k, y += kFourierCell) {
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

  void last(const double* x, size_t x_apart, double* y, size_t radix) const {
    if (radix == 8)
      last_eights(x, x_apart, y);
    else if (radix == 4)
      join_fours(x, x_apart, y, kFourierCell, 0);
    else if (radix == 2)
      join_twos(x, x_apart, y, kFourierCell, 0);
    else
      join_primes(x, x_apart, y, kFourierCell, radix, 0);
  }

  // The transform of four points, none turned.
  struct Four {
    Part at[4];
  };
  inline OCTET_INLINE Four four(const double* x, size_t x_apart) const {
    const Part a = load(x), b = load(x + x_apart);
    const Part c = load(x + 2 * x_apart), d = load(x + 3 * x_apart);
    const Part even = plus(a, c), odd = plus(b, d);
    const Part across = minus(a, c), between = minus(b, d);
    return {{plus(even, odd), plus_turned(across, between, plan_.turn), minus(even, odd),
             plus_turned(across, between, -plan_.turn)}};
  }

  // Eight points: those of even and of odd place, joined.
  void last_eights(const double* x, size_t x_apart, double* y) const {
    const Root first = root(plan_.length / 8), third = root(3 * plan_.length / 8);
    for (size_t l = 0; l < kFourierLanes; l += kWidth) {
      const Four even = four(x + l, 2 * x_apart), odd = four(x + x_apart + l, 2 * x_apart);
      const auto join = [&](size_t k, const Part& turned_odd) OCTET_INLINE {
        store(y + k * kFourierCell + l, plus(even.at[k], turned_odd));
        store(y + (k + 4) * kFourierCell + l, minus(even.at[k], turned_odd));
      };
      join(0, odd.at[0]);
      join(1, turned(odd.at[1], first));
      store(y + 2 * kFourierCell + l, plus_turned(even.at[2], odd.at[2], plan_.turn));
      store(y + 6 * kFourierCell + l, plus_turned(even.at[2], odd.at[2], -plan_.turn));
      join(3, turned(odd.at[3], third));
    }
  }

  // Each of these joins one point of `radix` transforms, whose q-th turns by q · turn.
  inline OCTET_INLINE void join_fours(const double* x, size_t x_apart, double* y, size_t y_apart,
                                      size_t turn) const {
    const Root first = root(turn), second = root(2 * turn), third = root(3 * turn);
    for (size_t l = 0; l < kFourierLanes; l += kWidth) {
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

  inline OCTET_INLINE void join_twos(const double* x, size_t x_apart, double* y, size_t y_apart,
                                     size_t turn) const {
    const Root first = root(turn);
    for (size_t l = 0; l < kFourierLanes; l += kWidth) {
      const Part a = load(x + l);
      const Part b = turned(load(x + x_apart + l), first);
      store(y + l, plus(a, b));
      store(y + y_apart + l, minus(a, b));
    }
  }

  void join_primes(const double* x, size_t x_apart, double* y, size_t y_apart, size_t radix,
                   size_t turn) const {
    const size_t step = plan_.length / radix;
    for (size_t l = 0; l < kFourierLanes; l += kWidth) {
      for (size_t q = 0; q < radix; ++q)
        store(scratch_ + q * kFourierCell + l, turned(load(x + q * x_apart + l), root(q * turn)));
      for (size_t r = 0; r < radix; ++r) {
        Part sum = load(scratch_ + l);
        for (size_t q = 1; q < radix; ++q)
          sum =
              plus(sum, turned(load(scratch_ + q * kFourierCell + l), root(q * r % radix * step)));
        store(y + r * y_apart + l, sum);
      }
    }
  }

  const FourierF64Plan& plan_;
  double* scratch_;
};

void transform(const FourierF64Plan& plan, const double* x, double* y, double* scratch) {
  if (plan.length == 1) {
    for (size_t l = 0; l < kFourierLanes; l += kWidth) store(y + l, load(x + l));
    return;
  }
  Transform(plan, scratch).level(x, 1, y, plan.length, 0);
}

void load_sample(const float* x, size_t step, float window, double* cell) {
  for (size_t l = 0; l < kFourierCell; ++l)
    cell[l] = static_cast<double>(x[l * step]) * static_cast<double>(window);
}

// Point k of the frames in the real and in the imaginary parts: what of the cells is and isn't its
// own mirrored conjugate.
struct Pair {
  Part first, second;
};
inline OCTET_INLINE Pair pair_of(const double* cells, size_t length, size_t k, size_t l) {
  const Part at = load(cells + k * kFourierCell + l);
  const Part mirror = load(cells + (k == 0 ? 0 : length - k) * kFourierCell + l);
  return {{(at.re + mirror.re) * 0.5, (at.im - mirror.im) * 0.5},
          {(at.im + mirror.im) * 0.5, (mirror.re - at.re) * 0.5}};
}

void store_point(const double* cells, size_t length, size_t k, float* y, size_t step) {
  for (size_t l = 0; l < kFourierLanes; l += kWidth) {
    const Pair pair = pair_of(cells, length, k, l);
    alignas(64) double lanes[4 * kWidth];
    __builtin_memcpy(lanes, &pair, sizeof(pair));
    for (size_t i = 0; i < kWidth; ++i) {
      float* first = y + (l + i) * step + 2 * k;
      float* second = first + kFourierLanes * step;
      first[0] = static_cast<float>(lanes[i]);
      first[1] = static_cast<float>(lanes[kWidth + i]);
      second[0] = static_cast<float>(lanes[2 * kWidth + i]);
      second[1] = static_cast<float>(lanes[3 * kWidth + i]);
    }
  }
}

#undef OCTET_INLINE
