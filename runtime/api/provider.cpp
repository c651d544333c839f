#include "runtime/api/provider.h"

#include "runtime/api/error.h"
#include "runtime/api/op_host.h"
#include "runtime/brought.h"

// Providers that the caller brings: rows of operators that are there.

namespace octet::api {
namespace {

Error refused(const octet_custom_provider& provider, const std::string& why) {
  return {ErrorCode::invalid_argument, std::string("provider ") + provider.name + ": " + why};
}

// A node's attributes as a file of the newest opset has them.
AttrMap attributes_of(const Node& node) { return node.op->attrs.write(node.attrs, kMaxOpset); }

runtime::BroughtRow row_of(const octet_custom_provider& provider, const octet_claim& claim) {
  runtime::BroughtRow row;
  row.name = claim.name;
  row.operator_domain = claim.domain;
  row.operator_name = claim.name;
  row.make = [functions = OpFunctions{claim.make, claim.drop, claim.run},
              info =
                  StepInfo{claim.name, provider.name, Isa::scalar}](const LowerContext& context) {
    return prepare_hosted(functions, context, attributes_of(context.node()), info);
  };
  return row;
}

}  // namespace

Status register_one_provider(const octet_custom_provider& provider) {
  if (provider.size < sizeof(octet_custom_provider) || provider.name == nullptr ||
      *provider.name == '\0' || provider.claims == nullptr)
    return Error{ErrorCode::invalid_argument, "a provider without a size, name or claims"};
  runtime::BroughtProvider brought{provider.name, provider.preferred != 0, {}};
  for (const octet_claim* const* claim = provider.claims; *claim != nullptr; ++claim) {
    const octet_claim& each = **claim;
    if (each.size < sizeof(octet_claim) || each.domain == nullptr || each.name == nullptr ||
        each.run == nullptr)
      return refused(provider, "a claim without a size, operator or run");
    const OpDef* op = find_op(each.domain, each.name);
    if (op == nullptr || op->domain == kOctetDomain)
      return refused(provider, std::string("there is no operator ") + each.domain +
                                   (*each.domain == '\0' ? "" : ".") + each.name);
    if (op->alias.kind == AliasRule::Kind::view || !op->bodies.empty() || op->expand != nullptr)
      return refused(provider, std::string(each.name) + " isn't run, and can't be claimed");
    brought.rows.push_back(row_of(provider, each));
  }
  if (!runtime::register_provider(std::move(brought)))
    return refused(provider, "there is a provider of that name, or too many");
  return {};
}

}  // namespace octet::api

extern "C" octet_error* octet_register_provider(const octet_custom_provider* provider) {
  return octet::api::guarded(
      [&] { return octet::api::to_c(octet::api::register_one_provider(*provider)); });
}
