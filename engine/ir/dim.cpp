#include "engine/ir/dim.h"

#include <algorithm>
#include <atomic>
#include <string_view>

namespace octet {
namespace {

int64_t floor_quotient(int64_t a, int64_t b) {
  const int64_t quotient = a / b;
  return (a % b != 0 && ((a < 0) != (b < 0))) ? quotient - 1 : quotient;
}

// Wraps instead of overflowing; importers and allocators check extents.
int64_t wrap_mul(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}
int64_t wrap_add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

// The parts of `text` between the separators that lie outside all parentheses.
std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (const char c : text) {
    depth += c == '(' ? 1 : (c == ')' ? -1 : 0);
    if (c == separator && depth == 0)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

std::string join(const std::vector<std::string>& parts, char separator) {
  std::string text;
  for (const auto& part : parts) {
    if (!text.empty()) text += separator;
    text += part;
  }
  return text;
}

// Atoms of products are "a*b" with sorted factors.
std::string product_name(const std::string& a, const std::string& b) {
  std::vector<std::string> factors = split(a, '*');
  for (std::string& factor : split(b, '*')) factors.push_back(std::move(factor));
  std::sort(factors.begin(), factors.end());
  return join(factors, '*');
}

constexpr std::string_view kBroadcast = "broadcast(";
constexpr size_t kMostText = 256;

// What an extent is a broadcast of: of itself where it isn't one of others.
std::vector<std::string> broadcast_operands(const Dim& dim) {
  const std::string text = dim.to_string();
  if (!text.starts_with(kBroadcast)) return {text};
  int depth = 1;
  size_t end = kBroadcast.size();
  for (; end < text.size() && depth > 0; ++end)
    depth += text[end] == '(' ? 1 : (text[end] == ')' ? -1 : 0);
  if (end != text.size()) return {text};
  return split(std::string_view(text).substr(kBroadcast.size(), end - 1 - kBroadcast.size()), ',');
}

// The broadcast of two extents that are unknown. It is associative, commutative and, of extents
// that fit each other, idempotent: its atom names each operand once, in order.
Dim broadcast_unknown(const Dim& a, const Dim& b) {
  std::vector<std::string> operands = broadcast_operands(a);
  for (std::string& operand : broadcast_operands(b)) operands.push_back(std::move(operand));
  std::sort(operands.begin(), operands.end());
  operands.erase(std::unique(operands.begin(), operands.end()), operands.end());
  const std::string text = join(operands, ',');
  if (text.size() > kMostText) return Dim::fresh();
  return Dim::symbol(std::string(kBroadcast) + text + ")");
}

}  // namespace

Dim Dim::atom(std::string name) {
  Dim dim;
  dim.terms_.emplace_back(std::move(name), 1);
  return dim;
}

Dim Dim::symbol(std::string name) { return atom(std::move(name)); }

Dim Dim::fresh() {
  static std::atomic<uint64_t> counter{0};
  return atom("?" + std::to_string(counter.fetch_add(1)));
}

void Dim::add(const std::string& name, int64_t coefficient) {
  const auto at = std::lower_bound(terms_.begin(), terms_.end(), name,
                                   [](const Term& t, const std::string& n) { return t.first < n; });
  if (at != terms_.end() && at->first == name) {
    at->second = wrap_add(at->second, coefficient);
    if (at->second == 0) terms_.erase(at);
  } else if (coefficient != 0) {
    terms_.insert(at, {name, coefficient});
  }
}

std::string Dim::to_string() const {
  if (known()) return std::to_string(constant_);
  std::string text;
  for (const auto& [name, coefficient] : terms_) {
    if (!text.empty() && coefficient > 0) text += "+";
    if (coefficient == -1) text += "-";
    if (coefficient != 1 && coefficient != -1) text += std::to_string(coefficient) + "*";
    text += name;
  }
  if (constant_ > 0) text += "+";
  if (constant_ != 0) text += std::to_string(constant_);
  return text;
}

Dim operator+(const Dim& a, const Dim& b) {
  Dim sum = a;
  sum.constant_ = wrap_add(sum.constant_, b.constant_);
  for (const auto& [name, coefficient] : b.terms_) sum.add(name, coefficient);
  return sum;
}

Dim operator-(const Dim& a, const Dim& b) { return a + b * Dim(-1); }

Dim operator*(const Dim& a, const Dim& b) {
  Dim product(wrap_mul(a.constant_, b.constant_));
  if (a.known() && b.known()) return product;
  for (const auto& [name, coefficient] : a.terms_)
    product.add(name, wrap_mul(coefficient, b.constant_));
  for (const auto& [name, coefficient] : b.terms_)
    product.add(name, wrap_mul(coefficient, a.constant_));
  for (const auto& [left, x] : a.terms_)
    for (const auto& [right, y] : b.terms_) product.add(product_name(left, right), wrap_mul(x, y));
  return product;
}

Dim floor_div(const Dim& a, const Dim& b) {
  if (b.known() && b.constant_ == 1) return a;
  if (a.known() && b.known())
    return b.constant_ == 0 ? 0 : floor_quotient(a.constant_, b.constant_);
  if (a == b) return 1;
  if (b.known() && b.constant_ > 0) {
    // The part whose coefficients divide comes out of the floor.
    Dim outside;
    Dim inside;
    for (const auto& [name, coefficient] : a.terms_)
      (coefficient % b.constant_ == 0 ? outside : inside)
          .add(name, coefficient % b.constant_ == 0 ? coefficient / b.constant_ : coefficient);
    if (inside.known()) return outside + Dim(floor_quotient(a.constant_, b.constant_));
    inside.constant_ = a.constant_;
    return outside + Dim::atom("floor((" + inside.to_string() + ")/" + b.to_string() + ")");
  }
  return Dim::atom("floor((" + a.to_string() + ")/(" + b.to_string() + "))");
}

Dim ceil_div(const Dim& a, const Dim& b) { return Dim(0) - floor_div(Dim(0) - a, b); }

Dim min(const Dim& a, const Dim& b) {
  const Dim difference = a - b;
  if (difference.known()) return difference.value() <= 0 ? a : b;
  return Dim::symbol("min(" + a.to_string() + "," + b.to_string() + ")");
}

Dim max(const Dim& a, const Dim& b) {
  const Dim difference = a - b;
  if (difference.known()) return difference.value() >= 0 ? a : b;
  return Dim::symbol("max(" + a.to_string() + "," + b.to_string() + ")");
}

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i ? "," : "") + shape[i].to_string();
  return text + "]";
}

