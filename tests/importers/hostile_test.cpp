#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "importers/onnx/write.h"
#include "tests/importers/proto_builder.h"

namespace octet::testing {
namespace {

Result<Model> import_string(const std::string& bytes, const ImportLimits& limits = {}) {
  return import_model(std::as_bytes(std::span(bytes)), "", limits);
}

// A length-delimited field of up to 2^21 bytes.
std::string field(int number, const std::string& payload) {
  std::string out(1, static_cast<char>(number << 3 | 2));
  size_t length = payload.size();
  for (; length >= 0x80; length >>= 7) out += static_cast<char>((length & 0x7F) | 0x80);
  return out + static_cast<char>(length) + payload;
}

TEST_CASE("every truncation and every flipped byte ends in a value or an error") {
  ModelProto proto = relu_model();
  *proto.mutable_graph()->add_initializer() = floats("w", {2}, {1, 2});
  const std::string bytes = proto.SerializeAsString();
  for (size_t size = 0; size < bytes.size(); ++size) CHECK(!import_string(bytes.substr(0, size)));
  for (size_t at = 0; at < bytes.size(); ++at)
    for (const int bit : {0x01, 0x10, 0x80, 0xFF}) {
      std::string spoiled = bytes;
      spoiled[at] = static_cast<char>(spoiled[at] ^ bit);
      (void)import_string(spoiled).ok();
    }
}

TEST_CASE("wire bombs hit a limit") {
  std::string nodes;
  nodes.reserve(10 << 20);
  for (int i = 0; i < 5 << 20; ++i) nodes += std::string("\x0A\x00", 2);
  CHECK(import_string(field(7, nodes)).error().code == ErrorCode::limit);
  std::string nested;
  for (int i = 0; i < 200; ++i) nested = field(1, field(5, field(6, nested)));
  CHECK(import_string(field(7, nested)).error().code == ErrorCode::limit);
  std::string names;
  for (int i = 0; i < 5 << 20; ++i) names += std::string("\x0A\x00", 2);
  CHECK(import_string(field(7, field(1, names))).error().code == ErrorCode::limit);
  CHECK(import_string(relu_model().SerializeAsString(), {.max_nodes = 0}).error().code ==
        ErrorCode::limit);
}

TEST_CASE("names that aren't UTF-8 load, and protobuf prints nothing") {
  ModelProto proto = relu_model();
  std::string bytes = proto.SerializeAsString();
  for (size_t at = bytes.find("Relu_1"); at != std::string::npos; at = bytes.find("Relu_1"))
    bytes[at] = '\xFF';
  const Folder folder;
  const auto said = folder.path / "said";
  const int before = ::dup(STDERR_FILENO);
  const int file = ::open(said.c_str(), O_WRONLY | O_CREAT, 0600);
  ::dup2(file, STDERR_FILENO);
  const auto model = import_string(bytes);
  const bool written = model.ok() && write_model(*model, folder.path / "out.onnx").ok();
  ::dup2(before, STDERR_FILENO);
  ::close(before);
  ::close(file);
  CHECK(written);
  CHECK(std::filesystem::file_size(said) == 0);
}

struct External {
  std::string name;
  std::string location;
  std::string offset;
  std::string length;
  std::string says;  // empty: it loads
};

TEST_CASE("external data stays inside the model's folder and the file's bytes") {
  const Folder folder;
  const Folder other;
  const std::string data(64, '\0');
  folder.write("w.data", data);
  folder.write("linked.data", data);
  other.write("secret", data);
  std::filesystem::create_directory(folder.path / "sub");
  folder.write("sub/w.data", data);
  std::filesystem::create_symlink(other.path / "secret", folder.path / "soft");
  std::filesystem::create_directory_symlink(other.path, folder.path / "away");
  std::filesystem::create_hard_link(folder.path / "linked.data", folder.path / "hard");
  const std::vector<External> cases = {
      {"plain", "w.data", "8", "8", ""},
      {"no length", "w.data", "8", "", ""},
      {"in a folder below", "sub/w.data", "0", "8", ""},
      {"absolute", (other.path / "secret").string(), "0", "8", "absolute"},
      {"parent", "../secret", "0", "8", "leaves the model's folder"},
      {"parent in the middle", "sub/../w.data", "0", "8", "leaves the model's folder"},
      {"symbolic link", "soft", "0", "8", "symbolic link"},
      {"link to a folder", "away/secret", "0", "8", "external data 'away/secret'"},
      {"hard link", "hard", "0", "8", "hard link"},
      {"folder", "sub", "0", "8", "not a regular file"},
      {"missing", "none", "0", "8", "No such file"},
      {"empty", "", "0", "8", "without a location"},
      {"past the end", "w.data", "60", "8", "outside the file"},
      {"wrapping", "w.data", "18446744073709551612", "8", "outside the file"},
      {"wrapping length", "w.data", "8", "18446744073709551612", "outside the file"},
      {"not a number", "w.data", "-1", "8", "not a number"},
      {"other length", "w.data", "0", "12", "has 12 bytes"},
  };
  for (const External& c : cases) {
    CAPTURE(c.name);
    ModelProto proto = relu_model();
    TensorProto& tensor = *proto.mutable_graph()->add_initializer();
    tensor = floats("w", {2}, {});
    tensor.clear_raw_data();
    tensor.set_data_location(TensorProto::EXTERNAL);
    const auto add = [&](const char* key, const std::string& value) {
      auto& entry = *tensor.add_external_data();
      entry.set_key(key);
      entry.set_value(value);
    };
    add("location", c.location);
    add("offset", c.offset);
    if (!c.length.empty()) add("length", c.length);
    folder.write("model.onnx", proto.SerializeAsString());
    const auto model = import_model(folder.path / "model.onnx");
    CHECK_MESSAGE(model.ok() == c.says.empty(), (model.ok() ? "" : model.error().message));
    if (!model.ok())
      CHECK_MESSAGE(model.error().message.find(c.says) != std::string::npos, model.error().message);
  }
}

}  // namespace
}  // namespace octet::testing
