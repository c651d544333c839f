#include <cstdio>
#include <cstring>
#include <new>

#include "runtime/xnnpack/module/releases.h"

// The module: with releases.h, the one that sees XNNPACK.

namespace octet::runtime::xnnpack {
namespace {

constexpr Range kAll;

auto window_arguments(const Window& w) {
  return std::tuple{w.pad_begin[0], w.pad_end[1], w.pad_end[0], w.pad_begin[1],
                    w.kernel[0],    w.kernel[1],  w.stride[0],  w.stride[1]};
}
auto dilation_arguments(const Window& w) { return std::tuple{w.dilation[0], w.dilation[1]}; }

// An input that may be read up to XNN_EXTRA_BYTES past its end: the data itself, or a copy.
class Readable {
 public:
  static Result<Readable> make(Floats data) {
    constexpr uintptr_t kSmallestPage = 4096;
    Readable input;
    input.data_ = data.data();
    const uintptr_t last = reinterpret_cast<uintptr_t>(data.data()) + data.size_bytes() - 1;
    if (last / kSmallestPage == (last + XNN_EXTRA_BYTES) / kSmallestPage) return input;
    OCTET_ASSIGN(input.copy_, allocate(data.size_bytes() + XNN_EXTRA_BYTES));
    std::memcpy(input.copy_.get(), data.data(), data.size_bytes());
    input.data_ = reinterpret_cast<const float*>(input.copy_.get());
    return input;
  }
  const float* data() const { return data_; }

