#include "engine/quant/candidates.h"

#include <algorithm>

#include "engine/ops/common/recurrent.h"
#include "engine/passes/pass.h"
#include "engine/quant/half_constants.h"
#include "engine/quant/values.h"

namespace octet::quant {
namespace {

Result<LayerRanges> said_of_layers(const Graph& prepared, const QuantizeOptions& options,
                                   const Calibration& calibration) {
  if (calibration.layers.empty()) return LayerRanges{};
  const auto bits = static_cast<int64_t>(dtype_bits(options.activations));
  OCTET_ASSIGN(const auto layers, read_layers(calibration.layers, bits));
  return match_layers(prepared, layers);
}

// Multiply-accumulates of each node where the inputs have these dims; what isn't known is left out.
std::map<NodeId, int64_t> count_macs(const Graph& graph, const std::map<std::string, Dims>& dims) {
  std::map<NodeId, int64_t> macs;
  const auto typed = graph.clone();
  for (const ValueId id : typed->inputs)
    if (const auto at = dims.find(typed->value(id).name); at != dims.end())
      typed->value(id).type.shape = to_shape(at->second);
  if (!infer_graph(*typed)) return macs;
  for (const NodeId id : typed->order()) {
    const Node& node = typed->node(id);
    if (node.op->macs == nullptr) continue;
    const auto count = node.op->macs(*typed, node);
    if (count && count->known()) macs[id] = count->value();
  }
  return macs;
}

}  // namespace

Status fuse_for_selection(Graph& graph) {
  OCTET_RETURN_IF_ERROR(passes::fuse_activation::run(graph, {}));
  remove_dead(graph);
  return infer_graph(graph);
}

void choose_states(Graph& graph, const QuantizeOptions& options, Report& report) {
  if (options.state_bits == 16) return;
  for (const NodeId id : graph.order()) {
    Node& node = graph.node(id);
    if (!ops::recurrent::is_recurrent(node) || !graph.value(node.inputs[ops::recurrent::kR]).quant)
      continue;
    node.attrs = ops::recurrent::with_state_bits(node, options.state_bits);
    const auto made = std::find_if(node.outputs.begin(), node.outputs.end(),
                                   [](ValueId output) { return output != kNoValue; });
    if (node.name.empty() && made != node.outputs.end()) node.name = graph.value(*made).name;
    for (NodeReport& row : report.nodes)
      if (row.id == id) row.reason += ", states of " + std::to_string(options.state_bits) + " bits";
  }
}

Status finish(Graph& graph) {
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    if (node.op->domain == kOctetDomain && node.op->expand != nullptr)
      OCTET_RETURN_IF_ERROR(node.op->expand(graph, id));
  }
  OCTET_RETURN_IF_ERROR(infer_graph(graph));
  remove_dead(graph);
  return {};
}

Status collect(const Graph& graph, const Calibrate& calibrate, Observations& observations) {
  OCTET_ASSIGN(const size_t samples,
               calibrate(graph, [&](std::string_view name, const TensorView& view) {
                 return observations.add(name, view);
               }));
  observations.set_samples(samples);
  return {};
}

Result<Candidates> Candidates::of(Graph& graph, const QuantizeOptions& options,
                                  const Calibration& calibration,
                                  const Measurements& measurements) {
  Candidates made;
  made.options_ = options;
  // Of the graph as it was given; merging asks for it.
  made.observations_ = std::make_shared<Observations>(
      calibration.observations != nullptr ? fingerprint(graph) : std::string());
  OCTET_RETURN_IF_ERROR(fuse_for_selection(graph));
  if (options.mode == Mode::statically)
    OCTET_RETURN_IF_ERROR(made.prepare_static(graph, calibration));
  made.macs_ = count_macs(graph, measurements.input_dims);
  made.real_ = std::make_shared<Graph>(std::move(graph));
  OCTET_ASSIGN(made.all_, made.make({}, &made.rounded_));
  for (const Algorithm* algorithm : made.chosen_)
    if (const auto count = made.all_.report.algorithms.find(std::string(algorithm->name));
        algorithm->phase == Phase::weights && count != made.all_.report.algorithms.end())
      made.changes_[count->first] = count->second;
  return made;
}

Status Candidates::choose_algorithms(const Graph& graph, const Calibration& calibration) {
  OCTET_ASSIGN(const auto wanted, chosen_algorithms(options_));
  for (const Algorithm* algorithm : wanted) {
    OCTET_ASSIGN(const auto reason, obstacle(*algorithm, graph, options_, calibration));
    if (reason.empty())
      chosen_.push_back(algorithm);
    else
      left_out_[std::string(algorithm->name)] = reason;
  }
  return {};
}

