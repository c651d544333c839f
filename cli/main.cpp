#include <csignal>
#include <iostream>

#include "cli/cli.h"
#include "engine/ir/memory.h"
#include "engine/ir/stop.h"
#include "octet/octet_op.h"

namespace octet::cli {
#define OCTET_VERB(file)                                   \
  namespace file {                                         \
  void add(CLI::App& app, Global& global, int& exit_code); \
  }
#include "cli/verbs.def"
#undef OCTET_VERB
}  // namespace octet::cli

namespace {

constexpr size_t kMegabyte = 1'000'000;

void add_global_flags(CLI::App& verb, octet::cli::Global& global) {
  verb.add_option("--threads", global.threads, "Threads (default: the cores this process may use)");
  verb.add_option("--provider", global.provider,
                  "auto, native, onednn, xnnpack, reference, or one that --ops brings");
  verb.add_option("--isa", global.isa, "Force an instruction set")
      ->check(CLI::IsMember(
          {"scalar", "avx2", "avxvnni", "avx512vnni", "amx", "neon", "neondot", "i8mm"}));
  verb.add_option("--deadline", global.deadline_ms, "Stop after this many milliseconds")
      ->check(CLI::PositiveNumber);
  verb.add_option("--memory", global.memory_mb,
                  "Take no more than this many MB for tensors, packed weights and arenas")
      ->check(CLI::Range(size_t{1}, SIZE_MAX / kMegabyte));
  verb.add_option("--cache", global.cache,
                  "Keep packed weights in this folder, for faster loading from the second time on");
  verb.add_flag(
      "--tune", global.tune,
      "Run each node by its fastest provider, measured first (run, bench); kept in --cache");
  verb.add_option(
      "--ops", global.ops,
      "A module with operators or providers of your own (octet_op.h, octet_provider.h)");
  verb.add_option("--log-level", global.log_level, "trace, debug, info, warning, error or off")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "warning", "error", "off"}));
  verb.add_flag("--json", global.json, "Print one JSON object instead of a table");
}

// What the flags set for the whole process, before the verb begins.
void prepare(const std::string& verb, const octet::cli::Global& global,
             std::optional<octet::BudgetScope>& budget, std::optional<octet::StopScope>& stop) {
  static const std::function<bool()> never_cancelled;
  // A server's deadline is that of each request.
  if (verb != "serve") stop.emplace(global.deadline(), never_cancelled);
  octet_error_free(octet_log_to_stderr(global.log_level.c_str()));
  for (const std::string& module : global.ops)
    if (const auto failure = octet::detail::take(octet_load_ops(module.c_str())))
      throw CLI::ValidationError("--ops", failure->message);
  if (!octet::runtime::provider_from_name(global.provider))
    throw CLI::ValidationError("--provider", "there is no provider '" + global.provider + "'");
  if (global.memory_mb > 0)
    budget.emplace(std::make_shared<octet::MemoryBudget>(global.memory_mb * kMegabyte));
}

}  // namespace

int main(int argc, char** argv) {
  using namespace octet::cli;
  CLI::App app("octet: ONNX inference with int8 kernels", "octet");
  app.set_version_flag("--version", octet_version());
  app.require_subcommand(1);
  Global global;
  int code = kDone;
#define OCTET_VERB(file) file::add(app, global, code);
#include "cli/verbs.def"
#undef OCTET_VERB
  // A file past the allowed size is an error of its write, not the end of the process.
  std::signal(SIGXFSZ, SIG_IGN);
  std::optional<octet::BudgetScope> budget;
  std::optional<octet::StopScope> stop;
  for (CLI::App* verb : app.get_subcommands({})) {
    add_global_flags(*verb, global);
    verb->parse_complete_callback([&, verb] { prepare(verb->get_name(), global, budget, stop); });
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, std::cout, std::cerr) == 0 ? kDone : kUsage;
  } catch (const std::bad_alloc& failure) {
    return fail(octet::memory_error(failure));
  } catch (const std::exception& error) {
    return fail(kMachine, error.what());
  }
  if (!std::cout.flush() && code == kDone) return fail(kMachine, "stdout: can't be written");
  return code;
}
