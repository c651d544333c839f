#pragma once

// The C++ interface of octet: header-only over octet.h. No exceptions: what can fail gives an
// Expected<T>.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "octet/octet.h"

namespace octet {

/// Why something failed.
struct Failure {
  octet_status status = OCTET_OK;
  std::string message;
};

/// A T or a Failure.
template <typename T>
class [[nodiscard]] Expected {
 public:
  Expected(T value) : state_(std::in_place_index<0>, std::move(value)) {}            // NOLINT
  Expected(Failure failure) : state_(std::in_place_index<1>, std::move(failure)) {}  // NOLINT
  explicit operator bool() const { return state_.index() == 0; }
  T& operator*() { return std::get<0>(state_); }
  const T& operator*() const { return std::get<0>(state_); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  const Failure& failure() const { return std::get<1>(state_); }

 private:
  std::variant<T, Failure> state_;
};

template <typename T>
constexpr octet_dtype dtype_of() {
  using U = std::remove_const_t<T>;
  if constexpr (std::is_same_v<U, float>)
    return OCTET_FLOAT;
  else if constexpr (std::is_same_v<U, double>)
    return OCTET_DOUBLE;
  else if constexpr (std::is_same_v<U, uint8_t>)
    return OCTET_UINT8;
  else if constexpr (std::is_same_v<U, int8_t>)
    return OCTET_INT8;
  else if constexpr (std::is_same_v<U, uint16_t>)
    return OCTET_UINT16;
  else if constexpr (std::is_same_v<U, int16_t>)
    return OCTET_INT16;
  else if constexpr (std::is_same_v<U, uint32_t>)
    return OCTET_UINT32;
  else if constexpr (std::is_same_v<U, int32_t>)
    return OCTET_INT32;
  else if constexpr (std::is_same_v<U, uint64_t>)
    return OCTET_UINT64;
  else if constexpr (std::is_same_v<U, int64_t>)
    return OCTET_INT64;
  else {
    static_assert(std::is_same_v<U, bool>, "no ONNX element type");
    return OCTET_BOOL;
  }
}

/// A row-major tensor over memory that the caller owns and keeps.
struct TensorRef {
  octet_dtype dtype = OCTET_FLOAT;
  void* data = nullptr;
  size_t bytes = 0;
  std::vector<int64_t> dims;

  template <typename T>
  TensorRef(std::span<T> values, std::vector<int64_t> extents)
      : dtype(dtype_of<T>()),
        data(const_cast<std::remove_const_t<T>*>(values.data())),
        bytes(values.size_bytes()),
        dims(std::move(extents)) {}
  template <typename T>
  TensorRef(const std::vector<T>& values, std::vector<int64_t> extents)
      : TensorRef(std::span<const T>(values), std::move(extents)) {}
  TensorRef(octet_dtype type, void* memory, size_t size, std::vector<int64_t> extents)
      : dtype(type), data(memory), bytes(size), dims(std::move(extents)) {}

