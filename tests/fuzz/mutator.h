#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace octet::fuzz {

/// A model made of `model` by one to six changes that `seed` chooses: operators, edges, attributes,
/// types, dims, elements, opsets, nodes taken from `donors`; now and then bytes of the wire format.
/// Bytes that are no model have their bytes changed alone.
std::string mutate(std::string_view model, uint64_t seed, std::span<const std::string> donors);

}  // namespace octet::fuzz