// Algorithms on the float graph, then ranges: observed of the graph as it then is, or, of
// observations made elsewhere, following the channels that the algorithms scaled.
Status Candidates::prepare_static(Graph& graph, const Calibration& calibration) {
  calibrate_ = calibration.run;
  parallel_ = calibration.parallel;
  const bool observed = calibration.observations != nullptr;
  if (observed) OCTET_RETURN_IF_ERROR(observations_->merge(*calibration.observations));
  OCTET_RETURN_IF_ERROR(choose_algorithms(graph, calibration));
  channels_ = observed ? observations_ : std::make_shared<Observations>();
  if (!observed && !chosen_.empty()) {
    want_channels(graph, *channels_);
    OCTET_RETURN_IF_ERROR(collect(graph, calibrate_, *channels_));
  }
  Report changes;
  AlgorithmContext context{graph, nullptr, *channels_, calibrate_, *rounding_, changes, parallel_};
  OCTET_RETURN_IF_ERROR(run_algorithms(chosen_, Phase::real, context));
  changes_ = std::move(changes.algorithms);
  if (!observed && calibrate_) {
    want_ranges(graph, options_, *observations_);
    OCTET_RETURN_IF_ERROR(collect(graph, calibrate_, *observations_));
  }
  OCTET_ASSIGN(layers_, said_of_layers(graph, options_, calibration));
  return {};
}

Result<Candidate> Candidates::make(const Floats& floats) const { return make(floats, nullptr); }

// `rounded` set: keeps the quantized graph there once its weights are rounded.
Result<Candidate> Candidates::make(const Floats& floats, std::shared_ptr<Graph>* rounded) const {
  Candidate made;
  made.graph = real_->clone();
  OCTET_RETURN_IF_ERROR(quantize_to(*made.graph, floats, rounded, made.report));
  OCTET_RETURN_IF_ERROR(quantize_embeddings(*made.graph, options_, floats, made.report));
  choose_states(*made.graph, options_, made.report);
  made.report.values = describe_values(*made.graph, *observations_);
  OCTET_RETURN_IF_ERROR(shorten_rest(made));
  OCTET_RETURN_IF_ERROR(finish(*made.graph));
  for (NodeReport& row : made.report.nodes)
    if (const auto macs = macs_.find(row.id); macs != macs_.end()) row.macs = macs->second;
  return made;
}

// A model that quantizes nothing stays the float model.
Status Candidates::shorten_rest(Candidate& made) const {
  const auto& rows = made.report.nodes;
  const bool any = std::any_of(rows.begin(), rows.end(),
                               [](const NodeReport& row) { return row.outcome != "float"; });
  if (!any || options_.format == Format::integer) return {};
  // What dynamic quantization makes itself (products of scales) keeps its precision.
  const bool dynamic = options_.mode == Mode::dynamic;
  const auto end = dynamic ? static_cast<ValueId>(real_->value_capacity()) : kNoValue;
  return store_rest_as_halfs(*made.graph, options_, end);
}

Status Candidates::quantize_to(Graph& graph, const Floats& floats, std::shared_ptr<Graph>* rounded,
                               Report& report) const {
  if (options_.mode == Mode::dynamic) {
    OCTET_ASSIGN(report, quantize_dynamic(graph, options_, floats));
    return {};
  }
  OCTET_ASSIGN(report,
               quantize_static(graph, options_, {*observations_, layers_, floats, rounded_.get()}));
  report.samples = observations_->samples();
  report.algorithms = changes_;
  report.left_out = left_out_;
  AlgorithmContext context{graph,      real_.get(), *channels_, calibrate_,
                           *rounding_, report,      parallel_};
  if (rounded != nullptr) {
    OCTET_RETURN_IF_ERROR(run_algorithms(chosen_, Phase::weights, context));
    *rounded = graph.clone();
  }
  OCTET_RETURN_IF_ERROR(run_algorithms(chosen_, Phase::biases, context));
  if (options_.format == Format::integer) OCTET_RETURN_IF_ERROR(to_integer_nodes(graph));
  return {};
}

Result<std::shared_ptr<Graph>> Candidates::finished_real() const {
  auto graph = real_->clone();
  OCTET_RETURN_IF_ERROR(finish(*graph));
  return graph;
}

double Candidates::work(NodeId id) const {
  double work = 0;
  if (const auto macs = macs_.find(id); macs != macs_.end())
    work += static_cast<double>(macs->second);
  for (const ValueId input : real_->node(id).inputs)
    if (const Tensor* constant = real_->constant(input))
      work += static_cast<double>(constant->count());
  return std::max(work, 1.0);
}

}  // namespace octet::quant