  octet_tensor c() const { return {dtype, data, bytes, dims.data(), dims.size()}; }
};

struct Options {
  size_t threads = 0;
  std::string provider = "auto";
  std::string isa{};                      ///< "": the strongest that this CPU has.
  size_t memory_bytes = 0;                ///< What the session may take; 0: no limit.
  size_t bindings = 0;                    ///< Sets of input dims that it remembers; 0: the default.
  std::string cache{};                    ///< The folder of packed weights; "": none.
  std::chrono::milliseconds deadline{0};  ///< For loading or quantizing; 0: none.
  const int* cancel = nullptr;  ///< Loading or quantizing ends soon after it becomes non-zero.
};

/// What the model says of an input or output; -1 and a symbol where an extent isn't fixed.
struct Port {
  std::string name;
  octet_dtype dtype = OCTET_FLOAT;
  bool rank_known = true;
  std::vector<int64_t> dims;
  std::vector<std::string> symbols;
  std::string type;  ///< As text: "float[batch,80]", "sequence(float[n])".
};

namespace detail {
struct Deleter {
  void operator()(octet_error* p) const { octet_error_free(p); }
  void operator()(octet_options* p) const { octet_options_free(p); }
  void operator()(octet_session* p) const { octet_session_free(p); }
  void operator()(octet_results* p) const { octet_results_free(p); }
  void operator()(octet_pending* p) const { octet_pending_free(p); }
};
template <typename T>
using Handle = std::unique_ptr<T, Deleter>;

inline std::optional<Failure> take(octet_error* error) {
  const Handle<octet_error> owner(error);
  if (!owner) return std::nullopt;
  return Failure{octet_error_status(owner.get()), octet_error_message(owner.get())};
}

inline Expected<Handle<octet_options>> to_c(const Options& options) {
  Handle<octet_options> c(octet_options_new());
  octet_options_set_threads(c.get(), options.threads);
  octet_options_set_memory(c.get(), options.memory_bytes);
  octet_options_set_deadline(c.get(), options.deadline.count(), options.cancel);
  octet_options_set_bindings(c.get(), options.bindings);
  if (auto f = take(octet_options_set_provider(c.get(), options.provider.c_str()))) return *f;
  if (!options.isa.empty())
    if (auto f = take(octet_options_set_isa(c.get(), options.isa.c_str()))) return *f;
  if (auto f = take(octet_options_set_cache(c.get(), options.cache.c_str()))) return *f;
  return c;
}
}  // namespace detail

/// Messages of `level` and above go to `sink` from now on, for the whole process; octet_log_to.
/// `sink` and what it captures must live until the next call; an empty one ends it.
using LogSink = std::function<void(std::string_view level, std::string_view message)>;
inline std::optional<Failure> log_to(const LogSink& sink, const std::string& level) {
  const octet_log_sink call = [](const char* at, const char* message, void* user) {
    (*static_cast<const LogSink*>(user))(at, message);
  };
  return detail::take(
      octet_log_to(sink ? call : nullptr, const_cast<LogSink*>(&sink), level.c_str()));
}

/// The results of a run, in the order of the model's outputs.
class Results {
 public:
  explicit Results(octet_results* results) : handle_(results) {}
  size_t size() const { return octet_results_count(handle_.get()); }
  octet_tensor operator[](size_t i) const { return octet_results_get(handle_.get(), i); }
  std::vector<int64_t> dims(size_t i) const {
    const octet_tensor t = (*this)[i];
    return {t.dims, t.dims + t.rank};
  }
  /// Elements of result i; empty when it is of another type.
  template <typename T>
  std::span<const T> values(size_t i) const {
    const octet_tensor t = (*this)[i];
    if (t.dtype != dtype_of<T>()) return {};
    return {static_cast<const T*>(t.data), t.bytes / sizeof(T)};
  }
  /// Elements of result i where it holds strings, else empty.
  std::vector<std::string_view> strings(size_t i) const {
    const octet_tensor t = (*this)[i];
    std::vector<std::string_view> list;
    if (t.dtype != OCTET_STRING) return list;
    const auto* texts = static_cast<const octet_string*>(t.data);
    for (size_t k = 0; k < t.bytes / sizeof(octet_string); ++k)
      list.emplace_back(texts[k].data, texts[k].size);
    return list;
  }
  /// Entries of result i where it is a list (a sequence, an optional, a map), else empty.
  std::span<const octet_tensor> list(size_t i) const {
    const octet_tensor t = (*this)[i];
    if (t.dtype != OCTET_LIST) return {};
    return {static_cast<const octet_tensor*>(t.data), t.bytes / sizeof(octet_tensor)};
  }

 private:
  detail::Handle<octet_results> handle_;
};

/// A run that was started. Letting go of it ends nothing.
class Pending {
 public:
  explicit Pending(octet_pending* pending) : handle_(pending) {}
  /// The run ends soon with OCTET_DEADLINE, unless it is over.
  void cancel() const { octet_pending_cancel(handle_.get()); }
  /// Until the run's function has returned.
  void wait() const { octet_pending_wait(handle_.get()); }

 private:
  detail::Handle<octet_pending> handle_;
};

/// A compiled model. Runs may be concurrent.
class Session {
 public:
  static Expected<Session> load(const std::string& path, const Options& options = {}) {
    const auto c = detail::to_c(options);
    if (!c) return c.failure();
    octet_session* session = nullptr;
    if (auto f = detail::take(octet_session_load(path.c_str(), c->get(), &session))) return *f;
    return Session(session);
  }
  /// A model in memory, not needed any more afterwards. External data is looked for in `folder`; an
  /// empty one refuses it.
  static Expected<Session> load(std::span<const std::byte> model, const std::string& folder = {},
                                const Options& options = {}) {
    const auto c = detail::to_c(options);
    if (!c) return c.failure();
    octet_session* session = nullptr;
    const char* where = folder.empty() ? nullptr : folder.c_str();
    if (auto f = detail::take(
            octet_session_load_memory(model.data(), model.size(), where, c->get(), &session)))
      return *f;
    return Session(session);
  }

