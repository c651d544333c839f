#include <re2/re2.h>

#include "engine/ops/common/strings.h"

namespace octet::ops::regex_full_match {
namespace {

struct RegexFullMatchAttrs {
  std::string pattern = {};
  static constexpr auto fields() {
    return std::tuple{field("pattern", &RegexFullMatchAttrs::pattern)};
  }
};

// The library's own messages stay off; it bounds its memory and never backtracks.
RE2::Options quiet() {
  RE2::Options options;
  options.set_log_errors(false);
  return options;
}

Status infer(InferContext& context) {
  OCTET_RETURN_IF_ERROR(context.require(0, {DType::string}));
  context.set_tensor(0, DType::boolean, context.input(0).shape);
  return {};
}

class MatchStep final : public Step {
 public:
  explicit MatchStep(const std::string& pattern) : regex_(pattern, quiet()) {}
  Status check() const {
    if (regex_.ok()) return {};
    return invalid_model("pattern '{}': {}", regex_.pattern(), regex_.error());
  }
  Status run(RunContext& context) const override {
    const auto& texts = strings_of(context, 0);
    OCTET_RETURN_IF_ERROR(context.allocate(0, context.input(0).dims));
    for (size_t i = 0; i < texts.size(); ++i)
      context.output(0).as<bool>()[i] = RE2::FullMatch(texts[i], regex_);
    return {};
  }
  StepInfo info() const override { return {"regex", "native", Isa::scalar}; }

 private:
  RE2 regex_;
};

Result<std::unique_ptr<Step>> prepare(const LowerContext& context) {
  auto step = std::make_unique<MatchStep>(context.attrs<RegexFullMatchAttrs>().pattern);
  OCTET_RETURN_IF_ERROR(step->check());
  return std::unique_ptr<Step>(std::move(step));
}

constexpr Implementation kRows[] = {{.name = "regex", .match = match_stored, .prepare = prepare}};

}  // namespace

extern const OpDef RegexFullMatch;
const OpDef RegexFullMatch = {.domain = "",
                              .name = "RegexFullMatch",
                              .since = 20,
                              .inputs = {1, 1},
                              .attrs = attr_codec<RegexFullMatchAttrs>(),
                              .infer = infer,
                              .implementations = kRows};

}  // namespace octet::ops::regex_full_match
