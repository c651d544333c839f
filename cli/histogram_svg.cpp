#include "cli/histogram_svg.h"

#include <algorithm>
#include <cmath>

#include "cli/cli.h"

namespace octet::cli {
namespace {

constexpr double kWidth = 260;
constexpr double kHeight = 76;
constexpr double kLabels = 14;  // Below the bars.

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.3g", value);
  return text;
}

// Where real numbers are on the picture.
struct Axis {
  double low;
  double high;
  double x(double value) const { return (value - low) / (high - low) * kWidth; }
};

// Colours for viewers that don't apply the page's style to pictures.
constexpr const char* kSeen = "#7aa5d8";
constexpr const char* kChosen = "#0b7a75";

void line(Html& page, const char* kind, double x) {
  page.leaf("line", "",
            {{"class", kind},
             {"stroke", kChosen},
             {"x1", fixed(x, 2)},
             {"x2", fixed(x, 2)},
             {"y1", "0"},
             {"y2", fixed(kHeight, 0)}});
}

void label(Html& page, double x, const char* anchor, double value) {
  page.leaf("text", short_number(value),
            {{"x", fixed(x, 2)},
             {"y", fixed(kHeight + kLabels - 3, 0)},
             {"text-anchor", anchor},
             {"font-size", "10"},
             {"fill", "currentColor"}});
}

}  // namespace

void histogram_svg(Html& page, const nlohmann::json& value) {
  const double low = value["low"];
  const double high = value["high"];
  const double chosen_low = value["chosen_low"];
  const double chosen_high = value["chosen_high"];
  Axis axis{std::min(low, chosen_low), std::max(high, chosen_high)};
  if (!(axis.low < axis.high)) axis.high = axis.low + 1;
  const auto counts = value["counts"].get<std::vector<uint64_t>>();
  page.open("svg", {{"viewBox", "0 0 " + fixed(kWidth, 0) + " " + fixed(kHeight + kLabels, 0)},
                    {"role", "img"}});
  page.leaf("title", "from " + short_number(low) + " to " + short_number(high) + "; codes hold " +
                         short_number(chosen_low) + " to " + short_number(chosen_high));
  page.leaf("rect", "",
            {{"class", "range"},
             {"fill", kChosen},
             {"fill-opacity", "0.13"},
             {"x", fixed(axis.x(chosen_low), 2)},
             {"y", "0"},
             {"width", fixed(axis.x(chosen_high) - axis.x(chosen_low), 2)},
             {"height", fixed(kHeight, 0)}});
  const uint64_t most = counts.empty() ? 0 : *std::max_element(counts.begin(), counts.end());
  const double step = (high - low) / static_cast<double>(std::max<size_t>(counts.size(), 1));
  std::string bars;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    const double share = std::log1p(static_cast<double>(counts[i])) / std::log1p(double(most));
    const std::string left = fixed(axis.x(low + step * static_cast<double>(i)), 1);
    const std::string right = fixed(axis.x(low + step * static_cast<double>(i + 1)), 1);
    const std::string top = fixed(kHeight * (1 - share), 1);
    bars += "M" + left + " " + fixed(kHeight, 0) + "V" + top + "H" + right + "V" +
            fixed(kHeight, 0) + "z";
  }
  page.leaf("path", "", {{"class", "seen"}, {"fill", kSeen}, {"d", bars}});
  if (axis.low < 0 && axis.high > 0) line(page, "zero", axis.x(0));
  line(page, "edge", axis.x(chosen_low));
  line(page, "edge", axis.x(chosen_high));
  label(page, 0, "start", axis.low);
  label(page, kWidth, "end", axis.high);
  page.close();
}

}  // namespace octet::cli
