#pragma once

#include <google/protobuf/stubs/common.h>
#if GOOGLE_PROTOBUF_VERSION < 4022000
#include <google/protobuf/stubs/logging.h>
#endif

namespace octet::onnx {

/// While one lives, protobuf doesn't print to stderr what it finds: names that aren't UTF-8.
#if GOOGLE_PROTOBUF_VERSION < 4022000
using QuietProtobuf = google::protobuf::LogSilencer;
#else
struct [[maybe_unused]] QuietProtobuf {};
#endif

}  // namespace octet::onnx
