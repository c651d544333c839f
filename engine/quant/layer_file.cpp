#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/quant/layer_ranges.h"

namespace octet::quant {
namespace {

using Json = nlohmann::json;

constexpr const char* kKnown[] = {"weight_bits", "weight_scale",       "weight_zero_point",
                                  "input_bits",  "tracked_min_input",  "tracked_max_input",
                                  "output_bits", "tracked_min_output", "tracked_max_output"};

// A number, or the numbers of nested lists in their order; nothing when something else is in there.
std::optional<std::vector<double>> numbers(const Json& json) {
  if (json.is_number()) return std::vector<double>{json.get<double>()};
  if (!json.is_array()) return std::nullopt;
  std::vector<double> all;
  for (const Json& element : json) {
    const auto inner = numbers(element);
    if (!inner) return std::nullopt;
    all.insert(all.end(), inner->begin(), inner->end());
  }
  return all;
}

// Reads one layer's entries; every error names the layer.
class Reader {
 public:
  Reader(const std::string& name, const Json& json, int64_t bits)
      : name_(name), json_(json), bits_(bits) {}

  Result<Layer> run() const {
    if (!json_.is_object()) return bad("is no object");
    for (const auto& [key, value] : json_.items())
      if (std::find(std::begin(kKnown), std::end(kKnown), key) == std::end(kKnown))
        return bad("entry '" + key + "' isn't known");
    Layer layer{name_, std::nullopt, std::nullopt, std::nullopt};
    OCTET_ASSIGN(layer.weights, weights());
    OCTET_ASSIGN(layer.input, range("input"));
    OCTET_ASSIGN(layer.output, range("output"));
    return layer;
  }

 private:
  Error bad(const std::string& what) const {
    return invalid_data("layer '" + name_ + "': " + what);
  }

  Result<std::vector<double>> list(const std::string& key) const {
    const auto values = numbers(json_.at(key));
    const auto finite = [](double v) { return std::isfinite(v); };
    if (!values || values->empty() || !std::all_of(values->begin(), values->end(), finite))
      return bad("'" + key + "' is no number");
    return *values;
  }

  Result<double> number(const std::string& key) const {
    OCTET_ASSIGN(const auto values, list(key));
    if (values.size() != 1) return bad("'" + key + "' is a list");
    return values[0];
  }

  Result<std::optional<Range>> range(const std::string& port) const {
    const std::string low_key = "tracked_min_" + port;
    const std::string high_key = "tracked_max_" + port;
    const std::string bits_key = port + "_bits";
    if (json_.contains(bits_key)) {
      OCTET_ASSIGN(const double bits, number(bits_key));
      if (bits != static_cast<double>(bits_))
        return bad("'" + bits_key + "' differs from the " + std::to_string(bits_) +
                   " bits that activations get");
    }
    if (json_.contains(low_key) != json_.contains(high_key))
      return bad("'" + low_key + "' and '" + high_key + "' belong together");
    if (!json_.contains(low_key)) return std::optional<Range>();
    OCTET_ASSIGN(const double low, number(low_key));
    OCTET_ASSIGN(const double high, number(high_key));
    if (low > high) return bad("'" + low_key + "' is above '" + high_key + "'");
    return std::optional(Range{static_cast<float>(low), static_cast<float>(high)});
  }

  Result<std::optional<LayerWeights>> weights() const {
    if (!json_.contains("weight_scale")) {
      if (json_.contains("weight_zero_point"))
        return bad("there is a 'weight_zero_point' but no 'weight_scale'");
      return std::optional<LayerWeights>();
    }
    LayerWeights layer{name_, 8, {}, {}};
    if (json_.contains("weight_bits")) {
      OCTET_ASSIGN(const double bits, number("weight_bits"));
      layer.bits = static_cast<int64_t>(bits);
      if (static_cast<double>(layer.bits) != bits || bits < 2 || bits > 8)
        return bad("'weight_bits' is none of 2 to 8");
    }
    OCTET_ASSIGN(const auto scales, list("weight_scale"));
    for (const double scale : scales) {
      if (!std::isnormal(static_cast<float>(scale)) || scale < 0)
        return bad("'weight_scale' is no positive number");
      layer.scale.push_back(static_cast<float>(scale));
    }
    layer.zero_point.assign(scales.size(), 0);
    if (json_.contains("weight_zero_point")) {
      OCTET_ASSIGN(const auto zero_points, list("weight_zero_point"));
      if (zero_points.size() != scales.size())
        return bad("'weight_zero_point' has not as many elements as 'weight_scale'");
      for (size_t i = 0; i < scales.size(); ++i) {
        layer.zero_point[i] = static_cast<int64_t>(std::clamp(zero_points[i], -1e6, 1e6));
        if (static_cast<double>(layer.zero_point[i]) != zero_points[i])
          return bad("'weight_zero_point' is no code");
      }
    }
    return std::optional(layer);
  }

  const std::string& name_;
  const Json& json_;
  int64_t bits_;
};

}  // namespace

Result<std::vector<Layer>> read_layers(std::string_view text, int64_t bits) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return invalid_data("this is no JSON object of layers");
  std::vector<Layer> layers;
  for (const auto& [name, entries] : json.items()) {
    OCTET_ASSIGN(Layer layer, Reader(name, entries, bits).run());
    layers.push_back(std::move(layer));
  }
  return layers;
}

}  // namespace octet::quant
