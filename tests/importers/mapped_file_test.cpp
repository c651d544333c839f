#include "engine/ir/mapped_file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csetjmp>
#include <csignal>

#include "runtime/session/program.h"
#include "tests/importers/proto_builder.h"

namespace octet::testing {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kSize = 8 * kPage;

class OpenFile {
 public:
  explicit OpenFile(const std::filesystem::path& path)
      : descriptor_(::open(path.c_str(), O_RDWR)) {}
  ~OpenFile() { ::close(descriptor_); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

std::shared_ptr<const MappedFile> mapped(const OpenFile& file, const std::string& name) {
  auto made = MappedFile::map(file.get(), kSize, name);
  REQUIRE(made.ok());
  return *made;
}

sigjmp_buf jump;
void jump_out(int /*signal*/) { siglongjmp(jump, 1); }

TEST_CASE("a mapped file that is cut short reads as zeros and says so") {
  const Folder folder;
  folder.write("a", std::string(kSize, 'x'));
  folder.write("b", std::string(kSize, 'y'));
  const OpenFile a(folder.path / "a");
  const OpenFile b(folder.path / "b");
  const auto cut = mapped(a, "a");
  const auto whole = mapped(b, "b");
  CHECK(cut->bytes()[kSize - 1] == std::byte{'x'});
  REQUIRE(::ftruncate(a.get(), kPage + 10) == 0);
  CHECK(cut->intact().ok());  // Nobody has read a missing part yet.
  CHECK(cut->bytes()[0] == std::byte{'x'});
  for (size_t at = 2 * kPage; at < kSize; at += kPage) CHECK(cut->bytes()[at] == std::byte{0});
  REQUIRE_FALSE(cut->intact().ok());
  CHECK(cut->intact().error().message == "'a' was cut short while it was being read");
  CHECK(whole->bytes()[kSize - 1] == std::byte{'y'});
  CHECK(whole->intact().ok());
  CHECK_FALSE(MappedFile::all_intact().ok());
}

TEST_CASE("faults elsewhere go to the handler that was there before, which comes back afterwards") {
  const Folder folder;
  folder.write("a", std::string(kSize, 'x'));
  const OpenFile a(folder.path / "a");
  struct sigaction before {};
  struct sigaction mine {};
  mine.sa_handler = &jump_out;
  ::sigaction(SIGBUS, &mine, &before);
  const int foreign = ::open((folder.path / "a").c_str(), O_RDWR);
  auto* memory =
      static_cast<volatile char*>(::mmap(nullptr, kSize, PROT_READ, MAP_PRIVATE, foreign, 0));
  {
    const auto ours = mapped(a, "a");
    REQUIRE(::ftruncate(foreign, 0) == 0);
    bool jumped = false;
    if (sigsetjmp(jump, 1) == 0)
      static_cast<void>(memory[kPage]);
    else
      jumped = true;
    CHECK(jumped);
    CHECK(ours->bytes()[kPage] == std::byte{0});
    CHECK_FALSE(ours->intact().ok());
  }
  struct sigaction after {};
  ::sigaction(SIGBUS, &before, &after);
  const bool came_back = after.sa_handler == &jump_out;
  CHECK(came_back);
  ::munmap(const_cast<char*>(memory), kSize);
  ::close(foreign);
}

TEST_CASE("a table that stays mapped and is cut short is an error of the run that reads it") {
  constexpr int64_t kRows = 5000;
  constexpr int64_t kWidth = 1024;  // 20 MB: too large to be copied.
  ModelProto proto = empty_model();
  GraphProto& graph = *proto.mutable_graph();
  graph.mutable_input(0)->Clear();
  graph.mutable_output(0)->Clear();
  set_info(*graph.mutable_input(0), "x", {"n"}, TensorProto::INT64);
  TensorProto& table = *graph.add_initializer();
  table.set_name("table");
  table.set_data_type(TensorProto::FLOAT);
  table.add_dims(kRows);
  table.add_dims(kWidth);
  make_external(table, "table.data", 0);
  add_node(graph, "Gather", {"table", "x"}, {"y"});
  set_info(*graph.mutable_output(0), "y", {"n", std::to_string(kWidth)});
  const Folder folder;
  folder.write("model.onnx", proto.SerializeAsString());
  folder.write("table.data", std::string(kRows * kWidth * sizeof(float), '\0'));
  const auto model = import_model(folder.path / "model.onnx");
  REQUIRE(model.ok());
  const auto program = runtime::Program::compile(model->graph, {});
  REQUIRE(program.ok());
  const std::vector<Tensor> first = {Tensor::of(Dims{1}, std::vector<int64_t>{1})};
  const std::vector<Tensor> last = {Tensor::of(Dims{1}, std::vector<int64_t>{kRows - 1})};
  REQUIRE((*program)->run(last).ok());
  std::filesystem::resize_file(folder.path / "table.data", kWidth * sizeof(float) * 2);
  CHECK((*program)->run(first).ok());
  const auto cut = (*program)->run(last);
  REQUIRE_FALSE(cut.ok());
  CHECK(cut.error().message == "'table.data' was cut short while it was being read");
}

TEST_CASE("a part of a mapping is read in order, and a missing one as zeros") {
  constexpr size_t kLarge = 40 * kPage;  // More than one block.
  std::string text(kLarge, '\0');
  for (size_t i = 0; i < kLarge; ++i) text[i] = static_cast<char>(i * 7 + i / kPage);
  const Folder folder;
  folder.write("a", text);
  const OpenFile a(folder.path / "a");
  const auto made = MappedFile::map(a.get(), kLarge, "a");
  REQUIRE(made.ok());
  const MappedFile& file = **made;
  const auto read = [&](size_t begin, size_t size) {
    std::string all;
    file.read(file.bytes().subspan(begin, size), [&](std::span<const std::byte> block) {
      CHECK(all.size() % 1024 == 0);
      all.append(reinterpret_cast<const char*>(block.data()), block.size());
    });
    return all;
  };
  for (const auto& [begin, size] :
       {std::pair<size_t, size_t>{0, kLarge}, {0, 0}, {1, 5}, {4095, 30 * kPage}, {kLarge - 1, 1}})
    CHECK(read(begin, size) == text.substr(begin, size));
  CHECK(file.intact().ok());
  REQUIRE(::ftruncate(a.get(), 20 * kPage + 10) == 0);
  CHECK(read(10, kPage) == text.substr(10, kPage));
  CHECK(file.intact().ok());
  const size_t left = 20 * kPage + 10 - 100;
  CHECK(read(100, 30 * kPage) == text.substr(100, left) + std::string(30 * kPage - left, '\0'));
  CHECK_FALSE(file.intact().ok());
}

TEST_CASE("pages that are given back are read again") {
  const Folder folder;
  folder.write("a", std::string(kSize, 'x'));
  const OpenFile a(folder.path / "a");
  const auto file = mapped(a, "a");
  CHECK(MappedFile::find(file->bytes().data() + kSize - 1) == file);
  CHECK(MappedFile::find(file->bytes().data() + kSize) != file);
  CHECK(MappedFile::find(&jump) == nullptr);
  CHECK(file->bytes()[kPage] == std::byte{'x'});
  MappedFile::release(file->bytes().subspan(10));
  CHECK(file->bytes()[kPage] == std::byte{'x'});
  std::string heap(kSize, 'h');
  MappedFile::release(std::as_bytes(std::span(heap)));
  CHECK(heap == std::string(kSize, 'h'));
}

}  // namespace
}  // namespace octet::testing
