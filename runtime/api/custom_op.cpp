#include <dlfcn.h>

#include <array>
#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "engine/ops/op.h"
#include "octet/octet_op.h"
#include "runtime/api/boxed.h"
#include "runtime/api/error.h"

// Operators that the caller brings, as rows like those of the table.

using octet::AttrMap;
using octet::Attrs;
using octet::Dim;
using octet::Error;
using octet::ErrorCode;
using octet::OpDef;
using octet::Result;
using octet::Status;
using octet::Tensor;
using octet::api::guarded;

namespace {

struct CustomAttrs {
  AttrMap map;
};

// The row, with the caller's table behind it. Never freed: nodes point to it.
struct CustomOp : OpDef {
  octet_custom_op table;
};
const CustomOp& op_of(const octet::Node& node) { return static_cast<const CustomOp&>(*node.op); }

octet_tensor view_of(const Tensor& tensor) {
  return {static_cast<octet_dtype>(tensor.dtype()), const_cast<std::byte*>(tensor.bytes().data()),
          tensor.bytes().size(), tensor.dims().data(), tensor.rank()};
}
octet_tensor view_of(const octet::TensorView& view) {
  return {static_cast<octet_dtype>(view.dtype), view.data, view.bytes().size(), view.dims.data(),
          view.rank()};
}

}  // namespace

// A node while its types are inferred (`infer` is there) or while it is prepared (`lower` is).
struct octet_op_node {
  const octet::Node& node;
  octet::InferContext* infer = nullptr;
  const octet::LowerContext* lower = nullptr;
  std::vector<Dim> extents{};               // Extent -1 - i is extents[i].
  std::deque<std::vector<int64_t>> dims{};  // Handed out.
  std::string message{};

  int64_t encoded(const Dim& dim) {
    if (dim.known()) return dim.value();
    size_t i = 0;
    while (i < extents.size() && extents[i] != dim) ++i;
    if (i == extents.size()) extents.push_back(dim);
    return -1 - static_cast<int64_t>(i);
  }
  // Nothing where the operator made the number up.
  std::optional<Dim> decoded(int64_t extent) const {
    if (extent == OCTET_UNKNOWN_EXTENT) return Dim::fresh();
    if (extent >= 0) return Dim(extent);
    const auto i = static_cast<size_t>(-1 - extent);
    return i < extents.size() ? std::optional(extents[i]) : std::nullopt;
  }
  const octet::Type* type(size_t i) const {
    if (!node.has_input(i)) return nullptr;
    return infer != nullptr ? &infer->input(i) : &lower->input(i).type;
  }
};

struct octet_op_run {
  octet::RunContext& context;
  Status status{};
  std::string message{};
};

