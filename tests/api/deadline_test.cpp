#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "engine/ir/stop.h"
#include "octet/octet.h"
#include "octet/octet_quantize.h"
#include "tests/reliability/models.h"

// Deadlines and cancels while models are loaded, folded, run in loops and quantized. How soon they
// end is measured elsewhere: here work that would take minutes must end at all, by the right error.

namespace octet::testing {
namespace {

std::function<bool()> never;

struct Outcome {
  octet_status status = OCTET_OK;
  std::string message;
};
Outcome outcome_of(octet_error* error) {
  if (error == nullptr) return {};
  Outcome outcome{octet_error_status(error), octet_error_message(error)};
  octet_error_free(error);
  return outcome;
}

Outcome load(const ModelProto& model, const octet_options* options) {
  const std::string bytes = model.SerializeAsString();
  octet_session* session = nullptr;
  const auto outcome =
      outcome_of(octet_session_load_memory(bytes.data(), bytes.size(), nullptr, options, &session));
  octet_session_free(session);
  return outcome;
}

// Sets a flag from another thread after some milliseconds.
class Canceller {
 public:
  explicit Canceller(int ms)
      : thread_([this, ms] {
          std::this_thread::sleep_for(std::chrono::milliseconds(ms));
          __atomic_store_n(&flag_, 1, __ATOMIC_RELAXED);
        }) {}
  ~Canceller() { thread_.join(); }
  const int* flag() const { return &flag_; }

 private:
  int flag_ = 0;
  std::thread thread_;
};

TEST_CASE("loading ends at its deadline and by its flag, in the middle of folding") {
  const ModelProto model = long_folding();
  octet_options* options = octet_options_new();
  octet_options_set_deadline(options, 50, nullptr);
  CHECK(load(model, options).status == OCTET_DEADLINE);
  const Canceller canceller(30);
  octet_options_set_deadline(options, 0, canceller.flag());
  CHECK(load(model, options).status == OCTET_DEADLINE);
  octet_options_set_deadline(options, 0, nullptr);
  CHECK(load(relu_model(), options).status == OCTET_OK);
  octet_options_free(options);
}

TEST_CASE("quantizing ends at its deadline, and leaves the old file") {
  const Folder folder;
  folder.write("model.onnx", long_folding().SerializeAsString());
  folder.write("out.onnx", "the old one");
  octet_options* run = octet_options_new();
  octet_options_set_deadline(run, 50, nullptr);
  octet_quantize_options* options = octet_quantize_options_new();
  CHECK(outcome_of(octet_quantize_options_set_run(options, run)).status == OCTET_OK);
  CHECK(outcome_of(octet_quantize_options_set(options, "mode", "dynamic")).status == OCTET_OK);
  const auto outcome = outcome_of(octet_quantize((folder.path / "model.onnx").c_str(),
                                                 (folder.path / "out.onnx").c_str(), options));
  CHECK_MESSAGE(outcome.status == OCTET_DEADLINE, outcome.message);
  CHECK(read_file(folder.path / "out.onnx") == "the old one");
  octet_quantize_options_free(options);
  octet_options_free(run);
}

TEST_CASE("a long step of a loop's body ends with the run") {
  const ModelProto model = long_loop();
  const std::string bytes = model.SerializeAsString();
  octet_options* options = octet_options_new();
  CHECK(outcome_of(octet_options_set_provider(options, "native")).status == OCTET_OK);
  octet_session* session = nullptr;
  REQUIRE(octet_session_load_memory(bytes.data(), bytes.size(), nullptr, options, &session) ==
          nullptr);
  float x[4] = {};
  const int64_t dims[2] = {1, 4};
  const octet_tensor input{OCTET_FLOAT, x, sizeof(x), dims, 2};
  octet_run_options run{};
  run.deadline_ms = 50;
  octet_results* results = nullptr;
  CHECK(outcome_of(octet_session_run(session, &input, 1, &run, &results)).status == OCTET_DEADLINE);
  octet_session_free(session);
  octet_options_free(options);
}

TEST_CASE("pieces cover a range once, each as long as the grain, until the scope asks for an end") {
  SerialParallel serial;
  const StopScope* scope = nullptr;
  StoppableParallel parallel(serial, scope);
  std::atomic<bool> stop{false};
  const std::function<bool()> asked = [&] { return stop.load(); };
  const StopScope outer({}, asked);
  const StopScope inner({}, never);
  CHECK(inner.limited());
  for (const StopScope* each : {static_cast<const StopScope*>(nullptr), &inner}) {
    scope = each;
    size_t next = 0;
    parallel.for_ranges(1000, 7, [&](size_t begin, size_t end) {
      CHECK(begin == next);
      CHECK((end - begin >= 7 || begin == 0));
      next = end;
    });
    CHECK(next == 1000);
  }
  stop = true;
  CHECK(inner.requested());
  CHECK(stop_requested());
  CHECK(!check_stop().ok());
  CHECK_THROWS_AS(parallel.for_ranges(1, 1, [](size_t, size_t) {}), StopError);
}

TEST_CASE("loops on one thread ask after some work, and on whichever thread runs a piece") {
  std::atomic<bool> stop{false};
  const std::function<bool()> asked = [&] { return stop.load(); };
  const auto work = [] {
    StopPoll poll;
    for (int i = 0; i < 100; ++i) poll(1000);
  };
  const StopScope scope({}, asked);
  work();
  SerialParallel serial;
  const StopScope* current = &scope;
  StoppableParallel parallel(serial, current);
  bool ended = false;
  std::thread other([&] {
    try {
      parallel.for_ranges(1, 1, [&](size_t, size_t) {
        stop = true;
        work();
      });
    } catch (const StopError&) {
      ended = true;
    }
    work();  // the scope isn't this thread's any more
  });
  other.join();
  CHECK(ended);
  CHECK_THROWS_AS(work(), StopError);
}

}  // namespace
}  // namespace octet::testing
