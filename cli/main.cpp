#include <iostream>

#include "cli/cli.h"

namespace octet::cli {
#define OCTET_VERB(file)                                   \
  namespace file {                                         \
  void add(CLI::App& app, Global& global, int& exit_code); \
  }
#include "cli/verbs.def"
#undef OCTET_VERB
}  // namespace octet::cli

namespace {

void add_global_flags(CLI::App& verb, octet::cli::Global& global) {
  verb.add_option("--threads", global.threads, "Threads (default: the cores this process may use)");
  verb.add_option("--provider", global.provider, "auto, native, onednn, xnnpack or reference")
      ->check(CLI::IsMember({"auto", "native", "onednn", "xnnpack", "reference"}));
  verb.add_option("--isa", global.isa, "Force an instruction set")
      ->check(
          CLI::IsMember({"scalar", "avx2", "avxvnni", "avx512vnni", "neon", "neondot", "i8mm"}));
  verb.add_option("--deadline", global.deadline_ms, "Stop after this many milliseconds");
  verb.add_option("--memory", global.memory_mb, "Refuse to take more than this many MB");
  verb.add_option("--log-level", global.log_level, "debug, info, warning or error");
  verb.add_flag("--json", global.json, "Print one JSON object instead of a table");
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
  for (CLI::App* verb : app.get_subcommands({})) add_global_flags(*verb, global);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, std::cout, std::cerr) == 0 ? kDone : kUsage;
  } catch (const std::bad_alloc&) {
    return fail(kMachine, "out of memory");
  } catch (const std::exception& error) {
    return fail(kMachine, error.what());
  }
  return code;
}
