#include <algorithm>
#include <cmath>

#include "engine/ops/common/real.h"
#include "engine/ops/common/rewrite.h"
#include "engine/ops/op.h"
#include "kernels/layernorm_f32/layernorm_f32.h"

// https://arxiv.org/abs/1607.08022 and https://arxiv.org/abs/1803.08494: groups of an image's
// channels have a mean and a variance of their own.

namespace octet::ops::instance_normalization {
namespace {

using namespace kernels;

struct InstanceNormAttrs {
  float epsilon = 1e-5F;
  static constexpr auto fields() {
    return std::tuple{field("epsilon", &InstanceNormAttrs::epsilon)};
  }
};

struct GroupNormAttrs {
  float epsilon = 1e-5F;
  int64_t num_groups = 1;
  int64_t stash_type = 1;
  static constexpr auto fields() {
    return std::tuple{field("epsilon", &GroupNormAttrs::epsilon),
                      field("num_groups", &GroupNormAttrs::num_groups, {.required = true}),
                      field("stash_type", &GroupNormAttrs::stash_type, {.since = 21})};
  }
};

// Below opset 21 scale and bias have an entry a group, not a channel.
Status canonical(const CanonicalContext& context) {
  if (context.opset >= 21) return {};
  Graph& graph = context.graph;
  const auto& shape = graph.value(context.node().inputs[0]).type.shape;
  const int64_t groups = context.attrs<GroupNormAttrs>().num_groups;
  if (!shape || shape->size() < 2 || !(*shape)[1].known())
    return unsupported("an unknown number of channels below opset 21");
  const int64_t channels = (*shape)[1].value();
  if (groups < 1 || channels % groups != 0)
    return invalid_model("num_groups {} does not divide C={}", groups, channels);
  Rewriter rewrite(graph, context.id);
  const auto integers = [&](const std::vector<int64_t>& values, const char* suffix) {
    const auto count = static_cast<int64_t>(values.size());
    return rewrite.constant(Tensor::of(Dims{count}, values), rewrite.base() + suffix);
  };
  const ValueId column = integers({groups, 1}, "_column");
  const ValueId matrix = integers({groups, channels / groups}, "_matrix");
  const ValueId row = integers({channels}, "_row");
  for (size_t i = 1; i < 3; ++i) {
    const std::string name = rewrite.base() + (i == 1 ? "_scale" : "_bias");
    OCTET_ASSIGN(ValueId value,
                 rewrite.before("Reshape", {context.node().inputs[i], column}, {}, name));
    OCTET_ASSIGN(value, rewrite.before("Expand", {value, matrix}, {}, name));
    OCTET_ASSIGN(value, rewrite.before("Reshape", {value, row}, {}, name));
    graph.set_input(context.id, i, value);
  }
  return {};
}

Status check_channels(const InferContext& context) {
  if (!context.has_rank(0)) return {};
  const Shape& x = context.shape(0);
  if (x.size() < 2) return invalid_model("the input {} has no channels", to_string(x));
  for (size_t i = 1; i < 3; ++i) {
    if (!context.has_rank(i)) continue;
    const Shape& s = context.shape(i);
    if (s.size() != 1 || (s[0].known() && x[1].known() && s[0] != x[1]))
      return invalid_model("input {} of {} doesn't fit {}", i, to_string(s), to_string(x));
  }
  return {};
}

Status infer_instance(InferContext& context) {
  OCTET_RETURN_IF_ERROR(check_channels(context));
  return infer_same(context);
}

Status infer_group(InferContext& context) {
  OCTET_RETURN_IF_ERROR(check_channels(context));
  const int64_t groups = context.attrs<GroupNormAttrs>().num_groups;
  const bool known = context.has_rank(0) && context.shape(0)[1].known();
  if (groups < 1 || (known && context.shape(0)[1].value() % groups != 0))
    return invalid_model("num_groups {} does not divide the channels", groups);
  return infer_same(context);
}

struct Groups {
  float epsilon = 0.0F;
  int64_t groups = 0;  ///< 0: one a channel.
};

Groups groups_of(const Attrs& attrs) {
  if (attrs.is<InstanceNormAttrs>()) return {attrs.as<InstanceNormAttrs>().epsilon, 0};
  const auto& group = attrs.as<GroupNormAttrs>();
  return {group.epsilon, group.num_groups};
}

GroupNormF32Args shape_of(const Groups& groups, const Dims& dims) {
  GroupNormF32Args args;
  args.batch = static_cast<size_t>(dims[0]);
  args.channels = static_cast<size_t>(dims[1]);
  args.groups = groups.groups == 0 ? args.channels : static_cast<size_t>(groups.groups);
  for (size_t a = 2; a < dims.size(); ++a) args.spatial *= static_cast<size_t>(dims[a]);
  args.epsilon = groups.epsilon;
  return args;
}

template <typename T>
void normalize(const GroupNormF32Args& s, RunContext& context) {
  const T* x = context.input(0).as<T>();
  const T* scale = context.input(1).as<T>();
  const T* bias = context.input(2).as<T>();
  T* y = context.output(0).as<T>();
  const size_t extent = s.channels / std::max<size_t>(s.groups, 1) * s.spatial;
  for (size_t g = 0; g < s.batch * s.groups; ++g) {
    double mean = 0.0;
    for (size_t i = g * extent; i < (g + 1) * extent; ++i) mean += static_cast<double>(x[i]);
    mean /= static_cast<double>(extent);
    double variance = 0.0;
    for (size_t i = g * extent; i < (g + 1) * extent; ++i) {
      const double d = static_cast<double>(x[i]) - mean;
      variance += d * d;
    }
    variance /= static_cast<double>(extent);
    const double inverse = 1.0 / std::sqrt(variance + static_cast<double>(s.epsilon));
    for (size_t i = g * extent; i < (g + 1) * extent; ++i) {
      const size_t c = i / s.spatial % s.channels;
      const double value = (static_cast<double>(x[i]) - mean) * inverse;
      y[i] = static_cast<T>(value * static_cast<double>(scale[c]) + static_cast<double>(bias[c]));
    }
  }
}

Status run(const Attrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  const GroupNormF32Args shape = shape_of(groups_of(attrs), x.dims);
  const bool known =
      visit_dtype(x.dtype, FloatTypes{}, [&]<typename T>() { normalize<T>(shape, context); });
  return known ? Status{} : unsupported("elements of {}", dtype_name(x.dtype));
}

class GroupNormStep final : public Step {
 public:
  GroupNormStep(const Groups& groups, const LayerNormF32Variant& variant)
      : groups_(groups), variant_(variant) {}
  Status run(RunContext& context) const override {
    GroupNormF32Args args = shape_of(groups_, context.input(0).dims);
    args.x = context.input(0).as<float>();
    args.y = context.output(0).as<float>();
    args.scale = context.input(1).as<float>();
    args.bias = context.input(2).as<float>();
    if (context.input(0).count() > 0) groupnorm_f32(*variant_.table, args, context.parallel());
    return {};
  }
  StepInfo info() const override { return {"layernorm_f32", "native", variant_.isa}; }