Dim element_count(const Shape& shape) {
  Dim count(1);
  for (const Dim& dim : shape) count = count * dim;
  return count;
}

bool all_known(const Shape& shape) {
  return std::all_of(shape.begin(), shape.end(), [](const Dim& d) { return d.known(); });
}

std::vector<int64_t> known_dims(const Shape& shape) {
  std::vector<int64_t> dims;
  dims.reserve(shape.size());
  for (const Dim& dim : shape) dims.push_back(dim.value());
  return dims;
}

Shape to_shape(const std::vector<int64_t>& dims) { return {dims.begin(), dims.end()}; }

std::optional<Shape> broadcast(const Shape& a, const Shape& b) {
  const size_t rank = std::max(a.size(), b.size());
  Shape out(rank);
  for (size_t i = 0; i < rank; ++i) {
    const Dim x = i < rank - a.size() ? Dim(1) : a[i - (rank - a.size())];
    const Dim y = i < rank - b.size() ? Dim(1) : b[i - (rank - b.size())];
    if (x == y || y == Dim(1)) {
      out[i] = x;
    } else if (x == Dim(1)) {
      out[i] = y;
    } else if (x.known() && y.known()) {
      return std::nullopt;
    } else {
      out[i] = x.known() ? x : (y.known() ? y : broadcast_unknown(x, y));
    }
  }
  return out;
}

std::optional<size_t> normalize_axis(int64_t axis, size_t rank) {
  const auto signed_rank = static_cast<int64_t>(rank);
  if (axis < -signed_rank || axis >= signed_rank) return std::nullopt;
  return static_cast<size_t>(axis < 0 ? axis + signed_rank : axis);
}

}  // namespace octet
