#include <iostream>

#include "cli/cli.h"
#include "engine/ops/op.h"
#include "runtime/providers.h"

namespace octet::cli::ops {
namespace {

std::string providers_of(const OpDef& op) {
  std::string names = op.implementations.empty() ? "expanded" : "native";
  for (const auto provider : {runtime::Provider::onednn, runtime::Provider::xnnpack})
    for (const auto& claim : runtime::provider_claims(provider))
      if (claim.domain == op.domain && claim.op == op.name && runtime::provider_is_here(provider))
        names += ", " + std::string(runtime::provider_name(provider));
  return names;
}

std::string opsets_of(const OpDef& op) {
  const int first = std::max(op.since, op.domain.empty() ? kMinOpset : 1);
  return std::to_string(first) + "-" +
         std::to_string(std::min(op.until, op.domain.empty() ? kMaxOpset : 1));
}

int execute(bool markdown, const Global& global) {
  nlohmann::json list = nlohmann::json::array();
  Table table({"operator", "opsets", "attributes", "providers"});
  if (markdown) std::cout << "| operator | opsets | attributes | providers |\n|---|---|---|---|\n";
  for (const OpDef* op : all_ops()) {
    std::string attributes;
    for (const auto& name : op->attrs.names())
      attributes += (attributes.empty() ? "" : ", ") + name;
    const std::string name = op->domain.empty()
                                 ? std::string(op->name)
                                 : std::string(op->domain) + "." + std::string(op->name);
    if (markdown)
      std::cout << "| " << name << " | " << opsets_of(*op) << " | " << attributes << " | "
                << providers_of(*op) << " |\n";
    table.add({name, opsets_of(*op), attributes, providers_of(*op)});
    list.push_back({{"name", name}, {"opsets", opsets_of(*op)}, {"providers", providers_of(*op)}});
  }
  if (global.json)
    std::cout << list.dump(1) << "\n";
  else if (!markdown)
    table.print();
  return kDone;
}

}  // namespace

void add(CLI::App& app, Global& global, int& exit_code) {
  auto* verb = app.add_subcommand("ops", "List the operators that are implemented");
  auto markdown = std::make_shared<bool>(false);
  verb->add_flag("--markdown", *markdown, "Print a Markdown table");
  verb->callback([markdown, &global, &exit_code] { exit_code = execute(*markdown, global); });
}

}  // namespace octet::cli::ops