 private:
  const float* data_ = nullptr;
  Memory copy_;
};

bool is_usable() {
  static const bool usable = xnn_initialize(nullptr) == xnn_status_success;
  return usable;
}

Result<Operator> make_convolution(const Window& window, const ConvChannels& channels,
                                  const float* weights, const float* bias, Range range) {
  return made("a convolution", xnn_create_convolution2d_nhwc_f32,
              std::tuple_cat(
                  window_arguments(window), dilation_arguments(window),
                  std::tuple{channels.groups, channels.group_in, channels.group_out, channels.in(),
                             channels.out(), weights, bias, range.low, range.high, uint32_t{0}}));
}

Status run_convolution(Operator& op, const ImageSize& in, Floats x, float* y) {
  OCTET_ASSIGN(const Readable readable, Readable::make(x));
  return run(op, "a convolution", std::tuple{in.batch, in.height, in.width},
             std::tuple{readable.data(), y}, OCTET_XNNPACK_RUN(convolution2d_nhwc_f32));
}

Result<Operator> make_product(const ProductWeights& w, Range range) {
  const uint32_t flags = w.by_columns ? 0 : XNN_FLAG_TRANSPOSE_WEIGHTS;
  return made("a product", xnn_create_fully_connected_nc_f32,
              std::tuple{w.k, w.n, w.k, w.n, w.weights, w.bias, range.low, range.high, flags});
}

Status run_product(Operator& op, size_t rows, Floats x, float* y) {
  OCTET_ASSIGN(const Readable readable, Readable::make(x));
  return run(op, "a product", std::tuple{rows}, std::tuple{readable.data(), y},
             OCTET_XNNPACK_RUN(fully_connected_nc_f32));
}

Result<Operator> make_pool(Pool function, const Window& window, size_t channels) {
  const auto size = channels_at_creation(channels);
  const std::tuple rest{kAll.low, kAll.high, uint32_t{0}};
  if (function == Pool::average)
    return made("an average", xnn_create_average_pooling2d_nhwc_f32,
                std::tuple_cat(window_arguments(window), size, rest));
  return made("a maximum", xnn_create_max_pooling2d_nhwc_f32,
              std::tuple_cat(window_arguments(window), dilation_arguments(window), size, rest));
}

Status run_pool(Pool function, Operator& op, const ImageSize& in, Floats x, float* y) {
  OCTET_ASSIGN(const Readable readable, Readable::make(x));
  const auto size =
      std::tuple_cat(std::tuple{in.batch, in.height, in.width}, channels_at_run(in.channels));
  if (function == Pool::average)
    return run(op, "an average", size, std::tuple{readable.data(), y},
               OCTET_XNNPACK_RUN(average_pooling2d_nhwc_f32));
  return run(op, "a maximum", size, std::tuple{readable.data(), y},
             OCTET_XNNPACK_RUN(max_pooling2d_nhwc_f32));
}

Result<Operator> make_softmax(size_t channels) {
  return made("a softmax", xnn_create_softmax_nc_f32,
              std::tuple_cat(channels_at_creation(channels), std::tuple{uint32_t{0}}));
}

Status run_softmax(Operator& op, size_t channels, Floats x, float* y) {
  OCTET_ASSIGN(const Readable readable, Readable::make(x));
  return run(op, "a softmax",
             std::tuple_cat(channels_at_run(channels), std::tuple{x.size() / channels}),
             std::tuple{readable.data(), y}, OCTET_XNNPACK_RUN(softmax_nc_f32));
}

Result<Operator> make_unary(Unary function, Range range) { return made_unary(function, range); }

Status run_unary(Unary function, Operator& op, Floats x, float* y) {
  OCTET_ASSIGN(const Readable readable, Readable::make(x));
  return ran_unary(function, op, std::tuple_cat(std::tuple{x.size()}, channels_at_run(1)),
                   std::tuple{readable.data(), y});
}

Result<Operator> make_binary(Binary function) { return made_binary(function); }

Status run_binary(Binary function, Operator& op, const Operand& a, const Operand& b, float* y) {
  OCTET_ASSIGN(const Readable left, Readable::make(a.data));
  OCTET_ASSIGN(const Readable right, Readable::make(b.data));
  const size_t* a_dims = a.dims.data();
  const size_t* b_dims = b.dims.data();
  return ran_binary(function, op, std::tuple{a.rank, a_dims, b.rank, b_dims},
                    std::tuple{left.data(), right.data(), y});
}

// The table's functions: failures in place of results, and no exceptions.
bool note(const Error& error, ModuleFailure& failure) {
  failure.code = error.code;
  std::snprintf(failure.message, sizeof(failure.message), "%s", error.message.c_str());
  return false;
}

template <auto Make>
struct Maker;
template <typename... P, Result<Operator> (*Make)(P...)>
struct Maker<Make> {
  static bool call(P... arguments, void** op, ModuleFailure& failure) {
    try {
      auto made = Make(arguments...);
      if (!made) return note(made.error(), failure);
      *op = new Operator(std::move(*made));
      return true;
    } catch (const std::bad_alloc&) {
      return note({ErrorCode::machine, "XNNPACK: out of memory"}, failure);
    }
  }
};

template <auto Run>
struct Runner;
template <typename... P, Status (*Run)(Operator&, P...)>
struct Runner<Run> {
  static bool call(void* op, P... arguments, ModuleFailure& failure) {
    const auto status = Run(*static_cast<Operator*>(op), arguments...);
    return status.ok() || note(status.error(), failure);
  }
};
template <typename F, typename... P, Status (*Run)(F, Operator&, P...)>
struct Runner<Run> {
  static bool call(F function, void* op, P... arguments, ModuleFailure& failure) {
    const auto status = Run(function, *static_cast<Operator*>(op), arguments...);
    return status.ok() || note(status.error(), failure);
  }
};

void drop(void* op) { delete static_cast<Operator*>(op); }

}  // namespace

constexpr ModuleTable kTable = {
    {ModuleTable::kVersion},
    is_usable,
    drop,
    Maker<make_convolution>::call,
    Maker<make_product>::call,
    Maker<make_pool>::call,
    Maker<make_softmax>::call,
    Maker<make_unary>::call,
    Maker<make_binary>::call,
    Runner<run_convolution>::call,
    Runner<run_product>::call,
    Runner<run_pool>::call,
    Runner<run_softmax>::call,
    Runner<run_unary>::call,
    Runner<run_binary>::call,
};

}  // namespace octet::runtime::xnnpack

extern "C" {
extern __attribute__((visibility("default")))
const octet::runtime::xnnpack::ModuleTable octet_provider;
const octet::runtime::xnnpack::ModuleTable octet_provider = octet::runtime::xnnpack::kTable;
}