namespace {

size_t input_count(const octet_op_node* node) { return node->node.inputs.size(); }
size_t output_count(const octet_op_node* node) { return node->node.outputs.size(); }

struct ToC {
  octet_attribute& c;
  void operator()(int64_t v) const { c.kind = OCTET_ATTRIBUTE_INT, c.i = v; }
  void operator()(float v) const { c.kind = OCTET_ATTRIBUTE_FLOAT, c.f = v; }
  void operator()(const std::string& v) const {
    c.kind = OCTET_ATTRIBUTE_STRING, c.s = {v.data(), v.size()};
  }
  void operator()(const std::vector<int64_t>& v) const {
    c.kind = OCTET_ATTRIBUTE_INTS, c.ints = v.data(), c.count = v.size();
  }
  void operator()(const std::vector<float>& v) const {
    c.kind = OCTET_ATTRIBUTE_FLOATS, c.floats = v.data(), c.count = v.size();
  }
  void operator()(const Tensor& v) const { c.kind = OCTET_ATTRIBUTE_TENSOR, c.tensor = view_of(v); }
  // No kind of the C interface; the specs of an operator refuse them before.
  void operator()(const std::vector<std::string>& /*v*/) const {}
  void operator()(const octet::Type& /*v*/) const {}
};

octet_attribute to_c(const octet::AttrValue& value) {
  octet_attribute c{};
  std::visit(ToC{c}, value);
  return c;
}

int attribute(const octet_op_node* node, const char* name, octet_attribute* attribute) {
  const AttrMap& map = node->node.attrs.as<CustomAttrs>().map;
  const auto at = map.find(std::string_view(name));
  if (at == map.end()) return 0;
  *attribute = to_c(at->second);
  return 1;
}

int input_type(octet_op_node* node, size_t index, octet_op_type* type) {
  const octet::Type* known = node->type(index);
  if (known == nullptr) return 0;
  auto& dims = node->dims.emplace_back();
  if (known->shape)
    for (const Dim& dim : *known->shape) dims.push_back(node->encoded(dim));
  *type = {static_cast<octet_dtype>(known->dtype), dims.data(), dims.size(),
           known->shape.has_value() ? 1 : 0};
  return 1;
}

int constant(octet_op_node* node, size_t index, octet_tensor* value) {
  if (!node->node.has_input(index)) return 0;
  const Tensor* tensor =
      node->infer != nullptr ? node->infer->constant(index) : node->lower->constant(index);
  if (tensor == nullptr || tensor->boxed() || !tensor->has_elements()) return 0;
  *value = view_of(*tensor);
  return 1;
}

void set_output_type(octet_op_node* node, size_t index, const octet_op_type* type) {
  if (node->infer == nullptr || !node->infer->has_output(index)) return;
  std::optional<octet::Shape> shape;
  if (type->rank_known != 0) {
    shape.emplace();
    for (size_t i = 0; i < type->rank; ++i) {
      const auto dim = node->decoded(type->dims[i]);
      if (!dim) node->message = "an output's extent is no input's";
      shape->push_back(dim.value_or(Dim::fresh()));
    }
  }
  node->infer->set_tensor(index, static_cast<octet::DType>(type->dtype), std::move(shape));
}

octet_status fail(octet_op_node* node, octet_status status, const char* message) {
  node->message = message;
  return status;
}

int input(const octet_op_run* run, size_t index, octet_tensor* value) {
  if (!run->context.has_input(index)) return 0;
  *value = view_of(run->context.input(index));
  return 1;
}

int output(octet_op_run* run, size_t index, const int64_t* dims, size_t rank, octet_tensor* value) {
  if (!run->context.has_output(index)) return 0;
  if (dims != nullptr) {
    run->status = octet::catch_memory_errors(
        [&] { return run->context.allocate(index, octet::Dims(dims, dims + rank)); });
    if (!run->status) return 0;
  }
  *value = view_of(run->context.output(index));
  return 1;
}

void parallel(octet_op_run* run, size_t count, size_t grain,
              void (*body)(size_t begin, size_t end, void* user), void* user) {
  run->context.parallel().for_ranges(count, grain,
                                     [&](size_t begin, size_t end) { body(begin, end, user); });
}

int stopped(const octet_op_run* run) { return run->context.stopped() ? 1 : 0; }

octet_status fail_run(octet_op_run* run, octet_status status, const char* message) {
  run->message = message;
  return status;
}

constexpr octet_op_host kHost = {
    .size = sizeof(octet_op_host),
    .version = OCTET_OP_VERSION,
    .input_count = input_count,
    .output_count = output_count,
    .attribute = attribute,
    .input_type = input_type,
    .constant = constant,
    .set_output_type = set_output_type,
    .fail = fail,
    .input = input,
    .output = output,
    .parallel = parallel,
    .stopped = stopped,
    .fail_run = fail_run,
};

// What an operator's function returned, and why.
Status to_status(octet_status status, const std::string& message) {
  if (status == OCTET_OK && message.empty()) return {};
  return Error{octet::api::code_of(status),
               message.empty() ? "the operator gave no reason" : message};
}

Status infer(octet::InferContext& context) {
  octet_op_node node{context.node(), &context};
  return to_status(op_of(context.node()).table.infer(&kHost, &node), node.message);
}

// An attribute that the operator doesn't name, or of another kind, is refused.
Status check_attributes(const octet::CanonicalContext& context) {
  const octet_custom_op& op = op_of(context.node()).table;
  const AttrMap& map = context.attrs<CustomAttrs>().map;
  size_t known = 0;
  for (size_t i = 0; i < op.attribute_count; ++i) {
    const octet_attribute_spec& spec = op.attributes[i];
    const std::string where = std::string("attribute '") + spec.name + "'";
    const auto at = map.find(std::string_view(spec.name));
    if (at == map.end()) {
      if (spec.required != 0) return octet::invalid_model(where + " is missing");
      continue;
    }
    if (to_c(at->second).kind != spec.kind)
      return octet::invalid_model(where + " has the wrong type");
    ++known;
  }
  if (known != map.size()) return octet::unsupported("it has an attribute that isn't supported");
  return {};
}

class CustomStep final : public octet::Step {
 public:
  CustomStep(const octet::LowerContext& context, void* state)
      : op_(op_of(context.node())), attrs_(context.node().attrs), state_(state) {
    for (size_t i = 0; i < context.node().inputs.size(); ++i)
      if (const Tensor* tensor = context.constant(i)) constants_.push_back(*tensor);
  }
  ~CustomStep() override {
    if (op_.table.drop != nullptr) op_.table.drop(state_);
  }
  CustomStep(const CustomStep&) = delete;
  CustomStep& operator=(const CustomStep&) = delete;