  std::vector<Port> inputs() const {
    return ports(octet_session_input_count(handle_.get()), octet_session_input,
                 octet_session_input_type);
  }
  std::vector<Port> outputs() const {
    return ports(octet_session_output_count(handle_.get()), octet_session_output,
                 octet_session_output_type);
  }

  /// Inputs in the order of inputs().
  Expected<Results> run(std::span<const TensorRef> tensors,
                        const octet_run_options* options = nullptr) {
    std::vector<octet_tensor> c;
    for (const TensorRef& tensor : tensors) c.push_back(tensor.c());
    octet_results* results = nullptr;
    if (auto f =
            detail::take(octet_session_run(handle_.get(), c.data(), c.size(), options, &results)))
      return *f;
    return Results(results);
  }
  /// Measures providers at these inputs and keeps the fastest of each node: octet_session_tune.
  std::optional<Failure> tune(std::span<const TensorRef> tensors) {
    std::vector<octet_tensor> c;
    for (const TensorRef& tensor : tensors) c.push_back(tensor.c());
    return detail::take(octet_session_tune(handle_.get(), c.data(), c.size()));
  }
  Expected<Results> run(std::initializer_list<TensorRef> tensors) {
    return run(std::span<const TensorRef>(tensors.begin(), tensors.size()));
  }

  /// Starts a run and calls `done` with its results on another thread. The tensors' memory must
  /// live until then; `done` must not throw, nor end the session. A failure here: it is never
  /// called.
  Expected<Pending> run_async(std::span<const TensorRef> tensors,
                              std::function<void(Expected<Results>)> done,
                              const octet_run_options* options = nullptr) {
    using Done = std::function<void(Expected<Results>)>;
    std::vector<octet_tensor> c;
    for (const TensorRef& tensor : tensors) c.push_back(tensor.c());
    auto kept = std::make_unique<Done>(std::move(done));
    const octet_done call = [](octet_error* error, octet_results* results, void* user) {
      const std::unique_ptr<Done> mine(static_cast<Done*>(user));
      if (auto f = detail::take(error))
        (*mine)(*f);
      else
        (*mine)(Results(results));
    };
    octet_pending* pending = nullptr;
    if (auto f = detail::take(octet_session_run_async(handle_.get(), c.data(), c.size(), options,
                                                      call, kept.get(), &pending)))
      return *f;
    (void)kept.release();
    return Pending(pending);
  }

  /// The same into the caller's memory, which must not overlap the inputs': a tensor for each
  /// output, in order; `bytes` is its capacity, and where `dims` is of the result's rank, the
  /// result's extents take its place. Nothing when it worked.
  std::optional<Failure> run_into(std::span<const TensorRef> tensors, std::span<TensorRef> outputs,
                                  const octet_run_options* options = nullptr) {
    std::vector<octet_tensor> in;
    std::vector<octet_tensor> out;
    for (const TensorRef& tensor : tensors) in.push_back(tensor.c());
    for (const TensorRef& tensor : outputs) out.push_back(tensor.c());
    return detail::take(octet_session_run_into(handle_.get(), in.data(), in.size(), out.data(),
                                               out.size(), options));
  }

 private:
  explicit Session(octet_session* session) : handle_(session) {}
  template <typename Get, typename Text>
  std::vector<Port> ports(size_t count, Get get, Text text) const {
    std::vector<Port> list;
    for (size_t i = 0; i < count; ++i) {
      const octet_port p = get(handle_.get(), i);
      Port port{p.name,
                p.dtype,
                p.rank_known != 0,
                {p.dims, p.dims + p.rank},
                {},
                text(handle_.get(), i)};
      for (size_t d = 0; d < p.rank; ++d) port.symbols.emplace_back(p.symbols[d]);
      list.push_back(std::move(port));
    }
    return list;
  }
  detail::Handle<octet_session> handle_;
};

}  // namespace octet
