#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include "cli/conformance_case.h"
#include "importers/onnx/import.h"
#include "tests/conformance/cases.h"

namespace octet::cli::conformance {
namespace {

// A committed list of what isn't expected to pass: a line "NAME refused REASON" or
// "NAME data REASON", the latter where the published data are wrong. '#' begins a comment.
class Expectations {
 public:
  static Result<Expectations> read(const std::string& path) {
    Expectations list;
    if (path.empty()) return list;
    std::ifstream file(path);
    if (!file) return invalid_data(path + ": can't be read");
    list.active_ = true;
    for (std::string line; std::getline(file, line);) {
      std::istringstream words(line.substr(0, line.find('#')));
      std::string name;
      Entry entry;
      if (!(words >> name >> entry.kind)) continue;
      if (entry.kind != "refused" && entry.kind != "data")
        return invalid_data(path + ": '" + line + "' is no NAME refused|data REASON");
      std::getline(words >> std::ws, entry.reason);
      list.entries_[name] = std::move(entry);
    }
    return list;
  }

  /// The outcome as the list sees it: what it doesn't foresee is a failure.
  Outcome judge(const std::string& name, Outcome outcome) {
    using Kind = Outcome::Kind;
    if (!active_) return outcome;
    const auto at = entries_.find(name);
    if (at == entries_.end())
      return outcome.kind == Kind::skipped
                 ? failed("is refused, which the list doesn't say: " + outcome.reason)
                 : outcome;
    at->second.seen = true;
    const bool data = at->second.kind == "data";
    if (outcome.kind == Kind::passed) return failed("passes: mend the list, which says otherwise");
    if (data != (outcome.kind == Kind::failed)) return failed(outcome.reason);
    return skipped((data ? "wrong data: " : "") + (data ? at->second.reason : outcome.reason));
  }

  std::vector<std::string> unseen() const {
    std::vector<std::string> names;
    for (const auto& [name, entry] : entries_)
      if (!entry.seen) names.push_back(name);
    return names;
  }

 private:
  struct Entry {
    std::string kind;
    std::string reason;
    bool seen = false;
  };
  bool active_ = false;
  std::map<std::string, Entry> entries_;
};

// Counts outcomes and prints what didn't pass.
class Report {
 public:
  explicit Report(const Global& global) : global_(global) {}
  void add(const std::string& name, const Outcome& outcome) {
    constexpr const char* kNames[] = {"passed", "failed", "skipped"};
    const auto kind = static_cast<size_t>(outcome.kind);
    ++counts_[kind];
    rows_.push_back({{"name", name}, {"status", kNames[kind]}, {"reason", outcome.reason}});
    if (kind != 0 && !global_.json)
      std::cout << kNames[kind] << " " << name << ": " << outcome.reason << "\n";
  }
  int finish() const {
    if (global_.json)
      std::cout << to_text({{"passed", counts_[0]},
                            {"failed", counts_[1]},
                            {"skipped", counts_[2]},
                            {"cases", rows_}});
    else
      std::cout << counts_[0] << " passed, " << counts_[1] << " failed, " << counts_[2]
                << " skipped\n";
    return counts_[1] == 0 ? kDone : kNo;
  }

 private:
  const Global& global_;
  size_t counts_[3] = {0, 0, 0};
  nlohmann::json rows_ = nlohmann::json::array();
};

struct Arguments {
  std::vector<std::string> folders;
  std::string expect;
};

int run_folders(const Arguments& arguments, const runtime::CompileOptions& options,
                const Global& global) {
  const auto cases = find_cases(arguments.folders);
  if (!cases) return fail(cases.error());
  if (cases->empty()) return fail(kBadInput, "there are no test cases (folders with a model.onnx)");
  auto expectations = Expectations::read(arguments.expect);
  if (!expectations) return fail(expectations.error());
  Report report(global);
  for (const auto& folder : *cases) {
    const std::string name = folder.filename().string();
    const Outcome outcome = run_case(folder, options, global);
    if (const auto status = global.check_deadline(); !status)
      return fail(Error(status.error()).in(name));
    report.add(name, expectations->judge(name, outcome));
  }
  for (const auto& name : expectations->unseen())
    report.add(name, failed("is in the list, but not among the cases"));
  return report.finish();
}

Outcome run_bundled_case(const octet::conformance::Case& bundled,
                         const runtime::CompileOptions& options, const Global& global) {
  const std::span<const char> text(bundled.model);
  auto model = import_model(std::as_bytes(text), {});
  if (!model) return from_error(model.error());
  auto program = runtime::Program::compile(model->graph, options);
  if (!program) return from_error(program.error());
  const auto outputs = (*program)->run(bundled.inputs, global.run_options());
  if (!outputs) return from_error(outputs.error());
  if (outputs->size() != bundled.outputs.size()) return failed("gives another number of outputs");
  for (size_t i = 0; i < outputs->size(); ++i) {
    const auto wrong = octet::conformance::difference((*outputs)[i], bundled.outputs[i]);
    if (!wrong.empty()) return failed("output " + std::to_string(i) + " " + wrong);
  }
  return {};
}

int run_bundled(const runtime::CompileOptions& options, const Global& global) {
  Report report(global);
  for (const auto& family : octet::conformance::families()) {
    for (size_t i = 0; i < family.count; ++i) {
      const auto bundled = family.make(i);
      const Outcome outcome = run_bundled_case(bundled, options, global);
      if (const auto status = global.check_deadline(); !status)
        return fail(Error(status.error()).in(bundled.name));
      report.add(bundled.name, outcome);
    }
  }
  return report.finish();
}

int execute(const Arguments& arguments, const Global& global) {
  const auto options = global.compile_options();
  if (!options) return fail(options.error());
  return arguments.folders.empty() ? run_bundled(*options, global)
                                   : run_folders(arguments, *options, global);
}

}  // namespace

void add(CLI::App& app, Global& global, int& exit_code) {
  auto* verb = app.add_subcommand("conformance",
                                  "Run ONNX test-case folders, or without any the bundled cases");
  auto arguments = std::make_shared<Arguments>();
  verb->add_option("DIR", arguments->folders, "Folders with test cases");
  verb->add_option(
      "--expect", arguments->expect,
      "A list of what is refused or has wrong data; all else must pass, none of it may");
  verb->callback([arguments, &global, &exit_code] { exit_code = execute(*arguments, global); });
}

}  // namespace octet::cli::conformance
