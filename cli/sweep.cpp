#include "cli/sweep.h"

#include <algorithm>
#include <charconv>

namespace octet::cli {
namespace {

Error usage(const std::string& message) { return {ErrorCode::invalid_argument, message}; }

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(separator, at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

std::optional<int64_t> number(const std::string& text) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end || value < 0) return std::nullopt;
  return value;
}

std::optional<Dims> numbers(const std::string& text, char separator) {
  Dims list;
  for (const std::string& part : split(text, separator)) {
    const auto value = number(part);
    if (!value) return std::nullopt;
    list.push_back(*value);
  }
  return list;
}

// "NAME=REST" in two; nothing without a '='.
std::optional<std::pair<std::string, std::string>> halves(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) return std::nullopt;
  return std::pair{text.substr(0, equals), text.substr(equals + 1)};
}

// Whether `axis` ("x.1") is this axis of the port, or its symbol.
bool names(const std::string& axis, const Port& port, size_t i) {
  return axis == port.name + "." + std::to_string(i) ||
         (i < port.symbols.size() && !port.symbols[i].empty() && axis == port.symbols[i]);
}

}  // namespace

Result<std::vector<BenchPoint>> bench_points(const std::vector<std::string>& shapes,
                                             const std::vector<std::string>& sweeps) {
  BenchPoint alone;
  for (const std::string& text : shapes) {
    const auto parts = halves(text);
    const auto dims = parts ? numbers(parts->second, 'x') : std::nullopt;
    if (!dims) return usage("--shape takes NAME=1x803x80, not '" + text + "'");
    alone.shapes[parts->first] = *dims;
  }
  if (sweeps.empty()) return std::vector{alone};
  std::vector<BenchPoint> points;
  for (const std::string& text : sweeps) {
    const auto parts = halves(text);
    const auto values = parts ? numbers(parts->second, ',') : std::nullopt;
    if (!values)
      return usage("--sweep takes NAME.AXIS=100,200,400, SYMBOL=1,2 or threads=1,2, not '" + text +
                   "'");
    for (const int64_t value : *values) {
      BenchPoint point = alone;
      point.sweep = parts->first;
      point.value = value;
      if (parts->first != "threads") {
        point.axes = split(parts->first, '+');
      } else {
        if (value < 1) return usage("--sweep: a run takes a thread at least");
        point.threads = static_cast<size_t>(value);
      }
      points.push_back(std::move(point));
    }
  }
  return points;
}

Result<std::map<std::string, Dims>> input_dims(const std::vector<Port>& ports,
                                               const BenchPoint& point) {
  std::map<std::string, Dims> all;
  std::vector<bool> used(point.axes.size(), false);
  for (const auto& [name, dims] : point.shapes)
    if (std::none_of(ports.begin(), ports.end(),
                     [&name = name](const Port& port) { return port.name == name; }))
      return usage("--shape: the model has no input '" + name + "'");
  for (const Port& port : ports) {
    Dims dims = port.dims;
    if (const auto given = point.shapes.find(port.name); given != point.shapes.end())
      dims = given->second;
    for (size_t i = 0; i < dims.size(); ++i) {
      for (size_t a = 0; a < point.axes.size(); ++a) {
        if (!names(point.axes[a], port, i)) continue;
        if (i < port.dims.size() && port.dims[i] >= 0 && port.dims[i] != point.value)
          return usage("--sweep: the model fixes " + point.axes[a] + " at " +
                       std::to_string(port.dims[i]));
        dims[i] = point.value;
        used[a] = true;
      }
      if (dims[i] < 0) dims[i] = 1;
    }
    all[port.name] = std::move(dims);
  }
  for (size_t a = 0; a < used.size(); ++a)
    if (!used[a])
      return usage("--sweep: the model has no input axis or symbol '" + point.axes[a] + "'");
  return all;
}

}  // namespace octet::cli
