#include "speech/bundle.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

namespace octet::speech {
namespace {

using Json = nlohmann::json;

// Reads one object of the file. The first failure stays; what no key asked for is one too.
class Reader {
 public:
  Reader(const Json& object, std::string where, std::string folder)
      : object_(object), where_(std::move(where)), folder_(std::move(folder)) {
    if (!object.is_object()) fail("is no object");
  }

  bool has(const char* key) {
    seen_.insert(key);
    return !failure_ && object_.contains(key);
  }
  template <typename T>
  void get(const char* key, T& value) {
    if (!has(key)) return fail(std::string("has no '") + key + "'");
    try {
      value = object_.at(key).get<T>();
    } catch (const Json::exception&) {
      fail(std::string("'") + key + "' is of another type");
    }
  }
  template <typename T>
  void get_if(const char* key, T& value) {
    if (has(key)) get(key, value);
  }
  // The path of a file of the bundle.
  void file(const char* key, std::string& path) {
    std::string name;
    get(key, name);
    if (failure_) return;
    if (name.empty() || std::filesystem::path(name).filename() != name)
      return fail(std::string("'") + key + "' is no name of a file in the folder");
    path = folder_ + "/" + name;
    if (!std::filesystem::exists(path)) fail("'" + name + "' isn't in the folder");
  }
  void file_if(const char* key, std::string& path) {
    if (has(key)) file(key, path);
  }
  void tokens(const char* key, Tokens& table, std::string& path) {
    file(key, path);
    if (failure_) return;
    auto read = Tokens::read(path);
    if (read)
      table = std::move(*read);
    else
      failure_ = read.failure();
  }
  void id(const char* key, const Tokens& table, int64_t& value) {
    get(key, value);
    if (!failure_ && (value < 0 || static_cast<size_t>(value) >= table.size()))
      fail(std::string("'") + key + "' is no id of a token");
  }
  Reader inner(const char* key) {
    static const Json none = Json::object();
    const bool there = has(key);
    return {there ? object_.at(key) : none, where_ + ": " + key, folder_};
  }
  void take(const Reader& inner) {
    if (!failure_) failure_ = inner.failure_;
  }
  void fail(const std::string& what) {
    if (!failure_) failure_ = bad_data(where_ + " " + what);
  }
  Outcome finish() {
    for (const auto& [key, value] : object_.items())
      if (seen_.count(key) == 0) fail("has an unknown key '" + key + "'");
    return failure_;
  }

 private:
  const Json& object_;
  std::string where_;
  std::string folder_;
  std::set<std::string> seen_;
  Outcome failure_;
};

void read_search(Reader search, SearchSettings& settings, Reader& outer) {
  search.get_if("beam", settings.beam);
  search.get_if("ctc_weight", settings.ctc_weight);
  search.get_if("lm_weight", settings.lm_weight);
  search.get_if("length_bonus", settings.length_bonus);
  search.get_if("length_normalization", settings.length_normalization);
  search.get_if("max_length_ratio", settings.max_length_ratio);
  if (settings.beam == 0) search.fail("'beam' is 0");
  if (!(settings.ctc_weight >= 0 && settings.ctc_weight <= 1))
    search.fail("'ctc_weight' isn't from 0 to 1");
  search.finish();
  outer.take(search);
}

void read_streaming(Reader reader, StreamingBundle& streaming, Reader& outer) {
  reader.get("chunk_frames", streaming.chunk_frames);
  reader.get("context_frames", streaming.context_frames);
  reader.get("hop_samples", streaming.hop_samples);
  reader.get("window_samples", streaming.window_samples);
  if (streaming.chunk_frames <= streaming.context_frames)
    reader.fail("'chunk_frames' must be larger than 'context_frames'");
  if (streaming.hop_samples == 0 || streaming.window_samples < streaming.hop_samples)
    reader.fail("'hop_samples' must be positive and at most 'window_samples'");
  reader.finish();
  outer.take(reader);
}

void read_translation(Reader reader, Bundle& bundle, Reader& outer) {
  TranslationBundle& translation = bundle.translation.emplace();
  translation.search.ctc_weight = 0;
  std::string path;
  reader.file("bridge", translation.bridge);
  reader.file("memory", translation.memory);
  reader.file("decoder", translation.decoder);
  reader.tokens("tokens", translation.tokens, path);
  reader.id("start", translation.tokens, translation.start);
  reader.id("end", translation.tokens, translation.end);
  read_search(reader.inner("search"), translation.search, reader);
  if (translation.search.ctc_weight != 0) reader.fail("'ctc_weight' must be 0: there is no CTC");
  reader.finish();
  outer.take(reader);
  bundle.other_files.push_back(path);
}

Outcome read(Reader& reader, Bundle& bundle) {
  std::string format;
  std::string task;
  int version = 0;
  std::string ignored;
  reader.get("format", format);
  reader.get("version", version);
  if (format != "octet speech bundle" || version != 1)
    reader.fail("isn't of the format 'octet speech bundle', version 1");
  reader.get("task", task);
  if (task != "recognize" && task != "translate")
    reader.fail("'task' is neither recognize nor translate");
  reader.get_if("description", ignored);
  reader.get("sample_rate", bundle.sample_rate);
  if (bundle.sample_rate < 1000) reader.fail("'sample_rate' is below 1000");
  reader.get_if("longest_seconds", bundle.longest_seconds);
  reader.file("features", bundle.features);
  reader.file("encoder", bundle.encoder);
  reader.file("ctc", bundle.ctc);
  reader.file_if("memory", bundle.memory);
  reader.file_if("decoder", bundle.decoder);
  reader.file_if("lm", bundle.lm);
  if (bundle.decoder.empty() != bundle.memory.empty())
    reader.fail("needs 'memory' and 'decoder' together");
  std::string path;
  reader.tokens("tokens", bundle.tokens, path);
  bundle.other_files.push_back(path);
  reader.id("blank", bundle.tokens, bundle.blank);
  reader.id("start", bundle.tokens, bundle.start);
  reader.id("end", bundle.tokens, bundle.end);
  read_search(reader.inner("search"), bundle.search, reader);
  if (reader.has("streaming"))
    read_streaming(reader.inner("streaming"), bundle.streaming.emplace(), reader);
  if (reader.has("translation")) read_translation(reader.inner("translation"), bundle, reader);
  if ((task == "translate") != bundle.translates())
    reader.fail("needs 'translation' where 'task' is translate, and only there");
  if (bundle.translates() && bundle.decoder.empty())
    reader.fail("translates, so it needs 'memory' and 'decoder'");
  return reader.finish();
}

}  // namespace

bool is_bundle(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path + "/bundle.json", ignored);
}

Expected<Bundle> read_bundle(const std::string& folder) {
  const std::string path = folder + "/bundle.json";
  std::ifstream file(path);
  if (!file) return bad_data(path + ": can't be read");
  const Json json = Json::parse(file, nullptr, false);
  if (json.is_discarded()) return bad_data(path + ": isn't JSON");
  Bundle bundle;
  bundle.folder = folder;
  bundle.other_files.push_back(path);
  Reader reader(json, path, folder);
  if (auto failure = read(reader, bundle)) return *failure;
  return bundle;
}

}  // namespace octet::speech
