#include "cli/plot_svg.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cli/cli.h"

namespace octet::cli {
namespace {

constexpr double kWidth = 520;
constexpr double kHeight = 300;
constexpr double kLeft = 74;
constexpr double kRight = 20;
constexpr double kTop = 12;
constexpr double kBottom = 46;
constexpr int kTicks = 6;         // At most.
constexpr double kLeastGap = 34;  // Between labels of the x axis.

// Of page_style.cpp, where each scheme has its own.
constexpr size_t kColours = 10;
std::string colour(size_t i) { return "var(--s" + std::to_string(i % kColours) + ")"; }

// The least of 1, 2, 2.5, 5 times a power of ten that `ticks` steps of take up to `largest`.
double tick_of(double largest) {
  if (!(largest > 0)) return 1;
  const double least = largest / kTicks;
  const double power = std::pow(10, std::floor(std::log10(least)));
  for (const double step : {1.0, 2.0, 2.5, 5.0})
    if (step * power >= least * (1 - 1e-9)) return step * power;
  return 10 * power;
}

// From `begin` to `end`, marked every `tick`.
struct Scale {
  double begin;
  double end;
  double tick;
  double share(double value) const { return (value - begin) / (end - begin); }
};

// From 0 to the first mark past what there is.
Scale from_zero(double largest) {
  const double tick = tick_of(largest);
  return {0, tick * std::max(1.0, std::ceil(largest / tick - 1e-9)), tick};
}

struct Frame {
  Scale x;
  Scale y;
  double px(double value) const { return kLeft + x.share(value) * (kWidth - kLeft - kRight); }
  double py(double value) const {
    return kHeight - kBottom - y.share(value) * (kHeight - kTop - kBottom);
  }
};

Frame frame_of(const Plot& plot) {
  double least = std::numeric_limits<double>::infinity();
  double x = 0;
  double y = 0;
  for (const Series& series : plot.series)
    for (const auto& [a, b] : series.points) {
      least = std::min(least, a);
      x = std::max(x, a);
      y = std::max(y, b);
    }
  if (!plot.lines || !(x > 0)) return {from_zero(x), from_zero(y)};
  // Lines end near the right edge, and begin near the left one where 0 is far from them.
  const double begin = least > x / 3 ? least - 0.05 * x : 0;
  return {{begin, x + 0.03 * (x - begin), x}, from_zero(y)};
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.4g", value);
  return text;
}

void label(Html& page, const std::string& text, double x, double y, const char* anchor,
           const char* turned = "0") {
  const std::string at = fixed(x, 1) + " " + fixed(y, 1);
  page.leaf("text", text,
            {{"x", fixed(x, 1)},
             {"y", fixed(y, 1)},
             {"transform", std::string("rotate(") + turned + " " + at + ")"},
             {"text-anchor", anchor},
             {"font-size", "12"},
             {"fill", "currentColor"}});
}

// Where the x axis is labelled: lines at their own points, as far as there is room; dots evenly.
std::vector<double> x_ticks(const Plot& plot, const Frame& frame) {
  std::vector<double> values;
  if (!plot.lines)
    for (int i = 0; frame.x.tick * i <= frame.x.end * (1 + 1e-9); ++i)
      values.push_back(frame.x.tick * i);
  else
    for (const Series& series : plot.series)
      for (const auto& point : series.points) values.push_back(point.first);
  std::sort(values.begin(), values.end());
  // From the largest on, which is farthest from its neighbours where values double.
  std::vector<double> ticks;
  for (auto value = values.rbegin(); value != values.rend(); ++value)
    if (ticks.empty() || frame.px(ticks.back()) - frame.px(*value) >= kLeastGap)
      ticks.push_back(*value);
  return ticks;
}

void axes(Html& page, const Frame& frame, const Plot& plot) {
  for (int i = 0; frame.y.tick * i <= frame.y.end * (1 + 1e-9); ++i) {
    const double y = frame.py(frame.y.tick * i);
    page.leaf("path", "",
              {{"d", "M" + fixed(kLeft, 1) + " " + fixed(y, 1) + "H" + fixed(kWidth - kRight, 1)},
               {"stroke", "currentColor"},
               {"stroke-opacity", i == 0 ? "0.6" : "0.13"}});
    label(page, number(frame.y.tick * i), kLeft - 6, y + 4, "end");
  }
  for (const double value : x_ticks(plot, frame)) {
    const double x = frame.px(value);
    page.leaf("path", "",
              {{"d", "M" + fixed(x, 1) + " " + fixed(kHeight - kBottom, 1) + "v5"},
               {"stroke", "currentColor"},
               {"stroke-opacity", "0.6"}});
    label(page, number(value), x, kHeight - kBottom + 18, "middle");
  }
  label(page, plot.x, (kLeft + kWidth - kRight) / 2, kHeight - 8, "middle");
  label(page, plot.y, 16, (kTop + kHeight - kBottom) / 2, "middle", "-90");
}

void draw(Html& page, const Frame& frame, const Series& series, size_t i, bool lines) {
  std::string line;
  for (const auto& [x, y] : series.points) {
    line += (line.empty() ? "M" : "L") + fixed(frame.px(x), 1) + " " + fixed(frame.py(y), 1);
    page.leaf("circle", "",
              {{"cx", fixed(frame.px(x), 1)},
               {"cy", fixed(frame.py(y), 1)},
               {"r", lines ? "3" : "2"},
               {"style", "fill:" + colour(i)},
               {"fill-opacity", lines ? "1" : "0.6"}});
  }
  if (lines)
    page.leaf(
        "path", "",
        {{"d", line}, {"fill", "none"}, {"style", "stroke:" + colour(i)}, {"stroke-width", "2"}});
}

}  // namespace

void plot_svg(Html& page, const Plot& plot) {
  const Frame frame = frame_of(plot);
  page.open("figure");
  page.leaf("figcaption", plot.title);
  page.open("svg",
            {{"viewBox", "0 0 " + fixed(kWidth, 0) + " " + fixed(kHeight, 0)}, {"role", "img"}});
  page.leaf("title", plot.title);
  axes(page, frame, plot);
  for (size_t i = 0; i < plot.series.size(); ++i) draw(page, frame, plot.series[i], i, plot.lines);
  page.close();
  page.open("figcaption", {{"class", "keys"}});
  for (size_t i = 0; i < plot.series.size(); ++i) {
    page.open("span", {{"class", "key"}});
    page.leaf("span", "", {{"class", "swatch"}, {"style", "background:" + colour(i)}});
    page.text(plot.series[i].name).close();
  }
  page.close().close();
}

}  // namespace octet::cli
