#pragma once

#include <memory>
#include <string>
#include <vector>

#include "serve/model.h"

namespace octet::serve {

struct HttpSettings {
  std::string host = "127.0.0.1";
  int port = 8000;               ///< 0: one that is free.
  size_t connections = 128;      ///< Served at once; others wait.
  size_t max_bytes = 64U << 20;  ///< Of a request.
};

/// The Open Inference Protocol over HTTP, and Prometheus's /metrics.
class HttpServer {
 public:
  /// The models must outlive it.
  HttpServer(const Models& models, const HttpSettings& settings);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Takes the port; nothing where it can't be had.
  std::optional<int> bind();
  /// Serves until stop(); answers what came before.
  void run();
  /// From any thread. Not ready from now on; no connection is taken any more.
  void stop();

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace octet::serve
