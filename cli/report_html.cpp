#include "cli/report_html.h"

#include <algorithm>
#include <cmath>

#include "cli/cli.h"
#include "cli/histogram_svg.h"
#include "cli/html.h"
#include "cli/page_style.h"

namespace octet::cli {
namespace {

// Sorts the table by the clicked column: numbers by data-v, the largest first; else by text.
constexpr std::string_view kScript = R"(
document.querySelectorAll('th button').forEach((button,column)=>{let up=true;
button.addEventListener('click',()=>{const body=document.querySelector('tbody');
const key=row=>{const cell=row.cells[column];
return cell.dataset.v===undefined?cell.textContent:Number(cell.dataset.v)};
const order=(a,b)=>typeof a==='number'?b-a:a.localeCompare(b);
const rows=[...body.rows].sort((a,b)=>order(key(a),key(b)));
if(!up)rows.reverse();up=!up;body.append(...rows)})});
)";

std::string file_name(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

std::string number(double value, const char* format = "%.3g") {
  char text[48];
  std::snprintf(text, sizeof(text), format, value);
  return text;
}

std::string count(double value) {
  if (value < 1e6) return number(value / 1e3) + " k";
  return value < 1e9 ? number(value / 1e6) + " M" : number(value / 1e9) + " G";
}

double value_or(const nlohmann::json& json, const char* key, double missing) {
  const auto at = json.find(key);
  return at == json.end() || !at->is_number() ? missing : at->get<double>();
}

// "2 times faster", or by the other word where it got worse.
std::string times(double before, double after, const char* better, const char* worse) {
  if (before <= 0 || after <= 0) return "";
  return before >= after ? number(before / after) + " times " + better
                         : number(after / before) + " times " + worse;
}

void summary(Html& page, const nlohmann::json& report) {
  page.open("div", {{"class", "cards"}});
  const double before = report["bytes_before"];
  const double after = report["bytes_after"];
  card(page, "Size", megabytes(before) + " → " + megabytes(after),
       times(before, after, "smaller", "larger"));
  const double real = value_or(report, "float_us", -1);
  const double codes = value_or(report, "quantized_us", -1);
  if (real > 0)
    card(page, "A run, on one thread of this machine",
         fixed(real / 1e3, 2) + " → " + fixed(codes / 1e3, 2) + " ms",
         times(real, codes, "faster", "slower"));
  else
    card(page, "A run", "not measured", "there were no samples to run");
  const double macs = report["macs"];
  const double integer = report["integer_macs"];
  card(page, "Multiply-accumulates in int8",
       macs > 0 ? fixed(100 * integer / macs, 1) + "%" : "not counted",
       macs > 0 ? count(macs) + " over a sample" : "no samples, or shapes that depend on data");
  const auto search = report.find("search");
  if (search != report.end())
    card(page, "Loss", search->at("kept").get<std::string>(),
         "asked: " + number(search->at("max_loss").get<double>(), "%g") + "; " +
             std::to_string(search->at("trials").get<size_t>()) + " forms judged");
  page.close();
}

// A number with a bar under it, whose length is its share of `largest`.
void bar_cell(Html& page, const std::string& text, double value, double largest,
              const char* bar = "bar") {
  page.open("td", {{"class", "n"}, {"data-v", number(value, "%.9g")}}).text(text);
  if (value > 0 && largest > 0)
    page.leaf("span", "",
              {{"class", bar}, {"style", "width:" + fixed(100 * value / largest, 1) + "%"}});
  page.close();
}

double largest_of(const nlohmann::json& rows, const char* key) {
  double largest = 0;
  for (const auto& row : rows) largest = std::max(largest, value_or(row, key, 0));
  return largest;
}

void node_row(Html& page, const nlohmann::json& row, double macs, double us) {
  const std::string outcome = row["outcome"];
  const double work = row["macs"];
  const double real = value_or(row, "float_us", -1);
  const double codes = value_or(row, "quantized_us", -1);
  const double sqnr = value_or(row, "alone_sqnr_db", NAN);
  page.open("tr");
  page.leaf("td", row["node"].get<std::string>(), {{"class", "name"}});
  page.leaf("td", row["op"].get<std::string>());
  page.leaf("td", outcome, {{"class", outcome == "float" ? "float" : "int8"}});
  bar_cell(page, work > 0 ? count(work) : "–", work, macs);
  bar_cell(page, real < 0 ? "–" : fixed(real, 1) + " µs", real, us);
  bar_cell(page, codes < 0 ? "–" : fixed(codes, 1) + " µs", codes, us, "bar c");
  // The bar is the noise's depth: long is bad.
  bar_cell(page, std::isnan(sqnr) ? "–" : fixed(sqnr, 1) + " dB",
           std::isnan(sqnr) ? -1 : std::max(0.0, 100 - sqnr), 100);
  page.leaf("td", row["reason"].get<std::string>()).close();
}

void layers(Html& page, const nlohmann::json& nodes) {
  page.leaf("h2", "Layers");
  page.leaf("p",
            "Times include the conversions around a layer; a dash: fused with another one, or not "
            "measured. SQNR is the output's with that layer alone quantized.");
  page.open("div", {{"class", "wide"}}).open("table").open("thead").open("tr");
  constexpr std::pair<const char*, const char*> kColumns[] = {
      {"Node", ""},   {"Operator", ""},   {"Became", ""}, {"MACs", "n"},
      {"Float", "n"}, {"Quantized", "n"}, {"SQNR", "n"},  {"Why", ""}};
  for (const auto& [title, kind] : kColumns)
    page.open("th", {{"class", kind}}).leaf("button", title, {{"type", "button"}}).close();
  page.close().close().open("tbody");
  const double us = std::max(largest_of(nodes, "float_us"), largest_of(nodes, "quantized_us"));
  const double macs = largest_of(nodes, "macs");
  for (const auto& row : nodes) node_row(page, row, macs, us);
  page.close().close().close();
}

void values(Html& page, const nlohmann::json& rows) {
  if (rows.empty()) return;
  page.leaf("h2", "Observed values and chosen ranges");
  page.leaf("p",
            "Bars count elements other than 0 on a logarithmic scale; the shaded part is what the "
            "codes hold.");
  page.open("div", {{"class", "grid"}});
  for (const auto& row : rows) {
    page.open("figure");
    histogram_svg(page, row);
    page.open("figcaption").text(row["value"].get<std::string>());
    page.leaf("span", row["type"].get<std::string>() + ", step " +
                          number(row["scale"].get<double>()) + ", zero at " +
                          std::to_string(row["zero_point"].get<int64_t>()) +
                          (row["counts"].empty() ? ", only extremes known" : ""));
    page.close().close();
  }
  page.close();
}

}  // namespace

std::string report_page(const nlohmann::json& given) {
  // Names that aren't UTF-8 are made so.
  const auto report = nlohmann::json::parse(to_text(given));
  const std::string model = file_name(report["model"]);
  Html page = begin_page(model + " quantized");
  page.leaf("h1", model + " → " + file_name(report["output"]));
  page.leaf("p", report["mode"].get<std::string>() + ", " + report["format"].get<std::string>() +
                     ", ranges from " + std::to_string(report["samples"].get<size_t>()) +
                     " samples");
  for (const auto& [name, reason] : report["algorithms_left_out"].items())
    page.leaf("p", "not run: " + name + ": " + reason.get<std::string>());
  summary(page, report);
  layers(page, report["nodes"]);
  values(page, report["values"]);
  page.open("script").raw(kScript).close();
  return page.take() + "\n";
}

}  // namespace octet::cli
