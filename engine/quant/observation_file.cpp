#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/quant/observations.h"

namespace octet::quant {
namespace {

using Json = nlohmann::json;

constexpr const char* kFormat = "octet observations";
constexpr int kVersion = 2;

Json write(const Observer& observer) {
  const Observer::State state = observer.state();
  const Histogram& histogram = observer.histogram();
  const auto bins = histogram.bins();
  size_t first = 0;
  size_t last = bins.size();
  while (first < last && bins[first] == 0) ++first;
  while (last > first && bins[last - 1] == 0) --last;
  return {{"samples", state.samples},
          {"count", state.count},
          {"low", state.extremes.low},
          {"high", state.extremes.high},
          {"low_sum", state.low_sum},
          {"high_sum", state.high_sum},
          {"zeros", histogram.zeros()},
          {"exponent", histogram.exponent()},
          {"first", first},
          {"bins", bins.subspan(first, last - first)}};
}

Json write(const std::vector<size_t>& axes, const ChannelStatistics& stats) {
  return {{"axes", axes},       {"count", stats.count}, {"low", stats.low},
          {"high", stats.high}, {"sum", stats.sum},     {"squares", stats.squares}};
}

// Reads one object's fields by name; remembers the first that is missing or of another kind.
class Fields {
 public:
  Fields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {}

  template <typename T>
  void read(const char* name, T& into) {
    const auto at = object_.find(name);
    if (at == object_.end() || !fits<T>(*at)) {
      if (bad_.empty()) bad_ = name;
      return;
    }
    into = at->template get<T>();
  }
  void require(bool holds, const char* name) {
    if (!holds && bad_.empty()) bad_ = name;
  }
  Status status() const {
    if (bad_.empty()) return {};
    return invalid_data(where_ + ": '" + bad_ + "' is missing or makes no sense");
  }
  bool ok() const { return bad_.empty(); }

 private:
  template <typename T>
  static bool fits(const Json& value) {
    if constexpr (std::is_same_v<T, bool>) {
      return value.is_boolean();
    } else if constexpr (std::is_same_v<T, std::string>) {
      return value.is_string();
    } else if constexpr (std::is_floating_point_v<T>) {
      return value.is_number() && std::isfinite(value.get<T>());
    } else if constexpr (std::is_unsigned_v<T>) {
      return value.is_number_unsigned();
    } else if constexpr (std::is_integral_v<T>) {
      return value.is_number_integer();
    } else {
      return value.is_array() && std::all_of(value.begin(), value.end(), [](const Json& element) {
               return fits<typename T::value_type>(element);
             });
    }
  }

  const Json& object_;
  std::string where_;
  std::string bad_;
};

Result<Observer> read_observer(const Json& json, const std::string& where) {
  Observer::State state;
  uint64_t zeros = 0;
  int exponent = 0;
  uint64_t first = 0;
  std::vector<uint64_t> bins;
  Fields fields(json, where);
  fields.read("samples", state.samples);
  fields.read("count", state.count);
  fields.read("low", state.extremes.low);
  fields.read("high", state.extremes.high);
  fields.read("low_sum", state.low_sum);
  fields.read("high_sum", state.high_sum);
  fields.read("zeros", zeros);
  fields.read("exponent", exponent);
  fields.read("first", first);
  fields.read("bins", bins);
  fields.require(state.extremes.low <= state.extremes.high, "high");
  fields.require(exponent >= -126 && exponent <= 128, "exponent");
  fields.require(first <= Histogram::kBins && bins.size() <= Histogram::kBins - first, "bins");
  uint64_t counted = zeros;
  for (const uint64_t bin : bins) counted += bin;
  fields.require(counted == state.count, "count");
  OCTET_RETURN_IF_ERROR(fields.status());
  return Observer::restore(state, Histogram::restore(exponent, zeros, first, bins));
}

Status read_channels(const Json& json, const std::string& where, ValueStats& into) {
  std::vector<size_t> axes;
  ChannelStatistics stats;
  Fields fields(json, where);
  fields.read("axes", axes);
  fields.read("count", stats.count);
  fields.read("low", stats.low);
  fields.read("high", stats.high);
  fields.read("sum", stats.sum);
  fields.read("squares", stats.squares);
  fields.require((stats.count > 0) == !stats.low.empty(), "count");
  fields.require(stats.low.size() == stats.high.size(), "high");
  fields.require(stats.low.size() == stats.sum.size(), "sum");
  fields.require(stats.low.size() == stats.squares.size(), "squares");
  OCTET_RETURN_IF_ERROR(fields.status());
  into.channels[axes] = std::move(stats);
  return {};
}

Result<ValueStats> read_value(const Json& json, const std::string& name) {
  ValueStats stats;
  if (!json.is_object()) return invalid_data("value '" + name + "' is no object");
  if (const auto range = json.find("range"); range != json.end()) {
    OCTET_ASSIGN(stats.range, read_observer(*range, "the range of value '" + name + "'"));
  }
  if (const auto channels = json.find("channels"); channels != json.end()) {
    for (const Json& each : *channels)
      OCTET_RETURN_IF_ERROR(read_channels(each, "the channels of value '" + name + "'", stats));
  }
  return stats;
}

}  // namespace

std::string to_text(const Observations& observations) {
  Json values = Json::object();
  for (const auto& [name, stats] : observations.values()) {
    Json value = Json::object();
    if (stats.range) value["range"] = write(*stats.range);
    for (const auto& [axes, channels] : stats.channels)
      value["channels"].push_back(write(axes, channels));
    values[name] = std::move(value);
  }
  return Json{{"format", kFormat},
              {"version", kVersion},
              {"model", observations.model()},
              {"samples", observations.samples()},
              {"values", std::move(values)}}
             .dump() +
         "\n";
}

Result<Observations> from_text(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || json.value("format", Json()) != kFormat)
    return invalid_data("this is no file of observations");
  if (json.value("version", Json()) != kVersion)
    return invalid_data("observations of another version than " + std::to_string(kVersion));
  std::string model;
  uint64_t samples = 0;
  Fields fields(json, "observations");
  fields.read("model", model);
  fields.read("samples", samples);
  const auto values = json.find("values");
  fields.require(values != json.end() && values->is_object(), "values");
  OCTET_RETURN_IF_ERROR(fields.status());
  Observations observations(model);
  observations.set_samples(samples);
  for (const auto& [name, value] : values->items()) {
    OCTET_ASSIGN(ValueStats stats, read_value(value, name));
    observations.insert(name, std::move(stats));
  }
  return observations;
}

}  // namespace octet::quant
