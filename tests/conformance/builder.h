#pragma once

#include <string>
#include <vector>

#include "engine/ir/attrs.h"
#include "octet_onnx.pb.h"
#include "tests/conformance/oracle.h"

namespace octet::conformance {

/// Writes a case: a model node by node, with its inputs and what its outputs must be.
class Builder {
 public:
  explicit Builder(std::string name, int opset = 21);
  /// A model input; gives its name.
  std::string input(const Tensor& tensor);
  std::string constant(const Tensor& tensor);
  /// Inputs named "" are absent. Gives the names of the outputs.
  std::vector<std::string> nodes(const std::string& op, const std::vector<std::string>& inputs,
                                 const AttrMap& attrs, size_t outputs);
  std::string node(const std::string& op, const std::vector<std::string>& inputs,
                   const AttrMap& attrs = {}) {
    return nodes(op, inputs, attrs, 1)[0];
  }
  void output(const std::string& name, Expected expected);
  Case finish();

  /// Scale and zero point as constants: scalars, or vectors of a channel's each.
  std::string scale(const Params& params);
  std::string zero(const Params& params);
  /// x through QuantizeLinear and DequantizeLinear, per tensor.
  std::string rounded(const std::string& x, const Params& params);
  /// Codes as DequantizeLinear of a constant or an input.
  std::string dequantized(const std::string& codes, const Params& params, int64_t axis = 0);

 private:
  std::string fresh(const char* base) { return base + std::to_string(names_++); }
  Case case_;
  octet_onnx::ModelProto model_;
  size_t names_ = 0;
};

}  // namespace octet::conformance
