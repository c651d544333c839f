#include "runtime/providers.h"

#include <array>
#include <utility>

#ifdef OCTET_WITH_ONEDNN
#include "runtime/onednn/claims.h"
#endif

namespace octet::runtime {
namespace {

constexpr std::array<std::pair<std::string_view, Provider>, 5> kNames = {{
    {"auto", Provider::automatic},
    {"native", Provider::native},
    {"onednn", Provider::onednn},
    {"xnnpack", Provider::xnnpack},
    {"reference", Provider::reference},
}};

}  // namespace

std::string_view provider_name(Provider provider) {
  for (const auto& [name, value] : kNames)
    if (value == provider) return name;
  return "";
}

std::optional<Provider> provider_from_name(std::string_view name) {
  for (const auto& [known, value] : kNames)
    if (known == name) return value;
  return std::nullopt;
}

bool provider_is_built(Provider provider) {
  if (provider != Provider::onednn && provider != Provider::xnnpack) return true;
  return !provider_claims(provider).empty();
}

std::span<const Claim> provider_claims(Provider provider) {
#ifdef OCTET_WITH_ONEDNN
  if (provider == Provider::onednn || provider == Provider::automatic) return onednn::claims();
#endif
  (void)provider;
  return {};
}

std::vector<const Implementation*> candidates(const OpDef& op, Provider provider) {
  std::vector<const Implementation*> rows;
  if (op.implementations.empty()) return rows;
  if (provider == Provider::reference) return {&op.implementations.back()};
  for (const Claim& claim : provider_claims(provider))
    if (claim.domain == op.domain && claim.op == op.name &&
        (claim.preferred || provider != Provider::automatic))
      rows.push_back(claim.row);
  for (const Implementation& row : op.implementations) rows.push_back(&row);
  return rows;
}

}  // namespace octet::runtime
