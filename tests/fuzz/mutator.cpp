#include "tests/fuzz/mutator.h"

#include <google/protobuf/message.h>

#include <algorithm>
#include <vector>

#include "engine/ops/op.h"
#include "importers/onnx/quiet.h"
#include "octet_onnx.pb.h"
#include "tests/conformance/random.h"
#include "tests/fuzz/parts.h"

namespace octet::fuzz {
namespace {

using conformance::Random;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using octet_onnx::AttributeProto;
using octet_onnx::GraphProto;
using octet_onnx::ModelProto;
using octet_onnx::NodeProto;
using octet_onnx::TensorProto;

class Mutation {
 public:
  Mutation(ModelProto& model, Random& random, std::span<const std::string> donors)
      : model_(model), random_(random), donors_(donors) {}

  void change() {
    parts_ = Parts(model_);  // Changes move messages.
    using Change = void (Mutation::*)();
    constexpr Change kChanges[] = {
        &Mutation::swap_operator, &Mutation::swap_operator, &Mutation::rewire,
        &Mutation::rewire,        &Mutation::ports,         &Mutation::attribute,
        &Mutation::attribute,     &Mutation::attribute,     &Mutation::move_attribute,
        &Mutation::tensor_dims,   &Mutation::tensor_type,   &Mutation::elements,
        &Mutation::elements,      &Mutation::any_field,     &Mutation::any_field,
        &Mutation::copy_node,     &Mutation::remove_node,   &Mutation::graft,
        &Mutation::graft,         &Mutation::opset,         &Mutation::promote,
    };
    const auto at = random_.integer(0, static_cast<int64_t>(std::size(kChanges)) - 1);
    (this->*kChanges[at])();
  }

 private:
  int64_t below(int64_t count) { return random_.integer(0, count - 1); }

  void swap_operator() {
    if (parts_.nodes.empty()) return;
    NodeProto& node = *any(random_, parts_.nodes);
    const auto ops = all_ops();
    const OpDef& op = *ops[static_cast<size_t>(below(static_cast<int64_t>(ops.size())))];
    node.set_op_type(std::string(op.name));
    node.set_domain(std::string(op.domain));
    if (random_.chance()) node.clear_attribute();
  }

  // A name that some node or graph gives.
  std::string value_name() {
    std::vector<const std::string*> names;
    for (const NodeProto* node : parts_.nodes)
      for (const auto& name : node->output()) names.push_back(&name);
    for (const GraphProto* graph : parts_.graphs) {
      for (const auto& input : graph->input()) names.push_back(&input.name());
      for (const auto& tensor : graph->initializer()) names.push_back(&tensor.name());
    }
    return names.empty() ? "" : *any(random_, names);
  }

  void rewire() {
    if (parts_.nodes.empty()) return;
    NodeProto& node = *any(random_, parts_.nodes);
    const std::string name = value_name();
    if (node.input_size() > 0 && random_.integer(0, 3) != 0)
      node.set_input(static_cast<int>(below(node.input_size())),
                     random_.integer(0, 7) == 0 ? "" : name);
    else
      node.add_input(name);
  }

  void ports() {
    if (parts_.nodes.empty()) return;
    NodeProto& node = *any(random_, parts_.nodes);
    switch (random_.integer(0, 3)) {
      case 0:
        if (node.input_size() > 0) node.mutable_input()->RemoveLast();
        break;
      case 1:
        if (node.input_size() > 1)
          node.mutable_input()->SwapElements(static_cast<int>(below(node.input_size())),
                                             static_cast<int>(below(node.input_size())));
        break;
      case 2: node.add_output("extra" + std::to_string(node.output_size())); break;
      default:
        if (node.output_size() > 0)
          node.set_output(static_cast<int>(below(node.output_size())), "");
    }
  }

