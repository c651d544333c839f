#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace octet {

/// An integer that may depend on symbols ("batch", "frames"): constant + sum of coefficient * atom,
/// where an atom is a symbol, a product of atoms, or a division that doesn't come out even.
/// Equality is that of the normal form: equal Dims are equal for all symbol values.
class Dim {
 public:
  Dim(int64_t value = 0) : constant_(value) {}  // NOLINT(google-explicit-constructor)
  static Dim symbol(std::string name);
  /// A symbol that nothing else has: an extent that isn't known before data is.
  static Dim fresh();

  bool known() const { return terms_.empty(); }
  /// Requires known().
  int64_t value() const { return constant_; }
  std::optional<int64_t> maybe() const {
    return known() ? std::optional<int64_t>(constant_) : std::nullopt;
  }
  std::string to_string() const;

  friend bool operator==(const Dim&, const Dim&) = default;
  friend Dim operator+(const Dim& a, const Dim& b);
  friend Dim operator-(const Dim& a, const Dim& b);
  friend Dim operator*(const Dim& a, const Dim& b);
  /// Rounds towards minus infinity; the divisor must not be 0.
  friend Dim floor_div(const Dim& a, const Dim& b);
  friend Dim ceil_div(const Dim& a, const Dim& b);
  friend Dim min(const Dim& a, const Dim& b);
  friend Dim max(const Dim& a, const Dim& b);

 private:
  using Term = std::pair<std::string, int64_t>;
  static Dim atom(std::string name);
  void add(const std::string& name, int64_t coefficient);

  int64_t constant_ = 0;
  std::vector<Term> terms_;  // sorted by atom, no zero coefficients
};

Dim floor_div(const Dim& a, const Dim& b);
Dim ceil_div(const Dim& a, const Dim& b);
Dim min(const Dim& a, const Dim& b);
Dim max(const Dim& a, const Dim& b);

/// Dims of a tensor, outermost first, in logical (ONNX) axis order.
using Shape = std::vector<Dim>;

std::string to_string(const Shape& shape);
Dim element_count(const Shape& shape);
bool all_known(const Shape& shape);
std::vector<int64_t> known_dims(const Shape& shape);
Shape to_shape(const std::vector<int64_t>& dims);

/// NumPy broadcasting of two shapes; nothing when two known extents contradict each other. An
/// unknown extent against a known one other than 1 becomes the known one.
std::optional<Shape> broadcast(const Shape& a, const Shape& b);

/// `axis` (counted from the end when negative) as an index; nothing when it is outside the rank.
std::optional<size_t> normalize_axis(int64_t axis, size_t rank);

}  // namespace octet
