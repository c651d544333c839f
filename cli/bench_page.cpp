#include "cli/bench_page.h"

#include <algorithm>
#include <filesystem>

#include "cli/html.h"
#include "cli/page_style.h"
#include "cli/plot_svg.h"

namespace octet::cli {
namespace {

constexpr size_t kMostSteps = 16;
constexpr size_t kMostLayers = 24;

// What a plot shows of a row: a key, and by what it is multiplied.
struct Measure {
  const char* title;
  const char* unit;
  const char* key;
  double factor;
};
constexpr Measure kMeasures[] = {
    {"Latency", "ms a run, median", "p50_ms", 1},
    {"Tail latency", "ms a run, 99th percentile", "p99_ms", 1},
    {"Peak memory", "MB, resident", "peak_rss_bytes", 1e-6},
    {"Energy", "mJ a run", "joules", 1e3},
};

double value_of(const nlohmann::json& row, const char* key) {
  const auto at = row.find(key);
  return at == row.end() || !at->is_number() ? -1 : at->get<double>();
}

// A series of the rows of one sweep; without points where none has the measure.
template <typename Rows>
Series series_of(const std::string& name, const Rows& rows, const std::string& sweep,
                 const Measure& measure) {
  Series series{name, {}};
  for (const nlohmann::json& row : rows) {
    const double value = value_of(row, measure.key);
    if (row.value("sweep", "") == sweep && value >= 0)
      series.points.emplace_back(value_of(row, "value"), value * measure.factor);
  }
  return series;
}

std::vector<std::string> sweeps_of(const std::vector<ModelReport>& models) {
  std::vector<std::string> sweeps;
  for (const auto& row : models[0].rows) {
    const std::string sweep = row.value("sweep", "");
    if (!sweep.empty() && std::find(sweeps.begin(), sweeps.end(), sweep) == sweeps.end())
      sweeps.push_back(sweep);
  }
  return sweeps;
}

// Rows of other engines by what the legend calls them.
std::map<std::string, std::vector<nlohmann::json>> by_engine(const nlohmann::json& peers) {
  std::map<std::string, std::vector<nlohmann::json>> engines;
  for (const auto& row : peers) {
    const auto model = std::filesystem::path(row.value("model", "")).filename().string();
    engines[row.value("engine", "another engine") + ": " + model].push_back(row);
  }
  return engines;
}

void plots(Html& page, const std::vector<ModelReport>& models, const nlohmann::json& peers) {
  const auto sweeps = sweeps_of(models);
  if (sweeps.empty()) return;
  const auto engines = by_engine(peers);
  page.leaf("h2", "Sweeps").open("div", {{"class", "plots"}});
  for (const std::string& sweep : sweeps) {
    for (const Measure& measure : kMeasures) {
      Plot plot{std::string(measure.title) + " over " + sweep, sweep, measure.unit, true, {}};
      for (const ModelReport& model : models)
        plot.series.push_back(series_of(model.name, model.rows, sweep, measure));
      for (const auto& [name, rows] : engines)
        plot.series.push_back(series_of(name, rows, sweep, measure));
      std::erase_if(plot.series, [](const Series& each) { return each.points.empty(); });
      if (!plot.series.empty()) plot_svg(page, plot);
    }
  }
  page.close();
}

void cards(Html& page, const std::vector<ModelReport>& models) {
  page.open("div", {{"class", "cards"}});
  for (const ModelReport& model : models) {
    const auto& row = model.rows[0];
    const std::string at = row.value("at", "");
    const double joules = value_of(row, "joules");
    card(page, model.name, fixed(row["p50_ms"], 3) + " ms",
         (at.empty() ? "" : "at " + at + "; ") + megabytes(row["model_bytes"]) + " file, " +
             (joules < 0 ? "energy not measured" : fixed(1e3 * joules, 2) + " mJ a run"));
  }
  page.close();
}

// Titles of columns, those from `numbers` on of numbers.
void header(Html& page, const std::vector<std::string>& titles, size_t numbers) {
  page.open("div", {{"class", "wide"}}).open("table").open("thead").open("tr");
  for (size_t i = 0; i < titles.size(); ++i)
    page.leaf("th", titles[i], {{"class", i < numbers ? "" : "n"}});
  page.close().close().open("tbody");
}

// A number with a bar below it, as long as its share of the largest.
void bar_cell(Html& page, const std::string& text, double value, double largest) {
  page.open("td", {{"class", "n"}}).text(text);
  if (value > 0 && largest > 0)
    page.leaf("span", "",
              {{"class", "bar"}, {"style", "width:" + fixed(100 * value / largest, 1) + "%"}});
  page.close();
}

void measurements(Html& page, const std::vector<ModelReport>& models, const nlohmann::json& peers) {
  page.leaf("h2", "Measurements");
  page.leaf("p", "–: not measured.");
  header(page,
         {"Model", "At", "Threads", "p50 ms", "p90 ms", "p99 ms", "Runs", "Load ms", "Peak MB",
          "mJ a run"},
         2);
  const auto line = [&](const std::string& name, const nlohmann::json& row) {
    page.open("tr").leaf("td", name, {{"class", "name"}}).leaf("td", row.value("at", ""));
    const auto cell = [&](const char* key, double factor, int digits) {
      const double value = value_of(row, key);
      page.leaf("td", value < 0 ? "–" : fixed(value * factor, digits), {{"class", "n"}});
    };
    cell("threads", 1, 0);
    cell("p50_ms", 1, 3);
    cell("p90_ms", 1, 3);
    cell("p99_ms", 1, 3);
    cell("runs", 1, 0);
    cell("load_ms", 1, 1);
    cell("peak_rss_bytes", 1e-6, 1);
    cell("joules", 1e3, 3);
    page.close();
  };
  for (const ModelReport& model : models)
    for (const auto& row : model.rows) line(model.name, row);
  for (const auto& [name, rows] : by_engine(peers))
    for (const auto& row : rows) line(name, row);
  page.close().close().close();
}

void steps(Html& page, const ModelReport& model) {
  double all = 0;
  for (const StepTime& step : model.steps) all += step.ms;
  page.leaf("h2", "Where the time goes: " + model.name);
  page.leaf("p", "One run, " + fixed(all, 3) + " ms in all.");
  header(page, {"Operator", "Kernel", "ms"}, 2);
  double shown = 0;
  const auto line = [&](const std::string& op, const std::string& kernel, double ms) {
    page.open("tr").leaf("td", op).leaf("td", kernel);
    bar_cell(page, fixed(ms, 3), ms, model.steps[0].ms);
    page.close();
    shown += ms;
  };
  for (size_t i = 0; i < model.steps.size() && i < kMostSteps; ++i)
    line(model.steps[i].op, model.steps[i].kernel, model.steps[i].ms);
  if (model.steps.size() > kMostSteps) line("all others", "", all - shown);
  page.close().close().close();
}

using Bytes = std::map<std::string, size_t> WeightBytes::*;

// A row for each part or type, a column for each model.
void sizes(Html& page, const std::vector<ModelReport>& models, const char* by, Bytes bytes) {
  std::map<std::string, size_t> largest;
  for (const ModelReport& model : models)
    for (const auto& [name, size] : model.bytes.*bytes)
      largest[name] = std::max(largest[name], size);
  std::vector<std::pair<size_t, std::string>> rows;
  for (const auto& [name, size] : largest) rows.emplace_back(size, name);
  std::sort(rows.rbegin(), rows.rend());
  std::vector<std::string> titles = {by};
  for (const ModelReport& model : models) titles.push_back(model.name + ", MB");
  header(page, titles, 1);
  for (const auto& [size, name] : rows) {
    page.open("tr").leaf("td", name, {{"class", "name"}});
    for (const ModelReport& model : models) {
      const auto at = (model.bytes.*bytes).find(name);
      const double value = at == (model.bytes.*bytes).end() ? 0 : static_cast<double>(at->second);
      bar_cell(page, value == 0 ? "–" : fixed(value / 1e6, 3), value,
               static_cast<double>(rows.front().first));
    }
    page.close();
  }
  page.close().close().close();
}

void accuracy(Html& page, const ModelReport& model, const std::string& reference) {
  if (model.accuracy.is_null()) return;
  page.leaf("h2", "Accuracy by layer: " + model.name);
  page.leaf("p", "Against " + reference +
                     ", over all samples; outputs first, then inner values, the worst first. SQNR "
                     "of 200 dB: equal.");
  header(page, {"Value", "SQNR dB", "Cosine", "Largest error"}, 1);
  const auto lines = [&](const nlohmann::json& rows, size_t most) {
    for (size_t i = 0; i < rows.size() && i < most; ++i) {
      const auto& row = rows[i];
      page.open("tr").leaf("td", row["name"].get<std::string>(), {{"class", "name"}});
      const double sqnr = row["sqnr_db"];
      bar_cell(page, fixed(sqnr, 1), sqnr, 200);
      page.leaf("td", fixed(row["cosine"], 5), {{"class", "n"}});
      char error[32];
      std::snprintf(error, sizeof(error), "%.3g", row["max_abs_error"].get<double>());
      page.leaf("td", error, {{"class", "n"}}).close();
    }
  };
  lines(model.accuracy["outputs"], model.accuracy["outputs"].size());
  lines(model.accuracy["tensors"], kMostLayers);
  page.close().close().close();
}

}  // namespace

std::string bench_page(const std::vector<ModelReport>& models, const nlohmann::json& peers) {
  std::string names;
  for (const ModelReport& model : models) names += (names.empty() ? "" : ", ") + model.name;
  Html page = begin_page("octet: " + names);
  page.leaf("h1", names);
  const auto& row = models[0].rows[0];
  page.leaf("p", std::string("Measured by octet ") + octet_version() + ", provider " +
                     row.value("provider", "") + ", instruction set " + row.value("isa", ""));
  cards(page, models);
  plots(page, models, peers);
  measurements(page, models, peers);
  for (const ModelReport& model : models)
    if (!model.steps.empty()) steps(page, model);
  page.leaf("h2", "Size by part");
  sizes(page, models, "Weights of", &WeightBytes::by_part);
  page.leaf("h2", "Size by type");
  sizes(page, models, "Stored as", &WeightBytes::by_type);
  for (size_t i = 1; i < models.size(); ++i) accuracy(page, models[i], models[0].name);
  return page.take() + "\n";
}

}  // namespace octet::cli