  Status run(octet::RunContext& context) const override {
    octet_op_run run{context};
    const octet_status status = op_.table.run(&kHost, &run, state_);
    if (!run.status) return std::move(run.status);
    return to_status(status, run.message);
  }
  octet::StepInfo info() const override {
    return {std::string(op_.name), "custom", octet::Isa::scalar};
  }

 private:
  const CustomOp& op_;
  // What `make` may have kept pointers to.
  Attrs attrs_;
  std::vector<Tensor> constants_;
  void* state_;
};

Result<std::unique_ptr<octet::Step>> prepare(const octet::LowerContext& context) {
  const octet_custom_op& op = op_of(context.node()).table;
  void* state = nullptr;
  if (op.make != nullptr) {
    octet_op_node node{context.node(), nullptr, &context};
    OCTET_RETURN_IF_ERROR(to_status(op.make(&kHost, &node, &state), node.message));
  }
  return std::unique_ptr<octet::Step>(std::make_unique<CustomStep>(context, state));
}

constexpr std::array kRows = {octet::Implementation{.name = "custom", .prepare = prepare}};

Result<Attrs> read_attributes(const AttrMap& map, int /*opset*/) {
  return Attrs::of(CustomAttrs{map});
}
AttrMap write_attributes(const Attrs& attrs, int /*opset*/) { return attrs.as<CustomAttrs>().map; }
std::vector<std::string> no_names() { return {}; }

octet::Arity arity(size_t min, size_t max) {
  constexpr size_t kMost = 1U << 20U;
  return {static_cast<int>(std::min(min, kMost)), max > kMost ? -1 : static_cast<int>(max)};
}

Error refused(const octet_custom_op& op, const char* why) {
  return {ErrorCode::invalid_argument,
          std::string("operator ") + op.domain + "." + op.name + ": " + why};
}

Status register_one(const octet_custom_op& op) {
  constexpr size_t kFirstSize = sizeof(octet_custom_op);
  if (op.size < kFirstSize || op.domain == nullptr || op.name == nullptr)
    return Error{ErrorCode::invalid_argument, "an operator without a size, domain or name"};
  const std::string_view domain(op.domain);
  if (domain.empty() || domain.starts_with("ai.onnx") || domain == octet::kOctetDomain)
    return refused(op, "the domain is taken");
  if (op.infer == nullptr || op.run == nullptr) return refused(op, "infer and run must be there");
  if (op.min_inputs > op.max_inputs || op.min_outputs > op.max_outputs)
    return refused(op, "more inputs or outputs at least than at most");
  auto row = std::make_unique<CustomOp>();
  row->table = op;
  row->domain = op.domain;
  row->name = op.name;
  row->since = op.since;
  if (op.until != 0) row->until = op.until;
  row->inputs = arity(op.min_inputs, op.max_inputs);
  row->outputs = arity(op.min_outputs, op.max_outputs);
  row->attrs = {read_attributes, write_attributes, no_names};
  row->canonical = check_attributes;
  row->infer = infer;
  row->implementations = kRows;
  row->foldable = op.changes == 0;
  if (!octet::register_op(*row)) return refused(op, "it is there already");
  (void)row.release();
  return {};
}

// Modules stay loaded: their code is behind nodes that nobody counts.
Status load_module(const char* path) {
  static std::mutex mutex;
  static std::set<void*> loaded;
  void* module = ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) return Error{ErrorCode::invalid_argument, ::dlerror()};
  const std::lock_guard lock(mutex);
  if (!loaded.insert(module).second) return {};
  const std::string where(path);
  const auto entry = reinterpret_cast<octet_ops_entry>(::dlsym(module, "octet_ops"));
  if (entry == nullptr)
    return Error{ErrorCode::invalid_argument, where + ": it exports no octet_ops"};
  const octet_custom_op* const* op = entry(OCTET_OP_VERSION);
  if (op == nullptr) return octet::unsupported(where + ": it is for another version of octet");
  for (; *op != nullptr; ++op)
    if (auto status = register_one(**op); !status) return std::move(status).error().in(where);
  return {};
}

}  // namespace

extern "C" {

octet_error* octet_register_op(const octet_custom_op* op) {
  return guarded([&] { return octet::api::to_c(register_one(*op)); });
}
octet_error* octet_load_ops(const char* path) {
  return guarded([&] { return octet::api::to_c(load_module(path)); });
}

}  // extern "C"
