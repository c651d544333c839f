#pragma once

#include <string>
#include <vector>

namespace octet::fuzz {

/// Models of what the conformance cases lack: functions with attributes, bodies within bodies,
/// external data, sparse initializers, strings.
std::vector<std::string> seeds();

}  // namespace octet::fuzz
