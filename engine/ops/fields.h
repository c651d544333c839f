#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "engine/ir/attrs.h"
#include "engine/ir/result.h"

namespace octet {

/// Where a field is: every opset, up to one, from one on, and whether a file must give it.
struct FieldRange {
  int since = 1;
  int until = 9999;
  bool required = false;
};

/// One attribute of an operator: the ONNX name and the member of the operator's struct that holds
/// it. Reading, writing, comparing and documenting all follow from the tuple of these. Members may
/// be int64_t, float, std::string, vectors of these, Tensor, Type, or std::optional of any.
template <typename A, typename M>
struct Field {
  std::string_view name;
  M A::*member;
  FieldRange range;
};

template <typename A, typename M>
constexpr Field<A, M> field(std::string_view name, M A::*member, FieldRange range = {}) {
  return {name, member, range};
}

/// For operators without attributes.
struct NoAttrs {
  static constexpr auto fields() { return std::tuple<>{}; }
};

/// What the op table knows of an operator's attributes without knowing the struct.
struct AttrCodec {
  /// Reads and checks; an attribute that no field names, or of another type, is an error.
  Result<Attrs> (*read)(const AttrMap& map, int opset);
  /// Writes the members that differ from their defaults, or are required, at `opset`.
  AttrMap (*write)(const Attrs& attrs, int opset);
  std::vector<std::string> (*names)();
};

namespace detail {

template <typename T>
struct Unwrapped {
  using type = T;
};
template <typename T>
struct Unwrapped<std::optional<T>> {
  using type = T;
};

template <typename A>
Result<Attrs> read_fields(const AttrMap& map, int opset) {
  A out{};
  size_t used = 0;
  std::string problem;
  const auto read_one = [&](const auto& f) {
    const auto at = map.find(f.name);
    const bool here = opset >= f.range.since && opset <= f.range.until;
    if (at == map.end() || !here) {
      if (here && f.range.required) problem = "attribute '" + std::string(f.name) + "' is missing";
      return;
    }
    using M = typename Unwrapped<std::remove_cvref_t<decltype(out.*(f.member))>>::type;
    if (const M* value = std::get_if<M>(&at->second)) {
      out.*(f.member) = *value;
      ++used;
    } else {
      problem = "attribute '" + std::string(f.name) + "' has the wrong type";
    }
  };
  std::apply([&](const auto&... fs) { (read_one(fs), ...); }, A::fields());
  if (!problem.empty()) return invalid_model(problem);
  if (used != map.size()) {
    for (const auto& entry : map) {
      const std::string& name = entry.first;
      bool known = false;
      std::apply(
          [&](const auto&... fs) {
            ((known =
                  known || (fs.name == name && opset >= fs.range.since && opset <= fs.range.until)),
             ...);
          },
          A::fields());
      if (!known) return unsupported("attribute '" + name + "' is not supported");
    }
  }
  return Attrs::of(std::move(out));
}

template <typename A>
AttrMap write_fields(const Attrs& attrs, int opset) {
  AttrMap map;
  const A& value = attrs.as<A>();
  const A defaults{};
  const auto write_one = [&](const auto& f) {
    if (opset < f.range.since || opset > f.range.until) return;
    const auto& member = value.*(f.member);
    if (!f.range.required && member == defaults.*(f.member)) return;
    if constexpr (requires { member.has_value(); }) {
      if (member.has_value()) map.emplace(f.name, *member);
    } else {
      map.emplace(f.name, member);
    }
  };
  std::apply([&](const auto&... fs) { (write_one(fs), ...); }, A::fields());
  return map;
}

template <typename A>
std::vector<std::string> field_names() {
  std::vector<std::string> names;
  std::apply([&](const auto&... fs) { (names.emplace_back(fs.name), ...); }, A::fields());
  return names;
}

}  // namespace detail

template <typename A>
constexpr AttrCodec attr_codec() {
  return {&detail::read_fields<A>, &detail::write_fields<A>, &detail::field_names<A>};
}

}  // namespace octet
