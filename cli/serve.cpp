#include <csignal>
#include <iostream>
#include <set>
#include <thread>

#include "cli/cli.h"
#include "serve/grpc/module.h"
#include "serve/http_server.h"

namespace octet::cli::serve {
namespace {

using octet::serve::GrpcModuleTable;
using octet::serve::GrpcServer;
using octet::serve::GrpcSettings;
using octet::serve::HttpServer;
using octet::serve::HttpSettings;
using octet::serve::Models;
using octet::serve::ServedModel;
using octet::serve::ServeLimits;

struct Arguments {
  std::vector<std::string> models;
  HttpSettings http;
  int grpc_port = -1;  // Negative: no gRPC.
  ServeLimits limits;
  double batch_delay_ms = 0.5;
  size_t max_mb = 64;
};

// "NAME=FILE", or a file whose name without its ending is the model's.
std::pair<std::string, std::string> named(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals != std::string::npos) return {text.substr(0, equals), text.substr(equals + 1)};
  return {std::filesystem::path(text).stem().string(), text};
}

Result<Models> load_all(const Arguments& arguments, const Global& global) {
  Models models;
  std::set<std::string> names;
  for (const std::string& text : arguments.models) {
    const auto [name, path] = named(text);
    if (name.empty() || name.find('/') != std::string::npos || !names.insert(name).second)
      return Error{ErrorCode::invalid_argument,
                   "'" + name + "' can't be a model's name, or is twice; NAME=FILE gives another"};
    auto model = ServedModel::load(path, name, global.session_options(), arguments.limits);
    if (!model) return to_error(model.failure());
    std::cerr << "octet: " << name << ": " << path
              << ((*model)->batches() ? ", requests are joined" : "") << "\n";
    models.push_back(std::move(*model));
  }
  return models;
}

// SIGINT and SIGTERM, for this thread and those it starts, are for sigwait.
sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return set;
}

std::string address(const std::string& host, int port) { return host + ":" + std::to_string(port); }
int cant_listen(const std::string& host, int port) {
  return fail(kMachine, address(host, port) + " can't be listened on");
}

// Null, and the exit code in `code`, where it can't be.
std::unique_ptr<GrpcServer> serve_grpc(const Models& models, const Arguments& arguments,
                                       int& code) {
  const auto head = runtime::load_module("grpc", GrpcModuleTable::kVersion);
  if (!head) {
    code = fail(head.error());
    return nullptr;
  }
  const GrpcSettings settings{.host = arguments.http.host,
                              .port = arguments.grpc_port,
                              .connections = static_cast<int>(arguments.http.connections),
                              .max_bytes = static_cast<int>(arguments.http.max_bytes),
                              .version = octet_version()};
  auto server = reinterpret_cast<const GrpcModuleTable*>(*head)->serve(models, settings);
  if (server == nullptr) code = cant_listen(arguments.http.host, arguments.grpc_port);
  return server;
}

int execute(Arguments arguments, const Global& global) {
  arguments.limits.batch_delay =
      std::chrono::microseconds(static_cast<int64_t>(1e3 * arguments.batch_delay_ms));
  arguments.limits.deadline_ms = global.deadline_ms;
  arguments.http.max_bytes = arguments.max_mb << 20;
  const sigset_t signals = block_signals();
  auto models = load_all(arguments, global);
  if (!models) return fail(models.error());
  HttpServer server(*models, arguments.http);
  const auto port = server.bind();
  if (!port) return cant_listen(arguments.http.host, arguments.http.port);
  std::unique_ptr<GrpcServer> grpc;
  if (arguments.grpc_port >= 0) {
    int code = kDone;
    grpc = serve_grpc(*models, arguments, code);
    if (grpc == nullptr) return code;
  }
  std::cout << "http://" << address(arguments.http.host, *port) << "\n";
  if (grpc != nullptr) std::cout << "grpc://" << address(arguments.http.host, grpc->port()) << "\n";
  std::cout << std::flush;
  std::thread waiter([&] {
    int signal = 0;
    sigwait(&signals, &signal);
    server.stop();
    if (grpc != nullptr) grpc->stop();
  });
  server.run();
  // Where serving ended by itself, the waiter still waits.
  pthread_kill(waiter.native_handle(), SIGINT);
  waiter.join();
  for (const auto& model : *models)
    std::cerr << "octet: " << model->name() << ": " << model->metrics().count_answered()
              << " requests answered\n";
  return kDone;
}

}  // namespace

void add(CLI::App& app, Global& global, int& exit_code) {
  auto* verb = app.add_subcommand("serve", "Answer requests of the Open Inference Protocol");
  auto arguments = std::make_shared<Arguments>();
  verb->add_option("MODEL", arguments->models, "ONNX files, as FILE or NAME=FILE")->required();
  verb->add_option("--host", arguments->http.host, "The address to listen on");
  verb->add_option("--port", arguments->http.port,
                   "The port for HTTP; 0: a free one, which is printed")
      ->check(CLI::Range(0, 65535));
  verb->add_option("--grpc-port", arguments->grpc_port,
                   "A port for gRPC, too; 0: a free one, which is printed")
      ->check(CLI::Range(0, 65535));
  verb->add_option("--max-batch", arguments->limits.max_batch,
                   "Rows of a run at most; 1: requests aren't joined")
      ->check(CLI::PositiveNumber);
  verb->add_option("--batch-delay", arguments->batch_delay_ms,
                   "Milliseconds that a run waits for more requests")
      ->check(CLI::Range(0.0, 10000.0));
  verb->add_option("--workers", arguments->limits.workers, "Runs of a model at once")
      ->check(CLI::Range(1, 1024));
  verb->add_option("--max-waiting", arguments->limits.max_waiting,
                   "Requests of a model that may wait; others are refused (503)")
      ->check(CLI::PositiveNumber);
  verb->add_option("--connections", arguments->http.connections,
                   "Connections served at once; requests of one gRPC connection")
      ->check(CLI::Range(1, 65536));
  verb->add_option("--max-request", arguments->max_mb, "MB of a request at most")
      ->check(CLI::Range(1, 2047));
  verb->callback([arguments, &global, &exit_code] { exit_code = execute(*arguments, global); });
}

}  // namespace octet::cli::serve
