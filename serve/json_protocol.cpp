#include "serve/json_protocol.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

namespace octet::serve {
namespace {

using Json = nlohmann::json;

// What is wrong with a request.
struct Malformed {
  std::string message;
};

const Json& member(const Json& object, const char* name, const std::string& where) {
  const auto at = object.find(name);
  if (at == object.end()) throw Malformed{where + ": '" + name + "' is missing"};
  return *at;
}

std::string text_of(const Json& value, const std::string& where) {
  if (!value.is_string()) throw Malformed{where + " is no string"};
  return value.get<std::string>();
}

// A parameter of an object; null where it isn't there.
Json parameter(const Json& object, const char* name) {
  const auto at = object.find("parameters");
  if (at == object.end() || !at->is_object() || !at->contains(name)) return nullptr;
  return (*at)[name];
}
bool flag(const Json& object, const char* name) {
  const Json value = parameter(object, name);
  return value.is_boolean() && value.get<bool>();
}

// Elements of nested lists, row by row; the nesting isn't checked against the shape, as the
// protocol allows flat lists.
void flatten(const Json& data, std::vector<const Json*>& elements, int depth) {
  constexpr int kMaxDepth = 32;
  if (depth > kMaxDepth) throw Malformed{"data is nested too deeply"};
  for (const Json& each : data) {
    if (each.is_array())
      flatten(each, elements, depth + 1);
    else
      elements.push_back(&each);
  }
}

template <typename T>
T number(const Json& value) {
  if constexpr (std::is_floating_point_v<T>) {
    if (!value.is_number()) throw Malformed{"an element is no number"};
    return value.get<T>();
  } else {
    if (!value.is_number_integer()) throw Malformed{"an element is no integer"};
    const bool fits =
        value.is_number_unsigned()
            ? value.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<T>::max())
            : value.get<int64_t>() >= static_cast<int64_t>(std::numeric_limits<T>::min()) &&
                  (value.get<int64_t>() < 0 || static_cast<uint64_t>(value.get<int64_t>()) <=
                                                   uint64_t{std::numeric_limits<T>::max()});
    if (!fits) throw Malformed{"an element is outside its type's range"};
    return value.get<T>();
  }
}

template <typename T>
void append(std::vector<std::byte>& bytes, T value) {
  const auto* from = reinterpret_cast<const std::byte*>(&value);
  bytes.insert(bytes.end(), from, from + sizeof(T));
}

void append_element(octet_dtype dtype, const Json& value, std::vector<std::byte>& bytes) {
  switch (dtype) {
    case OCTET_BOOL:
      if (!value.is_boolean()) throw Malformed{"an element is no boolean"};
      return append(bytes, static_cast<uint8_t>(value.get<bool>() ? 1 : 0));
    case OCTET_UINT8: return append(bytes, number<uint8_t>(value));
    case OCTET_UINT16: return append(bytes, number<uint16_t>(value));
    case OCTET_UINT32: return append(bytes, number<uint32_t>(value));
    case OCTET_UINT64: return append(bytes, number<uint64_t>(value));
    case OCTET_INT8: return append(bytes, number<int8_t>(value));
    case OCTET_INT16: return append(bytes, number<int16_t>(value));
    case OCTET_INT32: return append(bytes, number<int32_t>(value));
    case OCTET_INT64: return append(bytes, number<int64_t>(value));
    case OCTET_FLOAT: return append(bytes, number<float>(value));
    case OCTET_DOUBLE: return append(bytes, number<double>(value));
    default: throw Malformed{std::string(datatype_of(dtype)) + " is taken as binary data only"};
  }
}

void read_json_data(const Json& data, NamedTensor& tensor) {
  if (!data.is_array()) throw Malformed{"data is no list"};
  std::vector<const Json*> elements;
  flatten(data, elements, 0);
  if (static_cast<int64_t>(elements.size()) != tensor.count())
    throw Malformed{"data has " + std::to_string(elements.size()) + " elements, its shape " +
                    std::to_string(tensor.count())};
  for (const Json* element : elements) {
    if (tensor.dtype == OCTET_STRING)
      tensor.texts.push_back(text_of(*element, "an element"));
    else
      append_element(tensor.dtype, *element, tensor.bytes);
  }
}

// Takes its bytes from the front of `binary` where it is binary.
NamedTensor read_input(const Json& json, std::string_view& binary) {
  if (!json.is_object()) throw Malformed{"an input is no object"};
  NamedTensor tensor;
  tensor.name = text_of(member(json, "name", "an input"), "an input's name");
  const std::string where = "input '" + tensor.name + "'";
  try {
    const std::string datatype = text_of(member(json, "datatype", where), "datatype");
    tensor.dtype = dtype_of_name(datatype);
    if (tensor.dtype == OCTET_LIST) throw Malformed{"there is no datatype '" + datatype + "'"};
    const Json& shape = member(json, "shape", where);
    if (!shape.is_array()) throw Malformed{"shape is no list"};
    for (const Json& extent : shape) tensor.dims.push_back(number<int64_t>(extent));
    if (tensor.count() < 0) throw Malformed{"its shape makes no sense"};
    const Json size = parameter(json, "binary_data_size");
    if (size.is_null()) {
      read_json_data(member(json, "data", where), tensor);
      return tensor;
    }
    if (!size.is_number_unsigned() || size.get<uint64_t>() > binary.size())
      throw Malformed{"binary_data_size is past the request's end"};
    if (const auto problem = read_packed(binary.substr(0, size.get<size_t>()), tensor))
      throw Malformed{*problem};
    binary.remove_prefix(size.get<size_t>());
  } catch (const Malformed& problem) {
    throw Malformed{where + ": " + problem.message};
  }
  return tensor;
}

InferRequest read_request(std::string_view body, size_t header) {
  const Json json = Json::parse(body.substr(0, header), nullptr, false);
  if (!json.is_object()) throw Malformed{"the request is no JSON object"};
  std::string_view binary = body.substr(header);
  InferRequest request;
  if (json.contains("id")) request.id = text_of(json["id"], "id");
  request.all_binary = flag(json, "binary_data_output");
  const Json& inputs = member(json, "inputs", "the request");
  if (!inputs.is_array()) throw Malformed{"inputs is no list"};
  for (const Json& input : inputs) request.inputs.push_back(read_input(input, binary));
  if (!binary.empty()) throw Malformed{"bytes are left over behind the last input's"};
  if (!json.contains("outputs")) return request;
  if (!json["outputs"].is_array()) throw Malformed{"outputs is no list"};
  for (const Json& output : json["outputs"]) {
    if (!output.is_object()) throw Malformed{"an output is no object"};
    const Json given = parameter(output, "binary_data");
    request.outputs.push_back({text_of(member(output, "name", "an output"), "an output's name"),
                               given.is_boolean() ? given.get<bool>() : request.all_binary});
  }
  return request;
}

// Elements of a tensor as JSON numbers; what isn't finite becomes null, which JSON has no other
// word for.
template <typename T>
Json numbers(const NamedTensor& tensor) {
  Json list = Json::array();
  for (size_t at = 0; at < tensor.bytes.size(); at += sizeof(T)) {
    T value;
    std::memcpy(&value, tensor.bytes.data() + at, sizeof(T));
    list.push_back(value);
  }
  return list;
}

Json data_of(const NamedTensor& tensor) {
  switch (tensor.dtype) {
    case OCTET_BOOL: {
      Json list = Json::array();
      for (const std::byte each : tensor.bytes) list.push_back(each != std::byte{0});
      return list;
    }
    case OCTET_UINT8: return numbers<uint8_t>(tensor);
    case OCTET_UINT16: return numbers<uint16_t>(tensor);
    case OCTET_UINT32: return numbers<uint32_t>(tensor);
    case OCTET_UINT64: return numbers<uint64_t>(tensor);
    case OCTET_INT8: return numbers<int8_t>(tensor);
    case OCTET_INT16: return numbers<int16_t>(tensor);
    case OCTET_INT32: return numbers<int32_t>(tensor);
    case OCTET_INT64: return numbers<int64_t>(tensor);
    case OCTET_FLOAT: return numbers<float>(tensor);
    case OCTET_DOUBLE: return numbers<double>(tensor);
    case OCTET_STRING: return tensor.texts;
    default: return nullptr;
  }
}

Json ports_of(const std::vector<Port>& ports) {
  Json list = Json::array();
  for (const Port& port : ports)
    list.push_back(
        {{"name", port.name}, {"datatype", datatype_of(port.dtype)}, {"shape", port.dims}});
  return list;
}

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::variant<InferRequest, std::string> parse_request(std::string_view body, size_t header) {
  if (header > body.size()) return std::string("the JSON's length is past the request's end");
  try {
    return read_request(body, header);
  } catch (const Malformed& problem) {
    return problem.message;
  }
}

std::variant<InferResponse, std::string> write_response(const std::string& model,
                                                        const InferRequest& request,
                                                        const std::vector<NamedTensor>& outputs) {
  std::vector<InferRequest::Output> asked = request.outputs;
  if (asked.empty())
    for (const NamedTensor& output : outputs) asked.push_back({output.name, request.all_binary});
  Json json = {{"model_name", model}, {"model_version", "1"}, {"outputs", Json::array()}};
  if (!request.id.empty()) json["id"] = request.id;
  std::string binary;
  for (const auto& [name, as_binary] : asked) {
    const auto at = std::find_if(outputs.begin(), outputs.end(),
                                 [&name = name](const NamedTensor& o) { return o.name == name; });
    if (at == outputs.end()) return "the model has no output '" + name + "'";
    Json output = {{"name", name}, {"datatype", datatype_of(at->dtype)}, {"shape", at->dims}};
    // 16-bit floats have no form in JSON.
    if (as_binary || at->dtype == OCTET_FLOAT16 || at->dtype == OCTET_BFLOAT16) {
      const std::string bytes = packed(*at);
      output["parameters"] = {{"binary_data_size", bytes.size()}};
      binary += bytes;
    } else {
      output["data"] = data_of(*at);
    }
    json["outputs"].push_back(std::move(output));
  }
  InferResponse response{dump(json), 0};
  response.header = response.body.size();
  response.body += binary;
  return response;
}

std::string model_metadata(const ServedModel& model) {
  return dump({{"name", model.name()},
               {"versions", {"1"}},
               {"platform", "onnx_octet"},
               {"inputs", ports_of(model.inputs())},
               {"outputs", ports_of(model.outputs())}});
}

std::string server_metadata() {
  return dump(
      {{"name", "octet"}, {"version", octet_version()}, {"extensions", {"binary_tensor_data"}}});
}

std::string error_body(const std::string& message) { return dump({{"error", message}}); }

}  // namespace octet::serve
