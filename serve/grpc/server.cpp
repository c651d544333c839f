#include <grpcpp/grpcpp.h>

#include <atomic>
#include <string>

#include "serve/grpc/convert.h"
#include "serve/grpc/module.h"
#include "service.grpc.pb.h"

namespace octet::serve {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;
using grpc::StatusCode;

grpc::Status status_of(const RequestFailure& failure) {
  const StatusCode code = failure.refusal == Refusal::malformed    ? StatusCode::INVALID_ARGUMENT
                          : failure.refusal == Refusal::overloaded ? StatusCode::UNAVAILABLE
                                                                   : StatusCode::INTERNAL;
  return {code, failure.message};
}

ServerUnaryReactor* finished(CallbackServerContext* context, const grpc::Status& status = {}) {
  ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(status);
  return reactor;
}

template <typename Function>
grpc::Status guarded(const Function& function) {
  try {
    return function();
  } catch (const std::bad_alloc&) {
    return {StatusCode::RESOURCE_EXHAUSTED, "out of memory"};
  }
}

template <typename Ports, typename List>
void describe(const Ports& ports, List* list) {
  for (const Port& port : ports) {
    auto* tensor = list->Add();
    tensor->set_name(port.name);
    tensor->set_datatype(datatype_of(port.dtype));
    for (const int64_t extent : port.dims) tensor->add_shape(extent < 0 ? -1 : extent);
  }
}

// Nothing waits on gRPC's threads: answers are given from those of the models.
class Service final : public inference::GRPCInferenceService::CallbackService {
 public:
  Service(const Models& models, std::string version)
      : models_(models), version_(std::move(version)) {}

  void stop() { ready_ = false; }

  ServerUnaryReactor* ServerLive(CallbackServerContext* context,
                                 const inference::ServerLiveRequest* /*request*/,
                                 inference::ServerLiveResponse* response) override {
    response->set_live(true);
    return finished(context);
  }
  ServerUnaryReactor* ServerReady(CallbackServerContext* context,
                                  const inference::ServerReadyRequest* /*request*/,
                                  inference::ServerReadyResponse* response) override {
    response->set_ready(ready_);
    return finished(context);
  }
  ServerUnaryReactor* ModelReady(CallbackServerContext* context,
                                 const inference::ModelReadyRequest* request,
                                 inference::ModelReadyResponse* response) override {
    if (find_model(models_, request->name(), request->version()) == nullptr)
      return finished(context, {StatusCode::NOT_FOUND, no_model(request->name())});
    response->set_ready(ready_);
    return finished(context);
  }
  ServerUnaryReactor* ServerMetadata(CallbackServerContext* context,
                                     const inference::ServerMetadataRequest* /*request*/,
                                     inference::ServerMetadataResponse* response) override {
    response->set_name("octet");
    response->set_version(version_);
    return finished(context);
  }
  ServerUnaryReactor* ModelMetadata(CallbackServerContext* context,
                                    const inference::ModelMetadataRequest* request,
                                    inference::ModelMetadataResponse* response) override {
    const ServedModel* model = find_model(models_, request->name(), request->version());
    if (model == nullptr)
      return finished(context, {StatusCode::NOT_FOUND, no_model(request->name())});
    response->set_name(model->name());
    response->add_versions("1");
    response->set_platform("onnx_octet");
    describe(model->inputs(), response->mutable_inputs());
    describe(model->outputs(), response->mutable_outputs());
    return finished(context);
  }
  ServerUnaryReactor* ModelInfer(CallbackServerContext* context,
                                 const inference::ModelInferRequest* request,
                                 inference::ModelInferResponse* response) override {
    ServerUnaryReactor* reactor = context->DefaultReactor();
    const grpc::Status status = guarded([&] { return infer(*request, *response, reactor); });
    if (!status.ok()) reactor->Finish(status);
    return reactor;
  }

 private:
  // What isn't ok is for the caller to finish with.
  grpc::Status infer(const inference::ModelInferRequest& request,
                     inference::ModelInferResponse& response, ServerUnaryReactor* reactor) {
    ServedModel* model = find_model(models_, request.model_name(), request.model_version());
    if (model == nullptr) return {StatusCode::NOT_FOUND, no_model(request.model_name())};
    auto inputs = read_inputs(request);
    auto problem = check_outputs(request, model->outputs());
    if (const auto* malformed = std::get_if<std::string>(&inputs)) problem = *malformed;
    if (problem) {
      model->metrics().refused();
      return {StatusCode::INVALID_ARGUMENT, *problem};
    }
    model->submit(std::get<std::vector<NamedTensor>>(std::move(inputs)),
                  [&request, &response, reactor](const Answer& answer) {
                    reactor->Finish(guarded([&]() -> grpc::Status {
                      if (const auto* failure = std::get_if<RequestFailure>(&answer))
                        return status_of(*failure);
                      write_outputs(request, std::get<std::vector<NamedTensor>>(answer), response);
                      return {};
                    }));
                  });
    return {};
  }

  const Models& models_;
  std::string version_;
  std::atomic<bool> ready_{true};
};

class Server final : public GrpcServer {
 public:
  Server(const Models& models, const GrpcSettings& settings) : service_(models, settings.version) {
    const bool plain_ipv6 = settings.host.find(':') != std::string::npos;
    const std::string host = plain_ipv6 ? "[" + settings.host + "]" : settings.host;
    grpc::ServerBuilder builder;
    builder.AddListeningPort(host + ":" + std::to_string(settings.port),
                             grpc::InsecureServerCredentials(), &port_);
    // Else a second server may take the same port.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, settings.connections);
    builder.SetMaxReceiveMessageSize(settings.max_bytes);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
  }
  ~Server() override { stop(); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  bool serves() const { return server_ != nullptr && port_ > 0; }
  int port() const override { return port_; }
  void stop() override {
    service_.stop();
    if (server_ != nullptr) server_->Shutdown();
  }

 private:
  Service service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

std::unique_ptr<GrpcServer> serve(const Models& models, const GrpcSettings& settings) {
  auto server = std::make_unique<Server>(models, settings);
  if (!server->serves()) return nullptr;
  return server;
}

}  // namespace
}  // namespace octet::serve

extern "C" {
extern __attribute__((visibility("default"))) const octet::serve::GrpcModuleTable octet_provider;
const octet::serve::GrpcModuleTable octet_provider = {
    .head = {octet::serve::GrpcModuleTable::kVersion},
    .serve = octet::serve::serve,
};
}
