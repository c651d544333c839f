#include "runtime/session/lower.h"

#include <map>
#include <tuple>

#include "engine/ir/log.h"
#include "engine/ir/memory.h"
#include "engine/ir/stop.h"
#include "engine/ops/common/signature.h"
#include "engine/ops/transpose.h"
#include "runtime/brought.h"
#include "runtime/providers.h"
#include "runtime/session/alike_steps.h"
#include "runtime/session/convert.h"
#include "runtime/session/program.h"

namespace octet::runtime {
namespace {

bool is_half(DType type) { return type == DType::f16 || type == DType::bf16; }

class Lowering {
 public:
  Lowering(std::shared_ptr<Graph> graph, const CompileOptions& options, CompileWeights& weights)
      : options_(options), weights_(weights), graph_(*graph) {
    plan_.graph = std::move(graph);
    layouts_.assign(graph_.value_capacity(), Layout::row_major);
    primary_.assign(graph_.value_capacity(), kNoSlot);
  }

  Result<Plan> run() {
    for (const ValueId id : graph_.inputs) {
      // An input with a constant is a default value that nobody overrides.
      const bool fixed = graph_.value(id).constant.has_value();
      plan_.inputs.push_back(fixed ? kNoSlot : add_primary(id));
    }
    for (const NodeId id : graph_.order()) {
      OCTET_RETURN_IF_ERROR(check_stop());
      if (auto status = lower_node(id); !status)
        return std::move(status).error().in(graph_.node(id).label());
    }
    for (const ValueId id : graph_.outputs()) {
      const Value& value = graph_.value(id);
      PortForm form;
      if (is_half(value.type.dtype)) form.storage = PortForm::Storage::stored;
      OCTET_ASSIGN(const SlotId slot, form_of(id, form));
      plan_.outputs.push_back(slot);
    }
    plan_.types = group_types(graph_);
    plan_.alike = alike_steps(plan_);
    for (SlotId id = 0; id < plan_.slots.size(); ++id)
      if (!plan_.slots[id].constant) plan_.made.push_back(id);
    return std::move(plan_);
  }

 private:
  using Key = std::tuple<ValueId, PortForm::Storage, Layout>;

  // The key of a form; real and stored are one where nothing tells them apart.
  Key key_of(ValueId id, PortForm form) const {
    const Value& value = graph_.value(id);
    const bool two_forms = value.quant || is_half(value.type.dtype);
    const auto storage = two_forms ? form.storage : PortForm::Storage::real;
    const bool flat = !value.type.shape || value.type.shape->size() < 3;
    return {id, storage, flat ? Layout::row_major : form.layout};
  }

  Slot slot_for(const Key& key) const {
    const auto [id, storage, layout] = key;
    const Value& value = graph_.value(id);
    Slot slot;
    slot.value = id;
    slot.layout = layout;
    slot.boxed = value.type.boxed();
    if (storage == PortForm::Storage::stored && value.quant) {
      slot.quant = value.quant;
      slot.dtype = value.quant->storage;
    } else {
      const bool widened = storage == PortForm::Storage::real && is_half(value.type.dtype);
      slot.dtype = widened ? DType::f32 : value.type.dtype;
    }
    return slot;
  }

  SlotId add_slot(Slot slot) {
    plan_.slots.push_back(std::move(slot));
    return static_cast<SlotId>(plan_.slots.size() - 1);
  }

  // The primary form of an input or a constant: as stored, row-major.
  SlotId add_primary(ValueId id) {
    const Key key = key_of(id, {PortForm::Storage::stored, Layout::row_major});
    const SlotId slot = add_slot(slot_for(key));
    plan_.slots[slot].constant = graph_.value(id).constant;
    forms_[key] = slot;
    primary_[id] = slot;
    return slot;
  }

