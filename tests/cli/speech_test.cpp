#include <sndfile.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "tests/cli/program.h"

namespace octet::testing {
namespace {

constexpr int kUsage = 2;
constexpr int kBadInput = 3;
constexpr int kLimit = 4;

const std::string kBundle = OCTET_SOURCES "/tests/speech/bundles/translator";

// Noise with a pause every second, 16-bit; the same at each rate but for its spectrum.
void write_noise(const std::filesystem::path& path, int rate, int channels, double seconds) {
  SF_INFO info{};
  info.samplerate = rate;
  info.channels = channels;
  info.format = SF_FORMAT_WAV | SF_FORMAT_PCM_16;
  SNDFILE* file = sf_open(path.c_str(), SFM_WRITE, &info);
  REQUIRE(file != nullptr);
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0, 0.1F);
  std::vector<float> second(static_cast<size_t>(rate * channels));
  for (double at = 0; at < seconds; ++at) {
    for (size_t i = 0; i < second.size(); ++i)
      second[i] = i < second.size() * 7 / 10 ? normal(random) : 0.0F;
    sf_writef_float(file, second.data(), rate);
  }
  sf_close(file);
}

// Recordings "a.wav" and "b.wav" in the folder "wavs".
struct Recordings : Folder {
  Recordings() {
    std::filesystem::create_directory(path / "wavs");
    write_noise(path / "wavs/a.wav", 8000, 1, 1);
    write_noise(path / "wavs/b.wav", 44100, 2, 2);
  }
  std::string at(const std::string& name) const { return (path / name).string(); }
};

TEST_CASE("transcribe and translate give texts, lists of the best, and times") {
  const Recordings place;
  for (const char* verb : {"transcribe", "translate"}) {
    CAPTURE(verb);
    const auto outcome = octet({verb, place.at("wavs/a.wav"), place.at("wavs/b.wav"), "--model",
                                kBundle, "--json", "--nbest", "3", "--beam", "5"});
    expect(outcome, 0, {});
    const auto rows = nlohmann::json::parse(outcome.out);
    REQUIRE(rows.size() == 2);
    CHECK(rows[0]["file"] == place.at("wavs/a.wav"));
    CHECK(rows[1]["seconds_audio"].get<double>() == doctest::Approx(2).epsilon(1e-3));
    CHECK(rows[0]["seconds_compute"].get<double>() > 0);
    const auto& segment = rows[0]["segments"][0];
    const auto& best = segment[std::string(verb) == "translate" ? "translation" : "best"];
    CHECK(best.size() == 3);
    CHECK(best[0]["text"] == rows[0]["text"]);
    CHECK(best[0]["score"].get<double>() >= best[1]["score"].get<double>());
    const auto plain = octet({verb, place.at("wavs/a.wav"), "--model", kBundle, "--beam", "5"});
    CHECK(plain.out == rows[0]["text"].get<std::string>() + "\n");
  }
}

TEST_CASE("what is no recording is named; the others are heard all the same") {
  const Recordings place;
  place.write("empty.wav", "");
  place.write("text.wav", "This isn't audio.\n");
  const auto outcome =
      octet({"transcribe", place.at("empty.wav"), place.at("text.wav"), place.at("none.wav"),
             place.at("wavs/a.wav"), "--model", kBundle, "--json"});
  expect(outcome, kBadInput,
         {"empty.wav: the file is empty", "text.wav: not a recording", "none.wav"});
  CHECK(nlohmann::json::parse(outcome.out).size() == 1);
  expect(octet({"transcribe", place.at("wavs/a.wav"), "--model", place.at("wavs")}), kBadInput,
         {"bundle.json"});
  expect(octet({"transcribe", place.at("wavs/a.wav"), "--model", kBundle, "--ctc-weight", "2"}),
         kUsage, {"ctc-weight"});
  expect(octet({"transcribe", place.at("wavs/a.wav"), "--model", kBundle, "--deadline", "1"}),
         kLimit, {"deadline"});
}

TEST_CASE("half an hour is cut at pauses, in the memory of a minute") {
  const Recordings place;
  write_noise(place.path / "short.wav", 8000, 1, 60);
  write_noise(place.path / "long.wav", 8000, 1, 1800);
  const auto transcribe = [&](const char* name) {
    return octet(
        {"transcribe", place.at(name), "--model", kBundle, "--search", "greedy", "--json"});
  };
  const auto minute = transcribe("short.wav");
  const auto hour = transcribe("long.wav");
  expect(minute, 0, {});
  expect(hour, 0, {});
  const auto segments = nlohmann::json::parse(hour.out)[0]["segments"];
  CHECK(segments.size() >= 90);
  for (size_t i = 1; i < segments.size(); ++i)
    CHECK(std::fmod(segments[i]["start"].get<double>(), 1.0) > 0.7);
  CHECK(hour.peak_bytes < minute.peak_bytes + 16'000'000);
}

std::vector<std::string> evaluate(const Recordings& place, const std::vector<std::string>& more) {
  std::vector<std::string> words = {"evaluate",       kBundle,        "--wavs",
                                    place.at("wavs"), "--references", place.at("references"),
                                    "--json"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST_CASE("evaluate counts errors, times stages, and draws them") {
  const Recordings place;
  // What the bundle says is right; of "b" two words are left out.
  const auto heard = octet(
      {"translate", place.at("wavs/a.wav"), place.at("wavs/b.wav"), "--model", kBundle, "--json"});
  const auto rows = nlohmann::json::parse(heard.out);
  const std::string a = rows[0]["text"];
  const std::string b = rows[1]["text"];
  place.write("references", "a " + a + "\nb left out " + b + "\n");
  const auto outcome = octet(evaluate(place, {"--html", place.at("p.html"), "--sweep-beam", "1,4",
                                              "--sweep-batch", "1,2", "--batch", "2"}));
  expect(outcome, 0, {});
  const auto json = nlohmann::json::parse(outcome.out);
  CHECK(json["utterances"] == 2);
  CHECK(json["deletions"] == 2);
  CHECK(json["substitutions"] == 0);
  CHECK(json["insertions"] == 0);
  CHECK(json["wer"].get<double>() == doctest::Approx(2.0 / json["words"].get<double>()));
  CHECK(json["bleu"].get<double>() > 50);
  CHECK(json["bleu"].get<double>() < 100);
  CHECK(json["real_time_factor"].get<double>() > 0);
  CHECK(json["stages"]["translation_decoder"].get<double>() > 0);
  CHECK(json["results"][0]["text"] == a);
  REQUIRE(json["sweep"].size() == 4);
  CHECK(json["sweep"][0]["beam"] == 1);
  CHECK(json["sweep"][3]["batch"] == 2);
  const std::string page = read_file(place.path / "p.html");
  size_t pictures = 0;
  for (size_t at = page.find("<svg"); at != std::string::npos; at = page.find("<svg", at + 1))
    ++pictures;
  CHECK(pictures == 4);
  CHECK(page.find("http") == std::string::npos);
}

TEST_CASE("evaluate compares a bundle with another one") {
  const Recordings place;
  place.write("references", "a one two\nb three\n");
  const auto outcome = octet(evaluate(place, {"--baseline", kBundle}));
  expect(outcome, 0, {});
  const auto json = nlohmann::json::parse(outcome.out);
  CHECK(json["baseline"]["bundle"] == kBundle);
  CHECK(json["baseline"]["bleu"] == json["bleu"]);
  for (const char* key : {"difference", "low", "high"}) CHECK(json["comparison"][key] == 0.0);
  CHECK(json["comparison"]["faster"].get<double>() > 0);
  const std::string other = OCTET_SOURCES "/tests/speech/bundles/streaming";
  expect(octet(evaluate(place, {"--baseline", other})), kBadInput, {"translates"});
}

TEST_CASE("LibriSpeech's folders are read; what has no counterpart is named") {
  const Recordings place;
  std::filesystem::create_directories(place.path / "wavs/84/1");
  write_noise(place.path / "wavs/84/1/84-1-0000.wav", 16000, 1, 1);
  place.write("wavs/84/1/84-1.trans.txt", "84-1-0000 SOME WORDS\n");
  place.write("wavs/rest.trans.txt", "a ONE\nb TWO THREE\n");
  const auto with = [&](const std::string& references) {
    return octet(
        {"evaluate", kBundle, "--wavs", place.at("wavs"), "--references", references, "--json"});
  };
  const auto outcome = with(place.at("wavs"));
  expect(outcome, 0, {});
  CHECK(nlohmann::json::parse(outcome.out)["words"] == 5);
  place.write("few", "a one\nb two\n");
  expect(with(place.at("few")), kBadInput, {"84-1-0000"});
  place.write("many", "a one\nb two\n84-1-0000 three\nc four\n");
  expect(with(place.at("many")), kBadInput, {"'c'"});
  place.write("twice", "a one\na two\n");
  expect(with(place.at("twice")), kBadInput, {"line 2", "'a'"});
}

std::vector<std::string> quantize(const Recordings& place, const std::vector<std::string>& more) {
  std::vector<std::string> words = {"quantize",       kBundle,        "-o",
                                    place.at("int8"), "--cost-model", "off"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST_CASE("a bundle is quantized part by part, calibrated in a search, and still decodes") {
  const Recordings place;
  const std::vector<std::string> statically = {"--calibration", place.at("wavs"), "--report",
                                               place.at("report.json")};
  // The second time in place of the first.
  for (int i = 0; i < 2; ++i) expect(octet(quantize(place, statically)), 0, {});
  CHECK(files_in(place.path) == std::vector<std::string>{"int8", "report.json", "wavs"});
  CHECK(files_in(place.at("int8")) == files_in(kBundle));
  const auto report = nlohmann::json::parse(read_file(place.path / "report.json"));
  REQUIRE(report["parts"].size() == 9);
  for (const auto& part : report["parts"]) {
    CAPTURE(part["part"].get<std::string>());
    if (part["part"] == "features") {
      CHECK(read_file(place.path / "int8/features.onnx") == read_file(kBundle + "/features.onnx"));
      continue;
    }
    CHECK(part["samples"].get<size_t>() >= 2);
    REQUIRE_FALSE(part["nodes"].empty());
    for (const auto& node : part["nodes"]) CHECK(node["outcome"] == "int8");
    CHECK(part["output"] == place.at("int8/" + part["part"].get<std::string>() + ".onnx"));
  }
  for (const char* verb : {"transcribe", "translate"}) {
    const auto outcome = octet({verb, place.at("wavs/a.wav"), "--model", place.at("int8")});
    expect(outcome, 0, {});
    CHECK(outcome.out.size() > 2);
  }
}

TEST_CASE("a bundle that can't be quantized leaves nothing") {
  const Recordings place;
  std::filesystem::create_directory(place.path / "nothing");
  place.write("nothing/readme.txt", "no recording");
  std::filesystem::create_directory(place.path / "broken");
  place.write("broken/text.wav", "no recording either");
  const auto before = files_in(place.path);
  expect(octet(quantize(place, {})), kUsage, {"--calibration"});
  expect(octet(quantize(place, {"--calibration", place.at("nothing")})), kBadInput,
         {"no recordings"});
  expect(octet(quantize(place, {"--calibration", place.at("broken")})), kBadInput, {"text.wav"});
  expect(octet(quantize(place, {"--calibration", place.at("wavs"), "--exclude", "nobody"})), kUsage,
         {"'nobody'"});
  expect(octet(quantize(place, {"--mode", "dynamic", "--html", "x.html"})), kUsage, {"--html"});
  // A folder that is no bundle stays.
  expect(octet({"quantize", kBundle, "-o", place.at("wavs"), "--mode", "dynamic"}), kUsage,
         {"is no bundle"});
  expect(octet({"quantize", kBundle, "-o", kBundle, "--mode", "dynamic"}), kUsage, {"itself"});
  CHECK(files_in(place.path) == before);
  CHECK(files_in(place.at("wavs")).size() == 2);
}

}  // namespace
}  // namespace octet::testing
