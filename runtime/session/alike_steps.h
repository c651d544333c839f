#pragma once

#include "runtime/session/plan.h"

namespace octet::runtime {

/// By step: the earliest step that is of the same kernel and attributes on the same forms of values
/// of the same groups (TypeGroups), itself where there is none. As long as the groups agree such
/// steps have the same dims at every binding, so they are views alike and take the same scratch,
/// which may depend on a constant's dims but not on its elements. A conversion is like none.
std::vector<size_t> alike_steps(const Plan& plan);

}  // namespace octet::runtime
