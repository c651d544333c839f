#include <algorithm>
#include <cctype>
#include <map>

#include "engine/ir/stop.h"
#include "engine/ops/common/real.h"
#include "engine/ops/common/strided.h"
#include "engine/ops/op.h"
#include "kernels/gemm_f32/gemm_f32.h"

namespace octet::ops::einsum {
namespace {

using namespace kernels;

struct EinsumAttrs {
  std::string equation;
  static constexpr auto fields() {
    return std::tuple{field("equation", &EinsumAttrs::equation, {.required = true})};
  }
};

/// A label an axis. Axes under an ellipsis have labels of their own, counted back from 32.
struct Terms {
  std::vector<std::string> inputs;
  std::string output;
};

std::string ellipsis_labels(size_t count) {
  std::string labels;
  for (size_t i = count; i-- > 0;) labels.push_back(static_cast<char>(32 - i));
  return labels;
}

// Replaces the ellipsis of `term` by `count` labels. An error when another character isn't a
// letter.
Result<std::string> widen(const std::string& term, size_t count) {
  const size_t dots = term.find("...");
  std::string letters = term;
  if (dots != std::string::npos) letters.erase(dots, 3);
  if (!std::all_of(letters.begin(), letters.end(), [](char c) { return std::isalpha(c) != 0; }))
    return invalid_model("the term '{}' can't be read", term);
  return dots == std::string::npos ? letters : letters.insert(dots, ellipsis_labels(count));
}

// Without an output term: the ellipsis, then the labels that are there once, in order.
std::string implied_output(const std::vector<std::string>& inputs, size_t hidden) {
  std::string all;
  for (const std::string& term : inputs) all += term;
  std::string once;
  for (const char c : all)
    if (c > 32 && std::count(all.begin(), all.end(), c) == 1) once.push_back(c);
  std::sort(once.begin(), once.end());
  return ellipsis_labels(hidden) + once;
}

Result<Terms> parse(std::string equation, const std::vector<size_t>& ranks) {
  std::erase(equation, ' ');
  const size_t arrow = equation.find("->");
  std::vector<std::string> spelled(1);
  for (const char c : equation.substr(0, arrow)) {
    if (c == ',')
      spelled.emplace_back();
    else
      spelled.back().push_back(c);
  }
  if (spelled.size() != ranks.size())
    return invalid_model("the equation has {} terms for {} inputs", spelled.size(), ranks.size());
  Terms terms;
  size_t hidden = 0;
  for (size_t i = 0; i < spelled.size(); ++i) {
    const bool dots = spelled[i].find("...") != std::string::npos;
    const size_t letters = spelled[i].size() - (dots ? 3 : 0);
    if (letters > ranks[i] || (!dots && letters != ranks[i]))
      return invalid_model("the term '{}' doesn't fit rank {}", spelled[i], ranks[i]);
    OCTET_ASSIGN(std::string term, widen(spelled[i], ranks[i] - letters));
    terms.inputs.push_back(std::move(term));
    hidden = std::max(hidden, ranks[i] - letters);
  }
  if (arrow == std::string::npos) {
    terms.output = implied_output(terms.inputs, hidden);
  } else {
    OCTET_ASSIGN(terms.output, widen(equation.substr(arrow + 2), hidden));
  }
  return terms;
}

Status infer(InferContext& context) {
  std::vector<size_t> ranks;
  for (size_t i = 0; i < context.input_count(); ++i) {
    OCTET_RETURN_IF_ERROR(context.require_same_dtype(0, i));
    if (!context.has_rank(i)) {
      context.set_tensor(0, context.dtype(0));
      return {};
    }
    ranks.push_back(context.shape(i).size());
  }
  OCTET_ASSIGN(const Terms terms, parse(context.attrs<EinsumAttrs>().equation, ranks));
  std::map<char, Dim> extents;
  for (size_t i = 0; i < terms.inputs.size(); ++i)
    for (size_t a = 0; a < ranks[i]; ++a) {
      const Dim& extent = context.shape(i)[a];
      const auto [at, added] = extents.emplace(terms.inputs[i][a], extent);
      const auto both = added ? Shape{extent} : broadcast({at->second}, {extent});
      if (!both) return invalid_model("extents of one label differ");
      at->second = (*both)[0];
    }
  Shape shape;
  for (const char label : terms.output) {
    if (extents.find(label) == extents.end())
      return invalid_model("an output label that no input has");
    shape.push_back(extents.at(label));
  }
  context.set_tensor(0, context.dtype(0), std::move(shape));
  return {};
}

/// A nest of loops, one a label: those of the output first. Steps of the operands, then the
/// output's; 0 where an operand doesn't move.
struct Loops {
  Dims extents;
  std::vector<Steps> steps;
  size_t kept = 0;
};

Result<Loops> loops_of(const EinsumAttrs& attrs, std::span<const TensorView> inputs,
                       const Dims& out) {
  std::vector<size_t> ranks;
  for (const TensorView& view : inputs) ranks.push_back(view.rank());
  OCTET_ASSIGN(const Terms terms, parse(attrs.equation, ranks));
  std::string labels = terms.output;
  for (const std::string& term : terms.inputs)
    for (const char c : term)
      if (labels.find(c) == std::string::npos) labels.push_back(c);
  Loops loops;
  loops.kept = terms.output.size();
  loops.extents.assign(labels.size(), 1);
  const auto add = [&](const std::string& term, const Dims& dims) {
    Steps steps(labels.size(), 0);
    const Steps dense = row_major_steps(dims);
    for (size_t a = 0; a < dims.size(); ++a) {
      const size_t label = labels.find(term[a]);
      if (dims[a] != 1) loops.extents[label] = dims[a];
      if (dims[a] != 1) steps[label] += dense[a];
    }
    loops.steps.push_back(std::move(steps));
  };
  for (size_t i = 0; i < inputs.size(); ++i) add(terms.inputs[i], inputs[i].dims);
  add(terms.output, out);
  return loops;
}

// Steps an index over `extents` and moves offsets along; false after the last one.
bool advance(std::vector<int64_t>& index, std::span<const int64_t> extents,
             std::vector<int64_t>& offsets, const std::vector<Steps>& steps, size_t first) {
  for (size_t a = index.size(); a-- > 0;) {
    const bool carry = ++index[a] == extents[a];
    const int64_t moved = carry ? 1 - extents[a] : 1;
    for (size_t i = 0; i < offsets.size(); ++i) offsets[i] += moved * steps[i][first + a];
    if (!carry) return true;
    index[a] = 0;
  }
  return false;
}

template <typename T>
void sum_products(const Loops& loops, RunContext& context) {
  using Sum = std::conditional_t<std::is_floating_point_v<T>, double, int64_t>;
  const TensorView& out = context.output(0);
  if (out.count() == 0) return;
  const size_t operands = context.input_count();
  const std::span<const int64_t> kept(loops.extents.data(), loops.kept);
  const std::span<const int64_t> summed(loops.extents.data() + loops.kept,
                                        loops.extents.size() - loops.kept);
  const bool nothing = std::find(summed.begin(), summed.end(), 0) != summed.end();
  std::vector<int64_t> outer(kept.size(), 0);
  std::vector<int64_t> offsets(operands + 1, 0);
  StopPoll poll;
  do {
    std::vector<int64_t> inner(summed.size(), 0);
    std::vector<int64_t> at(offsets.begin(), offsets.end() - 1);
    Sum sum{};
    do {
      Sum product = nothing ? Sum{} : Sum(1);
      for (size_t i = 0; i < operands && !nothing; ++i)
        product *= static_cast<Sum>(context.input(i).as<T>()[at[i]]);
      sum += product;
      poll();
    } while (!nothing && advance(inner, summed, at, loops.steps, loops.kept));
    out.as<T>()[offsets.back()] = static_cast<T>(sum);
  } while (advance(outer, kept, offsets, loops.steps, 0));
}

Status run(const Attrs& attrs, RunContext& context) {
  std::vector<TensorView> inputs;
  for (size_t i = 0; i < context.input_count(); ++i) inputs.push_back(context.input(i));
  OCTET_ASSIGN(const Loops loops,
               loops_of(attrs.as<EinsumAttrs>(), inputs, context.output(0).dims));
  const bool known = visit_dtype(inputs[0].dtype, NumericTypes{},
                                 [&]<typename T>() { sum_products<T>(loops, context); });
  return known ? Status{} : unsupported("elements of {}", dtype_name(inputs[0].dtype));
}

/// Two operands as a batch of matrix products: label lists by what they do.
struct Products {
  std::vector<size_t> batch, rows, columns, depth;
  bool swapped = false;  ///< The second operand gives the rows.
};

// Nothing when a label is summed in one operand alone, or a part takes more than one label.
std::optional<Products> products_of(const Loops& loops) {
  Products p;
  for (size_t label = 0; label < loops.extents.size(); ++label) {
    if (loops.extents[label] == 1) continue;
    const bool a = loops.steps[0][label] != 0;
    const bool b = loops.steps[1][label] != 0;
    if (label < loops.kept)
      (a && b ? p.batch : (a ? p.rows : p.columns)).push_back(label);
    else if (a && b)
      p.depth.push_back(label);
    else
      return std::nullopt;
  }
  if (p.rows.size() > 1 || p.columns.size() > 1 || p.depth.size() > 1) return std::nullopt;
  // A row of the output lies together: its columns are those of the second matrix.
  const auto together = [&](const std::vector<size_t>& part) {
    return part.empty() || loops.steps[2][part[0]] == 1;
  };
  p.swapped = !together(p.columns);
  if (p.swapped) std::swap(p.rows, p.columns);
  return together(p.columns) ? std::optional(p) : std::nullopt;
}

// The innermost batch axis is the kernel's; those outside it are walked.
GemmF32Args arguments(const Loops& loops, const Products& p) {
  const auto extent = [&](const std::vector<size_t>& part) {
    return part.empty() ? size_t{1} : static_cast<size_t>(loops.extents[part[0]]);
  };
  const auto step = [&](size_t operand, const std::vector<size_t>& part) {
    return part.empty() ? 0 : loops.steps[operand][part[0]];
  };
  const size_t left = p.swapped ? 1 : 0;
  GemmF32Args args;
  args.m = extent(p.rows);
  args.n = extent(p.columns);
  args.k = extent(p.depth);
  args.a = {nullptr, step(left, p.rows), step(left, p.depth)};
  args.b = {nullptr, step(1 - left, p.depth), step(1 - left, p.columns)};
  args.out_row = step(2, p.rows);
  if (!p.batch.empty()) {
    const size_t last = p.batch.back();
    args.inner = {static_cast<size_t>(loops.extents[last]),
                  loops.steps[left][last],
                  loops.steps[1 - left][last],
                  loops.steps[2][last],
                  0,
                  0};
  }
  return args;
}

class ProductsStep final : public Step {
 public:
  ProductsStep(const EinsumAttrs& attrs, const GemmF32Variant& variant)
      : attrs_(attrs), variant_(variant) {}

