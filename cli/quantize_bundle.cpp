#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <set>

#include "cli/calibration.h"
#include "cli/quantize.h"
#include "cli/recognition.h"
#include "cli/sample_spool.h"
#include "engine/ir/file_output.h"
#include "importers/onnx/import.h"
#include "speech/references.h"

namespace octet::cli::quantize {
namespace {

namespace fs = std::filesystem;
using speech::Part;

struct BundlePart {
  Part part;
  fs::path path;
};

// Power spectra reach over more orders of magnitude than 8 bits hold, and cost little.
constexpr Part kCopied = Part::features;

std::vector<BundlePart> parts_of(const speech::Bundle& bundle) {
  std::vector<BundlePart> parts;
  const auto add = [&](Part part, const std::string& path) {
    if (!path.empty()) parts.push_back({part, path});
  };
  add(Part::features, bundle.features);
  add(Part::encoder, bundle.encoder);
  add(Part::ctc, bundle.ctc);
  add(Part::memory, bundle.memory);
  add(Part::decoder, bundle.decoder);
  add(Part::lm, bundle.lm);
  if (bundle.translation) {
    add(Part::bridge, bundle.translation->bridge);
    add(Part::translation_memory, bundle.translation->memory);
    add(Part::translation_decoder, bundle.translation->decoder);
  }
  return parts;
}

// A folder beside the output that goes away with it: what is in it isn't there yet.
class WorkFolder {
 public:
  static Result<std::unique_ptr<WorkFolder>> make(const fs::path& output) {
    std::string pattern = output.string() + ".XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr)
      return Error{ErrorCode::machine, pattern + ": " + std::generic_category().message(errno)};
    std::unique_ptr<WorkFolder> folder(new WorkFolder(pattern));
    std::error_code error;
    fs::create_directory(folder->bundle(), error);
    if (error) return Error{ErrorCode::machine, pattern + ": " + error.message()};
    return folder;
  }
  ~WorkFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;

  fs::path bundle() const { return path_ / "bundle"; }
  fs::path samples(Part part) const { return path_ / speech::part_name(part); }

  // The bundle takes the output's name; what had it before goes.
  Status commit(const fs::path& output) const {
    const std::string from = bundle().string();
    fs::permissions(bundle(), fs::perms(0755));
    // An exchange leaves no moment without a whole bundle there.
    const bool there = speech::is_bundle(output.string());
    const int failed =
        there ? ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, output.c_str(), RENAME_EXCHANGE)
              : std::rename(from.c_str(), output.c_str());
    if (failed == 0) return {};
    return Error{ErrorCode::machine,
                 output.string() + ": " + std::generic_category().message(errno)};
  }

