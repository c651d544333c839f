#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <span>
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

/// A field, and the member of one struct that holds it.
struct FieldSlot {
  std::string_view name;
  FieldRange range;
  const MemberType* type;
  const void* member;

  bool is_in(int opset) const { return opset >= range.since && opset <= range.until; }
};
template <typename A>
auto slots_of(const A& attrs) {
  return std::apply(
      [&](const auto&... fs) {
        return std::array<FieldSlot, sizeof...(fs)>{FieldSlot{
            fs.name, fs.range, &kMemberType<std::remove_cvref_t<decltype(attrs.*(fs.member))>>,
            &(attrs.*(fs.member))}...};
      },
      A::fields());
}

/// Fills the members from the map; they must be those of a struct that isn't const.
Status read_slots(std::span<const FieldSlot> slots, const AttrMap& map, int opset);
/// `defaults`: slots of a struct as it is made.
AttrMap write_slots(std::span<const FieldSlot> slots, std::span<const FieldSlot> defaults,
                    int opset);
std::vector<std::string> slot_names(std::span<const FieldSlot> slots);

template <typename A>
Result<Attrs> read_fields(const AttrMap& map, int opset) {
  A out{};
  OCTET_RETURN_IF_ERROR(read_slots(slots_of(out), map, opset));
  return Attrs::of(std::move(out));
}

template <typename A>
AttrMap write_fields(const Attrs& attrs, int opset) {
  const A defaults{};
  return write_slots(slots_of(attrs.as<A>()), slots_of(defaults), opset);
}

template <typename A>
std::vector<std::string> field_names() {
  return slot_names(slots_of(A{}));
}

}  // namespace detail

template <typename A>
constexpr AttrCodec attr_codec() {
  return {&detail::read_fields<A>, &detail::write_fields<A>, &detail::field_names<A>};
}

}  // namespace octet
