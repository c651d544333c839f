#include "serve/grpc/convert.h"

#include <algorithm>
#include <type_traits>

namespace octet::serve {
namespace {

using Contents = inference::InferTensorContents;
using InputTensor = inference::ModelInferRequest::InferInputTensor;

// What is wrong with a tensor, where something is.
using Problem = std::optional<std::string>;

template <typename T, typename Field>
Problem take(const Field& field, NamedTensor& tensor) {
  tensor.bytes.reserve(sizeof(T) * static_cast<size_t>(field.size()));
  for (const auto value : field) {
    const T narrow = static_cast<T>(value);
    if constexpr (std::is_integral_v<T>)
      if (static_cast<std::decay_t<decltype(value)>>(narrow) != value)
        return "an element is outside its type's range";
    const auto* from = reinterpret_cast<const std::byte*>(&narrow);
    tensor.bytes.insert(tensor.bytes.end(), from, from + sizeof(T));
  }
  return std::nullopt;
}

Problem texts(const Contents& contents, NamedTensor& tensor) {
  const auto& given = contents.bytes_contents();
  tensor.texts.assign(given.begin(), given.end());
  return std::nullopt;
}

int elements(const Contents& contents) {
  return contents.bool_contents_size() + contents.int_contents_size() +
         contents.int64_contents_size() + contents.uint_contents_size() +
         contents.uint64_contents_size() + contents.fp32_contents_size() +
         contents.fp64_contents_size() + contents.bytes_contents_size();
}

// The field that a type's elements are in.
struct Row {
  octet_dtype dtype;
  int (*size)(const Contents& contents);
  Problem (*take)(const Contents& contents, NamedTensor& tensor);
};
#define OCTET_ROW(dtype, type, field)                                        \
  Row {                                                                      \
    dtype, [](const Contents& contents) { return contents.field##_size(); }, \
        [](const Contents& contents, NamedTensor& tensor) {                  \
          return take<type>(contents.field(), tensor);                       \
        }                                                                    \
  }
const Row kRows[] = {
    OCTET_ROW(OCTET_BOOL, bool, bool_contents),
    OCTET_ROW(OCTET_INT8, int8_t, int_contents),
    OCTET_ROW(OCTET_INT16, int16_t, int_contents),
    OCTET_ROW(OCTET_INT32, int32_t, int_contents),
    OCTET_ROW(OCTET_INT64, int64_t, int64_contents),
    OCTET_ROW(OCTET_UINT8, uint8_t, uint_contents),
    OCTET_ROW(OCTET_UINT16, uint16_t, uint_contents),
    OCTET_ROW(OCTET_UINT32, uint32_t, uint_contents),
    OCTET_ROW(OCTET_UINT64, uint64_t, uint64_contents),
    OCTET_ROW(OCTET_FLOAT, float, fp32_contents),
    OCTET_ROW(OCTET_DOUBLE, double, fp64_contents),
    {OCTET_STRING, [](const Contents& contents) { return contents.bytes_contents_size(); }, texts},
};
#undef OCTET_ROW

Problem read_contents(const Contents& contents, NamedTensor& tensor) {
  const auto* row = std::find_if(std::begin(kRows), std::end(kRows),
                                 [&](const Row& each) { return each.dtype == tensor.dtype; });
  if (row == std::end(kRows))
    return std::string(datatype_of(tensor.dtype)) + " is taken as raw contents only";
  const int count = row->size(contents);
  if (count != elements(contents)) return "its contents aren't in the field of its datatype";
  if (count != tensor.count())
    return "its contents have " + std::to_string(count) + " elements, its shape " +
           std::to_string(tensor.count());
  return row->take(contents, tensor);
}

// `raw`: null where the request has no raw contents.
Problem read_input(const InputTensor& input, const std::string* raw, NamedTensor& tensor) {
  tensor.dtype = dtype_of_name(input.datatype());
  if (tensor.dtype == OCTET_LIST) return "there is no datatype '" + input.datatype() + "'";
  tensor.dims.assign(input.shape().begin(), input.shape().end());
  if (tensor.count() < 0) return "its shape makes no sense";
  if (raw == nullptr) return read_contents(input.contents(), tensor);
  if (input.has_contents()) return "it has contents beside the raw ones";
  return read_packed(*raw, tensor);
}

}  // namespace

std::variant<std::vector<NamedTensor>, std::string> read_inputs(
    const inference::ModelInferRequest& request) {
  const int raw = request.raw_input_contents_size();
  if (raw != 0 && raw != request.inputs_size())
    return "the request has " + std::to_string(request.inputs_size()) + " inputs and " +
           std::to_string(raw) + " raw contents";
  std::vector<NamedTensor> tensors;
  for (int i = 0; i < request.inputs_size(); ++i) {
    NamedTensor& tensor = tensors.emplace_back();
    tensor.name = request.inputs(i).name();
    const std::string* bytes = raw == 0 ? nullptr : &request.raw_input_contents(i);
    if (const Problem problem = read_input(request.inputs(i), bytes, tensor))
      return "input '" + tensor.name + "': " + *problem;
  }
  return tensors;
}

std::optional<std::string> check_outputs(const inference::ModelInferRequest& request,
                                         const std::vector<Port>& outputs) {
  for (const auto& asked : request.outputs())
    if (std::none_of(outputs.begin(), outputs.end(),
                     [&](const Port& port) { return port.name == asked.name(); }))
      return "the model has no output '" + asked.name() + "'";
  return std::nullopt;
}

void write_outputs(const inference::ModelInferRequest& request,
                   const std::vector<NamedTensor>& outputs,
                   inference::ModelInferResponse& response) {
  const auto write = [&](const NamedTensor& tensor) {
    auto* output = response.add_outputs();
    output->set_name(tensor.name);
    output->set_datatype(datatype_of(tensor.dtype));
    output->mutable_shape()->Assign(tensor.dims.begin(), tensor.dims.end());
    response.add_raw_output_contents(packed(tensor));
  };
  response.set_id(request.id());
  response.set_model_name(request.model_name());
  response.set_model_version("1");
  if (request.outputs().empty())
    for (const NamedTensor& tensor : outputs) write(tensor);
  for (const auto& asked : request.outputs())
    for (const NamedTensor& tensor : outputs)
      if (tensor.name == asked.name()) write(tensor);
}

}  // namespace octet::serve
