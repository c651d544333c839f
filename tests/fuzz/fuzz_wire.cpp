// The walk over the wire format, before protobuf sees a byte.
#include "importers/onnx/skeleton.h"
#include "octet_onnx.pb.h"
#include "tests/fuzz/libfuzzer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  octet_onnx::ModelProto model;
  const auto skeleton =
      octet::onnx::skeleton_of(octet::fuzz::as_bytes(data, size), *model.GetDescriptor(), {});
  // What the walk lets pass is no larger than it was, but for five bytes a message's length.
  if (skeleton && skeleton->size() > 16 * size + 16) __builtin_trap();
  return 0;
}
