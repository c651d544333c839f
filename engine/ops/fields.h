#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
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

namespace detail {

template <typename T>
struct Unwrapped {
  using type = T;
};
template <typename T>
struct Unwrapped<std::optional<T>> {
  using type = T;
};

/// What reading and writing need of a member's type, so that one function serves all operators.
struct MemberType {
  /// False where the value is of another type.
  bool (*read)(const AttrValue& value, void* member);
  bool (*same)(const void* a, const void* b);
  /// Nothing where the member is an empty optional.
  std::optional<AttrValue> (*value)(const void* member);
};

template <typename M>
bool read_member(const AttrValue& value, void* member) {
  const auto* held = std::get_if<typename Unwrapped<M>::type>(&value);
  if (held == nullptr) return false;
  *static_cast<M*>(member) = *held;
  return true;
}
template <typename M>
bool same_members(const void* a, const void* b) {
  return *static_cast<const M*>(a) == *static_cast<const M*>(b);
}
template <typename M>
std::optional<AttrValue> member_value(const void* member) {
  const M& held = *static_cast<const M*>(member);
  if constexpr (requires { held.has_value(); }) {
    if (!held.has_value()) return std::nullopt;
    return AttrValue(*held);
  } else {
    return AttrValue(held);
  }
}
template <typename M>
inline constexpr MemberType kMemberType = {read_member<M>, same_members<M>, member_value<M>};

/// A field apart from its struct.
struct FieldInfo {
  std::string_view name;
  FieldRange range;
  const MemberType* type;

  bool is_in(int opset) const { return opset >= range.since && opset <= range.until; }
};

template <typename A>
inline constexpr auto kFieldInfos = std::apply(
    [](const auto&... fs) {
      return std::array<FieldInfo, sizeof...(fs)>{FieldInfo{
          fs.name, fs.range,
          &kMemberType<std::remove_cvref_t<decltype(std::declval<A&>().*(fs.member))>>}...};
    },
    A::fields());

template <typename A>
Attrs make_attrs() {
  return Attrs::of(A{});
}

/// Where the members of the struct in `attrs` lie, in the order of its fields.
template <typename A>
void locate_members([[maybe_unused]] const Attrs& attrs, [[maybe_unused]] const void** members) {
  std::apply([&](const auto&... fs) { ((*members++ = &(attrs.as<A>().*(fs.member))), ...); },
             A::fields());
}

}  // namespace detail

/// Attributes as a file spells them, for operators that check them on their own.
struct SpelledAttrs {
  AttrMap map;
};

/// What the op table knows of an operator's attributes without knowing the struct; as it is made:
/// SpelledAttrs.
class AttrCodec {
 public:
  /// Reads and checks; an attribute that no field names, or of another type, is an error.
  Result<Attrs> read(const AttrMap& map, int opset) const;
  /// Writes the members that differ from their defaults, or are required, at `opset`.
  AttrMap write(const Attrs& attrs, int opset) const;
  std::vector<std::string> names() const;

 private:
  template <typename A>
  friend constexpr AttrCodec attr_codec();

  std::vector<const void*> members_of(const Attrs& attrs) const;

  std::span<const detail::FieldInfo> fields_;
  Attrs (*make_)() = nullptr;
  void (*locate_)(const Attrs& attrs, const void** members) = nullptr;
};

template <typename A>
constexpr AttrCodec attr_codec() {
  AttrCodec codec;
  codec.fields_ = detail::kFieldInfos<A>;
  codec.make_ = detail::make_attrs<A>;
  codec.locate_ = detail::locate_members<A>;
  return codec;
}

}  // namespace octet
