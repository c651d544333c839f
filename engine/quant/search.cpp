#include "engine/quant/search.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>

namespace octet::quant {
namespace {

// A node that may become float again.
struct Suspect {
  NodeId id = kNoNode;
  double sqnr = 0.0;
  double noise = 0.0;  // Over signal.
  double work = 1.0;
};

std::string reason_of(const Suspect& suspect) {
  char text[96];
  std::snprintf(text, sizeof(text), "sensitivity: alone in integers it leaves %.1f dB",
                suspect.sqnr);
  return text;
}

class Search {
 public:
  Search(const Candidates& candidates, const Floats& base, const Measurements& measurements)
      : candidates_(candidates), base_(base), measurements_(measurements) {}

  Result<Candidate> run(Candidate first) {
    best_ = std::move(first);
    OCTET_ASSIGN(const bool good, judge(best_));
    if (!good) {
      OCTET_RETURN_IF_ERROR(measure());
      OCTET_ASSIGN(const size_t prefix, bisect());
      OCTET_RETURN_IF_ERROR(put_back(prefix));
    }
    for (NodeReport& row : best_.report.nodes)
      for (const Suspect& suspect : suspects_)
        if (suspect.id == row.id) row.sqnr = suspect.sqnr;
    best_.report.loss = figure_;
    best_.report.trials = trials_;
    return std::move(best_);
  }

 private:
  // Whether the candidate keeps to the bound; its figure is kept where it does.
  Result<bool> judge(const Candidate& candidate) {
    OCTET_ASSIGN(Verdict verdict, measurements_.judge(*candidate.graph));
    ++trials_;
    if (verdict.good) figure_ = verdict.figure;
    last_figure_ = std::move(verdict.figure);
    return verdict.good;
  }

  Status measure() {
    for (const NodeReport& row : best_.report.nodes)
      if (row.outcome != "float") suspects_.push_back({row.id, 0, 0, candidates_.work(row.id)});
    for (Suspect& suspect : suspects_) {
      Floats others = base_;
      for (const Suspect& other : suspects_)
        if (other.id != suspect.id) others.emplace(other.id, std::string());
      OCTET_ASSIGN(const Candidate alone, candidates_.make(others));
      OCTET_ASSIGN(suspect.sqnr, measurements_.sqnr(*alone.graph));
      suspect.noise = std::pow(10.0, -suspect.sqnr / 10);
    }
    std::stable_sort(suspects_.begin(), suspects_.end(), [](const Suspect& a, const Suspect& b) {
      return a.noise / a.work > b.noise / b.work;
    });
    return {};
  }

  Result<Candidate> with_floats(const std::vector<bool>& in_float) const {
    Floats floats = base_;
    for (size_t i = 0; i < suspects_.size(); ++i)
      if (in_float[i]) floats.emplace(suspects_[i].id, reason_of(suspects_[i]));
    return candidates_.make(floats);
  }

  // The length of the shortest prefix that has to be float; best_ has it.
  Result<size_t> bisect() {
    size_t bad = 0;
    size_t good = suspects_.size() + 1;
    while (good - bad > 1) {
      // The float model is judged only when nothing shorter does.
      const size_t middle = bad + (good - bad) / 2;
      std::vector<bool> in_float(suspects_.size(), false);
      std::fill_n(in_float.begin(), middle, true);
      OCTET_ASSIGN(Candidate candidate, with_floats(in_float));
      OCTET_ASSIGN(const bool kept, judge(candidate));
      if (!kept) {
        bad = middle;
        continue;
      }
      good = middle;
      best_ = std::move(candidate);
    }
    if (good > suspects_.size())
      return Error{ErrorCode::invalid_data,
                   "with every node in float the loss is still past --max-loss: " + last_figure_};
    return good;
  }

  Status put_back(size_t prefix) {
    std::vector<bool> in_float(suspects_.size(), false);
    std::fill_n(in_float.begin(), prefix, true);
    // The last of the prefix is known to be needed beside the others.
    std::vector<size_t> order;
    for (size_t i = prefix - 1; i-- > 0;) order.push_back(i);
    size_t left = 2 * std::bit_width(suspects_.size());
    for (const size_t i : order) {
      if (left-- == 0) break;
      in_float[i] = false;
      OCTET_ASSIGN(Candidate candidate, with_floats(in_float));
      OCTET_ASSIGN(const bool kept, judge(candidate));
      in_float[i] = !kept;
      if (kept) best_ = std::move(candidate);
    }
    return {};
  }

  const Candidates& candidates_;
  const Floats& base_;
  const Measurements& measurements_;
  std::vector<Suspect> suspects_;  // Ranked.
  Candidate best_;
  std::string figure_;
  std::string last_figure_;
  size_t trials_ = 0;
};

}  // namespace

Result<Candidate> search(const Candidates& candidates, Candidate first, const Floats& base,
                         const Measurements& measurements) {
  return Search(candidates, base, measurements).run(std::move(first));
}

}  // namespace octet::quant