 private:
  Groups groups_;
  const LayerNormF32Variant& variant_;
};

std::optional<Ports> match_f32(const LowerContext& context) {
  for (size_t i = 0; i < 3; ++i)
    if (!runs_as_f32(context.input(i).type.dtype)) return std::nullopt;
  return Ports{};
}

Result<std::unique_ptr<Step>> prepare_f32(const LowerContext& context) {
  return std::unique_ptr<Step>(std::make_unique<GroupNormStep>(
      groups_of(context.node().attrs), select_layernorm_f32(context.cpu())));
}

QuantSpec quant(const Graph&, const Node&) {
  return {.inputs = {{}}, .outputs = {{PortQuant::Role::activation}}};
}

constexpr Implementation kImplementations[] = {
    {.name = "layernorm_f32", .match = match_f32, .prepare = prepare_f32},
    reference<run>(),
};

}  // namespace

extern const OpDef GroupNormalization;
extern const OpDef InstanceNormalization;
const OpDef GroupNormalization = {
    .domain = "",
    .name = "GroupNormalization",
    .since = 18,
    .inputs = {3, 3},
    .attrs = attr_codec<GroupNormAttrs>(),
    .canonical = canonical,
    .infer = infer_group,
    .quant = quant,
    .implementations = kImplementations,
};
const OpDef InstanceNormalization = {
    .domain = "",
    .name = "InstanceNormalization",
    .inputs = {3, 3},
    .attrs = attr_codec<InstanceNormAttrs>(),
    .infer = infer_instance,
    .quant = quant,
    .implementations = kImplementations,
};

}  // namespace octet::ops::instance_normalization
