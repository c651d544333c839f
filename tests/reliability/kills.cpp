// octet_kills [COUNT]: kills a process with SIGKILL while it quantizes a model over an older one,
// at COUNT moments spread over the time that it takes and a little more. The file must be the old
// one or the new one, whole, each time.
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "octet/octet_quantize.h"
#include "tests/reliability/models.h"

namespace {

using namespace octet::testing;
using Clock = std::chrono::steady_clock;

// Whether it was quantized.
bool quantize(const std::filesystem::path& from, const std::filesystem::path& to) {
  octet_quantize_options* options = octet_quantize_options_new();
  octet_error* error = octet_quantize_options_set(options, "mode", "dynamic");
  if (error == nullptr) error = octet_quantize(from.c_str(), to.c_str(), options);
  const bool done = error == nullptr;
  octet_error_free(error);
  octet_quantize_options_free(options);
  return done;
}

// The network with wider layers, so that there is something to write.
octet_onnx::ModelProto wide_network() {
  constexpr int64_t kWidth = 400;
  octet_onnx::ModelProto model = empty_model();
  auto& graph = *model.mutable_graph();
  graph.clear_input();
  graph.clear_output();
  set_info(*graph.add_input(), "x", {"n", std::to_string(kWidth)});
  set_info(*graph.add_output(), "y", {"n", std::to_string(kWidth)});
  std::vector<float> weights(kWidth * kWidth);
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i % 251) - 125.0F;
  *graph.add_initializer() = floats("w", {kWidth, kWidth}, weights);
  *graph.add_initializer() = floats("v", {kWidth, kWidth}, weights);
  add_node(graph, "MatMul", {"x", "w"}, {"a"});
  add_node(graph, "MatMul", {"a", "v"}, {"y"});
  return model;
}

// Whether the child was killed before it ended.
bool kill_after(Clock::duration delay, const std::filesystem::path& from,
                const std::filesystem::path& to) {
  const auto begin = Clock::now();
  const pid_t child = ::fork();
  if (child == 0) ::_exit(quantize(from, to) ? 0 : 1);
  std::this_thread::sleep_until(begin + delay);
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status);
}

}  // namespace

int main(int argc, char** argv) {
  const size_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 50;
  const Folder folder;
  folder.write("model.onnx", wide_network().SerializeAsString());
  const auto from = folder.path / "model.onnx";
  const auto to = folder.path / "out.onnx";
  const auto begin = Clock::now();
  if (!quantize(from, to)) return 1;
  const auto whole = Clock::now() - begin;
  const std::string made = read_file(to);
  const std::string old = "the old one";
  size_t killed = 0;
  size_t news = 0;
  size_t broken = 0;
  for (size_t i = 0; i < count; ++i) {
    folder.write("out.onnx", old);
    killed += kill_after(whole * 5 / 4 * i / count, from, to) ? 1 : 0;
    const std::string now = read_file(to);
    news += now == made ? 1 : 0;
    broken += now != made && now != old ? 1 : 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path))
      if (entry.path() != from && entry.path() != to) std::filesystem::remove(entry.path());
  }
  std::cout << killed << " of " << count << " processes killed while quantizing: " << news
            << " new files, " << count - news - broken << " old ones, " << broken << " broken\n";
  return broken == 0 && killed > 0 ? 0 : 1;
}
