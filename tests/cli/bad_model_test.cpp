#include <functional>

#include "tests/cli/program.h"

namespace octet::testing {
namespace {

struct BadModel {
  std::string name;
  int code;
  std::function<void(const Workplace&)> spoil;  // writes model.onnx anew
  std::vector<std::string> says;
};

void rewrite(const Workplace& place, const std::function<void(ModelProto&)>& change) {
  ModelProto model = product_model();
  change(model);
  place.write("model.onnx", model.SerializeAsString());
}

void place_weights(ModelProto& model, const std::string& location, int64_t offset) {
  make_external(*model.mutable_graph()->mutable_initializer(0), location, offset);
}

std::vector<BadModel> bad_models() {
  constexpr int kBadInput = 3;
  constexpr int kLimit = 4;
  return {
      {"missing",
       kBadInput,
       [](auto& p) { std::filesystem::remove(p.path / "model.onnx"); },
       {"model.onnx", "No such file"}},
      {"a folder",
       kBadInput,
       [](auto& p) {
         std::filesystem::remove(p.path / "model.onnx");
         std::filesystem::create_directory(p.path / "model.onnx");
       },
       {"model.onnx", "not a regular file"}},
      {"empty",
       kBadInput,
       [](auto& p) { p.write("model.onnx", ""); },
       {"model.onnx", "IR version"}},
      {"text",
       kBadInput,
       [](auto& p) { p.write("model.onnx", "hello, world\n"); },
       {"model.onnx", "malformed or truncated"}},
      {"truncated",
       kBadInput,
       [](auto& p) {
         const std::string bytes = product_model().SerializeAsString();
         p.write("model.onnx", bytes.substr(0, bytes.size() / 2));
       },
       {"model.onnx", "malformed or truncated"}},
      {"oversized",
       kLimit,
       [](auto& p) { std::filesystem::resize_file(p.path / "model.onnx", uint64_t{65} << 30); },
       {"model.onnx", "the file is larger than"}},
      {"a bomb of empty nodes",
       kLimit,
       [](auto& p) {
         std::string bytes = "\x3A\x80\x80\x80\x02";  // a graph of 4 MiB
         for (int i = 0; i < 2 << 20; ++i) bytes += std::string("\x0A\x00", 2);
         p.write("model.onnx", bytes);
       },
       {"model.onnx", "more than 2000000 messages"}},
      {"cyclic",
       kBadInput,
       [](auto& p) {
         rewrite(p, [](ModelProto& m) {
           add_node(*m.mutable_graph(), "Relu", {"b"}, {"a"});
           add_node(*m.mutable_graph(), "Relu", {"a"}, {"b"});
           add_node(*m.mutable_graph(), "Relu", {"b"}, {"c"});
         });
       },
       {"model.onnx", "the nodes form a cycle", "Relu 'Relu_"}},
      {"mistyped operands",
       kBadInput,
       [](auto& p) {
         rewrite(p, [](ModelProto& m) {
           m.mutable_graph()->mutable_initializer(0)->set_data_type(TensorProto::INT32);
         });
       },
       {"model.onnx", "MatMul 'MatMul_1'"}},
      {"shapes that don't fit",
       kBadInput,
       [](auto& p) {
         rewrite(p, [](ModelProto& m) {
           m.mutable_graph()->mutable_initializer(0)->set_dims(0, 8);
           m.mutable_graph()->mutable_initializer(0)->set_dims(1, 32);
         });
       },
       {"model.onnx", "MatMul 'MatMul_1'", "4", "8"}},
      {"dims that lie about the payload",
       kBadInput,
       [](auto& p) {
         rewrite(
             p, [](ModelProto& m) { m.mutable_graph()->mutable_initializer(0)->set_dims(0, 400); });
       },
       {"model.onnx", "tensor 'w'", "has 1024 bytes of elements"}},
      {"a declared type that lies",
       kBadInput,
       [](auto& p) {
         rewrite(p, [](ModelProto& m) {
           m.mutable_graph()
               ->mutable_output(0)
               ->mutable_type()
               ->mutable_tensor_type()
               ->set_elem_type(TensorProto::INT64);
         });
       },
       {"model.onnx", "value 'y' is declared as int64", "MatMul 'MatMul_1'"}},
      {"an operator that nobody knows",
       kBadInput,
       [](auto& p) {
         rewrite(p, [](ModelProto& m) {
           m.mutable_graph()->mutable_node(0)->set_op_type("Frobnicate");
         });
       },
       {"model.onnx", "Frobnicate 'MatMul_1'", "not supported"}},
      {"a name that nobody makes",
       kBadInput,
       [](auto& p) {
         rewrite(p, [](ModelProto& m) { m.mutable_graph()->mutable_node(0)->set_input(1, "v"); });
       },
       {"model.onnx", "MatMul 'MatMul_1'", "value 'v' is not defined"}},
      {"an old opset",
       kBadInput,
       [](auto& p) {
         rewrite(p, [](ModelProto& m) { m.mutable_opset_import(0)->set_version(5); });
       },
       {"model.onnx", "opset 5 is not supported"}},
      {"external data past the file's end",
       kBadInput,
       [](auto& p) {
         p.write("w.data", std::string(1024, '\0'));
         rewrite(p, [](ModelProto& m) { place_weights(m, "w.data", 4096); });
       },
       {"model.onnx", "tensor 'w'", "'w.data'", "outside the file"}},
      {"external data that is too short",
       kBadInput,
       [](auto& p) {
         p.write("w.data", std::string(1000, '\0'));
         rewrite(p, [](ModelProto& m) { place_weights(m, "w.data", 0); });
       },
       {"model.onnx", "tensor 'w'", "1000 bytes"}},
      {"external data outside the folder",
       kBadInput,
       [](auto& p) { rewrite(p, [](ModelProto& m) { place_weights(m, "../w.data", 0); }); },
       {"model.onnx", "tensor 'w'", "leaves the model's folder"}},
      {"external data through a link",
       kBadInput,
       [](auto& p) {
         p.write("w.data", std::string(1024, '\0'));
         std::filesystem::create_symlink(p.path / "w.data", p.path / "link");
         rewrite(p, [](ModelProto& m) { place_weights(m, "link", 0); });
       },
       {"model.onnx", "tensor 'w'", "symbolic link"}},
      {"external data that is missing",
       kBadInput,
       [](auto& p) { rewrite(p, [](ModelProto& m) { place_weights(m, "none", 0); }); },
       {"model.onnx", "tensor 'w'", "'none'", "No such file"}},
  };
}

TEST_CASE("every verb refuses a bad model by file, node and reason, and writes nothing") {
  for (const BadModel& c : bad_models()) {
    CAPTURE(c.name);
    const Workplace place(product_model());
    c.spoil(place);
    const auto before = files_in(place.path);
    const std::vector<std::vector<std::string>> verbs = {
        {"info", place.model()},
        {"run", place.model(), "--inputs", place.sample(), "--output-dir", place.at("out")},
        {"quantize", place.model(), "-o", place.at("int8.onnx"), "--mode", "dynamic"},
        {"quantize", place.model(), "-o", place.at("int8.onnx"), "--calibration",
         place.at("samples"), "--report", place.at("report.json")},
        {"compare", place.model(), place.model(), "--inputs", place.at("samples")},
        {"bench", place.model(), "--seconds", "0.01"},
    };
    for (const auto& verb : verbs) {
      CAPTURE(verb[0]);
      expect(octet(verb), c.code, c.says);
    }
    CHECK(files_in(place.path) == before);
  }
}

}  // namespace
}  // namespace octet::testing
