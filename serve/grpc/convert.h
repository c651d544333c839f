#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "serve/model.h"
#include "service.pb.h"

namespace octet::serve {

/// The inputs of a request; or what is wrong with it.
std::variant<std::vector<NamedTensor>, std::string> read_inputs(
    const inference::ModelInferRequest& request);
/// What is wrong with the outputs that a request asks for.
std::optional<std::string> check_outputs(const inference::ModelInferRequest& request,
                                         const std::vector<Port>& outputs);
/// The outputs that were asked for, as raw contents.
void write_outputs(const inference::ModelInferRequest& request,
                   const std::vector<NamedTensor>& outputs,
                   inference::ModelInferResponse& response);

}  // namespace octet::serve
