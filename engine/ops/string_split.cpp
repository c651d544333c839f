#include <algorithm>
#include <limits>

#include "engine/ops/common/strings.h"

namespace octet::ops::string_split {
namespace {

struct StringSplitAttrs {
  std::string delimiter = {};
  std::optional<int64_t> maxsplit = {};
  static constexpr auto fields() {
    return std::tuple{field("delimiter", &StringSplitAttrs::delimiter),
                      field("maxsplit", &StringSplitAttrs::maxsplit)};
  }
};

Status infer(InferContext& context) {
  OCTET_RETURN_IF_ERROR(context.require(0, {DType::string}));
  std::optional<Shape> pieces = context.input(0).shape;
  if (pieces) pieces->push_back(Dim::fresh());
  context.set_tensor(0, DType::string, std::move(pieces));
  context.set_tensor(1, DType::s64, context.input(0).shape);
  return {};
}

// At whitespace: runs of it are one separator, and none is left at the ends.
std::vector<std::string> split_words(std::string_view text, size_t most) {
  constexpr std::string_view kSpace = " \t\n\v\f\r";
  std::vector<std::string> pieces;
  size_t at = text.find_first_not_of(kSpace);
  while (at != std::string_view::npos) {
    size_t end = pieces.size() == most ? text.find_last_not_of(kSpace) + 1
                                       : std::min(text.find_first_of(kSpace, at), text.size());
    pieces.emplace_back(text.substr(at, end - at));
    at = text.find_first_not_of(kSpace, end);
  }
  return pieces;
}

std::vector<std::string> split_at(std::string_view text, const std::string& delimiter,
                                  size_t most) {
  std::vector<std::string> pieces;
  if (text.empty()) return pieces;
  while (pieces.size() < most) {
    const size_t at = text.find(delimiter);
    if (at == std::string_view::npos) break;
    pieces.emplace_back(text.substr(0, at));
    text.remove_prefix(at + delimiter.size());
  }
  pieces.emplace_back(text);
  return pieces;
}

Status run(const Attrs& attributes, RunContext& context) {
  const auto& attrs = attributes.as<StringSplitAttrs>();
  const auto most = static_cast<size_t>(attrs.maxsplit && *attrs.maxsplit >= 0
                                            ? *attrs.maxsplit
                                            : std::numeric_limits<int64_t>::max());
  std::vector<std::vector<std::string>> all;
  size_t widest = 0;
  for (const std::string& text : strings_of(context, 0)) {
    all.push_back(attrs.delimiter.empty() ? split_words(text, most)
                                          : split_at(text, attrs.delimiter, most));
    widest = std::max(widest, all.back().size());
  }
  OCTET_RETURN_IF_ERROR(context.allocate(1, context.input(0).dims));
  std::vector<std::string> padded;
  for (size_t i = 0; i < all.size(); ++i) {
    if (context.has_output(1))
      context.output(1).as<int64_t>()[i] = static_cast<int64_t>(all[i].size());
    all[i].resize(widest);
    padded.insert(padded.end(), all[i].begin(), all[i].end());
  }
  Dims dims = context.input(0).dims;
  dims.push_back(static_cast<int64_t>(widest));
  return context.set_boxed(0, Tensor::strings(std::move(dims), std::move(padded)));
}

}  // namespace

extern const OpDef StringSplit;
const OpDef StringSplit = {.domain = "",
                           .name = "StringSplit",
                           .since = 20,
                           .inputs = {1, 1},
                           .outputs = {1, 2},
                           .attrs = attr_codec<StringSplitAttrs>(),
                           .infer = infer,
                           .implementations = kStringOperatorRows<run>};

}  // namespace octet::ops::string_split