 private:
  explicit WorkFolder(fs::path path) : path_(std::move(path)) {}
  fs::path path_;
};

std::string contradiction_of_bundle(const Arguments& arguments) {
  if (arguments.observe_only || !arguments.merge.empty() || !arguments.ranges.empty() ||
      !arguments.metric.empty() || !arguments.html.empty())
    return "--observe-only, --merge, --ranges, --metric and --html are for single models";
  if (arguments.mode == "static" && arguments.calibration.empty())
    return "--mode static needs --calibration FOLDER: recordings";
  std::error_code ignored;
  if (fs::equivalent(arguments.model, arguments.output, ignored))
    return "the output can't be the bundle itself";
  const bool taken = fs::exists(arguments.output, ignored) &&
                     !fs::is_empty(arguments.output, ignored) &&
                     !speech::is_bundle(arguments.output);
  return taken ? arguments.output + " is there and is no bundle" : "";
}

// Every part must be heard of, whatever weights the bundle would use.
speech::RecognizerSettings calibration_settings(const speech::Recognizer& recognizer) {
  auto settings = recognizer.settings();
  speech::SearchSettings& search = settings.search;
  if (!recognizer.bundle().decoder.empty() && search.ctc_weight == 1) search.ctc_weight = 0.3;
  if (!recognizer.bundle().lm.empty() && search.lm_weight == 0) search.lm_weight = 0.3;
  return settings;
}

Result<std::vector<SampleSpool>> decode_recordings(const Arguments& arguments, const Global& global,
                                                   const WorkFolder& work) {
  auto recordings = speech::find_recordings(arguments.calibration);
  if (!recordings) return to_error(recordings.failure());
  auto recognizer = speech::Recognizer::load(arguments.model, global.session_options());
  if (!recognizer) return to_error(recognizer.failure());
  std::vector<SampleSpool> spools;
  for (size_t part = 0; part < speech::kParts; ++part)
    spools.emplace_back(work.samples(static_cast<Part>(part)));
  Transcriber transcriber(*recognizer, calibration_settings(*recognizer), global);
  std::optional<Error> error;  // Of a spool, with its own code.
  transcriber.listen([&](Part part, std::span<const Port> ports,
                         std::span<const TensorRef> inputs) -> speech::Outcome {
    if (part == kCopied) return std::nullopt;
    auto status = spools[static_cast<size_t>(part)].add(ports, inputs);
    if (status) return std::nullopt;
    error = std::move(status).error();
    return speech::bad_data(error->message);
  });
  for (const std::string& recording : *recordings) {
    const auto transcript = transcriber.file(recording);
    if (error) return *error;
    if (!transcript) return transcript.error();
  }
  runtime::release_memory();
  return spools;
}

Result<std::vector<std::string>> node_names(const fs::path& path) {
  OCTET_ASSIGN(const Model model, import_model(path));
  std::vector<std::string> names;
  for (const NodeId id : model.graph->order()) names.push_back(model.graph->node(id).name);
  return names;
}

// Which of --exclude's nodes each part has; a node that none has is refused.
Result<std::vector<std::vector<std::string>>> excluded_by_part(
    const Arguments& arguments, const std::vector<BundlePart>& parts) {
  std::vector<std::vector<std::string>> excluded(parts.size());
  if (arguments.exclude.empty()) return excluded;
  std::set<std::string> missing(arguments.exclude.begin(), arguments.exclude.end());
  for (size_t i = 0; i < parts.size(); ++i) {
    OCTET_ASSIGN(const auto names, node_names(parts[i].path));
    for (const std::string& node : arguments.exclude) {
      if (std::find(names.begin(), names.end(), node) == names.end()) continue;
      excluded[i].push_back(node);
      missing.erase(node);
    }
  }
  if (missing.empty()) return excluded;
  return Error{ErrorCode::invalid_argument,
               "--exclude: no part of the bundle has a node '" + *missing.begin() + "'"};
}

Status copy_to(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::copy_file(from, to, error);
  if (error) return Error{ErrorCode::machine, to.string() + ": " + error.message()};
  return {};
}

struct PartReport {
  nlohmann::json json;
  uint64_t before = 0;
  uint64_t after = 0;
};

// `output` is the folder whose name the bundle will take.
Result<PartReport> quantize_part(const Arguments& arguments, const Global& global,
                                 const BundlePart& part, const fs::path& output) {
  const fs::path target = arguments.output;
  Arguments shown = arguments;
  shown.output = (output / target.filename()).string();
  PartReport report;
  report.before = fs::file_size(part.path);
  if (part.part == kCopied) {
    OCTET_RETURN_IF_ERROR(copy_to(part.path, target));
    report.after = report.before;
    report.json = {{"model", part.path.string()},
                   {"bytes_before", report.before},
                   {"bytes_after", report.after},
                   {"copied", "power spectra reach over more than 8 bits hold"}};
  } else {
    auto made = quantize_file(arguments, global);
    if (!made) return std::move(made).error().in(speech::part_name(part.part));
    report.after = made->bytes;
    report.json = to_json(made->report, shown, made->bytes);
    if (!global.json) print(made->report, shown, made->bytes);
  }
  report.json["part"] = speech::part_name(part.part);
  return report;
}

Result<nlohmann::json> quantize_parts(const Arguments& arguments, const Global& global,
                                      const speech::Bundle& bundle, const WorkFolder& work,
                                      const std::vector<SampleSpool>& spools) {
  const auto parts = parts_of(bundle);
  OCTET_ASSIGN(const auto excluded, excluded_by_part(arguments, parts));
  nlohmann::json rows = nlohmann::json::array();
  uint64_t before = 0;
  uint64_t after = 0;
  size_t samples = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    OCTET_RETURN_IF_ERROR(global.check_deadline());
    Arguments mine = arguments;
    mine.model = parts[i].path.string();
    mine.output = (work.bundle() / parts[i].path.filename()).string();
    mine.exclude = excluded[i];
    mine.report.clear();
    mine.calibration.clear();
    if (!spools.empty() && parts[i].part != kCopied) {
      const SampleSpool& spool = spools[static_cast<size_t>(parts[i].part)];
      if (spool.samples() == 0)
        return invalid_data(std::string("no recording of ") + arguments.calibration +
                            " came to the " + speech::part_name(parts[i].part));
      mine.calibration = spool.folder().string();
      samples += spool.samples();
    }
    OCTET_ASSIGN(const PartReport report, quantize_part(mine, global, parts[i], arguments.output));
    rows.push_back(report.json);
    before += report.before;
    after += report.after;
  }
  for (const std::string& file : bundle.other_files)
    OCTET_RETURN_IF_ERROR(copy_to(file, work.bundle() / fs::path(file).filename()));
  return nlohmann::json{{"model", arguments.model},
                        {"output", arguments.output},
                        {"mode", arguments.mode},
                        {"samples", samples},
                        {"bytes_before", before},
                        {"bytes_after", after},
                        {"parts", rows}};
}

