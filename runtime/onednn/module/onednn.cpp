#include <omp.h>

#include <dnnl.hpp>
#include <functional>
#include <unordered_map>
#include <vector>

#include "runtime/onednn/module.h"

// The module: the one file that sees oneDNN.

namespace octet::runtime::onednn {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;
constexpr auto kF32 = memory::data_type::f32;

// N, channels, spatial in channels-last order.
Tag channels_last(size_t rank) {
  return rank == 3 ? Tag::nwc : (rank == 4 ? Tag::nhwc : Tag::ndhwc);
}
// Output channels (after groups), input channels, kernel, as ONNX stores them.
Tag plain_weights(size_t rank) {
  constexpr Tag kTags[] = {Tag::ab, Tag::abc, Tag::abcd, Tag::abcde, Tag::abcdef};
  return kTags[rank - 2];
}

// oneDNN's one engine for this process.
const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

// A primitive for one set of dims.
struct Primitive {
  dnnl::primitive primitive;
  memory::desc source;
  memory::desc destination;
  memory weights;
  memory bias;  // Empty when there is none.
  size_t scratch_bytes = 0;
};

memory reordered(const float* values, const memory::desc& plain, const memory::desc& wanted) {
  memory from(plain, engine(), const_cast<float*>(values));
  memory to(wanted, engine());
  dnnl::stream stream(engine());
  dnnl::reorder(from, to).execute(stream, from, to);
  stream.wait();
  return to;
}

// The arrays of a ConvSpec as oneDNN takes them.
struct ConvDims {
  explicit ConvDims(const ConvSpec& s)
      : source(s.source, s.source + s.rank),
        destination(s.destination, s.destination + s.rank),
        weights(s.weights, s.weights + s.weight_rank),
        strides(s.strides, s.strides + s.rank - 2),
        dilations(s.dilations, s.dilations + s.rank - 2),
        pad_begin(s.pad_begin, s.pad_begin + s.rank - 2),
        pad_end(s.pad_end, s.pad_end + s.rank - 2) {}
  memory::dims source, destination, weights, strides, dilations, pad_begin, pad_end;
};

#if DNNL_VERSION_MAJOR >= 3
dnnl::convolution_forward::primitive_desc describe(const ConvDims& s, const memory::desc& source,
                                                   const memory::desc& weights,
                                                   const memory::desc& bias,
                                                   const memory::desc& destination,
                                                   const dnnl::primitive_attr& attr) {
  return {engine(),
          dnnl::prop_kind::forward_inference,
          dnnl::algorithm::convolution_auto,
          source,
          weights,
          bias,
          destination,
          s.strides,
          s.dilations,
          s.pad_begin,
          s.pad_end,
          attr};
}
dnnl::matmul::primitive_desc describe(const memory::desc& source, const memory::desc& weights,
                                      const memory::desc& bias, const memory::desc& destination,
                                      const dnnl::primitive_attr& attr) {
  return {engine(), source, weights, bias, destination, attr};
}
#else
dnnl::convolution_forward::primitive_desc describe(const ConvDims& s, const memory::desc& source,
                                                   const memory::desc& weights,
                                                   const memory::desc& bias,
                                                   const memory::desc& destination,
                                                   const dnnl::primitive_attr& attr) {
  const dnnl::convolution_forward::desc desc(
      dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_auto, source, weights, bias,
      destination, s.strides, s.dilations, s.pad_begin, s.pad_end);
  return {desc, attr, engine()};
}
dnnl::matmul::primitive_desc describe(const memory::desc& source, const memory::desc& weights,
                                      const memory::desc& bias, const memory::desc& destination,
                                      const dnnl::primitive_attr& attr) {
  return {dnnl::matmul::desc(source, weights, bias, destination), attr, engine()};
}
#endif

Primitive convolution(const ConvSpec& spec, const dnnl::primitive_attr& attr,
                      const Parameters& parameters) {
  const ConvDims dims(spec);
  const Tag tag = channels_last(spec.rank);
  Primitive made;
  made.source = memory::desc(dims.source, kF32, tag);
  made.destination = memory::desc(dims.destination, kF32, tag);
  const memory::desc any(dims.weights, kF32, Tag::any);
  const bool has_bias = parameters.bias != nullptr;
  const memory::desc bias =
      has_bias ? memory::desc({dims.destination[1]}, kF32, Tag::a) : memory::desc();
  const auto pd = describe(dims, made.source, any, bias, made.destination, attr);
  made.primitive = dnnl::convolution_forward(pd);
  const memory::desc plain(dims.weights, kF32, plain_weights(spec.weight_rank));
  made.weights = reordered(parameters.weights, plain, pd.weights_desc());
  if (has_bias) made.bias = reordered(parameters.bias, bias, bias);
  made.scratch_bytes = pd.scratchpad_desc().get_size();
  return made;
}

Primitive product(const ProductSpec& spec, const dnnl::primitive_attr& attr,
                  const Parameters& parameters) {
  Primitive made;
  made.source = memory::desc({spec.m, spec.k}, kF32, Tag::ab);
  made.destination = memory::desc({spec.m, spec.n}, kF32, Tag::ab);
  const memory::desc any({spec.k, spec.n}, kF32, Tag::any);
  const bool has_bias = parameters.bias != nullptr;
  const memory::desc bias = has_bias ? memory::desc({1, spec.n}, kF32, Tag::ab) : memory::desc();
  const auto pd = describe(made.source, any, bias, made.destination, attr);
  made.primitive = dnnl::matmul(pd);
  made.weights = reordered(parameters.weights, memory::desc({spec.k, spec.n}, kF32, Tag::ab),
                           pd.weights_desc());
  if (has_bias) made.bias = reordered(parameters.bias, bias, bias);
  made.scratch_bytes = pd.scratchpad_desc().get_size();
  return made;
}

// User scratchpad, and the clamp as post-op.
dnnl::primitive_attr attributes(const Clamp& clamp) {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (!clamp.clamps) return attr;
  const auto algorithm = clamp.relu ? dnnl::algorithm::eltwise_relu : dnnl::algorithm::eltwise_clip;
  dnnl::post_ops ops;
#if DNNL_VERSION_MAJOR >= 3
  ops.append_eltwise(algorithm, clamp.low, clamp.high);
#else
  ops.append_eltwise(1.0F, algorithm, clamp.low, clamp.high);
#endif
  attr.set_post_ops(ops);
  return attr;
}

// Runs `body` with OpenMP limited to the calling thread, where primitives are made as well as where
// they run: a second team of spinning threads would take the cores from octet's pool. The caller's
// setting is restored. What is thrown becomes a failure.
bool on_one_thread(ModuleFailure& failure, const std::function<void()>& body) {
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  bool done = false;
  try {
    body();
    done = true;
  } catch (const dnnl::error& error) {
    std::snprintf(failure.message, sizeof(failure.message), "oneDNN: %s", error.what());
  } catch (const std::bad_alloc&) {
    failure.code = ErrorCode::machine;
    std::snprintf(failure.message, sizeof(failure.message), "oneDNN: out of memory");
  }
  omp_set_num_threads(threads);
  return done;
}

bool make_convolution(const ConvSpec& spec, const Clamp& clamp, const Parameters& parameters,
                      void** primitive, ModuleFailure& failure) {
  return on_one_thread(failure, [&] {
    *primitive = new Primitive(convolution(spec, attributes(clamp), parameters));
  });
}

bool make_product(const ProductSpec& spec, const Clamp& clamp, const Parameters& parameters,
                  void** primitive, ModuleFailure& failure) {
  return on_one_thread(
      failure, [&] { *primitive = new Primitive(product(spec, attributes(clamp), parameters)); });
}

bool execute(const void* handle, const float* source, float* destination, ModuleFailure& failure) {
  const auto& primitive = *static_cast<const Primitive*>(handle);
  return on_one_thread(failure, [&] {
    dnnl::stream stream(engine());
    std::vector<std::byte> scratch(primitive.scratch_bytes);
    std::unordered_map<int, memory> arguments = {
        {DNNL_ARG_SRC, memory(primitive.source, engine(), const_cast<float*>(source))},
        {DNNL_ARG_WEIGHTS, primitive.weights},
        {DNNL_ARG_DST, memory(primitive.destination, engine(), destination)}};
    if (primitive.bias) arguments.emplace(DNNL_ARG_BIAS, primitive.bias);
    if (primitive.scratch_bytes > 0) {
      const memory::desc desc({static_cast<int64_t>(primitive.scratch_bytes)},
                              memory::data_type::u8, Tag::a);
      arguments.emplace(DNNL_ARG_SCRATCHPAD, memory(desc, engine(), scratch.data()));
    }
    primitive.primitive.execute(stream, arguments);
    stream.wait();
  });
}

void drop(void* primitive) { delete static_cast<Primitive*>(primitive); }

}  // namespace
}  // namespace octet::runtime::onednn

extern "C" {
extern __attribute__((visibility("default")))
const octet::runtime::onednn::ModuleTable octet_provider;
const octet::runtime::onednn::ModuleTable octet_provider = {
    {octet::runtime::onednn::ModuleTable::kVersion},
    octet::runtime::onednn::make_convolution,
    octet::runtime::onednn::make_product,
    octet::runtime::onednn::execute,
    octet::runtime::onednn::drop,
};
}
