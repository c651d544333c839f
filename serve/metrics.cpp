#include "serve/metrics.h"

#include <cstdio>

namespace octet::serve {
namespace {

uint64_t micros(double seconds) { return static_cast<uint64_t>(seconds * 1e6); }

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.9g", value);
  return text;
}

}  // namespace

void Metrics::answered(double seconds) {
  size_t bucket = 0;
  while (bucket < kBounds.size() && seconds > kBounds[bucket]) ++bucket;
  ++buckets_[bucket];
  micros_ += micros(seconds);
  ++answered_;
}

void Metrics::ran(size_t requests, double seconds) {
  ++runs_;
  batched_ += requests;
  run_micros_ += micros(seconds);
}

std::string Metrics::head() {
  return "# HELP octet_requests_total Requests by how they ended.\n"
         "# TYPE octet_requests_total counter\n"
         "# HELP octet_runs_total Runs of a model; each serves one request or more.\n"
         "# TYPE octet_runs_total counter\n"
         "# HELP octet_batched_requests_total Requests that those runs served.\n"
         "# TYPE octet_batched_requests_total counter\n"
         "# HELP octet_run_seconds_total Time in runs.\n"
         "# TYPE octet_run_seconds_total counter\n"
         "# HELP octet_waiting_requests Requests that wait for a run.\n"
         "# TYPE octet_waiting_requests gauge\n"
         "# HELP octet_request_seconds From a request's arrival to its answer.\n"
         "# TYPE octet_request_seconds histogram\n";
}

void Metrics::write(const std::string& model, std::string& text) const {
  // A label's value: these three are escaped.
  std::string name;
  for (const char c : model) {
    if (c == '\\' || c == '"') name += '\\';
    name += c == '\n' ? ' ' : c;
  }
  const std::string label = "{model=\"" + name + "\"";
  const auto line = [&](const std::string& metric, const std::string& more, double value) {
    text += "octet_" + metric + label + more + "} " + number(value) + "\n";
  };
  const auto count = [&](const char* metric, const char* more, const auto& value) {
    line(metric, more, static_cast<double>(value.load()));
  };
  count("requests_total", ",outcome=\"answered\"", answered_);
  count("requests_total", ",outcome=\"refused\"", refused_);
  count("requests_total", ",outcome=\"overloaded\"", overloaded_);
  count("requests_total", ",outcome=\"failed\"", failed_);
  count("runs_total", "", runs_);
  count("batched_requests_total", "", batched_);
  line("run_seconds_total", "", static_cast<double>(run_micros_.load()) * 1e-6);
  count("waiting_requests", "", waiting_);
  uint64_t sum = 0;
  for (size_t i = 0; i <= kBounds.size(); ++i) {
    sum += buckets_[i];
    const std::string bound = i < kBounds.size() ? number(kBounds[i]) : "+Inf";
    line("request_seconds_bucket", ",le=\"" + bound + "\"", static_cast<double>(sum));
  }
  line("request_seconds_sum", "", static_cast<double>(micros_.load()) * 1e-6);
  line("request_seconds_count", "", static_cast<double>(sum));
}

}  // namespace octet::serve