Result<nlohmann::json> quantized_bundle(const Arguments& arguments, const Global& global) {
  auto bundle = speech::read_bundle(arguments.model);
  if (!bundle) return to_error(bundle.failure());
  FileOutput file(arguments.report);
  if (!arguments.report.empty()) OCTET_RETURN_IF_ERROR(file.open());
  OCTET_ASSIGN(const auto work, WorkFolder::make(arguments.output));
  std::vector<SampleSpool> spools;
  if (!arguments.calibration.empty()) {
    OCTET_ASSIGN(spools, decode_recordings(arguments, global, *work));
  }
  OCTET_ASSIGN(auto report, quantize_parts(arguments, global, *bundle, *work, spools));
  if (!arguments.report.empty()) {
    OCTET_RETURN_IF_ERROR(file.write(to_text(report)));
    OCTET_RETURN_IF_ERROR(file.sync());
  }
  OCTET_RETURN_IF_ERROR(work->commit(arguments.output));
  if (!arguments.report.empty()) OCTET_RETURN_IF_ERROR(file.commit());
  return report;
}

void print_sizes(const nlohmann::json& report) {
  Table table({"part", "before", "after", "share"});
  const auto add = [&](const std::string& name, const nlohmann::json& row) {
    const double before = row["bytes_before"];
    const double after = row["bytes_after"];
    table.add({name, megabytes(before), megabytes(after), fixed(100 * after / before, 1) + "%"});
  };
  for (const auto& row : report["parts"]) add(row["part"], row);
  add("all", report);
  table.print();
}

}  // namespace

int quantize_bundle(const Arguments& given, const Global& global) {
  Arguments arguments = given;
  // Names of folders may end in a slash; temporary names are made of them.
  while (arguments.output.size() > 1 && arguments.output.back() == '/') arguments.output.pop_back();
  if (const std::string message = contradiction_of_bundle(arguments); !message.empty())
    return fail(kUsage, message);
  const auto report = quantized_bundle(arguments, global);
  if (!report) return fail(report.error());
  if (global.json)
    std::cout << to_text(*report);
  else
    print_sizes(*report);
  return kDone;
}

}  // namespace octet::cli::quantize
