#include "runtime/api/op_host.h"

#include <deque>

#include "runtime/api/boxed.h"
#include "runtime/api/error.h"

using octet::AttrMap;
using octet::Dim;
using octet::Error;
using octet::Result;
using octet::Status;
using octet::Tensor;

namespace {

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
  const AttrMap& attrs;
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

octet_attribute converted(const octet::AttrValue& value) {
  octet_attribute c{};
  std::visit(ToC{c}, value);
  return c;
}

int attribute(const octet_op_node* node, const char* name, octet_attribute* attribute) {
  const auto at = node->attrs.find(std::string_view(name));
  if (at == node->attrs.end()) return 0;
  *attribute = converted(at->second);
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
  const auto call = [&](size_t begin, size_t end) { body(begin, end, user); };
  // Nothing is thrown through the module: the step fails once it returns.
  const Status status = octet::catch_memory_errors([&]() -> Status {
    run->context.parallel().for_ranges(count, grain, call);
    return {};
  });
  if (!status.ok()) run->status = status;
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

class HostedStep final : public octet::Step {
 public:
  HostedStep(const octet::api::OpFunctions& functions, const octet::LowerContext& context,
             AttrMap attrs, octet::StepInfo info)
      : functions_(functions), attrs_(std::move(attrs)), info_(std::move(info)) {
    for (size_t i = 0; i < context.node().inputs.size(); ++i)
      if (const Tensor* tensor = context.constant(i)) constants_.push_back(*tensor);
  }
  ~HostedStep() override {
    if (made_ && functions_.drop != nullptr) functions_.drop(state_);
  }
  HostedStep(const HostedStep&) = delete;
  HostedStep& operator=(const HostedStep&) = delete;

  Status make(const octet::LowerContext& context) {
    if (functions_.make != nullptr) {
      octet_op_node node{context.node(), attrs_, nullptr, &context};
      OCTET_RETURN_IF_ERROR(to_status(functions_.make(&kHost, &node, &state_), node.message));
    }
    made_ = true;
    return {};
  }
  Status run(octet::RunContext& context) const override {
    octet_op_run run{context};
    const octet_status status = functions_.run(&kHost, &run, state_);
    if (!run.status) return std::move(run.status);
    return to_status(status, run.message);
  }
  octet::StepInfo info() const override { return info_; }

 private:
  octet::api::OpFunctions functions_;
  // What `make` may have kept pointers to.
  AttrMap attrs_;
  std::vector<Tensor> constants_;
  octet::StepInfo info_;
  void* state_ = nullptr;
  bool made_ = false;
};

}  // namespace

namespace octet::api {

octet_attribute_kind kind_of(const AttrValue& value) { return converted(value).kind; }

Status infer_hosted(InferContext& context, const AttrMap& attrs,
                    octet_status (*infer)(const octet_op_host*, octet_op_node*)) {
  octet_op_node node{context.node(), attrs, &context};
  return to_status(infer(&kHost, &node), node.message);
}

Result<std::unique_ptr<Step>> prepare_hosted(const OpFunctions& functions,
                                             const LowerContext& context, AttrMap attrs,
                                             StepInfo info) {
  auto step = std::make_unique<HostedStep>(functions, context, std::move(attrs), std::move(info));
  OCTET_RETURN_IF_ERROR(step->make(context));
  return std::unique_ptr<Step>(std::move(step));
}

}  // namespace octet::api
