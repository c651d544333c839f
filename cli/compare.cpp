#include "cli/compare.h"

#include <algorithm>
#include <iostream>

#include "cli/cli.h"
#include "cli/samples.h"
#include "engine/passes/pass.h"
#include "importers/onnx/import.h"
#include "runtime/calibration/signal_noise.h"
#include "runtime/session/program.h"

namespace octet::cli::compare {
namespace {

struct Arguments {
  std::string a;
  std::string b;
  std::string inputs;
  double min_sqnr = -1e9;
  double min_cosine = -2;
};

struct Sums : runtime::SignalNoise {
  size_t same_class = 0;
  size_t classes = 0;
};

// The share of rows (last axis) whose largest element is at the same place in both.
void count_classes(const Tensor& a, const Tensor& b, Sums& sums) {
  if (a.rank() == 0 || a.dims().back() < 2) return;
  const auto width = static_cast<size_t>(a.dims().back());
  const auto x = a.to_float();
  const auto y = b.to_float();
  for (size_t row = 0; row + width <= x.size(); row += width) {
    const auto best = [&](const std::vector<float>& v) {
      return std::max_element(v.begin() + static_cast<ptrdiff_t>(row),
                              v.begin() + static_cast<ptrdiff_t>(row + width)) -
             v.begin();
    };
    ++sums.classes;
    if (best(x) == best(y)) ++sums.same_class;
  }
}

using Programs = std::pair<std::shared_ptr<runtime::Program>, std::shared_ptr<runtime::Program>>;

Result<std::shared_ptr<runtime::Program>> load(const std::string& path, const Global& global,
                                               bool fuse) {
  OCTET_ASSIGN(auto options, global.compile_options());
  options.fuse = fuse;
  OCTET_ASSIGN(const Model model, import_model(path));
  // Without the fusions, nodes mean in a float file what they mean in the quantized one: those that
  // quantization folds into others are folded.
  if (!fuse) OCTET_RETURN_IF_ERROR(run_passes(*model.graph, PassPhase::portable));
  return runtime::Program::compile(model.graph, options);
}

std::vector<std::string> names(const runtime::Program& program, const std::vector<ValueId>& ids) {
  std::vector<std::string> list;
  for (const ValueId id : ids) list.push_back(program.plan().graph->value(id).name);
  return list;
}

// The results for one sample; an error names it.
Result<std::vector<Tensor>> run_sample(runtime::Program& program, const std::filesystem::path& path,
                                       std::span<const Tensor> inputs,
                                       const runtime::RunOptions& options) {
  auto outputs = program.run(inputs, options);
  if (!outputs) return std::move(outputs).error().in(path.string());
  return outputs;
}

Status compare_outputs(const Programs& programs, const SampleFolder& samples, const Global& global,
                       std::map<std::string, Sums>& outputs) {
  const auto output_names = names(*programs.first, programs.first->plan().graph->outputs());
  for (size_t i = 0; i < samples.size(); ++i) {
    OCTET_ASSIGN(const auto inputs, samples.read(i));
    OCTET_ASSIGN(const auto a,
                 run_sample(*programs.first, samples.path(i), inputs, global.run_options()));
    OCTET_ASSIGN(const auto b,
                 run_sample(*programs.second, samples.path(i), inputs, global.run_options()));
    if (a.size() != b.size()) return invalid_data("the models have different numbers of outputs");
    for (size_t o = 0; o < a.size(); ++o) {
      if (a[o].dims() != b[o].dims())
        return invalid_data("output '" + output_names[o] + "' has different shapes in the models");
      Sums& sums = outputs[output_names[o]];
      sums.add(a[o].to_float(), b[o].to_float());
      count_classes(a[o], b[o], sums);
    }
  }
  return {};
}

// What two models have in common of an inner value: the node that makes it, and at which output.
// Quantized files number their values; nodes keep their names. Of a value that is stored as codes
// it is the last form, which readers get.
using Origins = std::map<std::string, std::string, std::less<>>;
Origins origins(const Graph& graph) {
  Origins of;
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    if (node.op->name == "QuantizeLinear" || node.op->name == "DequantizeLinear") {
      const auto source = of.find(graph.value(node.inputs[0]).name);
      if (source == of.end()) continue;
      of[graph.value(node.outputs[0]).name] = source->second;
      of.erase(source);
      continue;
    }
    for (size_t i = 0; i < node.outputs.size(); ++i)
      if (node.has_output(i))
        of[graph.value(node.outputs[i]).name] = node.name + ":" + std::to_string(i);
  }
  return of;
}

// Inner values of the same origin and element count, as real numbers, one sample after the other.
Status compare_inner(const Programs& programs, const SampleFolder& samples, const Global& global,
                     std::map<std::string, Sums>& tensors) {
  const auto real = [](const TensorView& view) {
    Tensor tensor(view.dtype, view.dims, view.bytes(), nullptr);
    std::vector<float> values = tensor.to_float();
    if (view.quant != nullptr)
      for (float& v : values)
        v = (v - static_cast<float>(view.quant->tensor_zero_point().v)) *
            view.quant->tensor_scale().v;
    return values;
  };
  struct Reference {
    std::string name;
    Layout layout;
    std::vector<float> values;
  };
  const Origins of_a = origins(*programs.first->plan().graph);
  const Origins of_b = origins(*programs.second->plan().graph);
  for (size_t i = 0; i < samples.size(); ++i) {
    OCTET_ASSIGN(const auto inputs, samples.read(i));
    std::map<std::string, Reference, std::less<>> reference;
    runtime::RunOptions options = global.run_options();
    options.observer = [&](std::string_view name, const TensorView& view) {
      const auto origin = of_a.find(name);
      if (view.dtype == DType::f32 && origin != of_a.end())
        reference[origin->second] = {std::string(name), view.layout, real(view)};
    };
    OCTET_ASSIGN(const auto a, run_sample(*programs.first, samples.path(i), inputs, options));
    options.observer = [&](std::string_view name, const TensorView& view) {
      const auto origin = of_b.find(name);
      if (origin == of_b.end() || (view.dtype != DType::f32 && view.quant == nullptr)) return;
      const auto at = reference.find(origin->second);
      if (at == reference.end() || at->second.layout != view.layout) return;
      const auto values = real(view);
      if (values.size() != at->second.values.size()) return;
      tensors[at->second.name].add(at->second.values, values);
      reference.erase(at);
    };
    OCTET_ASSIGN(const auto b, run_sample(*programs.second, samples.path(i), inputs, options));
  }
  return {};
}

nlohmann::json to_json(const std::map<std::string, Sums>& all) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& [name, sums] : all) {
    nlohmann::json row = {{"name", name},
                          {"sqnr_db", sums.sqnr()},
                          {"cosine", sums.cosine()},
                          {"max_abs_error", sums.largest}};
    if (sums.classes > 0)
      row["same_class"] = static_cast<double>(sums.same_class) / static_cast<double>(sums.classes);
    list.push_back(std::move(row));
  }
  std::stable_sort(list.begin(), list.end(),
                   [](const auto& a, const auto& b) { return a["sqnr_db"] < b["sqnr_db"]; });
  return list;
}

