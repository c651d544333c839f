#include "serve/http_server.h"

#include <httplib.h>

#include <charconv>
#include <limits>

#include "serve/json_protocol.h"

namespace octet::serve {
namespace {

constexpr const char* kJson = "application/json";
constexpr const char* kLength = "Inference-Header-Content-Length";

void reply(httplib::Response& response, int status, const std::string& body) {
  response.status = status;
  response.set_content(body, kJson);
}
void refuse(httplib::Response& response, int status, const std::string& message) {
  reply(response, status, error_body(message));
}

int status_of(Refusal refusal) {
  if (refusal == Refusal::malformed) return 400;
  return refusal == Refusal::overloaded ? 503 : 500;
}

// Bytes of JSON in a body: all, unless the request says otherwise. Nothing where that makes no
// sense.
std::optional<size_t> header_bytes(const httplib::Request& request) {
  if (!request.has_header(kLength)) return request.body.size();
  const std::string text = request.get_header_value(kLength);
  size_t bytes = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, bytes);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return bytes;
}

// The library lets five connections wait to be taken, and resets others.
class Listener : public httplib::Server {
 public:
  bool let_wait(int connections) { return ::listen(svr_sock_, connections) == 0; }
};

}  // namespace

class HttpServer::Implementation {
 public:
  Implementation(const Models& models, const HttpSettings& settings)
      : models_(models), settings_(settings) {
    server_.new_task_queue = [count = settings.connections] {
      return new httplib::ThreadPool(count);
    };
    server_.set_payload_max_length(settings.max_bytes);
    server_.set_tcp_nodelay(true);
    server_.set_keep_alive_max_count(std::numeric_limits<size_t>::max());
    server_.set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (!response.body.empty()) return;
      const bool large = response.status == 413;
      response.set_content(
          error_body(large ? "the request is too large" : "there is no such thing"), kJson);
    });
    add_health();
    add_models();
  }

  std::optional<int> bind() {
    int port = settings_.port;
    if (port == 0)
      port = server_.bind_to_any_port(settings_.host);
    else if (!server_.bind_to_port(settings_.host, port))
      port = -1;
    constexpr int kWaiting = 1024;
    return port > 0 && server_.let_wait(kWaiting) ? std::optional(port) : std::nullopt;
  }
  void run() { server_.listen_after_bind(); }
  void stop() {
    ready_ = false;
    server_.stop();
  }

 private:
  using Handler = void (Implementation::*)(ServedModel&, const httplib::Request&,
                                           httplib::Response&);

  void add_health() {
    const auto state = [](bool good) {
      return [good](const httplib::Request&, httplib::Response& response) {
        response.status = good ? 200 : 503;
      };
    };
    server_.Get("/v2/health/live", state(true));
    server_.Get("/v2/health/ready",
                [this, state](const httplib::Request& request, httplib::Response& response) {
                  state(ready_)(request, response);
                });
    server_.Get("/v2", [](const httplib::Request&, httplib::Response& response) {
      reply(response, 200, server_metadata());
    });
    server_.Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
      std::string text = Metrics::head();
      for (const auto& model : models_) model->metrics().write(model->name(), text);
      response.set_content(text, "text/plain; version=0.0.4");
    });
  }

  void add_models() {
    // A model's one version may be named.
    const std::string model = "/v2/models/([^/]+)(?:/versions/([^/]+))?";
    server_.Get(model, on(&Implementation::metadata));
    server_.Get(model + "/ready", on(&Implementation::ready));
    server_.Post(model + "/infer", on(&Implementation::infer));
  }

  httplib::Server::Handler on(Handler handler) {
    return [this, handler](const httplib::Request& request, httplib::Response& response) {
      const std::string name = request.matches[1];
      ServedModel* model = find_model(models_, name, request.matches[2].str());
      if (model == nullptr) return refuse(response, 404, no_model(name));
      try {
        (this->*handler)(*model, request, response);
      } catch (const std::bad_alloc&) {
        refuse(response, 503, "out of memory");
      }
    };
  }

  void metadata(ServedModel& model, const httplib::Request& /*request*/,
                httplib::Response& response) {
    reply(response, 200, model_metadata(model));
  }
  void ready(ServedModel& /*model*/, const httplib::Request& /*request*/,
             httplib::Response& response) {
    response.status = ready_ ? 200 : 503;
  }

  void infer(ServedModel& model, const httplib::Request& request, httplib::Response& response) {
    const auto header = header_bytes(request);
    auto parsed =
        header ? parse_request(request.body, *header)
               : std::variant<InferRequest, std::string>(std::string(kLength) + " is no number");
    if (const auto* problem = std::get_if<std::string>(&parsed)) {
      model.metrics().refused();
      return refuse(response, 400, *problem);
    }
    auto& wanted = std::get<InferRequest>(parsed);
    const Answer answer = model.infer(std::move(wanted.inputs));
    if (const auto* failure = std::get_if<RequestFailure>(&answer))
      return refuse(response, status_of(failure->refusal), failure->message);
    const auto written =
        write_response(model.name(), wanted, std::get<std::vector<NamedTensor>>(answer));
    if (const auto* problem = std::get_if<std::string>(&written))
      return refuse(response, 400, *problem);
    const auto& [body, json_bytes] = std::get<InferResponse>(written);
    const bool binary = json_bytes != body.size();
    if (binary) response.set_header(kLength, std::to_string(json_bytes));
    response.status = 200;
    response.set_content(body, binary ? "application/octet-stream" : kJson);
  }

  const Models& models_;
  HttpSettings settings_;
  std::atomic<bool> ready_{true};
  Listener server_;
};

HttpServer::HttpServer(const Models& models, const HttpSettings& settings)
    : implementation_(std::make_unique<Implementation>(models, settings)) {}
HttpServer::~HttpServer() = default;
std::optional<int> HttpServer::bind() { return implementation_->bind(); }
void HttpServer::run() { implementation_->run(); }
void HttpServer::stop() { implementation_->stop(); }

}  // namespace octet::serve