  void attribute() {
    if (parts_.attributes.empty()) return;
    AttributeProto& a = *any(random_, parts_.attributes);
    switch (random_.integer(0, 5)) {
      case 0: a.set_type(static_cast<AttributeProto::AttributeType>(below(15))); break;
      case 1:
        if (a.ints_size() > 0 && random_.chance())
          a.mutable_ints()->RemoveLast();
        else if (a.type() == AttributeProto::INTS)
          a.add_ints(edge_integer(random_));
        break;
      case 2:
        if (a.floats_size() > 0)
          a.set_floats(static_cast<int>(below(a.floats_size())), edge_float(random_));
        [[fallthrough]];
      default:
        if (a.ints_size() > 0)
          a.set_ints(static_cast<int>(below(a.ints_size())), edge_integer(random_));
        if (a.has_i()) a.set_i(edge_integer(random_));
        if (a.has_f()) a.set_f(edge_float(random_));
        if (a.has_s() && random_.chance()) a.mutable_s()->append(1, static_cast<char>(below(256)));
    }
  }

  void move_attribute() {
    if (parts_.nodes.empty() || parts_.attributes.empty()) return;
    AttributeProto copy = *any(random_, parts_.attributes);
    NodeProto& node = *any(random_, parts_.nodes);
    if (node.attribute_size() > 0 && random_.chance())
      node.mutable_attribute()->DeleteSubrange(static_cast<int>(below(node.attribute_size())), 1);
    else
      *node.add_attribute() = std::move(copy);
  }

  void tensor_dims() {
    if (parts_.tensors.empty()) return;
    TensorProto& tensor = *any(random_, parts_.tensors);
    if (tensor.dims_size() == 0 || random_.integer(0, 4) == 0)
      tensor.add_dims(random_.chance() ? 1 : edge_integer(random_));
    else if (random_.integer(0, 4) == 0)
      tensor.mutable_dims()->RemoveLast();
    else
      tensor.set_dims(static_cast<int>(below(tensor.dims_size())), edge_integer(random_));
    if (random_.chance()) fill(tensor);
  }

  void tensor_type() {
    if (parts_.tensors.empty()) return;
    TensorProto& tensor = *any(random_, parts_.tensors);
    tensor.set_data_type(static_cast<int>(below(29)));
    if (random_.chance()) fill(tensor);
  }

  // As many bytes as the dims ask for, where these aren't many.
  void fill(TensorProto& tensor) {
    const auto dtype = static_cast<DType>(tensor.data_type());
    if (tensor.data_type() < 1 || tensor.data_type() >= kDTypeCount || dtype_bits(dtype) == 0)
      return;
    const auto count =
        checked_count({tensor.dims().data(), static_cast<size_t>(tensor.dims_size())});
    if (!count || *count > 4096) return;
    for (const int field : {4, 5, 6, 7, 10, 11})
      tensor.GetReflection()->ClearField(&tensor,
                                         TensorProto::descriptor()->FindFieldByNumber(field));
    std::string bytes(dtype_bytes(dtype, static_cast<size_t>(*count)), '\0');
    for (char& byte : bytes) byte = static_cast<char>(random_.integer(0, 255));
    if (dtype == DType::boolean)
      for (char& byte : bytes) byte &= 1;
    tensor.set_raw_data(bytes);
  }

  void elements() {
    if (parts_.tensors.empty()) return;
    TensorProto& tensor = *any(random_, parts_.tensors);
    if (random_.integer(0, 7) == 0) return fill(tensor);
    if (tensor.int64_data_size() > 0)
      tensor.set_int64_data(static_cast<int>(below(tensor.int64_data_size())),
                            edge_integer(random_));
    if (tensor.int32_data_size() > 0)
      tensor.set_int32_data(static_cast<int>(below(tensor.int32_data_size())),
                            static_cast<int32_t>(edge_integer(random_)));
    if (tensor.float_data_size() > 0)
      tensor.set_float_data(static_cast<int>(below(tensor.float_data_size())), edge_float(random_));
    if (!tensor.raw_data().empty()) raw_element(tensor);
  }

