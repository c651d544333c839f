#include <dlfcn.h>

#include <array>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "octet/octet_provider.h"
#include "runtime/api/error.h"
#include "runtime/api/op_host.h"
#include "runtime/api/provider.h"

// Operators that the caller brings, as rows like those of the table.

using octet::AttrMap;
using octet::Error;
using octet::ErrorCode;
using octet::OpDef;
using octet::Result;
using octet::Status;
using octet::api::guarded;

namespace {

// The row, with the caller's table behind it. Never freed: nodes point to it.
struct CustomOp : OpDef {
  octet_custom_op table;
};

const CustomOp& op_of(const octet::Node& node) { return static_cast<const CustomOp&>(*node.op); }

Status infer(octet::InferContext& context) {
  return octet::api::infer_hosted(context, context.node().attrs.as<octet::SpelledAttrs>().map,
                                  op_of(context.node()).table.infer);
}

// An attribute that the operator doesn't name, or of another kind, is refused.
Status check_attributes(const octet::CanonicalContext& context) {
  const octet_custom_op& op = op_of(context.node()).table;
  const AttrMap& map = context.attrs<octet::SpelledAttrs>().map;
  size_t known = 0;
  for (size_t i = 0; i < op.attribute_count; ++i) {
    const octet_attribute_spec& spec = op.attributes[i];
    const std::string where = std::string("attribute '") + spec.name + "'";
    const auto at = map.find(std::string_view(spec.name));
    if (at == map.end()) {
      if (spec.required != 0) return octet::invalid_model("{} is missing", where);
      continue;
    }
    if (octet::api::kind_of(at->second) != spec.kind)
      return octet::invalid_model("{} has the wrong type", where);
    ++known;
  }
  if (known != map.size()) return octet::unsupported("it has an attribute that isn't supported");
  return {};
}

Result<std::unique_ptr<octet::Step>> prepare(const octet::LowerContext& context) {
  const octet_custom_op& op = op_of(context.node()).table;
  return octet::api::prepare_hosted({op.make, op.drop, op.run}, context,
                                    context.attrs<octet::SpelledAttrs>().map,
                                    {op.name, "custom", octet::Isa::scalar});
}

constexpr std::array kRows = {octet::Implementation{.name = "custom", .prepare = prepare}};

octet::Arity arity(size_t min, size_t max) {
  constexpr size_t kMost = 1U << 20U;
  return {static_cast<int>(std::min(min, kMost)), max > kMost ? -1 : static_cast<int>(max)};
}

Error refused(const octet_custom_op& op, const char* why) {
  return {ErrorCode::invalid_argument,
          std::string("operator ") + op.domain + "." + op.name + ": " + why};
}

Status register_one(const octet_custom_op& op) {
  constexpr size_t kFirstSize = sizeof(octet_custom_op);
  if (op.size < kFirstSize || op.domain == nullptr || op.name == nullptr)
    return Error{ErrorCode::invalid_argument, "an operator without a size, domain or name"};
  const std::string_view domain(op.domain);
  if (domain.empty() || domain.starts_with("ai.onnx") || domain == octet::kOctetDomain)
    return refused(op, "the domain is taken");
  if (op.infer == nullptr || op.run == nullptr) return refused(op, "infer and run must be there");
  if (op.min_inputs > op.max_inputs || op.min_outputs > op.max_outputs)
    return refused(op, "more inputs or outputs at least than at most");
  auto row = std::make_unique<CustomOp>();
  row->table = op;
  row->domain = op.domain;
  row->name = op.name;
  row->since = op.since;
  if (op.until != 0) row->until = op.until;
  row->inputs = arity(op.min_inputs, op.max_inputs);
  row->outputs = arity(op.min_outputs, op.max_outputs);
  row->attrs = {};
  row->canonical = check_attributes;
  row->infer = infer;
  row->implementations = kRows;
  row->foldable = op.changes == 0;
  if (!octet::register_op(*row)) return refused(op, "it is there already");
  (void)row.release();
  return {};
}

// Registers what a module's entry gives, where it has one.
template <typename Table>
Status register_all(const Table* const* (*entry)(uint32_t version),
                    Status (*register_table)(const Table&), const std::string& where) {
  if (entry == nullptr) return {};
  const Table* const* table = entry(OCTET_OP_VERSION);
  if (table == nullptr) return octet::unsupported("{}: it is for another version of octet", where);
  for (; *table != nullptr; ++table)
    if (auto status = register_table(**table); !status) return std::move(status).error().in(where);
  return {};
}

// Modules stay loaded: their code is behind nodes that nobody counts.
Status load_module(const char* path) {
  static std::mutex mutex;
  static std::set<void*> loaded;
  void* module = ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) return Error{ErrorCode::invalid_argument, ::dlerror()};
  const std::lock_guard lock(mutex);
  if (!loaded.insert(module).second) return {};
  const std::string where(path);
  const auto ops = reinterpret_cast<octet_ops_entry>(::dlsym(module, "octet_ops"));
  const auto providers =
      reinterpret_cast<octet_providers_entry>(::dlsym(module, "octet_providers"));
  if (ops == nullptr && providers == nullptr)
    return Error{ErrorCode::invalid_argument,
                 where + ": it exports no octet_ops and no octet_providers"};
  OCTET_RETURN_IF_ERROR(register_all(ops, register_one, where));
  return register_all(providers, octet::api::register_one_provider, where);
}

}  // namespace

extern "C" {

octet_error* octet_register_op(const octet_custom_op* op) {
  return guarded([&] { return octet::api::to_c(register_one(*op)); });
}
octet_error* octet_load_ops(const char* path) {
  return guarded([&] { return octet::api::to_c(load_module(path)); });
}

}  // extern "C"
