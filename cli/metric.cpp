#include "cli/metric.h"

#include <stdlib.h>

#include <algorithm>
#include <cmath>

#include "cli/subprocess.h"
#include "engine/ir/log.h"
#include "engine/ops/op.h"
#include "importers/onnx/write.h"

namespace octet::cli {
namespace {

constexpr std::string_view kPlace = "{}";

// The number that is all of the last line with anything in it.
std::optional<double> last_number(const std::string& text) {
  const char* blanks = " \t\r\n";
  const size_t last = text.find_last_not_of(blanks);
  if (last == std::string::npos) return std::nullopt;
  const size_t line = text.find_last_of('\n', last);
  const std::string word = text.substr(line == std::string::npos ? 0 : line + 1,
                                       line == std::string::npos ? last + 1 : last - line);
  char* end = nullptr;
  const double value = std::strtod(word.c_str(), &end);
  if (end == word.c_str() || *end != '\0' || !std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace

Result<Metric> Metric::of(const std::string& command, const Global& global) {
  auto words = split_words(command);
  if (!words) return std::move(words).error().in("--metric");
  const bool placed = std::any_of(words->begin(), words->end(), [](const std::string& word) {
    return word.find(kPlace) != std::string::npos;
  });
  if (!placed) words->emplace_back(kPlace);
  return Metric(std::move(*words), global);
}

Result<double> Metric::run(const std::filesystem::path& model) const {
  std::vector<std::string> words = words_;
  for (std::string& word : words)
    for (size_t at = word.find(kPlace); at != std::string::npos;
         at = word.find(kPlace, at + model.string().size()))
      word.replace(at, kPlace.size(), model.string());
  auto text = output_of(words, global_->deadline());
  if (!text) return std::move(text).error().in("--metric");
  const auto value = last_number(*text);
  if (!value)
    return invalid_data("--metric: '" + words[0] +
                        "' doesn't end its output with a line that is a finite number");
  return *value;
}

MetricLoss::Folder::~Folder() {
  std::error_code ignored;
  if (!path.empty()) std::filesystem::remove_all(path, ignored);
}

Result<MetricLoss> MetricLoss::of(Metric metric, Better better, const std::string& path,
                                  const Model& model, const std::filesystem::path& output) {
  MetricLoss loss(std::move(metric), better, model);
  loss.model_.graph = model.graph->clone();
  OCTET_ASSIGN(loss.real_, loss.metric_.run(path));
  auto folder = std::filesystem::absolute(output).parent_path() / ".octet-XXXXXX";
  std::string name = folder.string();
  if (::mkdtemp(name.data()) == nullptr)
    return Error{ErrorCode::machine, name + ": a folder for candidates can't be made"};
  loss.folder_ = std::make_shared<Folder>();
  loss.folder_->path = name;
  return loss;
}

Result<double> MetricLoss::measure(const Graph& graph) const {
  Model model = model_;
  model.graph = graph.clone();
  const auto path = folder_->path / "model.onnx";
  OCTET_RETURN_IF_ERROR(write_model(model, path, {}));
  return metric_.run(path);
}

Status MetricLoss::find_direction() {
  asked_ = true;
  const auto value = measure(*spoiled(*model_.graph));
  if (!value && value.error().code == ErrorCode::deadline) return value.error();
  if (value && *value != real_) better_ = *value < real_ ? Better::higher : Better::lower;
  log::lazily(log::Level::info, [&] {
    return "--metric: " + std::to_string(real_) + " of the float model, " +
           (value ? std::to_string(*value) : std::string("no number")) + " of a spoiled one";
  });
  return {};
}

Result<MetricLoss::Loss> MetricLoss::of(const Graph& graph, double bound) {
  OCTET_ASSIGN(const double value, measure(graph));
  const double change = std::fabs(value - real_);
  if (better_ == Better::unknown && !asked_ && change > bound)
    OCTET_RETURN_IF_ERROR(find_direction());
  if (better_ == Better::unknown) return Loss{change, value};
  return Loss{better_ == Better::higher ? real_ - value : value - real_, value};
}

std::shared_ptr<Graph> spoiled(const Graph& graph) {
  auto copy = graph.clone();
  for (const NodeId id : copy->order()) {
    if (copy->node(id).op->macs == nullptr) continue;
    for (size_t i = 0; i < copy->node(id).inputs.size(); ++i) {
      const Tensor* weight = copy->constant(copy->node(id).inputs[i]);
      if (weight == nullptr || weight->dtype() != DType::f32 || weight->rank() < 2) continue;
      std::vector<float> values(weight->as<float>().begin(), weight->as<float>().end());
      std::reverse(values.begin(), values.end());
      const std::string name = copy->unique_name("spoiled");
      const Tensor reversed = Tensor::of(weight->dims(), values);
      copy->set_input(id, i, copy->add_constant(name, reversed));
    }
  }
  return copy;
}

}  // namespace octet::cli
