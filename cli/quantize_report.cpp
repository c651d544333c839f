#include <iostream>

#include "cli/quantize.h"

namespace octet::cli::quantize {
namespace {

uint64_t size_of(const std::string& path) {
  std::error_code ignored;
  const auto bytes = std::filesystem::file_size(path, ignored);
  return ignored ? 0 : bytes;
}

nlohmann::json to_json(const quant::NodeReport& row) {
  nlohmann::json json = {{"node", row.node},
                         {"op", row.op},
                         {"outcome", row.outcome},
                         {"reason", row.reason},
                         {"macs", row.macs}};
  if (row.sqnr) json["alone_sqnr_db"] = *row.sqnr;
  if (row.time) {
    json["float_us"] = row.time->real;
    json["quantized_us"] = row.time->codes;
  }
  return json;
}

nlohmann::json to_json(const quant::ValueReport& row) {
  return {{"value", row.value},           {"type", dtype_name(row.storage)},
          {"scale", row.scale.v},         {"zero_point", row.zero_point.v},
          {"low", row.seen.low},          {"high", row.seen.high},
          {"chosen_low", row.chosen.low}, {"chosen_high", row.chosen.high},
          {"zeros", row.zeros},           {"counts", row.counts}};
}

// What the nodes that aren't "float" became.
std::string kind_of(const Arguments& arguments) {
  if (arguments.mode == "fp16" || arguments.mode == "int4") return "weights in " + arguments.mode;
  if (arguments.activations == "16")
    return "nodes with 16-bit activations and int8 weights, computed in float";
  return "arithmetic nodes in int8";
}

struct Shares {
  size_t smaller = 0;
  int64_t macs = 0;
  int64_t integer_macs = 0;
};

Shares shares_of(const quant::Report& report) {
  Shares shares;
  for (const auto& row : report.nodes) {
    shares.smaller += row.outcome == "float" ? 0 : 1;
    shares.macs += row.macs;
    shares.integer_macs += row.outcome == "int8" ? row.macs : 0;
  }
  return shares;
}

std::string percent(int64_t part, int64_t whole) {
  return fixed(100.0 * static_cast<double>(part) / static_cast<double>(whole), 1) + "%";
}

}  // namespace

nlohmann::json to_json(const quant::Report& report, const Arguments& arguments, uint64_t bytes) {
  nlohmann::json nodes = nlohmann::json::array();
  for (const auto& row : report.nodes) nodes.push_back(to_json(row));
  nlohmann::json values = nlohmann::json::array();
  for (const auto& row : report.values) values.push_back(to_json(row));
  const Shares shares = shares_of(report);
  nlohmann::json json = {{"model", arguments.model},
                         {"output", arguments.output},
                         {"mode", arguments.mode},
                         {"format", arguments.format},
                         {"samples", report.samples},
                         {"bytes_before", size_of(arguments.model)},
                         {"bytes_after", bytes},
                         {"macs", shares.macs},
                         {"integer_macs", shares.integer_macs},
                         {"algorithms", report.algorithms},
                         {"algorithms_left_out", report.left_out},
                         {"nodes", nodes},
                         {"values", values}};
  if (report.time) {
    json["float_us"] = report.time->real;
    json["quantized_us"] = report.time->codes;
  }
  if (arguments.max_loss)
    json["search"] = {{"max_loss", *arguments.max_loss},
                      {"metric", arguments.metric},
                      {"kept", report.loss},
                      {"trials", report.trials}};
  return json;
}

void print(const quant::Report& report, const Arguments& arguments, uint64_t bytes) {
  const Shares shares = shares_of(report);
  std::cout << arguments.output << ": " << shares.smaller << " of " << report.nodes.size() << " "
            << kind_of(arguments) << ", "
            << megabytes(static_cast<double>(size_of(arguments.model))) << " -> "
            << megabytes(static_cast<double>(bytes)) << "\n";
  if (shares.macs > 0 && shares.integer_macs > 0)
    std::cout << "  " << percent(shares.integer_macs, shares.macs)
              << " of the multiply-accumulates in int8\n";
  if (report.time)
    std::cout << "  a run on one thread: " << fixed(report.time->real / 1e3, 3) << " -> "
              << fixed(report.time->codes / 1e3, 3) << " ms"
              << (report.time->codes > report.time->real ? ": slower on this machine" : "") << "\n";
  if (!report.loss.empty())
    std::cout << "  kept: " << report.loss << " (" << report.trials << " forms judged)\n";
  for (const auto& [name, reason] : report.left_out)
    std::cout << "  not run: " << name << ": " << reason << "\n";
  for (const auto& row : report.nodes)
    if (row.outcome == "float")
      std::cout << "  float: " << row.op << " '" << row.node << "': " << row.reason << "\n";
}

}  // namespace octet::cli::quantize
