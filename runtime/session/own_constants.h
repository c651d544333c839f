#pragma once

#include <memory>
#include <vector>

#include "engine/ir/mapped_file.h"
#include "runtime/session/plan.h"
#include "runtime/weights/compile_weights.h"

namespace octet::runtime {

/// Makes a lowered plan need its model's file no more: constants that its steps packed keep their
/// dims alone, others are copied, each once for all sessions, those that passes made too. Constants
/// of more than 16 MB that steps read as they lie (tables of embeddings) stay mapped, so that only
/// what is used of them is read. Gives the mapped files in which the plan's constants still lie.
Result<std::vector<std::shared_ptr<const MappedFile>>> own_constants(Plan& plan,
                                                                     CompileWeights& weights);

}  // namespace octet::runtime
