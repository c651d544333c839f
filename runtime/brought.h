#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ops/op.h"
#include "runtime/session/options.h"

// Providers that a program or a module of its own brings.

namespace octet::runtime {

/// What such a provider offers for one operator. As a row its `prepare` is null: `make` prepares,
/// and leaves the node to others with ErrorCode::unsupported.
struct BroughtRow : Implementation {
  std::string operator_domain;
  std::string operator_name;
  std::function<Result<std::unique_ptr<Step>>(const LowerContext&)> make;
};

struct BroughtProvider {
  std::string name;
  bool preferred = false;  ///< `auto` takes it ahead of every other.
  std::vector<BroughtRow> rows;
};

/// Makes it known to the whole process, for as long as that lives; false where there is a provider
/// of that name. From any thread.
bool register_provider(BroughtProvider provider);

/// Null where `provider` is none of these.
const BroughtProvider* brought_provider(Provider provider);
std::optional<Provider> brought_provider(std::string_view name);

/// Appends what is offered for the operator under a choice: by the provider itself where it is one
/// of these, by the preferred ones under `automatic`.
void add_brought_rows(const OpDef& op, Provider provider, std::vector<const Implementation*>& rows);

/// Prepares a node by a row of anybody's.
Result<std::unique_ptr<Step>> prepare_row(const Implementation& row, const LowerContext& context);

}  // namespace octet::runtime
