#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <new>

#include "engine/passes/pass.h"
#include "engine/quant/quantize.h"
#include "importers/onnx/write.h"
#include "octet/octet.h"
#include "tests/reliability/models.h"
#include "tests/support/quant_runner.h"

// Memory that runs out at the n-th allocation of the library's own allocators, for every n: what
// tensors, arenas, scratch and packed weights are made of (engine/ir/memory.h,
// engine/ir/aligned.h), which ask for cache lines.

namespace {

// Allocations of this thread until one fails; negative: none does.
thread_local int64_t until_failure = -1;
// Whether all that follow fail, too.
thread_local bool for_good = false;
thread_local bool failed = false;

bool fails() {
  if (until_failure < 0) return failed && for_good;
  failed = until_failure-- == 0;
  return failed;
}

void* taken(size_t size, std::align_val_t alignment) {
  if (fails()) return nullptr;
  const auto unit = static_cast<size_t>(alignment);
  return std::aligned_alloc(unit, std::max<size_t>((size + unit - 1) / unit, 1) * unit);
}

}  // namespace

// The program's own, before the C++ library's.
void* operator new(size_t size, std::align_val_t alignment) {
  void* memory = taken(size, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* operator new(size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return taken(size, alignment);
}
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }

namespace octet::testing {
namespace {

// Calls f with its n-th allocation failing (and all behind it, where `rest` says so), for n from 0
// on, until f makes no n-th one; f says whether it succeeded, which it must then.
template <typename F>
int64_t fail_each(bool rest, F&& f) {
  constexpr int64_t kMost = 200'000;
  for (int64_t n = 0; n < kMost; ++n) {
    for_good = rest;
    until_failure = n;
    const bool done = f();
    const bool reached = failed;
    until_failure = -1;
    failed = for_good = false;
    if (reached) continue;
    CHECK(done);
    return n;
  }
  FAIL("allocations without end");
  return 0;
}

struct Session {
  explicit Session(const std::filesystem::path& path, const octet_options* options) {
    error = octet_session_load(path.c_str(), options, &session);
  }
  ~Session() {
    octet_error_free(error);
    octet_session_free(session);
  }
  octet_session* session = nullptr;
  octet_error* error = nullptr;
};

bool run(octet_session* session) {
  float x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  const int64_t dims[2] = {2, 4};
  const octet_tensor input{OCTET_FLOAT, x, sizeof(x), dims, 2};
  octet_results* results = nullptr;
  octet_error* error = octet_session_run(session, &input, 1, nullptr, &results);
  octet_results_free(results);
  octet_error_free(error);
  return error == nullptr;
}

bool quantize(const std::filesystem::path& from, const std::filesystem::path& to,
              const quant::QuantizeOptions& options) {
  const auto status = catch_memory_errors([&]() -> Status {
    OCTET_ASSIGN(const Model model, import_model(from));
    OCTET_RETURN_IF_ERROR(run_passes(*model.graph, PassPhase::portable));
    quant::Calibration calibration;
    const std::vector<Tensor> samples = {Tensor::of(Dims{1, 4}, std::vector<float>{1, -2, 3, 4})};
    if (options.mode == quant::Mode::statically) calibration.run = calibrate_with(samples);
    OCTET_ASSIGN(const auto report, quant::quantize(*model.graph, options, calibration));
    return write_model(model, to);
  });
  return status.ok();
}

TEST_CASE("loading, running and quantizing end in an error wherever memory runs out") {
  const Folder folder;
  ModelProto network = small_network();
  GraphProto& graph = *network.mutable_graph();
  graph.mutable_node(2)->set_output(0, "z");
  *graph.add_initializer() = int64_tensor("trips", {}, {3});
  NodeProto& loop = add_node(graph, "Loop", {"trips", "", "z"}, {"y"});
  GraphProto& body = *add_attribute(loop, "body", AttributeProto::GRAPH).mutable_g();
  set_info(*body.add_input(), "i", {}, TensorProto::INT64);
  set_info(*body.add_input(), "go", {}, TensorProto::BOOL);
  set_info(*body.add_input(), "s", {"n", "4"});
  add_node(body, "Identity", {"go"}, {"more"});
  add_node(body, "Softmax", {"s"}, {"t"});
  set_info(*body.add_output(), "more", {}, TensorProto::BOOL);
  set_info(*body.add_output(), "t", {"n", "4"});
  folder.write("model.onnx", network.SerializeAsString());
  const auto path = folder.path / "model.onnx";
  octet_options* options = octet_options_new();
  octet_options_set_threads(options, 1);
  { const Session warm(path, options); }  // tables that live as long as the process

  for (const bool rest : {false, true}) {
    const auto load = [&] { return Session(path, options).error == nullptr; };
    CHECK(fail_each(rest, load) > 0);
    const Session session(path, options);
    REQUIRE(session.error == nullptr);
    CHECK(fail_each(rest, [&] { return run(session.session); }) > 0);
  }
  octet_options_free(options);

  for (const quant::Mode mode :
       {quant::Mode::statically, quant::Mode::dynamic, quant::Mode::fp16}) {
    CAPTURE(static_cast<int>(mode));
    quant::QuantizeOptions wanted;
    wanted.mode = mode;
    const auto out = folder.path / "out.onnx";
    CHECK(quantize(path, out, wanted));
    CHECK(fail_each(false, [&] { return quantize(path, out, wanted); }) > 0);
  }
}

}  // namespace
}  // namespace octet::testing