  void raw_element(TensorProto& tensor) {
    std::string& bytes = *tensor.mutable_raw_data();
    const auto put = [&](const auto& value) {
      if (bytes.size() < sizeof(value)) return;
      const auto at =
          static_cast<size_t>(below(static_cast<int64_t>(bytes.size() / sizeof(value))));
      std::copy_n(reinterpret_cast<const char*>(&value), sizeof(value),
                  bytes.begin() + static_cast<std::ptrdiff_t>(at * sizeof(value)));
    };
    if (random_.integer(0, 9) == 0)
      bytes.resize(static_cast<size_t>(below(static_cast<int64_t>(bytes.size()) + 8)));
    else if (tensor.data_type() == TensorProto::INT64)
      put(edge_integer(random_));
    else if (tensor.data_type() == TensorProto::INT32)
      put(static_cast<int32_t>(edge_integer(random_)));
    else if (tensor.data_type() == TensorProto::FLOAT)
      put(edge_float(random_));
    else
      put(static_cast<char>(random_.integer(0, 255)));
  }

  // Any field of any message, whatever it means.
  void any_field() {
    Message& message = *any(random_, parts_.all);
    const auto& type = *message.GetDescriptor();
    if (type.field_count() == 0) return;
    const FieldDescriptor& field = *type.field(static_cast<int>(below(type.field_count())));
    const Reflection& r = *message.GetReflection();
    if (random_.integer(0, 3) == 0) return r.ClearField(&message, &field);
    const bool more = field.is_repeated();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT64:
        more ? r.AddInt64(&message, &field, edge_integer(random_))
             : r.SetInt64(&message, &field, edge_integer(random_));
        break;
      case FieldDescriptor::CPPTYPE_INT32:
        more ? r.AddInt32(&message, &field, static_cast<int32_t>(edge_integer(random_)))
             : r.SetInt32(&message, &field, static_cast<int32_t>(edge_integer(random_)));
        break;
      case FieldDescriptor::CPPTYPE_FLOAT:
        more ? r.AddFloat(&message, &field, edge_float(random_))
             : r.SetFloat(&message, &field, edge_float(random_));
        break;
      case FieldDescriptor::CPPTYPE_STRING:
        more ? r.AddString(&message, &field, value_name())
             : r.SetString(&message, &field, value_name());
        break;
      case FieldDescriptor::CPPTYPE_MESSAGE:
        if (more && r.FieldSize(message, &field) > 0)
          r.SwapElements(&message, &field, 0,
                         static_cast<int>(below(r.FieldSize(message, &field))));
        break;
      default: break;
    }
  }

  void copy_node() {
    if (parts_.nodes.empty() || parts_.graphs.empty()) return;
    NodeProto copy = *any(random_, parts_.nodes);
    insert(*any(random_, parts_.graphs), std::move(copy));
  }

  // Appends a node under new names; what comes last may take its first result.
  void insert(GraphProto& graph, NodeProto node) {
    const std::string tag = "m" + std::to_string(random_.integer(0, 999)) + "_";
    for (auto& output : *node.mutable_output())
      if (!output.empty()) output.insert(0, tag);
    const std::string made = node.output_size() > 0 ? node.output(0) : "";
    *graph.add_node() = std::move(node);
    if (graph.output_size() > 0 && random_.chance()) {
      graph.mutable_output(0)->set_name(made);
      if (random_.chance()) graph.mutable_output(0)->clear_type();
    }
  }

  void remove_node() {
    if (parts_.graphs.empty()) return;
    GraphProto& graph = *any(random_, parts_.graphs);
    if (graph.node_size() == 0) return;
    graph.mutable_node()->DeleteSubrange(static_cast<int>(below(graph.node_size())), 1);
  }

