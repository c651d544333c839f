#include <doctest/doctest.h>

#include <algorithm>

#include "importers/onnx/import.h"
#include "runtime/session/program.h"
#include "tests/conformance/cases.h"

namespace octet::testing {
namespace {

// What came of one case on one instruction set.
struct Came {
  std::string wrong;    // "" where it passes
  bool forced = false;  // a step ran that instruction set's kernels
};

Came run(const conformance::Case& bundled, CpuToken cpu) {
  auto model = import_model(std::as_bytes(std::span<const char>(bundled.model)), {});
  if (!model) return {model.error().message};
  runtime::CompileOptions options;
  options.provider = runtime::Provider::native;
  options.threads = 1;
  options.cpu = cpu;
  const auto program = runtime::Program::compile(model->graph, options);
  if (!program) return {program.error().message};
  const auto outputs = (*program)->run(bundled.inputs);
  if (!outputs) return {outputs.error().message};
  const bool forced = std::ranges::any_of(
      (*program)->plan().steps, [&](const auto& step) { return step.info.isa == cpu.isa(); });
  if (outputs->size() != bundled.outputs.size()) return {"another number of outputs"};
  for (size_t i = 0; i < outputs->size(); ++i)
    if (auto wrong = conformance::difference((*outputs)[i], bundled.outputs[i]); !wrong.empty())
      return {"output " + std::to_string(i) + " " + wrong, forced};
  return {"", forced};
}

TEST_CASE("the bundled conformance cases pass on every instruction set of this program") {
  for (size_t isa = 0; isa < kIsaCount; ++isa) {
    const auto cpu = CpuToken::probe(static_cast<Isa>(isa));
    if (!cpu) continue;
    size_t passed = 0;
    size_t forced = 0;
    for (const auto& family : conformance::families())
      for (size_t i = 0; i < family.count; ++i) {
        const auto bundled = family.make(i);
        const Came came = run(bundled, *cpu);
        CHECK_MESSAGE(came.wrong.empty(),
                      bundled.name << " on " << isa_name(cpu->isa()) << ": " << came.wrong);
        passed += came.wrong.empty() ? 1 : 0;
        forced += came.forced ? 1 : 0;
      }
    MESSAGE(isa_name(cpu->isa()) << ": " << passed << " passed, its kernels in " << forced);
    CHECK(passed >= 2000);
    CHECK(forced > 0);
  }
}

}  // namespace
}  // namespace octet::testing