  Result<SlotId> form_of(ValueId id, PortForm form) {
    if (primary_[id] == kNoSlot) {
      if (!graph_.value(id).constant)
        return invalid_model("value '{}' is read but never made", graph_.value(id).name);
      add_primary(id);
    }
    return convert(key_of(id, form));
  }

  // Makes the form out of the primary one: layout first while the elements are narrow.
  Result<SlotId> convert(const Key& key) {
    if (const auto at = forms_.find(key); at != forms_.end()) return at->second;
    const auto [id, storage, layout] = key;
    SlotId from = primary_[id];
    const Slot& made = plan_.slots[from];
    const Slot wanted = slot_for(key);
    const bool storage_differs =
        made.dtype != wanted.dtype || (made.quant != nullptr) != (wanted.quant != nullptr);
    if (storage_differs && made.layout != layout) {
      const auto made_storage = made.dtype == DType::f32 && !made.quant ? PortForm::Storage::real
                                                                        : PortForm::Storage::stored;
      const bool narrow_now = made_storage == PortForm::Storage::stored;
      const Key middle = narrow_now ? Key{id, made_storage, layout} : Key{id, storage, made.layout};
      OCTET_ASSIGN(from, convert(middle));
    }
    const SlotId to = add_slot(wanted);
    forms_[key] = to;
    OCTET_RETURN_IF_ERROR(add_conversion(from, to));
    return to;
  }

  Status add_conversion(SlotId from, SlotId to) {
    Slot& target = plan_.slots[to];
    const Slot& source = plan_.slots[from];
    if (source.constant) {
      auto made =
          catch_memory_errors([&] { return convert_constant(*source.constant, source, target); });
      if (!made)
        return std::move(made).error().in("constant '" + graph_.value(target.value).name + "'");
      target.constant = std::move(*made);
      return {};
    }
    PlannedStep planned;
    OCTET_ASSIGN(planned.step, make_conversion(source, target, options_.cpu));
    planned.inputs = {from};
    planned.outputs = {to};
    planned.relabels = true;
    planned.name = "convert:" + graph_.value(target.value).name;
    add_step(std::move(planned));
    return {};
  }

  void add_step(PlannedStep planned) {
    for (const SlotId slot : planned.outputs)
      if (slot != kNoSlot) plan_.slots[slot].producer = plan_.steps.size();
    planned.info = planned.step->info();
    log::lazily(log::Level::debug, [&] {
      const std::string what =
          planned.node == kNoNode ? planned.name : graph_.node(planned.node).label();
      return what + ": " + planned.info.kernel + " (" + planned.info.provider + ", " +
             std::string(isa_name(planned.info.isa)) + ")";
    });
    plan_.steps.push_back(std::move(planned));
  }

  static PortForm port(const std::vector<PortForm>& forms, size_t i) {
    if (forms.empty()) return {};
    return i < forms.size() ? forms[i] : forms.back();
  }

  // Boxed values go only to ports that take values as they are.
  bool takes_boxed(const Node& node, const Ports& ports) const {
    const auto fits = [&](const std::vector<ValueId>& ids, const std::vector<PortForm>& forms) {
      for (size_t i = 0; i < ids.size(); ++i)
        if (ids[i] != kNoValue && graph_.value(ids[i]).type.boxed() &&
            port(forms, i).storage != PortForm::Storage::stored)
          return false;
      return true;
    };
    return fits(node.inputs, ports.inputs) && fits(node.outputs, ports.outputs);
  }

  Provider provider_of(const Node& node) const {
    if (options_.provider != Provider::automatic || !options_.choices) return options_.provider;
    const auto chosen = options_.choices->find(node.name);
    return chosen == options_.choices->end() ? options_.provider : chosen->second;
  }

