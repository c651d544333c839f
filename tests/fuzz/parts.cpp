#include "tests/fuzz/parts.h"

#include <google/protobuf/message.h>

#include <cmath>
#include <limits>

namespace octet::fuzz {

using conformance::Random;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using octet_onnx::AttributeProto;
using octet_onnx::GraphProto;
using octet_onnx::NodeProto;
using octet_onnx::TensorProto;

int64_t edge_integer(Random& random) {
  if (random.integer(0, 2) != 0) return random.integer(-4, 9);
  return random.pick<int64_t>({16,
                               31,
                               63,
                               64,
                               127,
                               128,
                               255,
                               256,
                               1024,
                               4096,
                               65535,
                               65536,
                               1 << 20,
                               INT32_MAX,
                               INT32_MIN,
                               INT64_MAX,
                               INT64_MIN,
                               INT64_MAX / 2,
                               int64_t{1} << 32,
                               int64_t{1} << 40,
                               int64_t{1} << 62,
                               -1,
                               -2});
}

float edge_float(Random& random) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  return random.pick<float>({0.0F, -0.0F, 1.0F, -1.0F, 0.5F, 1e-8F, 1e-40F, 1e8F, 3e38F, -3e38F,
                             kInfinity, -kInfinity, std::nanf(""), 127.5F, 255.0F, 2147483648.0F});
}

void Parts::visit(Message& message) {
  all.push_back(&message);
  if (auto* graph = dynamic_cast<GraphProto*>(&message)) graphs.push_back(graph);
  if (auto* node = dynamic_cast<NodeProto*>(&message)) nodes.push_back(node);
  if (auto* tensor = dynamic_cast<TensorProto*>(&message)) tensors.push_back(tensor);
  if (auto* attribute = dynamic_cast<AttributeProto*>(&message)) attributes.push_back(attribute);
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      visit(*reflection.MutableMessage(&message, field));
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i)
      visit(*reflection.MutableRepeatedMessage(&message, field, i));
  }
}

}  // namespace octet::fuzz
