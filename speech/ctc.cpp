#include "speech/ctc.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "speech/log_sum.h"

namespace octet::speech {
namespace {

constexpr size_t kManyNodes = 1U << 16;

}  // namespace

void GreedyCtc::push(std::span<const float> log_probs) {
  for (size_t at = 0; at + vocabulary_ <= log_probs.size(); at += vocabulary_) {
    const auto frame = log_probs.subspan(at, vocabulary_);
    const auto best = std::max_element(frame.begin(), frame.end());
    const int64_t token = best - frame.begin();
    log_prob_ += static_cast<double>(*best);
    if (token != blank_ && token != last_) tokens_.push_back(token);
    last_ = token;
  }
}

double CtcPrefixBeam::Prefix::total() const { return log_sum(label, blank); }

CtcPrefixBeam::CtcPrefixBeam(size_t vocabulary, int64_t blank, size_t beam)
    : vocabulary_(vocabulary), blank_(blank), beam_(beam), nodes_{{0, -1}} {
  prefixes_.push_back({0, kImpossible, 0});
}

// Keeps the nodes that prefixes still lead through, so that memory doesn't grow with what was
// dropped.
void CtcPrefixBeam::drop_unused_nodes() {
  std::vector<size_t> place(nodes_.size(), 0);
  for (const Prefix& prefix : prefixes_)
    for (size_t at = prefix.node; at != 0 && place[at] == 0; at = nodes_[at].parent) place[at] = 1;
  std::vector<Node> kept{nodes_[0]};
  // A parent always comes before its children.
  for (size_t i = 1; i < nodes_.size(); ++i) {
    if (place[i] == 0) continue;
    place[i] = kept.size();
    kept.push_back({place[nodes_[i].parent], nodes_[i].token});
  }
  for (Prefix& prefix : prefixes_) prefix.node = place[prefix.node];
  nodes_ = std::move(kept);
}

// How the next label `token` may begin after a prefix.
double CtcPrefixBeam::begin(const Prefix& prefix, int64_t token) const {
  return token == nodes_[prefix.node].token ? prefix.blank : prefix.total();
}

void CtcPrefixBeam::push_frame(std::span<const float> log_probs) {
  const auto log_prob = [&](int64_t token) {
    return static_cast<double>(log_probs[static_cast<size_t>(token)]);
  };
  struct Candidate {
    Prefix prefix;
    size_t from;
    int64_t token;  // -1: the prefix stays as it is.
    double total;
  };
  std::vector<Candidate> candidates;
  std::set<std::pair<size_t, int64_t>> present;  // Longer prefixes that are there already.
  for (const Prefix& prefix : prefixes_) {
    const auto [parent, token] = nodes_[prefix.node];
    Prefix same{prefix.node, kImpossible, prefix.total() + log_prob(blank_)};
    if (prefix.node != 0) same.label = prefix.label + log_prob(token);
    for (size_t i = 0; i < prefixes_.size() && prefix.node != 0; ++i) {
      if (prefixes_[i].node != parent) continue;
      same.label = log_sum(same.label, begin(prefixes_[i], token) + log_prob(token));
      present.emplace(i, token);
    }
    candidates.push_back({same, 0, -1, same.total()});
  }
  for (size_t i = 0; i < prefixes_.size(); ++i)
    for (int64_t token = 0; token < static_cast<int64_t>(vocabulary_); ++token) {
      if (token == blank_ || present.contains({i, token})) continue;
      const double label = begin(prefixes_[i], token) + log_prob(token);
      candidates.push_back({{0, label, kImpossible}, i, token, label});
    }
  const auto kept =
      candidates.begin() + static_cast<std::ptrdiff_t>(std::min(beam_, candidates.size()));
  std::partial_sort(
      candidates.begin(), kept, candidates.end(), [](const Candidate& a, const Candidate& b) {
        return a.total != b.total ? a.total > b.total
                                  : std::tie(a.from, a.token) < std::tie(b.from, b.token);
      });
  std::vector<Prefix> next;
  for (auto at = candidates.begin(); at != kept; ++at) {
    if (at->token >= 0) {
      at->prefix.node = nodes_.size();
      nodes_.push_back({prefixes_[at->from].node, at->token});
    }
    next.push_back(at->prefix);
  }
  prefixes_ = std::move(next);
  if (nodes_.size() > kManyNodes) drop_unused_nodes();
}

void CtcPrefixBeam::push(std::span<const float> log_probs) {
  for (size_t at = 0; at + vocabulary_ <= log_probs.size(); at += vocabulary_)
    push_frame(log_probs.subspan(at, vocabulary_));
}

std::vector<CtcPrefixBeam::Labels> CtcPrefixBeam::best(size_t count) const {
  std::vector<Labels> list;
  for (size_t i = 0; i < std::min(count, prefixes_.size()); ++i) {
    Labels labels{{}, prefixes_[i].total()};
    for (size_t at = prefixes_[i].node; at != 0; at = nodes_[at].parent)
      labels.tokens.push_back(nodes_[at].token);
    std::reverse(labels.tokens.begin(), labels.tokens.end());
    list.push_back(std::move(labels));
  }
  return list;
}

}  // namespace octet::speech
