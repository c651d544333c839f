#pragma once

#include <xnnpack.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "runtime/xnnpack/module.h"

// What differs between XNNPACK's releases, for xnnpack.cpp alone. Up to the middle of 2023 an
// operator learns shape and data at once (xnn_setup); releases since 2024's end tell the shape
// apart (xnn_reshape), take the channels there where no weights hold them, and have one operator
// each for element-wise functions of one and of two arguments. CMake looks which it is.

namespace octet::runtime::xnnpack {

struct DeleteOperator {
  void operator()(xnn_operator_t handle) const { xnn_delete_operator(handle); }
};
struct Free {
  void operator()(void* memory) const { std::free(memory); }
};
using Memory = std::unique_ptr<std::byte, Free>;

inline Result<Memory> allocate(size_t bytes) {
  constexpr size_t kLine = 64;
  Memory memory(
      static_cast<std::byte*>(std::aligned_alloc(kLine, (bytes + kLine - 1) / kLine * kLine)));
  if (memory == nullptr) return Error{ErrorCode::machine, "XNNPACK: out of memory"};
  return memory;
}

/// An operator with its packed weights, and the workspace of its largest run.
struct Operator {
  std::unique_ptr<xnn_operator, DeleteOperator> handle;
  Memory workspace;
  size_t workspace_bytes = 0;
};

/// Stands for arguments that only some releases take: caches, tables, quantization. All are
/// pointers that may be null.
struct Null {
  template <typename T>
  operator T*() const {  // NOLINT(google-explicit-constructor)
    return nullptr;
  }
};

template <typename Function>
struct Signature;
template <typename... P>
struct Signature<xnn_status (*)(P...)> {
  static constexpr size_t kCount = sizeof...(P);
};

/// As many elements as `Count`, made by f(index).
template <size_t Count, typename F>
auto tuple_of(F&& f) {
  return [&]<size_t... I>(std::index_sequence<I...>) { return std::tuple{f(I)...}; }
  (std::make_index_sequence<Count>{});
}

inline Status checked(xnn_status status, const char* what) {
  if (status == xnn_status_success) return {};
  if (status == xnn_status_out_of_memory)
    return Error{ErrorCode::machine, std::string("XNNPACK: no memory for ") + what};
  return unsupported("XNNPACK refuses {} (status {})", what, static_cast<int>(status));
}

/// create(head..., as many nulls as the release takes, tail..., &handle).
template <typename Create, typename Head, typename Tail = std::tuple<>>
Result<Operator> made(const char* what, Create create, const Head& head, const Tail& tail = {}) {
  constexpr size_t kGiven = std::tuple_size_v<Head> + std::tuple_size_v<Tail> + 1;
  constexpr size_t kNulls = Signature<Create>::kCount - kGiven;
  xnn_operator_t handle = nullptr;
  const auto nulls = tuple_of<kNulls>([](size_t) { return Null{}; });
  OCTET_RETURN_IF_ERROR(
      checked(std::apply(create, std::tuple_cat(head, nulls, tail, std::tuple{&handle})), what));
  Operator op;
  op.handle.reset(handle);
  return op;
}

#ifdef OCTET_XNNPACK_RESHAPES

inline std::tuple<> channels_at_creation(size_t) { return {}; }
inline std::tuple<size_t, size_t, size_t> channels_at_run(size_t count) {
  return {count, count, count};
}

#define OCTET_XNNPACK_RUN(name) xnn_reshape_##name, xnn_setup_##name

/// Runs on data of the shape `sizes`, on the calling thread.
template <typename Sizes, typename Data, typename Reshape, typename Setup>
Status run(Operator& op, const char* what, const Sizes& sizes, const Data& data, Reshape reshape,
           Setup setup) {
  // What the shape answers: the bytes of the workspace, where there is one, and output extents.
  constexpr size_t kAnswers = Signature<Reshape>::kCount - std::tuple_size_v<Sizes> - 2;
  constexpr bool kWorkspace = Signature<Setup>::kCount == std::tuple_size_v<Data> + 2;
  std::array<size_t, kAnswers + 1> answers{};
  const auto pointers = tuple_of<kAnswers>([&](size_t i) { return &answers[i]; });
  const std::tuple self{op.handle.get()};
  const std::tuple caller_thread{pthreadpool_t{nullptr}};
  OCTET_RETURN_IF_ERROR(
      checked(std::apply(reshape, std::tuple_cat(self, sizes, pointers, caller_thread)), what));
  if constexpr (kWorkspace) {
    if (answers[0] > op.workspace_bytes) {
      OCTET_ASSIGN(op.workspace, allocate(answers[0]));
      op.workspace_bytes = answers[0];
    }
    const std::tuple workspace{static_cast<void*>(op.workspace.get())};
    OCTET_RETURN_IF_ERROR(checked(std::apply(setup, std::tuple_cat(self, workspace, data)), what));
  } else {
    OCTET_RETURN_IF_ERROR(checked(std::apply(setup, std::tuple_cat(self, data)), what));
  }
  return checked(xnn_run_operator(op.handle.get(), nullptr), what);
}

inline Result<Operator> made_unary(Unary function, Range range) {
  constexpr xnn_unary_operator kOperators[] = {xnn_unary_clamp, xnn_unary_sigmoid,
                                               xnn_unary_hardswish};
  xnn_unary_params params{};
  params.clamp.min = range.low;
  params.clamp.max = range.high;
  const xnn_unary_params* given = function == Unary::clamp ? &params : nullptr;
  return made("an element-wise function", xnn_create_unary_elementwise_nc,
              std::tuple{kOperators[static_cast<size_t>(function)], xnn_datatype_fp32,
                         xnn_datatype_fp32, given},
              std::tuple{uint32_t{0}});
}
template <typename Sizes, typename Data>
Status ran_unary(Unary, Operator& op, const Sizes& sizes, const Data& data) {
  return run(op, "an element-wise function", sizes, data, OCTET_XNNPACK_RUN(unary_elementwise_nc));
}

inline Result<Operator> made_binary(Binary function) {
  constexpr xnn_binary_operator kOperators[] = {xnn_binary_add, xnn_binary_subtract,
                                                xnn_binary_multiply};
  return made("element-wise arithmetic", xnn_create_binary_elementwise_nd,
              std::tuple{kOperators[static_cast<size_t>(function)], xnn_datatype_fp32},
              std::tuple{uint32_t{0}});
}
template <typename Sizes, typename Data>
Status ran_binary(Binary, Operator& op, const Sizes& sizes, const Data& data) {
  return run(op, "element-wise arithmetic", sizes, data, OCTET_XNNPACK_RUN(binary_elementwise_nd));
}

#else

inline std::tuple<size_t, size_t, size_t> channels_at_creation(size_t count) {
  return {count, count, count};
}
inline std::tuple<> channels_at_run(size_t) { return {}; }

#define OCTET_XNNPACK_RUN(name) xnn_setup_##name

/// Runs on data of the shape `sizes`, on the calling thread.
template <typename Sizes, typename Data, typename Setup>
Status run(Operator& op, const char* what, const Sizes& sizes, const Data& data, Setup setup) {
  const std::tuple self{op.handle.get()};
  const std::tuple caller_thread{pthreadpool_t{nullptr}};
  OCTET_RETURN_IF_ERROR(
      checked(std::apply(setup, std::tuple_cat(self, sizes, data, caller_thread)), what));
  return checked(xnn_run_operator(op.handle.get(), nullptr), what);
}

inline Result<Operator> made_unary(Unary function, Range range) {
  const auto channels = channels_at_creation(1);
  if (function == Unary::clamp)
    return made("a clamp", xnn_create_clamp_nc_f32,
                std::tuple_cat(channels, std::tuple{range.low, range.high, uint32_t{0}}));
  const auto create =
      function == Unary::sigmoid ? xnn_create_sigmoid_nc_f32 : xnn_create_hardswish_nc_f32;
  return made("an element-wise function", create,
              std::tuple_cat(channels, std::tuple{uint32_t{0}}));
}
template <typename Sizes, typename Data>
Status ran_unary(Unary function, Operator& op, const Sizes& sizes, const Data& data) {
  constexpr decltype(&xnn_setup_clamp_nc_f32) kSetups[] = {
      xnn_setup_clamp_nc_f32, xnn_setup_sigmoid_nc_f32, xnn_setup_hardswish_nc_f32};
  return run(op, "an element-wise function", sizes, data, kSetups[static_cast<size_t>(function)]);
}

inline Result<Operator> made_binary(Binary function) {
  constexpr decltype(&xnn_create_add_nd_f32) kCreators[] = {
      xnn_create_add_nd_f32, xnn_create_subtract_nd_f32, xnn_create_multiply_nd_f32};
  constexpr Range kAll;
  return made("element-wise arithmetic", kCreators[static_cast<size_t>(function)],
              std::tuple{kAll.low, kAll.high, uint32_t{0}});
}
template <typename Sizes, typename Data>
Status ran_binary(Binary function, Operator& op, const Sizes& sizes, const Data& data) {
  constexpr decltype(&xnn_setup_add_nd_f32) kSetups[] = {
      xnn_setup_add_nd_f32, xnn_setup_subtract_nd_f32, xnn_setup_multiply_nd_f32};
  return run(op, "element-wise arithmetic", sizes, data, kSetups[static_cast<size_t>(function)]);
}

#endif

}  // namespace octet::runtime::xnnpack
