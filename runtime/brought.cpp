#include "runtime/brought.h"

#include <deque>
#include <mutex>

#include "engine/ops/conv.h"
#include "engine/ops/gemm.h"
#include "engine/ops/matmul.h"
#include "runtime/providers.h"

namespace octet::runtime {
namespace {

// Values of Provider from here on are indices of the registry.
constexpr size_t kFirst = 64;
constexpr size_t kMost = 128;

struct Registry {
  std::mutex mutex;
  std::deque<BroughtProvider> providers;
};
Registry& registry() {
  static Registry* const made = new Registry;  // Never freed: plans point to its rows.
  return *made;
}

const BroughtProvider* at(size_t index) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  return index < all.providers.size() ? &all.providers[index] : nullptr;
}

// Whether the node is the operator that its attributes say, with nothing fused to it.
bool is_plain(const Node& node) {
  if (node.attrs.is<ops::ConvAttrs>())
    return node.attrs.as<ops::ConvAttrs>().epilogue == Epilogue{};
  if (node.attrs.is<ops::GemmAttrs>())
    return node.attrs.as<ops::GemmAttrs>().epilogue == Epilogue{};
  if (!node.attrs.is<ops::MatMulAttrs>()) return true;
  const auto& attrs = node.attrs.as<ops::MatMulAttrs>();
  return !attrs.transpose_a && !attrs.transpose_b && attrs.alpha == 1.0F &&
         attrs.epilogue == Epilogue{};
}

std::optional<Ports> match(const LowerContext& context) {
  const Node& node = context.node();
  if (!is_plain(node) || !node.bodies.empty()) return std::nullopt;
  for (size_t i = 0; i < node.inputs.size(); ++i)
    if (context.has_input(i) && context.input_quant(i)) return std::nullopt;
  for (size_t i = 0; i < node.outputs.size(); ++i)
    if (context.has_output(i) && context.output_quant(i)) return std::nullopt;
  return Ports{};
}

}  // namespace

bool register_provider(BroughtProvider provider) {
  for (BroughtRow& row : provider.rows) row.match = match;
  const bool known = provider_from_name(provider.name).has_value();
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  for (const BroughtProvider& other : all.providers)
    if (other.name == provider.name) return false;
  if (known || all.providers.size() == kMost) return false;
  BroughtProvider& kept = all.providers.emplace_back(std::move(provider));
  for (BroughtRow& row : kept.rows) row.provider = kept.name;
  return true;
}

const BroughtProvider* brought_provider(Provider provider) {
  const auto value = static_cast<size_t>(provider);
  return value < kFirst ? nullptr : at(value - kFirst);
}

std::optional<Provider> brought_provider(std::string_view name) {
  for (size_t i = 0; const BroughtProvider* provider = at(i); ++i)
    if (provider->name == name) return static_cast<Provider>(kFirst + i);
  return std::nullopt;
}

void add_brought_rows(const OpDef& op, Provider provider,
                      std::vector<const Implementation*>& rows) {
  const auto add = [&](const BroughtProvider& from) {
    for (const BroughtRow& row : from.rows)
      if (row.operator_domain == op.domain && row.operator_name == op.name) rows.push_back(&row);
  };
  if (const BroughtProvider* chosen = brought_provider(provider)) add(*chosen);
  if (provider != Provider::automatic) return;
  for (size_t i = 0; const BroughtProvider* each = at(i); ++i)
    if (each->preferred) add(*each);
}

Result<std::unique_ptr<Step>> prepare_row(const Implementation& row, const LowerContext& context) {
  if (row.prepare != nullptr) return row.prepare(context);
  return static_cast<const BroughtRow&>(row).make(context);
}

}  // namespace octet::runtime
