#include "engine/ops/step.h"

namespace octet {
namespace {

class FunctionStep final : public Step {
 public:
  FunctionStep(StepFunction function, Attrs attrs, StepInfo info)
      : run_(function), attrs_(std::move(attrs)), info_(std::move(info)) {}
  Status run(RunContext& context) const override { return run_(attrs_, context); }
  StepInfo info() const override { return info_; }

 private:
  StepFunction run_;
  Attrs attrs_;
  StepInfo info_;
};

}  // namespace

std::unique_ptr<Step> make_function_step(StepFunction run, const Attrs& attrs, StepInfo info) {
  return std::make_unique<FunctionStep>(run, attrs, std::move(info));
}

Result<std::unique_ptr<Step>> prepare_by(const LowerContext& context, StepFunction run) {
  return make_function_step(run, context.node().attrs,
                            {std::string(op_name_of(context.node())), "native", Isa::scalar});
}

}  // namespace octet
