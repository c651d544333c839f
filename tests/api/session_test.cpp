#include <doctest/doctest.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <future>
#include <iterator>
#include <thread>

#include "octet/octet.hpp"

// The C interface through its C++ form: loading from memory, asynchronous runs, messages.

namespace {

const std::string kMlp = OCTET_SOURCES "/models/digits_mlp/digits_mlp.onnx";
const std::string kBert = OCTET_SOURCES "/models/commands_bert/commands_bert.onnx";

std::vector<std::byte> bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::byte> bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

// An image of digits_mlp that depends on `seed`.
struct Image {
  explicit Image(const octet::Session& session, int seed = 1) {
    dims = session.inputs()[0].dims;
    size_t count = 1;
    for (int64_t& extent : dims) {
      if (extent < 0) extent = 2;
      count *= static_cast<size_t>(extent);
    }
    for (size_t i = 0; i < count; ++i)
      values.push_back(static_cast<float>((i * 7 + static_cast<size_t>(seed) * 13) % 17) / 17.0F);
  }
  octet::TensorRef ref() const { return {values, dims}; }

  std::vector<int64_t> dims;
  std::vector<float> values;
};

std::vector<float> floats(const octet::Results& results) {
  const auto values = results.values<float>(0);
  return {values.begin(), values.end()};
}

}  // namespace

TEST_CASE("a model in memory gives what its file gives, after the memory is gone") {
  auto file = octet::Session::load(kMlp);
  REQUIRE(file);
  auto bytes = bytes_of(kMlp);
  auto memory = octet::Session::load(std::span<const std::byte>(bytes));
  REQUIRE(memory);
  std::fill(bytes.begin(), bytes.end(), std::byte{0xFF});
  const Image image(*file);
  const auto expected = file->run({image.ref()});
  const auto actual = memory->run({image.ref()});
  REQUIRE(expected);
  REQUIRE(actual);
  CHECK(floats(*actual) == floats(*expected));
}

TEST_CASE("a model in memory that is cut short is refused") {
  auto bytes = bytes_of(kMlp);
  bytes.resize(bytes.size() / 2);
  const auto session = octet::Session::load(std::span<const std::byte>(bytes));
  REQUIRE(!session);
  CHECK(session.failure().status == OCTET_INVALID_MODEL);
}

TEST_CASE("a session from memory says that it can't be tuned") {
  auto session = octet::Session::load(std::span<const std::byte>(bytes_of(kMlp)));
  REQUIRE(session);
  const Image image(*session);
  const std::vector<octet::TensorRef> inputs{image.ref()};
  const auto failure = session->tune(inputs);
  REQUIRE(failure);
  CHECK(failure->status == OCTET_INVALID_ARGUMENT);
}

TEST_CASE("asynchronous runs give what run gives, each once") {
  auto session = octet::Session::load(kMlp, {.threads = 1});
  REQUIRE(session);
  constexpr int kRuns = 64;
  std::vector<Image> images;
  for (int i = 0; i < kRuns; ++i) images.emplace_back(*session, i);
  std::vector<std::vector<float>> actual(kRuns);
  std::vector<std::atomic<int>> calls(kRuns);
  std::vector<octet::Pending> pending;
  for (int i = 0; i < kRuns; ++i) {
    const std::vector<octet::TensorRef> inputs{images[static_cast<size_t>(i)].ref()};
    auto started = session->run_async(inputs, [&, i](octet::Expected<octet::Results> results) {
      const auto at = static_cast<size_t>(i);
      ++calls[at];
      if (results) actual[at] = floats(*results);
    });
    REQUIRE(started);
    pending.push_back(std::move(*started));
  }
  for (const auto& each : pending) each.wait();
  for (size_t i = 0; i < kRuns; ++i) {
    CHECK(calls[i] == 1);
    const auto expected = session->run({images[i].ref()});
    REQUIRE(expected);
    CHECK(actual[i] == floats(*expected));
  }
}

TEST_CASE("bad inputs are refused before an asynchronous run begins") {
  auto session = octet::Session::load(kMlp);
  REQUIRE(session);
  const std::vector<octet::TensorRef> inputs{{OCTET_FLOAT, nullptr, 0, {1, 1, 28, 28}}};
  bool called = false;
  const auto started =
      session->run_async(inputs, [&](const octet::Expected<octet::Results>&) { called = true; });
  CHECK(!started);
  CHECK(!called);
}

TEST_CASE("errors of an asynchronous run arrive with it") {
  auto session = octet::Session::load(kMlp);
  REQUIRE(session);
  std::promise<octet_status> status;
  const std::vector<octet::TensorRef> none;
  const auto started = session->run_async(none, [&](const octet::Expected<octet::Results>& result) {
    status.set_value(result ? OCTET_OK : result.failure().status);
  });
  REQUIRE(started);
  CHECK(status.get_future().get() == OCTET_INVALID_DATA);
}

TEST_CASE("a run that is cancelled ends, and so do those that wait when a session does") {
  std::atomic<int> done{0};
  std::atomic<int> cancelled{0};
  constexpr int kRuns = 200;
  {
    auto session = octet::Session::load(kBert, {.threads = 1});
    REQUIRE(session);
    std::vector<std::vector<int64_t>> tokens;
    std::vector<octet::TensorRef> inputs;
    for (const auto& port : session->inputs()) {
      REQUIRE(port.dtype == OCTET_INT64);
      std::vector<int64_t> dims;
      size_t count = 1;
      for (const int64_t extent : port.dims) dims.push_back(extent < 0 ? 16 : extent);
      for (const int64_t extent : dims) count *= static_cast<size_t>(extent);
      inputs.emplace_back(tokens.emplace_back(count, 1), dims);
    }
    const auto note = [&](const octet::Expected<octet::Results>& result) {
      ++done;
      if (!result && result.failure().status == OCTET_DEADLINE) ++cancelled;
    };
    auto first = session->run_async(inputs, note);
    REQUIRE(first);
    first->cancel();
    first->wait();
    CHECK(done == 1);
    for (int i = 1; i < kRuns; ++i) REQUIRE(session->run_async(inputs, note));
  }
  CHECK(done == kRuns);
  CHECK(cancelled > 0);
}

TEST_CASE("messages go to the caller's sink, and stop when it is taken back") {
  std::vector<std::string> messages;
  const octet::LogSink sink = [&](std::string_view level, std::string_view message) {
    messages.push_back(std::string(level) + " " + std::string(message));
  };
  REQUIRE(!octet::log_to(sink, "debug"));
  REQUIRE(octet::Session::load(kMlp));
  REQUIRE(!octet::log_to({}, "debug"));
  REQUIRE(!messages.empty());
  bool debug = false;
  for (const auto& message : messages) debug = debug || message.starts_with("debug ");
  CHECK(debug);
  const size_t count = messages.size();
  REQUIRE(octet::Session::load(kMlp));
  CHECK(messages.size() == count);
  const auto failure = octet::log_to(sink, "loud");
  REQUIRE(failure);
  CHECK(failure->message.find("loud") != std::string::npos);
}
