#pragma once

#include <memory>

#include "engine/ops/op.h"
#include "octet/octet_op.h"

// Calls of the caller's functions, through the table that octet hands them (octet_op_host).

namespace octet::api {

/// The functions of a node, as octet_custom_op and octet_claim have them.
struct OpFunctions {
  octet_status (*make)(const octet_op_host* host, octet_op_node* node, void** state) = nullptr;
  void (*drop)(void* state) = nullptr;
  octet_status (*run)(const octet_op_host* host, octet_op_run* run, const void* state) = nullptr;
};

/// 0 of what the C interface has no kind for.
octet_attribute_kind kind_of(const AttrValue& value);

Status infer_hosted(InferContext& context, const AttrMap& attrs,
                    octet_status (*infer)(const octet_op_host*, octet_op_node*));

/// The step of a node whose attributes the functions see as `attrs`.
Result<std::unique_ptr<Step>> prepare_hosted(const OpFunctions& functions,
                                             const LowerContext& context, AttrMap attrs,
                                             StepInfo info);

}  // namespace octet::api
