#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ir/tensor.h"

// Bundled conformance cases: small models with inputs and the results that the standard asks for.
// They are made from a seed, by oracles in this folder that share no code with the kernels: sums in
// int64 or double, rounding written out.

namespace octet::conformance {

/// What a result must be. Integers may differ by `codes`, and by one more where `tie` says that the
/// exact value lies between two codes; floats by `absolute`.
struct Expected {
  Tensor value;
  int64_t codes = 0;
  std::vector<bool> tie = {};  ///< Empty: nowhere.
  double absolute = 0.0;
};

struct Case {
  std::string name;
  std::string model;  ///< A serialized ModelProto.
  std::vector<Tensor> inputs;
  std::vector<Expected> outputs;
};

/// Cases of one kind, numbered from 0.
struct Family {
  std::string_view name;
  size_t count;
  Case (*make)(size_t index);
};
std::span<const Family> families();

/// "" when `got` is what is expected, else what differs.
std::string difference(const Tensor& got, const Expected& want);

}  // namespace octet::conformance
