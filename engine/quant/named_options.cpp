#include "engine/quant/named_options.h"

#include <algorithm>
#include <iterator>
#include <set>

namespace octet::quant {
namespace {

template <typename T>
struct Word {
  std::string_view name;
  T value;
};

constexpr Word<Mode> kModes[] = {{"static", Mode::statically},
                                 {"dynamic", Mode::dynamic},
                                 {"fp16", Mode::fp16},
                                 {"int4", Mode::int4}};
constexpr Word<Format> kFormats[] = {{"qdq", Format::qdq}, {"integer", Format::integer}};
constexpr Word<Calibrator> kCalibrators[] = {{"minmax", Calibrator::minmax},
                                             {"moving", Calibrator::moving},
                                             {"percentile", Calibrator::percentile},
                                             {"entropy", Calibrator::entropy},
                                             {"mse", Calibrator::mse}};
constexpr Word<DType> kActivations[] = {{"8", DType::u8}, {"16", DType::s16}};
constexpr Word<int64_t> kStates[] = {{"8", 8}, {"16", 16}};
constexpr Word<int64_t> kBlocks[] = {{"16", 16}, {"32", 32}, {"64", 64}, {"128", 128}};
constexpr Word<bool> kScales[] = {{"row", true}, {"tensor", false}};
constexpr Word<bool> kSwitch[] = {{"on", true}, {"off", false}};

Error refused(std::string_view name, std::string_view word, const std::string& known) {
  return {ErrorCode::invalid_argument,
          std::string(name) + " can't be '" + std::string(word) + "': " + known};
}

template <typename T, size_t N>
Status choose(T& member, const Word<T> (&words)[N], std::string_view name, std::string_view word) {
  const auto* at = std::find_if(std::begin(words), std::end(words),
                                [&](const Word<T>& each) { return each.name == word; });
  if (at != std::end(words)) {
    member = at->value;
    return {};
  }
  std::string known;
  for (const Word<T>& each : words) known.append(known.empty() ? "" : ", ").append(each.name);
  return refused(name, word, known);
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    parts.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

Status set_mode(QuantizeOptions& o, std::string_view n, std::string_view w) {
  return choose(o.mode, kModes, n, w);
}
Status set_format(QuantizeOptions& o, std::string_view n, std::string_view w) {
  return choose(o.format, kFormats, n, w);
}
Status set_calibrator(QuantizeOptions& o, std::string_view n, std::string_view w) {
  return choose(o.calibrator.calibrator, kCalibrators, n, w);
}
Status set_activations(QuantizeOptions& o, std::string_view n, std::string_view w) {
  return choose(o.activations, kActivations, n, w);
}
Status set_states(QuantizeOptions& o, std::string_view n, std::string_view w) {
  return choose(o.state_bits, kStates, n, w);
}
Status set_block_size(QuantizeOptions& o, std::string_view n, std::string_view w) {
  return choose(o.block_size, kBlocks, n, w);
}
Status set_dynamic_scales(QuantizeOptions& o, std::string_view n, std::string_view w) {
  return choose(o.row_scales, kScales, n, w);
}
Status set_cost_model(QuantizeOptions& o, std::string_view n, std::string_view w) {
  return choose(o.leave_slower, kSwitch, n, w);
}
Status set_algorithms(QuantizeOptions& o, std::string_view /*name*/, std::string_view word) {
  if (word == "default")
    o.algorithms.reset();
  else
    o.algorithms = word == "none" ? std::vector<std::string>() : split(word);
  return {};
}
Status add_excluded(QuantizeOptions& o, std::string_view /*name*/, std::string_view word) {
  o.exclude.emplace_back(word);
  return {};
}

using Setter = Status (*)(QuantizeOptions&, std::string_view, std::string_view);
constexpr Word<Setter> kOptions[] = {{"mode", set_mode},
                                     {"format", set_format},
                                     {"calibrator", set_calibrator},
                                     {"activations", set_activations},
                                     {"states", set_states},
                                     {"block-size", set_block_size},
                                     {"dynamic-scales", set_dynamic_scales},
                                     {"cost-model", set_cost_model},
                                     {"algorithms", set_algorithms},
                                     {"exclude", add_excluded}};

}  // namespace

Status set_option(QuantizeOptions& options, std::string_view name, std::string_view word) {
  Setter setter = nullptr;
  OCTET_RETURN_IF_ERROR(choose(setter, kOptions, "an option of quantization", name));
  return setter(options, name, word);
}

Status check_excluded(const Graph& graph, const QuantizeOptions& options) {
  std::set<std::string_view> present;
  for (const NodeId id : graph.order()) present.insert(graph.node(id).name);
  for (const std::string& name : options.exclude)
    if (!present.contains(name))
      return Error{ErrorCode::invalid_argument, "exclude: the model has no node '" + name + "'"};
  return {};
}

}  // namespace octet::quant
