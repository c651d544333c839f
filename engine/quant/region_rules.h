#pragma once

#include "engine/ops/op.h"
#include "engine/quant/channel_region.h"

namespace octet::quant {

/// Grows one region; the rules of operators call back into it.
class RegionGrower {
 public:
  /// `tapping`: readers of the start that aren't linear layers are left out, as taps.
  RegionGrower(const Graph& graph, bool tapping) : graph_(graph), tapping_(tapping) {}
  std::optional<ChannelRegion> grow(ValueId start, size_t axis);

  const Graph& graph() const { return graph_; }
  /// Asks for a value to be scaled too; false when it can't be, or is already in another way.
  bool join(ValueId id, Channels channels);
  bool holds(ValueId id) const { return region_.values.count(id) > 0; }
  /// Lets a constant give (source) or take back the scale. Only f32 constants of a single use.
  bool absorb(Use use, const Channels& channels, bool source, size_t group = 1);
  /// Notes an operand of arithmetic that is done in integers.
  void read(Use use, ValueId id, const Channels& channels);
  void mark_norm() { region_.from_norm = true; }

 private:
  bool visit(ValueId id);
  bool fits(ValueId id, const Channels& channels) const;

  const Graph& graph_;
  bool tapping_;
  ChannelRegion region_;
  std::vector<ValueId> waiting_;
};

/// How an operator takes part in a region; false ends the attempt.
struct RegionRule {
  std::string_view op;
  /// The node makes `output`, whose channels are scaled.
  bool (*made)(RegionGrower&, NodeId, ValueId output, const Channels&);
  /// The node reads a value whose channels are scaled.
  bool (*used)(RegionGrower&, Use, const Channels&);
};
const RegionRule* find_region_rule(const OpDef& op);

}  // namespace octet::quant
