#include "runtime/providers.h"

#include <array>
#include <utility>

#include "runtime/brought.h"
#include "runtime/onednn/primitive.h"
#include "runtime/xnnpack/library.h"

namespace octet::runtime {

#define OCTET_CLAIM(domain, op, preferred) extern const Implementation op##_row;
namespace onednn {
#include "runtime/onednn/claims.def"
}
namespace xnnpack {
#include "runtime/xnnpack/claims.def"
}
#undef OCTET_CLAIM

namespace {

constexpr std::array<std::pair<std::string_view, Provider>, 5> kNames = {{
    {"auto", Provider::automatic},
    {"native", Provider::native},
    {"onednn", Provider::onednn},
    {"xnnpack", Provider::xnnpack},
    {"reference", Provider::reference},
}};

#define OCTET_CLAIM(domain, op, preferred) Claim{domain, #op, &op##_row, preferred},
std::span<const Claim> onednn_claims() {
  using namespace onednn;
  static const std::array claims = {
#include "runtime/onednn/claims.def"
  };
  return claims;
}
std::span<const Claim> xnnpack_claims() {
  using namespace xnnpack;
  static const std::array claims = {
#include "runtime/xnnpack/claims.def"
  };
  return claims;
}
#undef OCTET_CLAIM

void add_rows(const OpDef& op, Provider provider, bool forced,
              std::vector<const Implementation*>& rows) {
  for (const Claim& claim : provider_claims(provider))
    if (claim.domain == op.domain && claim.op == op.name && (claim.preferred || forced) &&
        provider_is_here(provider))
      rows.push_back(claim.row);
}

}  // namespace

std::string_view provider_name(Provider provider) {
  for (const auto& [name, value] : kNames)
    if (value == provider) return name;
  const BroughtProvider* brought = brought_provider(provider);
  return brought == nullptr ? std::string_view() : brought->name;
}

std::optional<Provider> provider_from_name(std::string_view name) {
  for (const auto& [known, value] : kNames)
    if (known == name) return value;
  return brought_provider(name);
}

bool provider_is_here(Provider provider) {
  if (provider == Provider::onednn) return onednn::is_usable();
  if (provider == Provider::xnnpack) return xnnpack::is_usable();
  return true;
}

std::span<const Claim> provider_claims(Provider provider) {
  if (provider == Provider::onednn) return onednn_claims();
  if (provider == Provider::xnnpack) return xnnpack_claims();
  return {};
}

std::vector<const Implementation*> candidates(const OpDef& op, Provider provider) {
  std::vector<const Implementation*> rows;
  if (op.implementations.empty()) return rows;
  if (provider == Provider::reference) return {&op.implementations.back()};
  add_brought_rows(op, provider, rows);
  if (provider == Provider::automatic) {
    add_rows(op, Provider::onednn, false, rows);
    add_rows(op, Provider::xnnpack, false, rows);
  } else {
    add_rows(op, provider, true, rows);
  }
  for (const Implementation& row : op.implementations) rows.push_back(&row);
  return rows;
}

}  // namespace octet::runtime
