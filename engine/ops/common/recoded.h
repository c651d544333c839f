#pragma once

#include "engine/ops/op.h"

// Operators that move or compare elements, on elements without an address: strings, and elements
// narrower than a byte. Strings become numbers in their own order ("" is 0), packed elements bytes;
// the plain function runs on these, and its outputs are turned back.

namespace octet {

/// Stored ports when an input or an output holds strings or packed elements.
std::optional<Ports> match_recoded(const LowerContext& context);

/// Runs `run` as described above.
Status run_recoded(Status (*run)(const Attrs&, RunContext&), const Attrs& attrs,
                   RunContext& context);

namespace detail {
template <auto Run>
Status recoded_function(const Attrs& attrs, RunContext& context) {
  return run_recoded(Run, attrs, context);
}
}  // namespace detail

/// The row that lets a plain function take strings and packed elements.
template <auto Run>
constexpr Implementation recoded() {
  return {.name = "recoded",
          .match = match_recoded,
          .prepare = prepare_function<detail::recoded_function<Run>>};
}

}  // namespace octet
