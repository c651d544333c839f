#include <algorithm>
#include <unordered_set>

#include "engine/ops/common/strings.h"

namespace octet::ops::string_normalizer {
namespace {

struct StringNormalizerAttrs {
  std::string case_change_action = "NONE";
  int64_t is_case_sensitive = 0;
  std::string locale = {};
  std::vector<std::string> stopwords = {};
  static constexpr auto fields() {
    using A = StringNormalizerAttrs;
    return std::tuple{field("case_change_action", &A::case_change_action),
                      field("is_case_sensitive", &A::is_case_sensitive),
                      field("locale", &A::locale), field("stopwords", &A::stopwords)};
  }
};

Status infer(InferContext& context) {
  OCTET_RETURN_IF_ERROR(context.require(0, {DType::string}));
  const auto& action = context.attrs<StringNormalizerAttrs>().case_change_action;
  if (action != "NONE" && action != "LOWER" && action != "UPPER")
    return invalid_model("case_change_action '{}'", action);
  std::optional<Shape> shape = context.input(0).shape;
  if (shape && (shape->empty() || shape->size() > 2))
    return invalid_model("input 0 has {} axes, not one or two", shape->size());
  if (shape) shape->back() = Dim::fresh();
  context.set_tensor(0, DType::string, std::move(shape));
  return {};
}

// Letters of ASCII. Others would need tables of a locale: they are refused rather than left alone.
Result<std::string> changed(std::string text, bool upper) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) >= 0x80)
      return unsupported("the case of letters outside ASCII");
    if (upper && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (!upper && c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

Status run(const Attrs& attributes, RunContext& context) {
  const auto& attrs = attributes.as<StringNormalizerAttrs>();
  const Dims& in = context.input(0).dims;
  if (in.empty() || in.size() > 2 || (in.size() == 2 && in[0] != 1))
    return invalid_data("the input is no [C] or [1, C]");
  const bool folded = attrs.is_case_sensitive == 0 && !attrs.stopwords.empty();
  const auto key = [&](const std::string& text) -> Result<std::string> {
    if (!folded) return text;
    return changed(text, false);
  };
  std::unordered_set<std::string> stops;
  for (const std::string& word : attrs.stopwords) {
    OCTET_ASSIGN(std::string stop, key(word));
    stops.insert(std::move(stop));
  }
  std::vector<std::string> kept;
  for (const std::string& word : strings_of(context, 0)) {
    OCTET_ASSIGN(const std::string looked_up, key(word));
    if (stops.contains(looked_up)) continue;
    kept.push_back(word);
    if (attrs.case_change_action == "NONE") continue;
    OCTET_ASSIGN(kept.back(), changed(word, attrs.case_change_action == "UPPER"));
  }
  if (kept.empty()) kept.emplace_back();
  Dims dims = in;
  dims.back() = static_cast<int64_t>(kept.size());
  return context.set_boxed(0, Tensor::strings(std::move(dims), std::move(kept)));
}

}  // namespace

extern const OpDef StringNormalizer;
const OpDef StringNormalizer = {.domain = "",
                                .name = "StringNormalizer",
                                .since = 10,
                                .inputs = {1, 1},
                                .attrs = attr_codec<StringNormalizerAttrs>(),
                                .infer = infer,
                                .implementations = kStringOperatorRows<run>};

}  // namespace octet::ops::string_normalizer
