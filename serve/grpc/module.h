#pragma once

#include <memory>
#include <string>

#include "runtime/provider_module.h"
#include "serve/model.h"

// gRPC is linked by a module, octet_grpc.so, which is found as providers' modules are. It calls
// back through ServedModel's virtual functions alone, and belongs to the program that it was built
// with.

namespace octet::serve {

struct GrpcSettings {
  std::string host = "127.0.0.1";
  int port = 8001;           ///< 0: one that is free.
  int connections = 128;     ///< Requests of one connection at once; others wait.
  int max_bytes = 0;         ///< Of a request.
  const char* version = "";  ///< octet's.
};

/// The Open Inference Protocol over gRPC, from its making on.
class GrpcServer {
 public:
  virtual ~GrpcServer() = default;
  virtual int port() const = 0;
  /// Not ready from now on; no connection is taken any more. Returns when what came before is
  /// answered.
  virtual void stop() = 0;
};

struct GrpcModuleTable {
  static constexpr uint32_t kVersion = 1;
  runtime::ModuleHead head;
  /// Null where the port can't be had. The models must outlive the server.
  std::unique_ptr<GrpcServer> (*serve)(const Models& models, const GrpcSettings& settings);
};

}  // namespace octet::serve
