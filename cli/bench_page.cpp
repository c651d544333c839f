#include "cli/bench_page.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>

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

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

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

// Rows of one model: those of its forms, each over the same points.
struct Group {
  std::string title;
  std::string sweep;
  std::vector<std::pair<std::string, std::vector<nlohmann::json>>> forms;
};

std::vector<Group> groups_of(const nlohmann::json& rows) {
  std::vector<Group> groups;
  const auto named = [](auto& list, const std::string& name, auto key) -> auto& {
    const auto at = std::find_if(list.begin(), list.end(),
                                 [&](const auto& each) { return std::invoke(key, each) == name; });
    if (at != list.end()) return *at;
    auto& made = list.emplace_back();
    std::invoke(key, made) = name;
    return made;
  };
  for (const auto& row : rows) {
    Group& group = named(groups, row.value("title", ""), &Group::title);
    group.sweep = row.value("sweep", "");
    using Form = std::pair<std::string, std::vector<nlohmann::json>>;
    named(group.forms, row.value("form", ""), &Form::first).second.push_back(row);
  }
  return groups;
}

// How many times as fast the last form is as the first one, at point i; 0: not known.
double speedup(const Group& group, size_t i) {
  const auto &first = group.forms.front().second, &last = group.forms.back().second;
  if (group.forms.size() < 2 || i >= first.size() || i >= last.size()) return 0;
  const double before = value_of(first[i], "p50_ms"), after = value_of(last[i], "p50_ms");
  return before > 0 && after > 0 ? before / after : 0;
}

void overview_cards(Html& page, const std::vector<Group>& groups) {
  double logarithms = 0;
  double least = std::numeric_limits<double>::infinity();
  size_t points = 0;
  double bytes[2] = {};
  for (const Group& group : groups) {
    bytes[0] += value_of(group.forms.front().second[0], "model_bytes");
    bytes[1] += value_of(group.forms.back().second[0], "model_bytes");
    for (size_t i = 0; i < group.forms.front().second.size(); ++i) {
      const double times = speedup(group, i);
      if (times == 0) continue;
      logarithms += std::log(times);
      least = std::min(least, times);
      ++points;
    }
  }
  page.open("div", {{"class", "cards"}});
  card(page, "Models", std::to_string(groups.size()), std::to_string(points) + " points");
  if (points > 0) {
    const auto& group = groups[0];
    const std::string form = group.forms.back().first + " over " + group.forms.front().first;
    card(page, form, fixed(std::exp(logarithms / static_cast<double>(points)), 2) + " × as fast",
         "geometric mean of all points; least " + fixed(least, 2) + " ×");
    card(page, "Files in all", megabytes(bytes[0]) + " → " + megabytes(bytes[1]),
         fixed(bytes[0] / bytes[1], 1) + " times smaller");
  }
  page.close();
}

// A line for each point, a column for each form's latency and energy.
void overview_table(Html& page, const std::vector<Group>& groups) {
  double most = 0;
  std::vector<std::string> titles = {"Model", "At"};
  for (const auto& [form, rows] : groups[0].forms) titles.push_back(form + ", MB");
  for (const auto& [form, rows] : groups[0].forms) titles.push_back(form + ", ms");
  titles.emplace_back("Times as fast");
  for (const auto& [form, rows] : groups[0].forms) titles.push_back(form + ", mJ");
  for (const Group& group : groups)
    for (size_t i = 0; i < group.forms[0].second.size(); ++i)
      most = std::max(most, speedup(group, i));
  page.leaf("h2", "All points");
  page.leaf("p", "Medians of a run; energy where the machine has a meter, –: not measured.");
  header(page, titles, 2);
  for (const Group& group : groups)
    for (size_t i = 0; i < group.forms[0].second.size(); ++i) {
      const auto cells = [&](const char* key, double factor, const char* format) {
        for (const auto& [form, rows] : group.forms) {
          const double value = i < rows.size() ? value_of(rows[i], key) : -1;
          char text[32];
          std::snprintf(text, sizeof(text), format, value * factor);
          page.leaf("td", value < 0 ? "–" : text, {{"class", "n"}});
        }
      };
      const double value = value_of(group.forms[0].second[i], "value");
      page.open("tr").leaf("td", i == 0 ? group.title : "", {{"class", "name"}});
      page.leaf("td", group.sweep + " " + fixed(value, 0));
      cells("model_bytes", 1e-6, "%.1f");
      cells("p50_ms", 1, "%#.3g");
      const double times = speedup(group, i);
      bar_cell(page, times == 0 ? "–" : fixed(times, 2), times, most);
      cells("joules", 1e3, "%#.3g");
      page.close();
    }
  page.close().close().close();
}

void overview_plots(Html& page, const std::vector<Group>& groups) {
  page.leaf("h2", "Over each model's sweep").open("div", {{"class", "plots"}});
  for (const Measure* measure : {&kMeasures[0], &kMeasures[3]})
    for (const Group& group : groups) {
      Plot plot{group.title + ": " + lower(measure->title) + " over " + group.sweep,
                group.sweep,
                measure->unit,
                true,
                {}};
      for (const auto& [form, rows] : group.forms)
        plot.series.push_back(series_of(form, rows, group.sweep, *measure));
      // A point alone is in the table.
      std::erase_if(plot.series, [](const Series& each) { return each.points.size() < 2; });
      if (!plot.series.empty()) plot_svg(page, plot);
    }
  page.close();
}

}  // namespace

std::string overview_page(const nlohmann::json& rows) {
  const std::vector<Group> groups = groups_of(rows);
  const std::string title = "octet: " + std::to_string(groups.size()) + " models";
  Html page = begin_page(title);
  page.leaf("h1", title);
  const auto& row = rows[0];
  page.leaf("p", std::string("Measured by octet ") + octet_version() + ", provider " +
                     row.value("provider", "") + ", instruction set " + row.value("isa", "") +
                     ", threads: " + fixed(value_of(row, "threads"), 0));
  overview_cards(page, groups);
  overview_plots(page, groups);
  overview_table(page, groups);
  return page.take() + "\n";
}

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