  Status run(RunContext& context) const override {
    const TensorView inputs[] = {context.input(0), context.input(1)};
    OCTET_ASSIGN(const Loops loops, loops_of(attrs_, inputs, context.output(0).dims));
    const auto products = products_of(loops);
    if (!products) {
      sum_products<float>(loops, context);
      return {};
    }
    if (context.output(0).count() == 0) return {};
    const size_t left = products->swapped ? 1 : 0;
    GemmF32Args args = arguments(loops, *products);
    args.scratch = reinterpret_cast<float*>(context.scratch().data());
    Dims extents;
    std::vector<Steps> steps(3);
    for (size_t i = 0; i + 1 < products->batch.size(); ++i) {
      const size_t label = products->batch[i];
      extents.push_back(loops.extents[label]);
      for (size_t operand = 0; operand < 3; ++operand)
        steps[operand].push_back(loops.steps[operand][label]);
    }
    std::vector<int64_t> index(extents.size(), 0);
    std::vector<int64_t> offsets(3, 0);
    do {
      args.a.data = inputs[left].as<float>() + offsets[left];
      args.b.data = inputs[1 - left].as<float>() + offsets[1 - left];
      args.out = context.output(0).as<float>() + offsets[2];
      gemm_f32(*variant_.table, args, context.parallel());
    } while (advance(index, extents, offsets, steps, 0));
    return {};
  }

