#include <csignal>
#include <iostream>
#include <set>
#include <thread>

#include "cli/cli.h"
#include "serve/http_server.h"

namespace octet::cli::serve {
namespace {

using octet::serve::HttpServer;
using octet::serve::HttpSettings;
using octet::serve::ServedModel;
using octet::serve::ServeLimits;

struct Arguments {
  std::vector<std::string> models;
  HttpSettings http;
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

Result<HttpServer::Models> load_all(const Arguments& arguments, const Global& global) {
  HttpServer::Models models;
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

int execute(Arguments arguments, const Global& global) {
  arguments.limits.batch_delay =
      std::chrono::microseconds(static_cast<int64_t>(1e3 * arguments.batch_delay_ms));
  arguments.limits.deadline_ms = global.deadline_ms;
  arguments.http.max_bytes = arguments.max_mb << 20;
  const sigset_t signals = block_signals();
  auto models = load_all(arguments, global);
  if (!models) return fail(models.error());
  HttpServer server(std::move(*models), arguments.http);
  const auto port = server.bind();
  if (!port)
    return fail(kMachine, arguments.http.host + ":" + std::to_string(arguments.http.port) +
                              " can't be listened on");
  std::cout << "http://" << arguments.http.host << ":" << *port << "\n" << std::flush;
  std::thread waiter([&] {
    int signal = 0;
    sigwait(&signals, &signal);
    server.stop();
  });
  server.run();
  // Where serving ended by itself, the waiter still waits.
  pthread_kill(waiter.native_handle(), SIGINT);
  waiter.join();
  return kDone;
}

}  // namespace

void add(CLI::App& app, Global& global, int& exit_code) {
  auto* verb = app.add_subcommand("serve", "Answer requests of the Open Inference Protocol (HTTP)");
  auto arguments = std::make_shared<Arguments>();
  verb->add_option("MODEL", arguments->models, "ONNX files, as FILE or NAME=FILE")->required();
  verb->add_option("--host", arguments->http.host, "The address to listen on");
  verb->add_option("--port", arguments->http.port, "The port; 0: a free one, which is printed")
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
  verb->add_option("--connections", arguments->http.connections, "Connections served at once")
      ->check(CLI::Range(1, 65536));
  verb->add_option("--max-request", arguments->max_mb, "MB of a request at most")
      ->check(CLI::Range(1, 4096));
  verb->callback([arguments, &global, &exit_code] { exit_code = execute(*arguments, global); });
}

}  // namespace octet::cli::serve
