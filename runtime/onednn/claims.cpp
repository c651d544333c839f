#include "runtime/onednn/claims.h"

#include <array>

namespace octet::runtime::onednn {

#define OCTET_CLAIM(file, domain, op, preferred) extern const Implementation op##_row;
#include "runtime/onednn/claims.def"
#undef OCTET_CLAIM

std::span<const Claim> claims() {
  static const std::array kClaims = {
#define OCTET_CLAIM(file, domain, op, preferred) Claim{domain, #op, &op##_row, preferred},
#include "runtime/onednn/claims.def"
#undef OCTET_CLAIM
  };
  return kClaims;
}

}  // namespace octet::runtime::onednn
