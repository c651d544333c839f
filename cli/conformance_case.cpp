#include "cli/conformance_case.h"

#include <algorithm>
#include <cmath>

#include "importers/onnx/import.h"

namespace octet::cli::conformance {

namespace fs = std::filesystem;

Outcome failed(std::string reason) { return {Outcome::Kind::failed, std::move(reason)}; }
Outcome skipped(std::string reason) { return {Outcome::Kind::skipped, std::move(reason)}; }

// A refusal is an operator, attribute, type or opset that octet lacks; all else is a failure.
Outcome from_error(const Error& error) {
  return error.code == ErrorCode::unsupported ? skipped(error.message) : failed(error.message);
}

namespace {

// As ONNX's own runner compares: |got - want| <= kAbsolute + relative * |want|.
constexpr double kRelative = 1e-3;
constexpr double kRelativeBf16 = 0x1p-6;
constexpr double kAbsolute = 1e-7;

std::string compare_floats(const Tensor& got, const Tensor& want) {
  const auto a = got.to_float();
  const auto b = want.to_float();
  const double relative = want.dtype() == DType::bf16 ? kRelativeBf16 : kRelative;
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    if (a[i] == b[i]) continue;
    const double difference = std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (!(difference <= kAbsolute + relative * std::fabs(static_cast<double>(b[i]))))
      return "element " + std::to_string(i) + " is " + std::to_string(a[i]) + ", not " +
             std::to_string(b[i]);
  }
  return "";
}

std::string compare(const Tensor& got, const Tensor& want) {
  if (got.is_list() != want.is_list()) return "is of another kind";
  if (got.is_list()) {
    const auto& a = got.elements();
    const auto& b = want.elements();
    if (a.size() != b.size())
      return "has " + std::to_string(a.size()) + " elements, not " + std::to_string(b.size());
    for (size_t i = 0; i < a.size(); ++i)
      if (const auto difference = compare(a[i], b[i]); !difference.empty())
        return "entry " + std::to_string(i) + " " + difference;
    return "";
  }
  if (got.dtype() != want.dtype())
    return "is " + std::string(dtype_name(got.dtype())) + ", not " +
           std::string(dtype_name(want.dtype()));
  if (got.dims() != want.dims())
    return "is " + to_string(to_shape(got.dims())) + ", not " + to_string(to_shape(want.dims()));
  if (dtype_is_float(want.dtype())) return compare_floats(got, want);
  return got == want ? "" : "differs";
}

// Published data keep bfloat16 as the uint16 of its bits, and some have other dims than their model
// declares: nothing to compare then.
Result<Tensor> read_case_tensor(const fs::path& path, const Type& expected) {
  auto tensor = read_value(path, expected);
  if (tensor || expected.kind != Type::Kind::tensor) return tensor;
  if (read_value(path, Type::tensor(expected.dtype)))
    return unsupported("the data contradict the dims that the model declares");
  if (expected.dtype != DType::bf16) return tensor;
  OCTET_ASSIGN(const Tensor bits, read_value(path, Type::tensor(DType::u16)));
  if (expected.has_known_shape() && known_dims(*expected.shape) != bits.dims())
    return unsupported("the data contradict the dims that the model declares");
  return Tensor::copy(DType::bf16, bits.dims(), bits.bytes());
}

// ONNX leaves open which numbers a random operator gives.
bool is_random(const Graph& graph) {
  const auto order = graph.order();
  return std::any_of(order.begin(), order.end(), [&](NodeId id) {
    const std::string_view name = graph.node(id).op->name;
    return name.starts_with("Random") || name == "Bernoulli" || name == "Multinomial";
  });
}

Outcome run_set(const fs::path& set, runtime::Program& program, bool random, const Global& global) {
  const Graph& graph = *program.plan().graph;
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < program.inputs().size(); ++i) {
    auto tensor = read_case_tensor(set / ("input_" + std::to_string(i) + ".pb"),
                                   graph.value(program.inputs()[i]).type);
    if (!tensor) return from_error(tensor.error());
    inputs.push_back(std::move(*tensor));
  }
  const auto outputs = program.run(inputs, global.run_options());
  if (!outputs) return from_error(outputs.error());
  for (size_t i = 0; i < outputs->size(); ++i) {
    const fs::path path = set / ("output_" + std::to_string(i) + ".pb");
    if (!fs::exists(path)) continue;
    const Type& type = graph.value(graph.outputs()[i]).type;
    const bool tensor = type.kind == Type::Kind::tensor;
    const auto want = read_case_tensor(path, tensor ? Type::tensor((*outputs)[i].dtype()) : type);
    if (!want) return from_error(want.error());
    if (random && (*outputs)[i].dims() == want->dims()) continue;
    const std::string difference = compare((*outputs)[i], *want);
    if (!difference.empty()) return failed("output " + std::to_string(i) + " " + difference);
  }
  return {};
}

}  // namespace

Outcome run_case(const fs::path& folder, const runtime::CompileOptions& options,
                 const Global& global) {
  auto model = import_model(folder / "model.onnx");
  if (!model) return from_error(model.error());
  const bool random = is_random(*model->graph);
  auto program = runtime::Program::compile(model->graph, options);
  if (!program) return from_error(program.error());
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (!entry.path().filename().string().starts_with("test_data_set_")) continue;
    Outcome outcome = run_set(entry.path(), **program, random, global);
    if (outcome.kind != Outcome::Kind::passed) return outcome;
  }
  return {};
}

Result<std::vector<fs::path>> find_cases(const std::vector<std::string>& folders) {
  std::vector<fs::path> cases;
  for (const std::string& folder : folders) {
    std::error_code error;
    if (!fs::is_directory(folder, error)) return invalid_data(folder + ": is not a folder");
    for (const auto& entry : fs::recursive_directory_iterator(folder, error))
      if (entry.path().filename() == "model.onnx") cases.push_back(entry.path().parent_path());
  }
  std::sort(cases.begin(), cases.end());
  return cases;
}

}  // namespace octet::cli::conformance
