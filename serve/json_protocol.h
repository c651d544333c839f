#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "serve/model.h"

// Requests and responses of the protocol over HTTP: JSON, and Triton's binary tensor extension, in
// which tensors' bytes follow the JSON.

namespace octet::serve {

/// A request for a run.
struct InferRequest {
  std::string id;
  std::vector<NamedTensor> inputs;
  struct Output {
    std::string name;
    bool binary = false;
  };
  std::vector<Output> outputs;  ///< Those asked for, in this order; all where there is none.
  bool all_binary = false;      ///< Of outputs that aren't named.
};

/// A request's body, the first `header` bytes of which are JSON; or what is wrong with it.
std::variant<InferRequest, std::string> parse_request(std::string_view body, size_t header);

/// A response's body, and the bytes of JSON in it: all where no output is binary.
struct InferResponse {
  std::string body;
  size_t header = 0;
};
/// The outputs that were asked for; nothing where the model lacks one.
std::variant<InferResponse, std::string> write_response(const std::string& model,
                                                        const InferRequest& request,
                                                        const std::vector<NamedTensor>& outputs);

/// A model's name, versions, inputs and outputs.
std::string model_metadata(const ServedModel& model);
std::string server_metadata();
/// {"error": message}.
std::string error_body(const std::string& message);

}  // namespace octet::serve
