#include "engine/quant/cost_model.h"

#include <algorithm>
#include <optional>
#include <set>

#include "engine/ops/op.h"

namespace octet::quant {
namespace {

constexpr double kSlower = 1.1;        // A node's quantized time over its float time.
constexpr double kWorthwhile = 0.02;   // Of the whole run: a node that loses less stays.
constexpr double kFaster = 0.01;       // Of the whole run: what leaving nodes has to bring.
constexpr double kShortestRun = 20.0;  // Microseconds.
constexpr double kIdle = 0.9;          // Integers that save less than a tenth of a node's time
constexpr double kFewWeights = 0.01;   // and no more than this share of the size buy nothing.
constexpr int kRounds = 3;
constexpr std::string_view kConversion = "convert:";

constexpr int kScoreNodes = 6;  // Scale, bias and mask between a product and its Softmax.

// The nodes whose steps carry their conversions along.
using Anchors = std::map<std::string, NodeId, std::less<>>;

bool rounds(const Node& node) {
  const std::string_view name = node.op->name;
  return name == "QuantizeLinear" || name == "DequantizeLinear" || name == "Quantize";
}

// Whose a step is, in a finished graph.
class Owners {
 public:
  Owners(const Graph& graph, const Anchors& anchors) : graph_(graph), anchors_(anchors) {
    for (const NodeId id : graph.order()) nodes_.emplace(graph.node(id).name, id);
    for (ValueId id = 0; id < graph.value_capacity(); ++id)
      if (graph.alive_value(id)) values_.emplace(graph.value(id).name, id);
  }

  std::set<NodeId> of(std::string_view step) const {
    if (const auto anchor = anchors_.find(step); anchor != anchors_.end()) return {anchor->second};
    if (step.starts_with(kConversion)) return around(value_of(step.substr(kConversion.size())));
    if (const auto node = nodes_.find(step); node != nodes_.end()) {
      if (!rounds(graph_.node(node->second))) return {};
      return around(graph_.node(node->second).outputs[0]);
    }
    return around(value_of(step));
  }

 private:
  ValueId value_of(std::string_view name) const {
    const auto at = values_.find(name);
    return at == values_.end() ? kNoValue : at->second;
  }

  // The anchors that read a value, through rounding, or else the one that makes it.
  std::set<NodeId> around(ValueId value) const {
    std::set<NodeId> found;
    if (value == kNoValue) return found;
    readers(value, found);
    const NodeId producer = graph_.value(value).producer;
    if (found.empty() && producer != kNoNode)
      if (const auto anchor = anchors_.find(graph_.node(producer).name); anchor != anchors_.end())
        found.insert(anchor->second);
    return found;
  }

  void readers(ValueId value, std::set<NodeId>& found) const {
    for (const Use& use : graph_.value(value).uses) {
      const Node& node = graph_.node(use.node);
      if (const auto anchor = anchors_.find(node.name); anchor != anchors_.end())
        found.insert(anchor->second);
      else if (rounds(node))
        readers(node.outputs[0], found);
    }
  }

