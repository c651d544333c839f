#include "cli/plot_svg.h"

#include <algorithm>
#include <cmath>

#include "cli/cli.h"

namespace octet::cli {
namespace {

constexpr double kWidth = 520;
constexpr double kHeight = 300;
constexpr double kLeft = 56;
constexpr double kRight = 20;
constexpr double kTop = 12;
constexpr double kBottom = 40;
constexpr int kTicks = 5;
constexpr const char* kColours[] = {"#2f6fb7", "#c2570c", "#0b7a75", "#8a4fbf", "#b0302f",
                                    "#6b7a12", "#3d4a5c", "#c03f86", "#8a6d3b", "#4a90a4"};

const char* colour(size_t i) { return kColours[i % std::size(kColours)]; }

// The least of 1, 2, 2.5, 5 times a power of ten that `ticks` steps of take up to `largest`.
double tick_of(double largest) {
  if (!(largest > 0)) return 1;
  const double least = largest / kTicks;
  const double power = std::pow(10, std::floor(std::log10(least)));
  for (const double step : {1.0, 2.0, 2.5, 5.0})
    if (step * power >= least * (1 - 1e-9)) return step * power;
  return 10 * power;
}

struct Scale {
  double tick;
  double end() const { return tick * kTicks; }
};

struct Frame {
  Scale x;
  Scale y;
  double px(double value) const { return kLeft + value / x.end() * (kWidth - kLeft - kRight); }
  double py(double value) const {
    return kHeight - kBottom - value / y.end() * (kHeight - kTop - kBottom);
  }
};

Frame frame_of(const Plot& plot) {
  double x = 0;
  double y = 0;
  for (const Series& series : plot.series)
    for (const auto& [a, b] : series.points) {
      x = std::max(x, a);
      y = std::max(y, b);
    }
  return {{tick_of(x)}, {tick_of(y)}};
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.4g", value);
  return text;
}

void label(Html& page, const std::string& text, double x, double y, const char* anchor) {
  page.leaf("text", text,
            {{"x", fixed(x, 1)},
             {"y", fixed(y, 1)},
             {"text-anchor", anchor},
             {"font-size", "11"},
             {"fill", "currentColor"}});
}

void axes(Html& page, const Frame& frame, const Plot& plot) {
  for (int i = 0; i <= kTicks; ++i) {
    const double x = frame.px(frame.x.tick * i);
    const double y = frame.py(frame.y.tick * i);
    page.leaf("path", "",
              {{"d", "M" + fixed(kLeft, 1) + " " + fixed(y, 1) + "H" + fixed(kWidth - kRight, 1)},
               {"stroke", "currentColor"},
               {"stroke-opacity", i == 0 ? "0.6" : "0.13"}});
    label(page, number(frame.y.tick * i), kLeft - 6, y + 4, "end");
    label(page, number(frame.x.tick * i), x, kHeight - kBottom + 16, "middle");
  }
  label(page, plot.x, (kLeft + kWidth - kRight) / 2, kHeight - 6, "middle");
}

void draw(Html& page, const Frame& frame, const Series& series, size_t i, bool lines) {
  std::string line;
  for (const auto& [x, y] : series.points) {
    line += (line.empty() ? "M" : "L") + fixed(frame.px(x), 1) + " " + fixed(frame.py(y), 1);
    page.leaf("circle", "",
              {{"cx", fixed(frame.px(x), 1)},
               {"cy", fixed(frame.py(y), 1)},
               {"r", lines ? "3" : "2"},
               {"fill", colour(i)},
               {"fill-opacity", lines ? "1" : "0.6"}});
  }
  if (lines)
    page.leaf("path", "",
              {{"d", line}, {"fill", "none"}, {"stroke", colour(i)}, {"stroke-width", "2"}});
}

}  // namespace

void plot_svg(Html& page, const Plot& plot) {
  const Frame frame = frame_of(plot);
  page.open("figure");
  page.leaf("figcaption", plot.title + " (" + plot.y + ")");
  page.open("svg",
            {{"viewBox", "0 0 " + fixed(kWidth, 0) + " " + fixed(kHeight, 0)}, {"role", "img"}});
  page.leaf("title", plot.title);
  axes(page, frame, plot);
  for (size_t i = 0; i < plot.series.size(); ++i) draw(page, frame, plot.series[i], i, plot.lines);
  page.close();
  page.open("figcaption");
  for (size_t i = 0; i < plot.series.size() && plot.series.size() > 1; ++i)
    page.leaf("span", "● " + plot.series[i].name + "  ",
              {{"style", std::string("display:inline;color:") + colour(i)}});
  page.close().close();
}

}  // namespace octet::cli