void print(const char* title, const nlohmann::json& rows, size_t most) {
  Table table({title, "SQNR dB", "cosine", "largest error", "same class"});
  for (size_t i = 0; i < rows.size() && i < most; ++i) {
    const auto& row = rows[i];
    char error[32];
    std::snprintf(error, sizeof(error), "%.3g", row["max_abs_error"].get<double>());
    table.add(
        {row["name"], fixed(row["sqnr_db"], 1), fixed(row["cosine"], 5), error,
         row.contains("same_class") ? fixed(100 * row["same_class"].get<double>(), 2) + "%" : ""});
  }
  table.print();
}

// Of an output or tensor.
bool good(const nlohmann::json& row, const Arguments& arguments) {
  return row["sqnr_db"] >= arguments.min_sqnr && row["cosine"] >= arguments.min_cosine;
}

int execute(const Arguments& arguments, const Global& global) {
  const auto made = compare_models(arguments.a, arguments.b, arguments.inputs, global);
  if (!made) return fail(made.error());
  const auto& outputs = (*made)["outputs"];
  const auto& tensors = (*made)["tensors"];
  if (global.json) {
    std::cout << to_text(*made);
  } else {
    print("output", outputs, outputs.size());
    if (!tensors.empty()) print("\ninner value, worst first", tensors, 20);
  }
  return std::all_of(outputs.begin(), outputs.end(),
                     [&](const nlohmann::json& row) { return good(row, arguments); })
             ? kDone
             : kNo;
}

}  // namespace

void add(CLI::App& app, Global& global, int& exit_code) {
  auto* verb = app.add_subcommand("compare", "Compare two models on the same samples");
  auto arguments = std::make_shared<Arguments>();
  verb->add_option("A", arguments->a, "The reference model")->required();
  verb->add_option("B", arguments->b, "The other model")->required();
  verb->add_option("--inputs", arguments->inputs, "A folder of samples")->required();
  verb->add_option("--min-sqnr", arguments->min_sqnr, "Exit 1 when an output is below this (dB)");
  verb->add_option("--min-cosine", arguments->min_cosine, "Exit 1 when an output is below this");
  verb->callback([arguments, &global, &exit_code] { exit_code = execute(*arguments, global); });
}

}  // namespace octet::cli::compare

namespace octet::cli {

Result<nlohmann::json> compare_models(const std::string& a, const std::string& b,
                                      const std::string& samples, const Global& global) {
  using namespace compare;
  OCTET_ASSIGN(const auto first, load(a, global, true));
  OCTET_ASSIGN(const auto second, load(b, global, true));
  OCTET_ASSIGN(const auto folder, SampleFolder::open(samples, names(*first, first->inputs())));
  std::map<std::string, Sums> outputs;
  std::map<std::string, Sums> tensors;
  OCTET_RETURN_IF_ERROR(compare_outputs({first, second}, folder, global, outputs));
  const auto plain_a = load(a, global, false);
  const auto plain_b = load(b, global, false);
  if (plain_a && plain_b)
    OCTET_RETURN_IF_ERROR(compare_inner({*plain_a, *plain_b}, folder, global, tensors));
  return nlohmann::json{{"outputs", to_json(outputs)}, {"tensors", to_json(tensors)}};
}

}  // namespace octet::cli