  const Graph& graph_;
  const Anchors& anchors_;
  std::map<std::string, NodeId, std::less<>> nodes_;
  std::map<std::string, ValueId, std::less<>> values_;
};

// Microseconds of each anchor that is a step; conversions that several read are shared evenly.
std::map<NodeId, double> times_of(const Graph& graph, const Profile& profile,
                                  const Anchors& anchors) {
  const Owners owners(graph, anchors);
  std::map<NodeId, double> times;
  std::set<NodeId> steps;
  for (const Profile::Step& step : profile.steps) {
    const auto own = owners.of(step.name);
    for (const NodeId id : own) times[id] += step.us / static_cast<double>(own.size());
    if (const auto anchor = anchors.find(step.name); anchor != anchors.end())
      steps.insert(anchor->second);
  }
  std::erase_if(times, [&](const auto& entry) { return steps.count(entry.first) == 0; });
  return times;
}

// Names that several nodes share can't be told apart in a profile. Embeddings are codes for their
// size, whatever they cost.
Anchors anchors_of(const Report& report) {
  Anchors anchors;
  std::set<std::string> twice;
  for (const NodeReport& row : report.nodes)
    if (!row.node.empty() && row.op != "Gather" && !anchors.emplace(row.node, row.id).second)
      twice.insert(row.node);
  for (const std::string& name : twice) anchors.erase(name);
  return anchors;
}

// The products of an attention are one step with the Softmax between them, named after it, once
// that is fused: they are judged together. The names of all three stand for the second product, to
// which `first` gives the first one. An attention with other products in its scores (positions) is
// passed over.
class Attentions {
 public:
  Attentions(const Graph& graph, Anchors& anchors) : graph_(graph), anchors_(anchors) {
    // The loop changes `anchors`.
    // NOLINTNEXTLINE(performance-unnecessary-copy-initialization)
    const Anchors products = anchors;
    for (const NodeId id : graph.order()) {
      const Node& softmax = graph.node(id);
      if (softmax.op->name != "Softmax" || !softmax.op->domain.empty()) continue;
      std::set<std::string> before;
      std::set<std::string> after;
      above(softmax.inputs[0], kScoreNodes, before);
      below(softmax.outputs[0], after);
      if (before.size() != 1 || after.size() != 1) continue;
      const NodeId second = products.at(*after.begin());
      first_[second] = products.at(*before.begin());
      anchors_[*before.begin()] = anchors_[softmax.name] = second;
    }
  }

  std::optional<NodeId> first(NodeId second) const {
    const auto at = first_.find(second);
    return at == first_.end() ? std::nullopt : std::optional(at->second);
  }

 private:
  void above(ValueId value, int nodes, std::set<std::string>& found) const {
    const NodeId producer = graph_.value(value).producer;
    if (producer == kNoNode || nodes == 0) return;
    const Node& node = graph_.node(producer);
    if (anchors_.count(node.name) > 0) {
      found.insert(node.name);
      return;
    }
    for (const ValueId input : node.inputs)
      if (input != kNoValue) above(input, nodes - 1, found);
  }
  void below(ValueId value, std::set<std::string>& found) const {
    for (const Use& use : graph_.value(value).uses) {
      const Node& node = graph_.node(use.node);
      if (anchors_.count(node.name) > 0)
        found.insert(node.name);
      else if (rounds(node))
        below(node.outputs[0], found);
    }
  }

  const Graph& graph_;
  Anchors& anchors_;
  std::map<NodeId, NodeId> first_;
};

class Costs {
 public:
  Costs(const Candidates& candidates, const Measurements& measurements)
      : candidates_(candidates),
        measurements_(measurements),
        anchors_(anchors_of(candidates.all().report)) {}

  Result<Floats> run() {
    OCTET_ASSIGN(const auto real, candidates_.finished_real());
    attentions_.emplace(*real, anchors_);
    std::shared_ptr<Graph> best = candidates_.all().graph;
    std::vector<Loser> losses;
    for (int round = 0; round < kRounds; ++round) {
      OCTET_ASSIGN(const auto profiles, measurements_.profile(*real, *best));
      if (profiles[0].us < kShortestRun) break;
      losses =
          losses_of(times_of(*real, profiles[0], anchors_), times_of(*best, profiles[1], anchors_));
      const auto slower = those_where(losses, [&](const Loser& loser, const NodeTime& time) {
        return time.codes > kSlower * time.real && loser.loss > kWorthwhile * profiles[0].us;
      });
      OCTET_ASSIGN(const bool changed, leave(slower, 1 - kFaster, best));
      if (!changed) break;
    }
    const double few = kFewWeights * weights_of_all();
    const auto idle = those_where(losses, [&](const Loser& loser, const NodeTime& time) {
      return floats_.count(loser.id) == 0 && time.codes > kIdle * time.real &&
             weights_of(loser.id) <= few;
    });
    OCTET_RETURN_IF_ERROR(leave(idle, 1 + kFaster, best));
    return std::move(floats_);
  }

