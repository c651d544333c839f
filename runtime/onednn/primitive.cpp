#include "runtime/onednn/primitive.h"

#include <omp.h>

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

memory reordered(const std::vector<float>& values, const memory::desc& plain,
                 const memory::desc& wanted) {
  memory from(plain, engine(), const_cast<float*>(values.data()));
  memory to(wanted, engine());
  dnnl::stream stream(engine());
  dnnl::reorder(from, to).execute(stream, from, to);
  stream.wait();
  return to;
}

memory vector_memory(const std::vector<float>& values) {
  const memory::desc desc({static_cast<int64_t>(values.size())}, kF32, Tag::a);
  return reordered(values, desc, desc);
}

#if DNNL_VERSION_MAJOR >= 3
dnnl::convolution_forward::primitive_desc describe(const ConvSpec& s, const memory::desc& source,
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
dnnl::convolution_forward::primitive_desc describe(const ConvSpec& s, const memory::desc& source,
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

}  // namespace

const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

Primitive make_convolution(const ConvSpec& spec, const dnnl::primitive_attr& attr,
                           const std::vector<float>& weights, const std::vector<float>& bias) {
  const Tag tag = channels_last(spec.source.size());
  Primitive made;
  made.source = memory::desc(spec.source, kF32, tag);
  made.destination = memory::desc(spec.destination, kF32, tag);
  const memory::desc any(spec.weights, kF32, Tag::any);
  const memory::desc bias_desc =
      spec.bias ? memory::desc({spec.destination[1]}, kF32, Tag::a) : memory::desc();
  const auto pd = describe(spec, made.source, any, bias_desc, made.destination, attr);
  made.primitive = dnnl::convolution_forward(pd);
  made.weights =
      reordered(weights, memory::desc(spec.weights, kF32, plain_weights(spec.weights.size())),
                pd.weights_desc());
  if (spec.bias) made.bias = vector_memory(bias);
  made.scratch_bytes = pd.scratchpad_desc().get_size();
  return made;
}

Primitive make_product(ProductDims dims, const dnnl::primitive_attr& attr,
                       const std::vector<float>& weights, const std::vector<float>& bias) {
  Primitive made;
  made.source = memory::desc({dims.m, dims.k}, kF32, Tag::ab);
  made.destination = memory::desc({dims.m, dims.n}, kF32, Tag::ab);
  const memory::desc any({dims.k, dims.n}, kF32, Tag::any);
  const memory::desc bias_desc =
      bias.empty() ? memory::desc() : memory::desc({1, dims.n}, kF32, Tag::ab);
  const auto pd = describe(made.source, any, bias_desc, made.destination, attr);
  made.primitive = dnnl::matmul(pd);
  made.weights =
      reordered(weights, memory::desc({dims.k, dims.n}, kF32, Tag::ab), pd.weights_desc());
  if (!bias.empty()) made.bias = reordered(bias, bias_desc, bias_desc);
  made.scratch_bytes = pd.scratchpad_desc().get_size();
  return made;
}

std::optional<dnnl::primitive_attr> attributes(const Epilogue& epilogue) {
  if (epilogue.residual != Epilogue::Residual::none) return std::nullopt;
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (epilogue.activation == Activation::none) return attr;
  if (epilogue.activation != Activation::relu && epilogue.activation != Activation::clip)
    return std::nullopt;
  const bool clip = epilogue.activation == Activation::clip;
  const auto algorithm = clip ? dnnl::algorithm::eltwise_clip : dnnl::algorithm::eltwise_relu;
  const float alpha = clip ? epilogue.alpha : 0.0F;
  const float beta = clip ? epilogue.beta : 0.0F;
  dnnl::post_ops ops;
#if DNNL_VERSION_MAJOR >= 3
  ops.append_eltwise(algorithm, alpha, beta);
#else
  ops.append_eltwise(1.0F, algorithm, alpha, beta);
#endif
  attr.set_post_ops(ops);
  return attr;
}

Status on_one_thread(const std::function<void()>& body) {
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  Status status;
  try {
    body();
  } catch (const dnnl::error& error) {
    status = Error{ErrorCode::unsupported, std::string("oneDNN: ") + error.what()};
  }
  omp_set_num_threads(threads);
  return status;
}

Result<std::shared_ptr<const Primitive>> PrimitiveCache::get(const Dims& key,
                                                             const Make& make) const {
  const std::lock_guard lock(mutex_);
  for (auto at = entries_.begin(); at != entries_.end(); ++at) {
    if (at->first != key) continue;
    entries_.splice(entries_.begin(), entries_, at);
    return entries_.front().second;
  }
  auto made = std::make_shared<Primitive>();
  OCTET_RETURN_IF_ERROR(on_one_thread([&] { *made = make(); }));
  entries_.emplace_front(key, made);
  if (entries_.size() > kCapacity) entries_.pop_back();
  return std::shared_ptr<const Primitive>(made);
}

Status execute(const Primitive& primitive, const float* source, float* destination) {
  return on_one_thread([&] {
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

}  // namespace octet::runtime::onednn
