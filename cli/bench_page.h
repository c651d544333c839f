#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/benchmark.h"
#include "cli/info.h"

namespace octet::cli {

/// What a report shows of a model.
struct ModelReport {
  std::string name;                  ///< The file's, without its folder.
  std::vector<nlohmann::json> rows;  ///< bench_point's, one a point.
  std::vector<StepTime> steps;       ///< At the first point.
  WeightBytes bytes;
  nlohmann::json accuracy;  ///< `octet compare` with the first model; null: not asked for.
};

/// One page that needs nothing else: latency, memory and energy over each sweep, where the time and
/// the bytes go, accuracy by layer. `peers`: rows of other engines, as `bench` writes them, with
/// "engine" in each.
std::string bench_page(const std::vector<ModelReport>& models, const nlohmann::json& peers);

/// One page about models of many kinds, each with a sweep of its own. `rows`, one at least: as
/// `bench` writes them, with "title" (the model), "form" ("int8") and "value" (of "sweep") in each;
/// every form of a model has the same points. The last form is compared with the first.
std::string overview_page(const nlohmann::json& rows);

}  // namespace octet::cli
