// octet_stops: how long a cancel takes to end long work: a product in a loop's body, loading and
// quantizing a model whose constants are being folded, and operators that run on one thread.
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <thread>

#include "octet/octet_quantize.h"
#include "tests/reliability/models.h"

namespace {

using namespace octet::testing;
using Clock = std::chrono::steady_clock;

// Milliseconds from the cancel, after `begun` of work, until `work(flag)` ends; negative where it
// ended otherwise.
double milliseconds_to_stop(std::chrono::milliseconds begun,
                            const std::function<octet_error*(const int*)>& work) {
  int flag = 0;
  Clock::time_point cancelled;
  std::thread canceller([&] {
    std::this_thread::sleep_for(begun);
    cancelled = Clock::now();
    __atomic_store_n(&flag, 1, __ATOMIC_RELEASE);
  });
  octet_error* error = work(&flag);
  const auto ended = Clock::now();
  canceller.join();
  const bool stopped = error != nullptr && octet_error_status(error) == OCTET_DEADLINE;
  if (error != nullptr && !stopped) std::cerr << octet_error_message(error) << "\n";
  octet_error_free(error);
  return stopped ? std::chrono::duration<double, std::milli>(ended - cancelled).count() : -1;
}

octet_error* load(const std::string& bytes, const int* flag, octet_session** session) {
  octet_options* options = octet_options_new();
  octet_options_set_deadline(options, 0, flag);
  octet_error* error = octet_options_set_provider(options, "native");
  if (error == nullptr)
    error = octet_session_load_memory(bytes.data(), bytes.size(), nullptr, options, session);
  octet_options_free(options);
  return error;
}

octet_error* quantize(const std::filesystem::path& from, const std::filesystem::path& to,
                      const int* flag) {
  octet_options* run = octet_options_new();
  octet_options_set_deadline(run, 0, flag);
  octet_quantize_options* options = octet_quantize_options_new();
  octet_error* error = octet_quantize_options_set_run(options, run);
  if (error == nullptr) error = octet_quantize_options_set(options, "mode", "dynamic");
  if (error == nullptr) error = octet_quantize(from.c_str(), to.c_str(), options);
  octet_quantize_options_free(options);
  octet_options_free(run);
  return error;
}

octet_error* run(octet_session* session, const int* flag) {
  float x[4] = {};
  const int64_t dims[2] = {1, 4};
  const octet_tensor input{OCTET_FLOAT, x, sizeof(x), dims, 2};
  octet_run_options options{};
  options.cancel = flag;
  octet_results* results = nullptr;
  octet_error* error = octet_session_run(session, &input, 1, &options, &results);
  octet_results_free(results);
  return error;
}

// Operators without kernels of their own, each busy for longer than it is let.
std::vector<std::pair<const char*, ModelProto>> long_operators() {
  std::vector<std::pair<const char*, ModelProto>> all;
  LongNode einsum("Einsum");
  einsum.input({2000, 2000}).input({2000, 2000}).input({2000, 2000});
  add_attribute(einsum.node(), "equation", AttributeProto::STRING).set_s("ab,bc,ca->");
  all.emplace_back("Einsum of three matrices of 2000^2", einsum.model());
  LongNode pool("LpPool");
  pool.input({1, 1, 2000, 2000});
  auto& kernel = add_attribute(pool.node(), "kernel_shape", AttributeProto::INTS);
  for (int axis = 0; axis < 2; ++axis) kernel.add_ints(300);
  all.emplace_back("LpPool of 300^2 windows over one plane", pool.model());
  LongNode top("TopK");
  top.input({1 << 24}).constant({1}, {1 << 23});
  top.node().add_output("at");
  all.emplace_back("TopK of 2^23 among 2^24", top.model());
  all.emplace_back("Unique of 2^24 numbers", LongNode("Unique").input({1 << 24}).model());
  all.emplace_back("MeanVarianceNormalization of 2^26 numbers",
                   LongNode("MeanVarianceNormalization").input({1, 1, 1 << 13, 1 << 13}).model());
  LongNode cumulative("CumSum");
  cumulative.input({1 << 13, 1 << 14}).constant({}, {0});
  all.emplace_back("CumSum down 2^14 columns of 2^13", cumulative.model());
  return all;
}

}  // namespace

int main() {
  const Folder folder;
  const std::string folding = long_folding().SerializeAsString();
  folder.write("model.onnx", folding);
  octet_session* looping = nullptr;
  octet_error_free(load(long_loop().SerializeAsString(), nullptr, &looping));
  if (looping == nullptr) return 1;
  bool all = true;
  const auto measure = [&](const char* name, const std::function<octet_error*(const int*)>& work) {
    double most = 0;
    for (const int begun : {20, 50, 90, 130, 210}) {
      const double ms = milliseconds_to_stop(std::chrono::milliseconds(begun), work);
      all = all && ms >= 0;
      most = std::max(most, ms);
    }
    std::cout << name << ": at most " << most << " ms from the cancel to the end" << std::endl;
  };
  measure("a product of 4096^3 in a loop", [&](const int* flag) { return run(looping, flag); });
  measure("loading and folding", [&](const int* flag) {
    octet_session* session = nullptr;
    return load(folding, flag, &session);
  });
  measure("quantizing and folding", [&](const int* flag) {
    return quantize(folder.path / "model.onnx", folder.path / "out.onnx", flag);
  });
  octet_session_free(looping);
  for (const auto& [name, model] : long_operators()) {
    octet_session* session = nullptr;
    octet_error* error = load(model.SerializeAsString(), nullptr, &session);
    if (error != nullptr) std::cerr << name << ": " << octet_error_message(error) << "\n";
    all = all && error == nullptr;
    octet_error_free(error);
    if (session != nullptr) measure(name, [&](const int* flag) { return run(session, flag); });
    octet_session_free(session);
  }
  return all ? 0 : 1;
}
