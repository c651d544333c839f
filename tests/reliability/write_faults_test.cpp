#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "importers/onnx/write.h"
#include "tests/reliability/models.h"

// Disks that fail, and processes that are killed, at each system call that writing a model makes.

namespace {

enum class Fault : uint8_t { none, error, short_writes, kill };

struct Plan {
  Fault fault = Fault::none;
  int64_t until = -1;  // calls before the one that fails
  int error = 0;
  int64_t calls = 0;
};
Plan plan;

// Whether this call is the one that fails.
bool hit() {
  if (plan.fault != Fault::error && plan.fault != Fault::kill) return false;
  if (plan.calls++ != plan.until) return false;
  if (plan.fault == Fault::kill) ::kill(::getpid(), SIGKILL);
  errno = plan.error;
  return true;
}

}  // namespace

// The program's own, before the C library's.
extern "C" ssize_t write(int fd, const void* bytes, size_t count) {
  if (plan.fault != Fault::none && hit()) return -1;
  if (plan.fault == Fault::short_writes && count > 1) count = 1 + count / 3;
  return ::syscall(SYS_write, fd, bytes, count);
}
extern "C" int fsync(int fd) { return hit() ? -1 : static_cast<int>(::syscall(SYS_fsync, fd)); }
extern "C" int rename(const char* from, const char* to) noexcept {
  return hit() ? -1 : static_cast<int>(::syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to));
}

namespace octet::testing {
namespace {

// A model whose weights take several writes.
Model wide_model(float weight = 0.5F) {
  ModelProto proto = empty_model();
  GraphProto& graph = *proto.mutable_graph();
  std::vector<float> weights(size_t{4} * 50'000, weight);
  *graph.add_initializer() = floats("w", {4, 50'000}, weights);
  add_node(graph, "MatMul", {"x", "w"}, {"h"});
  *graph.add_initializer() = floats("v", {50'000, 4}, weights);
  add_node(graph, "MatMul", {"h", "v"}, {"y"});
  auto model = import_proto(proto);
  REQUIRE(model.ok());
  return std::move(*model);
}

size_t files_in(const std::filesystem::path& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST_CASE("a disk that fails at any call leaves the old model, and nothing else") {
  const Model model = wide_model();
  for (const int error : {ENOSPC, EIO}) {
    CAPTURE(error);
    const Folder folder;
    const auto path = folder.path / "out.onnx";
    folder.write("out.onnx", "the old one");
    int64_t failed = 0;
    for (int64_t n = 0;; ++n, ++failed) {
      plan = {Fault::error, n, error};
      const Status status = write_model(model, path);
      const bool reached = plan.calls > n;
      plan = {};
      if (!reached) {
        CHECK(status.ok());
        break;
      }
      CHECK(!status.ok());
      if (status.ok()) break;
      CHECK(status.error().code == ErrorCode::machine);
      const bool old = read_file(path) == "the old one";
      // Only the flush of the folder comes after the rename.
      CHECK((old || import_model(path).ok()));
      if (old) CHECK(files_in(folder.path) == 1);
      folder.write("out.onnx", "the old one");
      for (const auto& entry : std::filesystem::directory_iterator(folder.path))
        if (entry.path() != path) std::filesystem::remove(entry.path());
    }
    CHECK(failed >= 3);
  }
}

TEST_CASE("short writes give the same bytes") {
  const Model model = wide_model();
  const Folder folder;
  REQUIRE(write_model(model, folder.path / "whole.onnx").ok());
  plan = {Fault::short_writes};
  const Status status = write_model(model, folder.path / "short.onnx");
  plan = {};
  REQUIRE(status.ok());
  CHECK(read_file(folder.path / "whole.onnx") == read_file(folder.path / "short.onnx"));
}

TEST_CASE("a process killed at any call leaves the old model or the new one, whole") {
  const Model model = wide_model();
  const Folder folder;
  const auto path = folder.path / "out.onnx";
  REQUIRE(write_model(model, path).ok());
  const std::string made = read_file(path);
  bool killed = true;
  size_t news = 0;
  int64_t points = 0;
  for (; killed; ++points) {
    folder.write("out.onnx", "the old one");
    const pid_t child = ::fork();
    if (child == 0) {
      plan = {Fault::kill, points};
      ::_exit(write_model(model, path).ok() ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    killed = WIFSIGNALED(status);
    const std::string now = read_file(path);
    CHECK((now == "the old one" || now == made));
    news += now == made ? 1 : 0;
  }
  CHECK(points > 4);
  CHECK(news >= 1);
}

// Of all the weights; they differ from model to model.
float first_weight(const std::filesystem::path& path) {
  const auto model = import_model(path);
  if (!model.ok()) return 0;
  for (ValueId id = 0; id < model->graph->value_capacity(); ++id)
    if (model->graph->alive_value(id) && model->graph->value(id).name == "w")
      return model->graph->constant(id)->to_float()[0];
  return 0;
}

TEST_CASE(
    "weights in a file of their own are whole with their model, wherever a process is killed") {
  const WriteOptions external{.max_model_bytes = 1000};
  const Model first = wide_model(1);
  const Model second = wide_model(2);
  const Folder folder;
  const auto path = folder.path / "out.onnx";
  bool killed = true;
  size_t news = 0;
  for (int64_t point = 0; killed; ++point) {
    // What a killed process left under other names.
    for (const auto& entry : std::filesystem::directory_iterator(folder.path))
      std::filesystem::remove(entry.path());
    REQUIRE(write_model(first, path, external).ok());
    REQUIRE(first_weight(path) == 1);
    const pid_t child = ::fork();
    if (child == 0) {
      plan = {Fault::kill, point};
      ::_exit(write_model(second, path, external).ok() ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    killed = WIFSIGNALED(status);
    const float now = first_weight(path);
    CHECK((now == 1 || now == 2));
    news += now == 2 ? 1 : 0;
  }
  CHECK(news >= 1);
  CHECK(files_in(folder.path) == 2);  // No third file stays when all goes well.
}

}  // namespace
}  // namespace octet::testing
