#include "tests/models/bundled.h"

namespace octet::testing {
namespace {

std::vector<CpuToken> instruction_sets() {
  std::vector<CpuToken> tokens;
  for (size_t i = 0; i < kIsaCount; ++i)
    if (const auto token = CpuToken::probe(static_cast<Isa>(i))) tokens.push_back(*token);
  return tokens;
}

bool has_steps_of(const runtime::Program& program, Isa isa) {
  for (const auto& step : program.plan().steps)
    if (step.info.isa == isa) return true;
  return false;
}

TEST_CASE("int8 models give the same bits on every instruction set and any number of threads") {
  for (const auto& path : bundled_models())
    for (const Form& form : int8_forms(path)) {
      const auto inputs = made_up_inputs(*form.graph, 31);
      runtime::CompileOptions options;
      options.provider = runtime::Provider::native;
      options.share_small = true;
      options.cpu = CpuToken::scalar();
      options.threads = 1;
      const auto expected = results(*compiled(form, options), inputs);
      for (const CpuToken cpu : instruction_sets())
        for (const size_t threads : {1, 2, 3, 8}) {
          options.cpu = cpu;
          options.threads = threads;
          const auto program = compiled(form, options);
          const auto outputs = results(*program, inputs);
          INFO(form.name << " on " << isa_name(cpu.isa()) << ", " << threads << " threads");
          CHECK(has_steps_of(*program, cpu.isa()));
          CHECK(outputs == expected);
        }
    }
}

}  // namespace
}  // namespace octet::testing
