#include "engine/ops/common/recurrent_functions.h"

#include <algorithm>
#include <cctype>

namespace octet::ops::recurrent {
namespace {

using Kind = Function::Kind;

// A function, its default parameters, and which of them a node may set.
struct FunctionRow {
  std::string_view name;
  Function function;
  bool takes_alpha = false;
  bool takes_beta = false;
};

constexpr FunctionRow kFunctions[] = {
    {"relu", {Kind::relu}},
    {"tanh", {Kind::tanh}},
    {"sigmoid", {Kind::sigmoid}},
    {"affine", {Kind::affine, 1.0F, 0.0F}, true, true},
    {"leakyrelu", {Kind::leaky_relu, 0.01F}, true},
    {"thresholdedrelu", {Kind::thresholded_relu, 1.0F}, true},
    {"scaledtanh", {Kind::scaled_tanh, 1.0F, 1.0F}, true, true},
    {"hardsigmoid", {Kind::hard_sigmoid, 0.2F, 0.5F}, true, true},
    {"elu", {Kind::elu, 1.0F}, true},
    {"softsign", {Kind::softsign}},
    {"softplus", {Kind::softplus}},
};

// Names are compared without regard to case, as files spell them both ways.
const FunctionRow* find_function(const std::string& name) {
  std::string lower = name;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const FunctionRow& row : kFunctions)
    if (row.name == lower) return &row;
  return nullptr;
}

std::vector<Function> defaults_of(Cell cell) {
  if (cell == Cell::rnn) return {{Kind::tanh}};
  if (cell == Cell::gru) return {{Kind::sigmoid}, {Kind::tanh}};
  return {{Kind::sigmoid}, {Kind::tanh}, {Kind::tanh}};
}

}  // namespace

Result<std::vector<Function>> functions_of(const RecurrentAttrs& attrs, Cell cell) {
  const std::vector<Function> defaults = defaults_of(cell);
  const size_t directions = is_bidirectional(attrs) ? 2 : 1;
  std::vector<Function> functions;
  if (attrs.activations.empty()) {
    for (size_t d = 0; d < directions; ++d)
      functions.insert(functions.end(), defaults.begin(), defaults.end());
    return functions;
  }
  if (attrs.activations.size() != directions * defaults.size())
    return invalid_model("there are {} activations, not {}", attrs.activations.size(),
                         directions * defaults.size());
  size_t alpha = 0;
  size_t beta = 0;
  for (const std::string& name : attrs.activations) {
    const FunctionRow* row = find_function(name);
    if (row == nullptr) return unsupported("activation '{}' isn't one of ONNX's", name);
    Function function = row->function;
    if (row->takes_alpha && alpha < attrs.activation_alpha.size())
      function.alpha = attrs.activation_alpha[alpha++];
    if (row->takes_beta && beta < attrs.activation_beta.size())
      function.beta = attrs.activation_beta[beta++];
    functions.push_back(function);
  }
  return functions;
}

bool has_default_functions(const RecurrentAttrs& attrs, Cell cell) {
  const auto functions = functions_of(attrs, cell);
  const std::vector<Function> defaults = defaults_of(cell);
  if (!functions) return false;
  for (size_t i = 0; i < functions->size(); ++i)
    if ((*functions)[i].kind != defaults[i % defaults.size()].kind) return false;
  return true;
}

}  // namespace octet::ops::recurrent