  // A node of another model, with its constants, on values of this one.
  void graft() {
    if (donors_.empty() || parts_.graphs.empty()) return;
    ModelProto donor;
    const auto at = static_cast<size_t>(below(static_cast<int64_t>(donors_.size())));
    if (!donor.ParseFromString(donors_[at]) || donor.graph().node_size() == 0) return;
    NodeProto node = donor.graph().node(static_cast<int>(below(donor.graph().node_size())));
    GraphProto& graph = *any(random_, parts_.graphs);
    for (auto& input : *node.mutable_input()) {
      const auto& constants = donor.graph().initializer();
      const auto constant =
          std::find_if(constants.begin(), constants.end(),
                       [&](const auto& tensor) { return tensor.name() == input; });
      if (constant != constants.end()) {
        TensorProto& copy = *graph.add_initializer();
        copy = *constant;
        copy.set_name(input.insert(0, "g_"));
      } else if (!input.empty()) {
        input = value_name();
      }
    }
    insert(graph, std::move(node));
  }

  void opset() {
    if (model_.opset_import_size() == 0) return;
    auto& import =
        *model_.mutable_opset_import(static_cast<int>(below(model_.opset_import_size())));
    import.set_version(random_.integer(0, 7) == 0 ? edge_integer(random_) : random_.integer(5, 29));
  }

  // An input becomes a constant, or a constant an input.
  void promote() {
    if (!model_.has_graph()) return;
    GraphProto& graph = *model_.mutable_graph();
    if (random_.chance() && graph.initializer_size() > 0) {
      const auto at = static_cast<int>(below(graph.initializer_size()));
      const TensorProto tensor = graph.initializer(at);
      graph.mutable_initializer()->DeleteSubrange(at, 1);
      auto& info = *graph.add_input();
      info.set_name(tensor.name());
      auto& type = *info.mutable_type()->mutable_tensor_type();
      type.set_elem_type(tensor.data_type());
      for (const int64_t dim : tensor.dims()) type.mutable_shape()->add_dim()->set_dim_value(dim);
    } else if (graph.input_size() > 0) {
      const auto at = static_cast<int>(below(graph.input_size()));
      const auto info = graph.input(at);
      graph.mutable_input()->DeleteSubrange(at, 1);
      TensorProto& tensor = *graph.add_initializer();
      tensor.set_name(info.name());
      tensor.set_data_type(info.type().tensor_type().elem_type());
      for (const auto& dim : info.type().tensor_type().shape().dim())
        tensor.add_dims(dim.has_dim_value() ? dim.dim_value() : 2);
      fill(tensor);
    }
  }

  ModelProto& model_;
  Random& random_;
  std::span<const std::string> donors_;
  Parts parts_;
};

void change_bytes(std::string& bytes, Random& random) {
  const auto place = [&] {
    return static_cast<size_t>(random.integer(0, static_cast<int64_t>(bytes.size())));
  };
  for (int64_t changes = random.integer(1, 4); changes > 0 && !bytes.empty(); --changes) {
    const size_t at = std::min(place(), bytes.size() - 1);
    switch (random.integer(0, 4)) {
      case 0: bytes[at] = static_cast<char>(random.integer(0, 255)); break;
      case 1: bytes[at] = static_cast<char>(bytes[at] ^ (1 << random.integer(0, 7))); break;
      case 2: bytes.erase(at, static_cast<size_t>(random.integer(1, 8))); break;
      case 3:
        bytes.insert(at, bytes.substr(place(), static_cast<size_t>(random.integer(1, 16))));
        break;
      default: bytes.resize(random.integer(0, 7) == 0 ? at : bytes.size());
    }
  }
}

}  // namespace

std::string mutate(std::string_view model, uint64_t seed, std::span<const std::string> donors) {
  Random random(seed);
  std::string bytes(model);
  const bool wire = random.integer(0, 7) == 0;
  ModelProto proto;
  const onnx::QuietProtobuf quiet;
  if (!wire && proto.ParseFromArray(model.data(), static_cast<int>(model.size()))) {
    Mutation mutation(proto, random, donors);
    for (int64_t changes = random.integer(1, 6); changes > 0; --changes) mutation.change();
    bytes = proto.SerializePartialAsString();
  } else {
    change_bytes(bytes, random);
  }
  return bytes;
}

}  // namespace octet::fuzz
