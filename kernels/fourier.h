#pragma once

#include <cstddef>

namespace octet::kernels {

/// y[k] = sum over i of x[i] e^(turn 2 pi i k / length).
template <typename Real>
struct FourierTransform {
  size_t length;
  const Real* roots;      ///< e^(turn 2 pi k / length), [length][2].
  const size_t* radices;  ///< Their product is the length; a 2 or 4 may come anywhere,
                          ///< an 8 at the end.
  Real turn;              ///< -1; 1 for the inverse.
};

}  // namespace octet::kernels
