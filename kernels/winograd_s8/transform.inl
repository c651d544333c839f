// The transforms of F(4x4,3x3) along one axis, with the points 0, 1, -1, 2, -2. Included inside an
// anonymous namespace after an instruction set's words and sums. Integer rows stand for the
// rational ones of the paper: those of the weights are 24, -6, -6, 24, 24 and 6 times as large, so
// output i comes times kScales[i] = 3 * 2^kShifts[i].

inline constexpr size_t kTile = 4, kReach = 6;  // outputs and inputs of a tile along an axis
inline constexpr size_t kProducts = kReach * kReach;
inline constexpr int kShifts[kTile] = {3, 2, 1, 1};
inline constexpr int32_t kInverseOfNine = 954437177;  // modulo 2^32

inline void transform_weights(const int32_t (&w)[3], int32_t (&u)[kReach]) {
  u[0] = 6 * w[0];
  u[1] = w[0] + w[1] + w[2];
  u[2] = w[0] - w[1] + w[2];
  u[3] = w[0] + 2 * w[1] + 4 * w[2];
  u[4] = w[0] - 2 * w[1] + 4 * w[2];
  u[5] = 6 * w[2];
}

/// Sums of at most 10 times the codes' magnitude.
inline void transform_inputs(const Words (&d)[kReach], Words (&v)[kReach]) {
  const Words even = sub(d[4], shift_left<2>(d[2]));
  const Words odd = sub(d[3], shift_left<2>(d[1]));
  const Words near = sub(d[4], d[2]);
  const Words step = sub(d[3], d[1]);
  const Words twice = add(step, step);
  v[0] = add(shift_left<2>(sub(d[0], d[2])), near);
  v[1] = add(even, odd);
  v[2] = sub(even, odd);
  v[3] = add(near, twice);
  v[4] = sub(near, twice);
  v[5] = sub(sub(d[5], d[3]), add(twice, twice));
}

/// Modulo 2^32.
inline void transform_outputs(const Ints (&m)[kReach], Ints (&y)[kTile]) {
  const Ints s = add(m[1], m[2]), d = sub(m[1], m[2]);
  const Ints t = add(m[3], m[4]), u = sub(m[3], m[4]);
  y[0] = add(sub(m[0], shift_left<2>(s)), t);
  y[1] = sub(u, add(d, d));
  y[2] = sub(t, s);
  y[3] = add(sub(add(u, u), d), m[5]);
}
