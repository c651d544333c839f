#include "engine/quant/observations.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "engine/ops/op.h"

using namespace octet;
using quant::ChannelStatistics;
using quant::Observations;

namespace {

std::vector<float> numbers(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.5F, 2.0F);
  std::vector<float> values(count);
  for (float& v : values) v = normal(random);
  return values;
}

void show(Observations& observations, const char* name, std::vector<float> values, Dims dims,
          Layout layout = Layout::row_major) {
  const TensorView view{DType::f32, std::move(dims), reinterpret_cast<std::byte*>(values.data()),
                        layout, nullptr};
  REQUIRE(observations.add(name, view).ok());
}

Observations wanting(const char* model = "m") {
  Observations observations(model);
  observations.want_range("x");
  observations.want_channels("x", {1});
  observations.want_channels("x", {2});
  return observations;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("channels along any axes, in both layouts") {
  const Dims dims{2, 3, 4, 5};
  const auto values = numbers(120, 1);
  std::vector<float> last(120);
  for (size_t n = 0; n < 2; ++n)
    for (size_t c = 0; c < 3; ++c)
      for (size_t s = 0; s < 20; ++s) last[(n * 20 + s) * 3 + c] = values[(n * 3 + c) * 20 + s];
  const std::vector<std::vector<size_t>> cases = {{0}, {1}, {2}, {3}, {1, 3}, {0, 2}};
  for (const auto& axes : cases) {
    for (const auto layout : {Layout::row_major, Layout::channels_last}) {
      Observations observations("m");
      observations.want_channels("x", axes);
      show(observations, "x", layout == Layout::row_major ? values : last, dims, layout);
      const ChannelStatistics* stats = observations.channels("x", axes);
      REQUIRE(stats != nullptr);
      for (size_t c = 0; c < stats->channels(); ++c) {
        float low = INFINITY;
        float high = -INFINITY;
        double sum = 0;
        double squares = 0;
        uint64_t count = 0;
        for (size_t i = 0; i < 120; ++i) {
          const size_t at[] = {i / 60, i / 20 % 3, i / 5 % 4, i % 5};
          size_t flat = 0;
          for (const size_t a : axes) flat = flat * static_cast<size_t>(dims[a]) + at[a];
          if (flat != c) continue;
          low = std::min(low, values[i]);
          high = std::max(high, values[i]);
          sum += static_cast<double>(values[i]);
          squares += static_cast<double>(values[i]) * static_cast<double>(values[i]);
          ++count;
        }
        CAPTURE(c);
        CHECK(stats->low[c] == low);
        CHECK(stats->high[c] == high);
        CHECK(stats->magnitude(c) == std::max(-low, high));
        CHECK(stats->count == count);
        CHECK(stats->mean(c) == doctest::Approx(sum / static_cast<double>(count)));
        CHECK(stats->power(c) == doctest::Approx(squares / static_cast<double>(count)));
      }
    }
  }
}

TEST_CASE("samples may differ in every extent but that of channels") {
  Observations observations = wanting();
  show(observations, "x", numbers(6, 1), {1, 2, 3});
  show(observations, "x", numbers(12, 2), {2, 2, 3});
  CHECK(observations.channels("x", {1})->count == 9);
  CHECK(observations.channels("x", {2})->count == 6);
  CHECK(observations.range("x")->count() == 18);
  std::vector<float> more(8, 1.0F);
  const TensorView view{
      DType::f32, {1, 2, 4}, reinterpret_cast<std::byte*>(more.data()), Layout::row_major, nullptr};
  const Status status = observations.add("x", view);
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().message.find("'x'") != std::string::npos);
}

TEST_CASE("what nobody asked for or no sample had is absent") {
  Observations observations = wanting();
  observations.want_range("never");
  show(observations, "y", {1.0F}, {1});
  CHECK(observations.range("x") == nullptr);
  CHECK(observations.range("y") == nullptr);
  CHECK(observations.range("never") == nullptr);
  CHECK(observations.channels("x", {1}) == nullptr);
}

TEST_CASE("merged observations equal those of all samples, through the file as well") {
  Observations all = wanting();
  Observations parts[2] = {wanting(), wanting()};
  for (unsigned i = 0; i < 7; ++i) {
    const auto rows = static_cast<int64_t>(i % 3 + 1);
    const auto values = numbers(static_cast<size_t>(rows) * 12, i);
    show(all, "x", values, {rows, 3, 4});
    show(parts[i % 2], "x", values, {rows, 3, 4});
  }
  all.set_samples(7);
  parts[0].set_samples(4);
  parts[1].set_samples(3);
  Observations merged("m");
  for (const Observations& part : parts) {
    auto read = quant::from_text(quant::to_text(part));
    REQUIRE(read.ok());
    CHECK(quant::to_text(*read) == quant::to_text(part));
    REQUIRE(merged.merge(*read).ok());
  }
  CHECK(merged.samples() == 7);
  CHECK(merged.range("x")->histogram() == all.range("x")->histogram());
  CHECK(merged.range("x")->minmax().low == all.range("x")->minmax().low);
  CHECK(merged.range("x")->moving().high ==
        doctest::Approx(all.range("x")->moving().high).epsilon(1e-6));
  for (const size_t axis : {1, 2}) {
    const ChannelStatistics& got = *merged.channels("x", {axis});
    const ChannelStatistics& want = *all.channels("x", {axis});
    CHECK(got.low == want.low);
    CHECK(got.high == want.high);
    CHECK(got.count == want.count);
    for (size_t c = 0; c < want.channels(); ++c) {
      CHECK(got.mean(c) == doctest::Approx(want.mean(c)));
      CHECK(got.power(c) == doctest::Approx(want.power(c)));
    }
  }
}

