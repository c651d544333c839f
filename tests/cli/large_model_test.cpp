#include "tests/cli/program.h"

namespace octet::testing {
namespace {

// A table of 800,000 rows of 1,024 floats, 3.3 GB, all zeros but for one row: a sparse file.
constexpr int64_t kRows = 800000;
constexpr int64_t kWidth = 1024;
constexpr int64_t kMarked = 700000;

bool write_table(const std::filesystem::path& path) {
  { const std::ofstream file(path, std::ios::binary); }
  std::error_code error;
  std::filesystem::resize_file(path, uint64_t{kRows} * kWidth * sizeof(float), error);
  if (error) return false;
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(kMarked * kWidth * static_cast<int64_t>(sizeof(float)));
  const std::vector<float> row(static_cast<size_t>(kWidth), 2.5F);
  file.write(reinterpret_cast<const char*>(row.data()), kWidth * sizeof(float));
  return file.good();
}

TEST_CASE("a model over 2 GB runs from its external data, of which only what is used is read") {
  ModelProto model = empty_model();
  GraphProto& graph = *model.mutable_graph();
  graph.mutable_input(0)->Clear();
  set_info(*graph.mutable_input(0), "x", {"rows"}, TensorProto::INT64);
  TensorProto& table = *graph.add_initializer();
  table.set_name("table");
  table.set_data_type(TensorProto::FLOAT);
  table.add_dims(kRows);
  table.add_dims(kWidth);
  make_external(table, "table.data", 0);
  add_node(graph, "Gather", {"table", "x"}, {"taken"});
  add_node(graph, "ReduceMean", {"taken"}, {"y"});
  graph.mutable_output(0)->Clear();
  set_info(*graph.mutable_output(0), "y", {"1", "1"});
  const Workplace place(model);
  if (!write_table(place.path / "table.data")) {
    MESSAGE("skipped: there is no room for a sparse file of 3.3 GB");
    return;
  }
  place.write("x.npy", npy<int64_t>("<i8", {2}, {3, kMarked}));
  // 20 MB hold a few rows, and nothing of the table.
  const Outcome run = octet({"run", place.model(), "--input", "x=" + place.at("x.npy"),
                             "--output-dir", place.at("out"), "--memory", "20"});
  expect(run, 0, {});
  CHECK(run.peak_bytes < int64_t{256} << 20);
  const std::string written = read_file(place.path / "out" / "y.npy");
  float mean = 0;
  REQUIRE(written.size() > sizeof(mean));
  std::memcpy(&mean, written.data() + written.size() - sizeof(mean), sizeof(mean));
  CHECK(mean == 1.25F);
}

}  // namespace
}  // namespace octet::testing
