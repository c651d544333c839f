#pragma once

#include <span>
#include <vector>

#include "engine/ops/op.h"
#include "runtime/session/options.h"

namespace octet::runtime {

/// One claim of a provider: it can run `op` where the row matches. `preferred`: `auto` takes it
/// ahead of our own rows.
struct Claim {
  std::string_view domain;
  std::string_view op;
  const Implementation* row;
  bool preferred;
};

/// Whether the provider's module is there, and works on this machine; loads it on the first call.
bool provider_is_here(Provider provider);

/// The claims of oneDNN or of XNNPACK; none of other choices.
std::span<const Claim> provider_claims(Provider provider);

/// The implementations to try for an op, best first, under a provider choice. A forced provider's
/// rows come first and our own are the fallback; `reference` gives the operator's last row alone.
std::vector<const Implementation*> candidates(const OpDef& op, Provider provider);

}  // namespace octet::runtime
