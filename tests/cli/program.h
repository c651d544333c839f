#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zip.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "tests/importers/proto_builder.h"

namespace octet::testing {

struct Outcome {
  int code = -1;  ///< 1000 and the signal where one ended it.
  std::string out;
  std::string err;
  int64_t peak_bytes = 0;  ///< The largest resident set.
};

struct Limits {
  rlim_t file_bytes = RLIM_INFINITY;
  std::string stdout_path{};  ///< Where stdout goes instead of Outcome::out.
};

/// Runs the octet program.
inline Outcome octet(const std::vector<std::string>& arguments, const Limits& limits = {}) {
  const Folder folder;
  const auto out = limits.stdout_path.empty() ? (folder.path / "out").string() : limits.stdout_path;
  const auto err = (folder.path / "err").string();
  std::vector<const char*> argv = {OCTET_PROGRAM};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  argv.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT, 0600), STDOUT_FILENO);
    ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT, 0600), STDERR_FILENO);
    const rlimit limit{limits.file_bytes, limits.file_bytes};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    ::execv(OCTET_PROGRAM, const_cast<char**>(argv.data()));
    ::_exit(127);
  }
  int status = 0;
  rusage usage{};
  ::wait4(child, &status, 0, &usage);
  Outcome outcome;
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  if (limits.stdout_path.empty()) outcome.out = read_file(out);
  outcome.err = read_file(err);
  outcome.peak_bytes = usage.ru_maxrss * 1024;
  return outcome;
}

/// Checks the exit code and that stderr has every part of the message.
inline void expect(const Outcome& outcome, int code, const std::vector<std::string>& says) {
  CHECK_MESSAGE(outcome.code == code, outcome.err);
  for (const std::string& part : says)
    CHECK_MESSAGE(outcome.err.find(part) != std::string::npos, (part + "\nnot in\n" + outcome.err));
}

/// The names in a folder, hidden ones too, sorted.
inline std::vector<std::string> files_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// A .npy file of version 1.0; `type` as NumPy spells it: "<f4", "<i8".
template <typename T>
std::string npy(const std::string& type, const std::vector<int64_t>& dims,
                const std::vector<T>& values) {
  std::string header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': (";
  for (const int64_t dim : dims) header += std::to_string(dim) + ",";
  header += "), }\n";
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xFF);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  return bytes;
}
inline std::string npy(const std::vector<int64_t>& dims, const std::vector<float>& values) {
  return npy<float>("<f4", dims, values);
}

/// Writes an archive of one member.
inline void write_npz(const std::filesystem::path& path, const std::string& array,
                      const std::string& npy_bytes) {
  int code = 0;
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  REQUIRE(archive != nullptr);
  zip_source_t* source = zip_source_buffer(archive, npy_bytes.data(), npy_bytes.size(), 0);
  zip_file_add(archive, (array + ".npy").c_str(), source, ZIP_FL_OVERWRITE);
  REQUIRE(zip_close(archive) == 0);
}

/// y = x * w for x [n, 4] and w [4, width], whose node is "MatMul_1".
inline ModelProto product_model(int64_t width = 64) {
  ModelProto model = empty_model();
  GraphProto& graph = *model.mutable_graph();
  std::vector<float> weights(static_cast<size_t>(4 * width));
  for (size_t i = 0; i < weights.size(); ++i)
    weights[i] = static_cast<float>(static_cast<int>(i * 7 % 31) - 15) / 16.0F;
  *graph.add_initializer() = floats("w", {4, width}, weights);
  add_node(graph, "MatMul", {"x", "w"}, {"y"});
  graph.mutable_output(0)->Clear();
  set_info(*graph.mutable_output(0), "y", {"n", std::to_string(width)});
  return model;
}

/// y = x + 1, `trips` times over.
inline ModelProto slow_model(int64_t trips = int64_t{1} << 40) {
  ModelProto model = empty_model();
  GraphProto& graph = *model.mutable_graph();
  TensorProto& count = *graph.add_initializer();
  count.set_name("trips");
  count.set_data_type(TensorProto::INT64);
  count.add_int64_data(trips);
  *graph.add_initializer() = floats("one", {}, {1});
  NodeProto& loop = add_node(graph, "Loop", {"trips", "", "x"}, {"y"});
  GraphProto& body = *add_attribute(loop, "body", AttributeProto::GRAPH).mutable_g();
  body.set_name("body");
  const auto typed = [](ValueInfoProto& info, const char* name, TensorProto::DataType type) {
    info.set_name(name);
    info.mutable_type()->mutable_tensor_type()->set_elem_type(type);
  };
  typed(*body.add_input(), "i", TensorProto::INT64);
  typed(*body.add_input(), "go_on", TensorProto::BOOL);
  typed(*body.add_input(), "state", TensorProto::FLOAT);
  add_node(body, "Identity", {"go_on"}, {"go_on_too"});
  add_node(body, "Add", {"state", "one"}, {"next"});
  typed(*body.add_output(), "go_on_too", TensorProto::BOOL);
  typed(*body.add_output(), "next", TensorProto::FLOAT);
  return model;
}

/// A folder with "model.onnx" and a sample folder "samples" that fits models over x [n, 4].
class Workplace : public Folder {
 public:
  explicit Workplace(const ModelProto& model) {
    write("model.onnx", model.SerializeAsString());
    std::filesystem::create_directory(path / "samples");
    write_npz(path / "samples" / "a.npz", "x", npy({2, 4}, {1, -2, 3, -4, 0.5F, 0, -1, 2}));
  }
  std::string at(const std::string& name) const { return (path / name).string(); }
  std::string model() const { return at("model.onnx"); }
  std::string sample() const { return at("samples/a.npz"); }
};

}  // namespace octet::testing
