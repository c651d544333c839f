#include <doctest/doctest.h>

#include <cstring>
#include <functional>

#include "tests/importers/proto_builder.h"

namespace octet::testing {
namespace {

/// The bytes of little-endian elements.
template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  std::string out(values.size() * sizeof(T), '\0');
  std::memcpy(out.data(), values.data(), out.size());
  return out;
}

TensorProto tensor_of(TensorProto::DataType type, const std::vector<int64_t>& dims) {
  TensorProto tensor;
  tensor.set_name("w");
  tensor.set_data_type(type);
  for (const int64_t dim : dims) tensor.add_dims(dim);
  return tensor;
}

// The model y = Relu(x) with `tensor` as a second output.
Result<Tensor> import_tensor(const TensorProto& tensor) {
  ModelProto proto = relu_model();
  *proto.mutable_graph()->add_initializer() = tensor;
  ValueInfoProto& output = *proto.mutable_graph()->add_output();
  output.set_name(tensor.name());
  output.mutable_type()->mutable_tensor_type()->set_elem_type(tensor.data_type());
  const auto model = import_proto(proto);
  if (!model) return model.error();
  const Tensor* constant = model->graph->constant(model->graph->outputs()[1]);
  REQUIRE(constant != nullptr);
  return *constant;
}

struct Typed {
  std::string name;
  TensorProto::DataType type;
  std::function<void(TensorProto&)> fill;  // three elements
  std::string bytes;                       // as raw_data would hold them
};

const std::vector<Typed> kTyped = {
    {"float", TensorProto::FLOAT,
     [](auto& t) {
       for (const float v : {1.5F, -2.0F, 0.0F}) t.add_float_data(v);
     },
     bytes_of<float>({1.5F, -2.0F, 0.0F})},
    {"double", TensorProto::DOUBLE,
     [](auto& t) {
       for (const double v : {1.5, -2.0, 1e300}) t.add_double_data(v);
     },
     bytes_of<double>({1.5, -2.0, 1e300})},
    {"int8", TensorProto::INT8,
     [](auto& t) {
       for (const int v : {-128, 0, 127}) t.add_int32_data(v);
     },
     bytes_of<int8_t>({-128, 0, 127})},
    {"uint8", TensorProto::UINT8,
     [](auto& t) {
       for (const int v : {0, 7, 255}) t.add_int32_data(v);
     },
     bytes_of<uint8_t>({0, 7, 255})},
    {"int16", TensorProto::INT16,
     [](auto& t) {
       for (const int v : {-32768, 0, 32767}) t.add_int32_data(v);
     },
     bytes_of<int16_t>({-32768, 0, 32767})},
    {"uint16", TensorProto::UINT16,
     [](auto& t) {
       for (const int v : {0, 7, 65535}) t.add_int32_data(v);
     },
     bytes_of<uint16_t>({0, 7, 65535})},
    {"int32", TensorProto::INT32,
     [](auto& t) {
       for (const int v : {-2147483647 - 1, 0, 2147483647}) t.add_int32_data(v);
     },
     bytes_of<int32_t>({-2147483647 - 1, 0, 2147483647})},
    {"uint32", TensorProto::UINT32,
     [](auto& t) {
       for (const uint64_t v : {0ULL, 7ULL, 4294967295ULL}) t.add_uint64_data(v);
     },
     bytes_of<uint32_t>({0, 7, 4294967295U})},
    {"int64", TensorProto::INT64,
     [](auto& t) {
       for (const int64_t v : {INT64_MIN, int64_t{0}, INT64_MAX}) t.add_int64_data(v);
     },
     bytes_of<int64_t>({INT64_MIN, 0, INT64_MAX})},
    {"uint64", TensorProto::UINT64,
     [](auto& t) {
       for (const uint64_t v : {uint64_t{0}, uint64_t{7}, UINT64_MAX}) t.add_uint64_data(v);
     },
     bytes_of<uint64_t>({0, 7, UINT64_MAX})},
    {"bool", TensorProto::BOOL,
     [](auto& t) {
       for (const int v : {1, 0, 1}) t.add_int32_data(v);
     },
     bytes_of<uint8_t>({1, 0, 1})},
    {"float16 as bits: 1, -2, 65504", TensorProto::FLOAT16,
     [](auto& t) {
       for (const int v : {0x3C00, 0xC000, 0x7BFF}) t.add_int32_data(v);
     },
     bytes_of<uint16_t>({0x3C00, 0xC000, 0x7BFF})},
    {"bfloat16 as bits: 1, -2, 0", TensorProto::BFLOAT16,
     [](auto& t) {
       for (const int v : {0x3F80, 0xC000, 0}) t.add_int32_data(v);
     },
     bytes_of<uint16_t>({0x3F80, 0xC000, 0})},
    {"float8", TensorProto::FLOAT8E4M3FN,
     [](auto& t) {
       for (const int v : {0x38, 0xB8, 0x7E}) t.add_int32_data(v);
     },
     bytes_of<uint8_t>({0x38, 0xB8, 0x7E})},
    {"int4: 1, -1 in one byte, -8 in the next", TensorProto::INT4,
     [](auto& t) {
       for (const int v : {0xF1, 0x08}) t.add_int32_data(v);
     },
     bytes_of<uint8_t>({0xF1, 0x08})},
    {"uint4: 1, 15, 8", TensorProto::UINT4,
     [](auto& t) {
       for (const int v : {0xF1, 0x08}) t.add_int32_data(v);
     },
     bytes_of<uint8_t>({0xF1, 0x08})},
};

TEST_CASE("every numeric type reads the same from its typed field and from raw_data") {
  for (const Typed& c : kTyped) {
    CAPTURE(c.name);
    TensorProto typed = tensor_of(c.type, {3});
    c.fill(typed);
    TensorProto raw = tensor_of(c.type, {3});
    raw.set_raw_data(c.bytes);
    for (const TensorProto& proto : {typed, raw}) {
      const auto tensor = import_tensor(proto);
      REQUIRE_MESSAGE(tensor.ok(), tensor.error().message);
      CHECK(static_cast<int>(tensor->dtype()) == static_cast<int>(c.type));
      CHECK(tensor->dims() == Dims{3});
      CHECK(std::string(reinterpret_cast<const char*>(tensor->bytes().data()),
                        tensor->bytes().size()) == c.bytes);
    }
  }
}

TEST_CASE("4-bit elements lie two in a byte, the first in the low nibble") {
  TensorProto proto = tensor_of(TensorProto::INT4, {5});
  proto.set_raw_data(std::string("\x21\xF8\x07", 3));
  const auto tensor = import_tensor(proto);
  REQUIRE(tensor.ok());
  CHECK(tensor->to_int64() == std::vector<int64_t>{1, 2, -8, -1, 7});
  proto.set_data_type(TensorProto::UINT4);
  const auto plain = import_tensor(proto);
  REQUIRE(plain.ok());
  CHECK(plain->to_int64() == std::vector<int64_t>{1, 2, 8, 15, 7});
}

struct BadTensor {
  std::string name;
  TensorProto::DataType type;
  std::vector<int64_t> dims;
  std::function<void(TensorProto&)> fill;
  std::string says;
};

TEST_CASE("data that contradicts its type or dims is refused by the tensor's name") {
  const std::vector<BadTensor> cases = {
      {"no elements", TensorProto::FLOAT, {3}, [](auto&) {}, "fewer elements"},
      {"too few", TensorProto::FLOAT, {3}, [](auto& t) { t.add_float_data(1); }, "tensor 'w': has"},
      {"too many",
       TensorProto::INT64,
       {1},
       [](auto& t) {
         t.add_int64_data(1);
         t.add_int64_data(2);
       },
       "another number of elements"},
      {"out of range",
       TensorProto::INT8,
       {1},
       [](auto& t) { t.add_int32_data(200); },
       "outside int8"},
      {"bool of two",
       TensorProto::BOOL,
       {1},
       [](auto& t) { t.add_int32_data(2); },
       "a bool that is neither 0 nor 1"},
      {"wrong field",
       TensorProto::INT64,
       {1},
       [](auto& t) { t.add_float_data(1); },
       "elements of int64 are in float_data"},
      {"two fields",
       TensorProto::FLOAT,
       {1},
       [](auto& t) {
         t.add_float_data(1);
         t.add_int32_data(1);
       },
       "elements of float are in int32_data"},
      {"raw strings",
       TensorProto::STRING,
       {1},
       [](auto& t) { t.set_raw_data("a"); },
       "strings are in raw_data"},
      {"4-bit raw of another length",
       TensorProto::INT4,
       {5},
       [](auto& t) { t.set_raw_data(std::string("\x21\xF8", 2)); },
       "has 2 bytes of elements"},
      {"huge dims without data",
       TensorProto::INT8,
       {int64_t{1} << 40},
       [](auto&) {},
       "fewer elements"},
      {"unknown type",
       static_cast<TensorProto::DataType>(0),
       {1},
       [](auto&) {},
       "an element type is missing"},
      {"segment",
       TensorProto::FLOAT,
       {1},
       [](auto& t) {
         t.add_float_data(1);
         t.mutable_segment()->set_begin(0);
       },
       "segments"},
  };
  for (const BadTensor& c : cases) {
    CAPTURE(c.name);
    TensorProto proto = tensor_of(c.type, c.dims);
    c.fill(proto);
    const auto tensor = import_tensor(proto);
    REQUIRE(!tensor.ok());
    CHECK_MESSAGE(tensor.error().message.find("tensor 'w'") != std::string::npos,
                  tensor.error().message);
    CHECK_MESSAGE(tensor.error().message.find(c.says) != std::string::npos, tensor.error().message);
  }
}

struct Sparse {
  std::string name;
  std::vector<int64_t> index_dims;
  std::vector<int64_t> indices;
  std::string says;  // empty: dense is {{0, 5, 0}, {7, 0, 0}}
};

TEST_CASE("sparse initializers are made dense, by linear indices or by coordinates") {
  const std::vector<Sparse> cases = {
      {"linear", {2}, {1, 3}, ""},
      {"coordinates", {2, 2}, {0, 1, 1, 0}, ""},
      {"outside", {2}, {1, 6}, "outside its dims"},
      {"negative", {2}, {-1, 3}, "outside its dims"},
      {"coordinate outside", {2, 2}, {0, 1, 0, 3}, "outside its dims"},
      {"too few", {1}, {1}, "don't fit its values"},
      {"rank", {2, 1}, {1, 3}, "don't fit its values"},
  };
  for (const Sparse& c : cases) {
    CAPTURE(c.name);
    ModelProto proto = relu_model();
    auto& sparse = *proto.mutable_graph()->add_sparse_initializer();
    *sparse.mutable_values() = floats("s", {2}, {5, 7});
    TensorProto& indices = *sparse.mutable_indices();
    indices = tensor_of(TensorProto::INT64, c.index_dims);
    indices.set_raw_data(bytes_of(c.indices));
    sparse.add_dims(2);
    sparse.add_dims(3);
    set_info(*proto.mutable_graph()->add_output(), "s", {"2", "3"});
    const auto model = import_proto(proto);
    CHECK_MESSAGE(model.ok() == c.says.empty(), (model.ok() ? "" : model.error().message));
    if (!model.ok()) {
      CHECK_MESSAGE(model.error().message.find(c.says) != std::string::npos, model.error().message);
      CHECK(model.error().message.find("'s'") != std::string::npos);
      continue;
    }
    CHECK(model->graph->constant(model->graph->outputs()[1])->to_float() ==
          std::vector<float>{0, 5, 0, 7, 0, 0});
  }
}

TEST_CASE("external elements of every type are spans of the mapped file") {
  for (const Typed& c : kTyped) {
    CAPTURE(c.name);
    const Folder folder;
    folder.write("w.data", std::string(64, '\x7F') + c.bytes + "tail");
    ModelProto proto = relu_model();
    TensorProto& tensor = *proto.mutable_graph()->add_initializer();
    tensor = tensor_of(c.type, {3});
    tensor.set_data_location(TensorProto::EXTERNAL);
    for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{
             {"location", "w.data"},
             {"offset", "64"},
             {"length", std::to_string(c.bytes.size())}}) {
      auto& entry = *tensor.add_external_data();
      entry.set_key(key);
      entry.set_value(value);
    }
    ValueInfoProto& output = *proto.mutable_graph()->add_output();
    output.set_name("w");
    output.mutable_type()->mutable_tensor_type()->set_elem_type(c.type);
    folder.write("model.onnx", proto.SerializeAsString());
    const auto model = import_model(folder.path / "model.onnx");
    REQUIRE_MESSAGE(model.ok(), model.error().message);
    const Tensor* constant = model->graph->constant(model->graph->outputs()[1]);
    CHECK(std::string(reinterpret_cast<const char*>(constant->bytes().data()),
                      constant->bytes().size()) == c.bytes);
  }
}

