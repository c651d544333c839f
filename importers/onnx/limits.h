#pragma once

#include <cstdint>

namespace octet {

/// What an import may cost. Every bound is checked before the memory is taken; passing one is
/// ErrorCode::limit and names the bound. The defaults take any model that fits a large machine and
/// stop files made to exhaust one.
struct ImportLimits {
  uint64_t max_file_bytes = uint64_t{1} << 36;       ///< Of the model file: 64 GiB.
  uint64_t max_structure_bytes = uint64_t{1} << 28;  ///< All but tensor elements: 256 MiB.
  uint64_t max_messages = 2'000'000;                 ///< Nodes, attributes, types, dims, ...
  uint64_t max_strings = 4'000'000;                  ///< Names, and elements of string tensors.
  int max_depth = 128;                               ///< Messages within messages.
  size_t max_subgraph_depth = 32;                    ///< Bodies within bodies.
  size_t max_function_depth = 100;                   ///< Calls of functions within functions.
  uint64_t max_nodes = 1'000'000;                    ///< After functions are inlined.
  /// Elements that don't lie in the file as they do in memory: typed fields, sparse tensors.
  uint64_t max_decoded_bytes = uint64_t{1} << 32;
};

}  // namespace octet