  Status lower_node(NodeId id) {
    const Node& node = graph_.node(id);
    const bool reference = options_.provider == Provider::reference;
    const CpuToken cpu = reference ? CpuToken::scalar() : options_.cpu;
    const LowerContext context(graph_, node, cpu, layouts_, &weights_);
    Error last = unsupported("there is no implementation for these types");
    for (const Implementation* row : candidates(*node.op, provider_of(node))) {
      const auto ports = row->match ? row->match(context) : std::optional<Ports>(Ports{});
      if (!ports || !takes_boxed(node, *ports)) continue;
      weights_.take_ports();
      auto step = catch_memory_errors([&] { return prepare_row(*row, context); });
      if (step) return add_node_step(id, std::move(step).value(), *ports);
      last = std::move(step).error();
      if (last.code != ErrorCode::unsupported) break;
    }
    return last;
  }

  Status add_node_step(NodeId id, std::unique_ptr<Step> step, const Ports& ports) {
    const Node& node = graph_.node(id);
    PlannedStep planned;
    planned.step = std::move(step);
    planned.node = id;
    planned.name = node.name;
    planned.packed_inputs = weights_.take_ports();
    planned.alias = node.op->alias.kind;
    planned.relabels = ops::transpose_axes(node, 0).has_value();
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (!node.has_input(i)) {
        planned.inputs.push_back(kNoSlot);
        continue;
      }
      OCTET_ASSIGN(const SlotId slot, form_of(node.inputs[i], port(ports.inputs, i)));
      planned.inputs.push_back(slot);
      if (reads_extents(*node.op, i) && !graph_.value(node.inputs[i]).constant)
        planned.extent_inputs.push_back(i);
    }
    for (const auto& body : node.bodies) {
      OCTET_ASSIGN(auto program, Program::compile_body(body->clone(), options_, weights_));
      planned.bodies.push_back(std::move(program));
    }
    std::vector<std::pair<SlotId, SlotId>> rounding;
    for (size_t i = 0; i < node.outputs.size(); ++i)
      planned.outputs.push_back(node.has_output(i)
                                    ? add_output(node.outputs[i], port(ports.outputs, i), rounding)
                                    : kNoSlot);
    drop_packed(node, planned.packed_inputs);
    add_step(std::move(planned));
    for (const auto& [made, codes] : rounding) OCTET_RETURN_IF_ERROR(add_conversion(made, codes));
    return {};
  }

  // A packed constant that no other node has goes at once: the rest of the graph is still to be
  // packed.
  void drop_packed(const Node& node, const std::vector<size_t>& ports) {
    for (const size_t i : ports) {
      const ValueId id = node.inputs[i];
      Value& value = graph_.value(id);
      if (value.uses.size() != 1 || graph_.is_output(id)) continue;
      value.constant = value.constant->without_elements();
      plan_.slots[primary_[id]].constant = value.constant;
    }
  }

  // A quantized value that its producer gives as real numbers is rounded at once: its codes are the
  // primary form, and the unrounded numbers are seen by nobody else.
  SlotId add_output(ValueId id, PortForm form, std::vector<std::pair<SlotId, SlotId>>& rounding) {
    const Key key = key_of(id, form);
    const SlotId made = add_slot(slot_for(key));
    const Slot& slot = plan_.slots[made];
    layouts_[id] = slot.layout;
    if (graph_.value(id).quant && !slot.quant) {
      const Key codes_key{id, PortForm::Storage::stored, slot.layout};
      const SlotId codes = add_slot(slot_for(codes_key));
      forms_[codes_key] = codes;
      primary_[id] = codes;
      rounding.emplace_back(made, codes);
      return made;
    }
    forms_[key] = made;
    primary_[id] = made;
    return made;
  }

  const CompileOptions& options_;
  CompileWeights& weights_;
  Plan plan_;
  Graph& graph_;
  std::map<Key, SlotId> forms_;
  std::vector<SlotId> primary_;
  std::vector<Layout> layouts_;
};

}  // namespace

Result<Plan> lower(std::shared_ptr<Graph> graph, const CompileOptions& options,
                   CompileWeights& weights) {
  return Lowering(std::move(graph), options, weights).run();
}

}  // namespace octet::runtime
