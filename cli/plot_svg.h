#pragma once

#include <string>
#include <vector>

#include "cli/html.h"

namespace octet::cli {

/// Points of one colour, named in the legend.
struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;
};

/// Draws series over a common scale from 0: dots, or lines between them in the order of the points.
struct Plot {
  std::string title;
  std::string x;
  std::string y;
  bool lines = false;
  std::vector<Series> series;
};

void plot_svg(Html& page, const Plot& plot);

}  // namespace octet::cli