  size_t scratch_bytes(std::span<const TensorView> inputs, std::span<const TensorView> outputs,
                       size_t /*width*/) const override {
    const auto loops = loops_of(attrs_, inputs, outputs[0].dims);
    const auto products = loops.ok() ? products_of(*loops) : std::nullopt;
    if (!products) return 0;
    return gemm_f32_scratch_size(*variant_.table, arguments(*loops, *products)) * sizeof(float);
  }

  StepInfo info() const override { return {"gemm_f32", "native", variant_.isa}; }

 private:
  EinsumAttrs attrs_;
  const GemmF32Variant& variant_;
};

std::optional<Ports> match_f32(const LowerContext& context) {
  if (context.node().inputs.size() != 2 || !runs_as_f32(context.input(0).type.dtype))
    return std::nullopt;
  return Ports{};
}

Result<std::unique_ptr<Step>> prepare_f32(const LowerContext& context) {
  return std::unique_ptr<Step>(
      std::make_unique<ProductsStep>(context.attrs<EinsumAttrs>(), select_gemm_f32(context.cpu())));
}

constexpr Implementation kImplementations[] = {
    {.name = "gemm_f32", .match = match_f32, .prepare = prepare_f32},
    reference<run>(),
};

}  // namespace

extern const OpDef Einsum;
const OpDef Einsum = {
    .domain = "",
    .name = "Einsum",
    .since = 12,
    .inputs = {1, -1},
    .attrs = attr_codec<EinsumAttrs>(),
    .infer = infer,
    .implementations = kImplementations,
};

}  // namespace octet::ops::einsum
