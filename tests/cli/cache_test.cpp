#include "tests/cli/program.h"

namespace octet::testing {
namespace {

std::vector<std::string> run_with(const Workplace& place, const std::string& out,
                                  const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"run",          place.model(),  "--inputs",
                                        place.sample(), "--output-dir", place.at(out)};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

size_t count_ending(const std::vector<std::string>& names, const std::string& end) {
  return static_cast<size_t>(std::count_if(
      names.begin(), names.end(), [&](const std::string& name) { return name.ends_with(end); }));
}

TEST_CASE("a cache folder is made, used again, and changes no result") {
  const Workplace place(product_model());
  expect(octet(run_with(place, "plain", {})), 0, {});
  const std::vector<std::string> cached = {"--cache", place.at("a/b")};
  expect(octet(run_with(place, "first", cached)), 0, {});
  const auto names = files_in(place.path / "a" / "b");
  CHECK(count_ending(names, ".weights") == 1);
  CHECK(count_ending(names, ".tmp") == 0);
  expect(octet(run_with(place, "second", cached)), 0, {});
  CHECK(files_in(place.path / "a" / "b") == names);
  for (const auto& name : files_in(place.path / "plain"))
    for (const char* out : {"first", "second"})
      CHECK(read_file(place.path / out / name) == read_file(place.path / "plain" / name));
}

TEST_CASE("a cache folder that can't be made is an error, a file that can't be written is not") {
  const Workplace place(product_model());
  expect(octet(run_with(place, "out", {"--cache", place.sample() + "/x"})), 5,
         {"cannot make the cache folder"});
  std::filesystem::create_directory(place.path / "cache");
  place.write("cache/seed", std::string(16, 's'));
  const std::vector<std::string> arguments = {"bench",   place.model(),     "--seconds", "0.01",
                                              "--cache", place.at("cache"), "--shape",   "x=2x4"};
  Limits limits;
  limits.file_bytes = 10;
  limits.stdout_path = "/dev/null";
  expect(octet(arguments, limits), 0, {});
  CHECK(files_in(place.path / "cache") == std::vector<std::string>{"seed"});
}

TEST_CASE("tuning keeps its choices in the cache folder") {
  const Workplace place(product_model());
  expect(octet(run_with(place, "plain", {})), 0, {});
  expect(octet(run_with(place, "tuned", {"--tune", "--cache", place.at("cache")})), 0, {});
  CHECK(count_ending(files_in(place.path / "cache"), ".choices") == 1);
  expect(octet(run_with(place, "later", {"--cache", place.at("cache")})), 0, {});
  CHECK(files_in(place.path / "later") == files_in(place.path / "plain"));
}

}  // namespace
}  // namespace octet::testing