TEST_CASE("channels that one part didn't observe are of no use") {
  Observations with = wanting();
  Observations without("m");
  without.want_range("x");
  for (Observations* part : {&with, &without}) {
    show(*part, "x", numbers(6, 1), {1, 2, 3});
    part->set_samples(1);
  }
  Observations merged("m");
  REQUIRE(merged.merge(with).ok());
  CHECK(merged.channels("x", {1}) != nullptr);
  REQUIRE(merged.merge(without).ok());
  REQUIRE(merged.merge(with).ok());
  CHECK(merged.channels("x", {1}) == nullptr);
  CHECK(merged.range("x")->count() == 18);
}

TEST_CASE("observations of another model are refused") {
  Observations mine = wanting("mine");
  const Status merged = mine.merge(wanting("theirs"));
  REQUIRE_FALSE(merged.ok());
  CHECK(merged.error().code == ErrorCode::invalid_data);
  CHECK(merged.error().message.find("another model") != std::string::npos);
}

TEST_CASE("something infinite or not a number is an error with the value's name") {
  for (const float bad : {NAN, INFINITY}) {
    for (const bool range : {true, false}) {
      Observations observations("m");
      if (range) observations.want_range("x");
      if (!range) observations.want_channels("x", {0});
      std::vector<float> values = {1.0F, bad};
      const TensorView view{
          DType::f32, {2}, reinterpret_cast<std::byte*>(values.data()), Layout::row_major, nullptr};
      const Status status = observations.add("x", view);
      REQUIRE_FALSE(status.ok());
      CHECK(status.error().message.find("'x'") != std::string::npos);
    }
  }
}

TEST_CASE("damaged files are refused with the reason") {
  Observations observations = wanting();
  show(observations, "x", {1.0F, -2.0F, 0.0F, 4.0F}, {1, 2, 2});
  const std::string good = quant::to_text(observations);
  REQUIRE(quant::from_text(good).ok());
  const struct {
    const char* name;
    std::string text;
    const char* reason;
  } cases[] = {
      {"empty", "", "no file of observations"},
      {"cut off", good.substr(0, good.size() / 2), "no file of observations"},
      {"another format", R"({"format": "else", "version": 2})", "no file of observations"},
      {"another version", replaced(good, "\"version\":2", "\"version\":1"), "version"},
      {"no values", R"({"format":"octet observations","version":2,"model":"m","samples":1})",
       "'values'"},
      {"a negative count", replaced(good, "\"count\":4", "\"count\":-4"), "'count'"},
      {"counts that contradict", replaced(good, "\"zeros\":1", "\"zeros\":2"), "'count'"},
      {"a range upside down", replaced(good, "\"high\":4.0", "\"high\":-4.0"), "'high'"},
      {"not a number", replaced(good, "\"high_sum\":4.0", "\"high_sum\":null"), "'high_sum'"},
      {"bins past the end", replaced(good, "\"first\":", "\"first\":9"), "'bins'"},
      {"an exponent out of range", replaced(good, "\"exponent\":", "\"exponent\":99"),
       "'exponent'"},
      {"channels of two lengths", replaced(good, "\"sum\":[", "\"sum\":[0.0,"), "'sum'"},
      {"no squares", replaced(good, "\"squares\"", "\"cubes\""), "'squares'"},
      {"negative axes", replaced(good, "\"axes\":[1]", "\"axes\":[-1]"), "'axes'"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto read = quant::from_text(c.text);
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().code == ErrorCode::invalid_data);
    CAPTURE(read.error().message);
    CHECK(read.error().message.find(c.reason) != std::string::npos);
  }
}

TEST_CASE("a fingerprint tells models apart by structure, names and weights") {
  const auto print = [](const char* op, const char* name, float weight) {
    Graph graph;
    const ValueId x = graph.add_input("x", Type::tensor(DType::f32, Shape{Dim(1)}));
    const ValueId w = graph.add_constant("w", Tensor::of(Dims{1}, std::vector<float>{weight}));
    const OpDef& def = require_op("", op);
    auto attrs = def.attrs.read({}, kMaxOpset);
    REQUIRE(attrs.ok());
    graph.set_outputs({graph.add_op(def, {x, w}, std::move(*attrs), name)});
    return quant::fingerprint(graph);
  };
  const std::string first = print("Add", "y", 1.0F);
  CHECK(first.size() == 16);
  CHECK(first == print("Add", "y", 1.0F));
  CHECK(first != print("Mul", "y", 1.0F));
  CHECK(first != print("Add", "z", 1.0F));
  CHECK(first != print("Add", "y", std::nextafter(1.0F, 2.0F)));
}