 private:
  struct Loser {
    NodeId id;
    double loss;  // Microseconds.
  };

  // Of nodes in codes, by descending loss; notes the times of all.
  std::vector<Loser> losses_of(const std::map<NodeId, double>& real,
                               const std::map<NodeId, double>& codes) {
    std::vector<Loser> list;
    for (const auto& [id, us] : codes) {
      const auto at = real.find(id);
      if (at == real.end() || floats_.count(id) > 0) continue;
      times_[id] = {at->second, us};
      list.push_back({id, us - at->second});
    }
    std::stable_sort(list.begin(), list.end(),
                     [](const Loser& a, const Loser& b) { return a.loss > b.loss; });
    return list;
  }

  template <typename F>
  std::vector<Loser> those_where(const std::vector<Loser>& losses, F wanted) const {
    std::vector<Loser> list;
    for (const Loser& loser : losses)
      if (wanted(loser, times_.at(loser.id))) list.push_back(loser);
    return list;
  }

  // What the products of the model read.
  double weights_of_all() const {
    double all = 0;
    for (const NodeReport& row : candidates_.all().report.nodes) all += weights_of(row.id);
    return all;
  }
  double weights_of(NodeId id) const {
    const Graph& real = candidates_.real();
    double count = 0;
    for (const ValueId input : real.node(id).inputs)
      if (const Tensor* constant = input == kNoValue ? nullptr : real.constant(input))
        count += static_cast<double>(constant->count());
    return count;
  }

  // Makes `list`, or a half of a half of it, float where the whole run takes no more than `most` of
  // its time then.
  Result<bool> leave(std::vector<Loser> list, double most, std::shared_ptr<Graph>& best) {
    for (; !list.empty(); list.resize(list.size() / 2)) {
      Floats floats = floats_;
      for (const Loser& loser : list) {
        floats.emplace(loser.id, reason_of(loser.id));
        if (const auto first = attentions_->first(loser.id))
          floats.emplace(*first, reason_of(loser.id));
      }
      OCTET_ASSIGN(Candidate candidate, candidates_.make(floats));
      OCTET_ASSIGN(const auto profiles, measurements_.profile(*best, *candidate.graph));
      if (profiles[1].us > most * profiles[0].us) continue;
      floats_ = std::move(floats);
      best = std::move(candidate.graph);
      return true;
    }
    return false;
  }

  std::string reason_of(NodeId id) const {
    const NodeTime& time = times_.at(id);
    const auto tenths = [](double us) {
      const std::string text = std::to_string(us);
      return text.substr(0, text.find('.') + 2);
    };
    return (time.codes > kSlower * time.real ? "faster: " : "no slower: ") + tenths(time.real) +
           " us in float, " + tenths(time.codes) + " us in integers with the conversions around it";
  }

  const Candidates& candidates_;
  const Measurements& measurements_;
  Anchors anchors_;
  std::optional<Attentions> attentions_;
  Floats floats_;
  std::map<NodeId, NodeTime> times_;
};

}  // namespace

Result<Floats> slower_nodes(const Candidates& candidates, const Measurements& measurements) {
  return Costs(candidates, measurements).run();
}

Status note_times(const Candidates& candidates, const Measurements& measurements,
                  Candidate& candidate) {
  OCTET_ASSIGN(const auto real, candidates.finished_real());
  OCTET_ASSIGN(const auto profiles, measurements.profile(*real, *candidate.graph));
  Anchors anchors = anchors_of(candidate.report);
  const Attentions joined(*real, anchors);
  const auto real_times = times_of(*real, profiles[0], anchors);
  const auto code_times = times_of(*candidate.graph, profiles[1], anchors);
  candidate.report.time = NodeTime{profiles[0].us, profiles[1].us};
  for (NodeReport& row : candidate.report.nodes) {
    const auto before = real_times.find(row.id);
    const auto after = code_times.find(row.id);
    if (before != real_times.end() && after != code_times.end())
      row.time = NodeTime{before->second, after->second};
  }
  return {};
}

}  // namespace octet::quant