struct Version {
  int64_t ir;
  int64_t opset;
  std::string says;
};

TEST_CASE("IR 3 to 14 and opset 6 to 28 load, all others are refused with what is supported") {
  std::vector<Version> cases;
  for (int64_t ir = 3; ir <= 14; ++ir) cases.push_back({ir, 13, ""});
  for (int64_t opset = 6; opset <= 28; ++opset) cases.push_back({10, opset, ""});
  for (const int64_t ir : {0, 2, 15})
    cases.push_back({ir, 13, "IR version " + std::to_string(ir) + " is not supported (3 to 14"});
  for (const int64_t opset : {0, 5, 29})
    cases.push_back({10, opset, "opset " + std::to_string(opset) + " is not supported (6 to 28"});
  for (const Version& c : cases) {
    CAPTURE(c.ir);
    CAPTURE(c.opset);
    ModelProto proto = empty_model();
    proto.set_ir_version(c.ir);
    proto.mutable_opset_import(0)->set_version(c.opset);
    GraphProto& graph = *proto.mutable_graph();
    *graph.add_initializer() = floats("w", {4}, {1, 2, 3, 4});
    // IR 3 has every initializer among the inputs, too.
    if (c.ir < 4) set_info(*graph.add_input(), "w", {"4"});
    add_node(graph, "Add", {"x", "w"}, {"y"});
    const auto model = import_proto(proto);
    CHECK_MESSAGE(model.ok() == c.says.empty(), (model.ok() ? "" : model.error().message));
    if (model.ok())
      CHECK(model->graph->inputs.size() == 1);
    else
      CHECK_MESSAGE(model.error().message.find(c.says) != std::string::npos, model.error().message);
  }
}

}  // namespace
}  // namespace octet::testing
