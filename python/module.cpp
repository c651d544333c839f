// octet._octet: the C interface as Python sees it. Values are tuples (element type, array, dims);
// for strings a list of bytes stands in place of the array, for lists one of such tuples. Arrays
// are neither copied on the way in nor on the way out; the interpreter's lock is free while octet
// works.
#include <pybind11/functional.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <deque>

#include "octet/octet.hpp"
#include "octet/octet_op.h"
#include "octet/octet_quantize.hpp"

namespace py = pybind11;

namespace {

// The statuses of octet_status as the exceptions that Python has for them.
[[noreturn]] void raise(const octet::Failure& failure) {
  switch (failure.status) {
    case OCTET_UNSUPPORTED:
      PyErr_SetString(PyExc_NotImplementedError, failure.message.c_str());
      break;
    case OCTET_LIMIT:
    case OCTET_MACHINE: PyErr_SetString(PyExc_MemoryError, failure.message.c_str()); break;
    case OCTET_DEADLINE: PyErr_SetString(PyExc_TimeoutError, failure.message.c_str()); break;
    default: PyErr_SetString(PyExc_ValueError, failure.message.c_str());
  }
  throw py::error_already_set();
}

// Tensors over values of Python, which it keeps alive.
class Values {
 public:
  octet::TensorRef of(const py::handle& value) {
    const octet_tensor c = tensor(value);
    return {c.dtype, c.data, c.bytes, {c.dims, c.dims + c.rank}};
  }

 private:
  octet_tensor tensor(const py::handle& value) {
    const auto parts = value.cast<py::tuple>();
    const auto dtype = static_cast<octet_dtype>(parts[0].cast<int>());
    const auto& dims = dims_.emplace_back(parts[2].cast<std::vector<int64_t>>());
    if (dtype == OCTET_STRING) return strings(parts[1].cast<py::list>(), dims);
    if (dtype == OCTET_LIST) return list(parts[1].cast<py::list>(), dims);
    auto array = py::array::ensure(parts[1], py::array::c_style);
    if (!array) throw py::error_already_set();
    const octet_tensor c{dtype, const_cast<void*>(array.data()),
                         static_cast<size_t>(array.nbytes()), dims.data(), dims.size()};
    kept_.push_back(std::move(array));
    return c;
  }
  octet_tensor strings(const py::list& texts, const std::vector<int64_t>& dims) {
    auto& views = strings_.emplace_back();
    for (const py::handle text : texts)
      views.push_back(
          {PyBytes_AsString(text.ptr()), static_cast<size_t>(PyBytes_Size(text.ptr()))});
    kept_.push_back(texts);
    return {OCTET_STRING, views.data(), views.size() * sizeof(octet_string), dims.data(),
            dims.size()};
  }
  octet_tensor list(const py::list& values, const std::vector<int64_t>& dims) {
    std::vector<octet_tensor> entries;
    for (const py::handle value : values) entries.push_back(tensor(value));
    auto& kept = lists_.emplace_back(std::move(entries));
    return {OCTET_LIST, kept.data(), kept.size() * sizeof(octet_tensor), dims.data(), dims.size()};
  }

  std::deque<std::vector<int64_t>> dims_;
  std::deque<std::vector<octet_string>> strings_;
  std::deque<std::vector<octet_tensor>> lists_;
  std::vector<py::object> kept_;
};

// A result; arrays keep `owner` alive.
py::tuple to_python(const octet_tensor& tensor, const py::capsule& owner) {
  const py::tuple dims = py::cast(std::vector<int64_t>(tensor.dims, tensor.dims + tensor.rank));
  py::object data;
  if (tensor.dtype == OCTET_STRING) {
    py::list texts;
    const auto* strings = static_cast<const octet_string*>(tensor.data);
    for (size_t i = 0; i < tensor.bytes / sizeof(octet_string); ++i)
      texts.append(py::bytes(strings[i].data, strings[i].size));
    data = texts;
  } else if (tensor.dtype == OCTET_LIST) {
    py::list values;
    const auto* entries = static_cast<const octet_tensor*>(tensor.data);
    for (size_t i = 0; i < tensor.bytes / sizeof(octet_tensor); ++i)
      values.append(to_python(entries[i], owner));
    data = values;
  } else {
    data = py::array(py::dtype("u1"), {tensor.bytes}, tensor.data, owner);
  }
  return py::make_tuple(static_cast<int>(tensor.dtype), data, dims);
}

class Session {
 public:
  explicit Session(octet::Session session) : session_(std::move(session)) {}

  /// (name, type, shape) of each port; extents are numbers, names, or None.
  py::list inputs() const { return ports(session_.inputs()); }
  py::list outputs() const { return ports(session_.outputs()); }

  /// All outputs, in the model's order; `feeds` is in the order of the inputs.
  py::list run(const py::list& feeds) {
    Values values;
    std::vector<octet::TensorRef> tensors;
    for (const py::handle feed : feeds) tensors.push_back(values.of(feed));
    auto results = [&] {
      const py::gil_scoped_release unlocked;
      return session_.run(tensors);
    }();
    if (!results) raise(results.failure());
    auto kept = std::make_unique<octet::Results>(std::move(*results));
    const octet::Results& made = *kept;
    const py::capsule owner(kept.release(),
                            [](void* p) { delete static_cast<octet::Results*>(p); });
    py::list list;
    for (size_t i = 0; i < made.size(); ++i) list.append(to_python(made[i], owner));
    return list;
  }

 private:
  static py::list ports(const std::vector<octet::Port>& all) {
    py::list list;
    for (const octet::Port& port : all) {
      py::list shape;
      for (size_t i = 0; i < port.dims.size(); ++i) {
        if (port.dims[i] >= 0)
          shape.append(port.dims[i]);
        else if (port.symbols[i].empty())
          shape.append(py::none());
        else
          shape.append(port.symbols[i]);
      }
      list.append(py::make_tuple(port.name, port.type, shape));
    }
    return list;
  }

  octet::Session session_;
};

octet::Options options_of(size_t threads, std::string provider, std::string isa, size_t memory,
                          std::string cache) {
  octet::Options options;
  options.threads = threads;
  options.provider = std::move(provider);
  options.isa = std::move(isa);
  options.memory_bytes = memory;
  options.cache = std::move(cache);
  return options;
}

template <typename Load>
Session loaded(Load&& load) {
  auto session = [&] {
    const py::gil_scoped_release unlocked;
    return load();
  }();
  if (!session) raise(session.failure());
  return Session(std::move(*session));
}

// Calls into Python from a quantization: what is thrown there ends it, and is thrown again.
class Calls {
 public:
  template <typename F>
  bool attempt(F&& f) {
    const py::gil_scoped_acquire locked;
    try {
      return f();
    } catch (...) {
      thrown_ = std::current_exception();
      return false;
    }
  }
  void rethrow() const {
    if (thrown_) std::rethrow_exception(thrown_);
  }
  std::optional<Values> values;

 private:
  std::exception_ptr thrown_;
};

using Words = std::vector<std::pair<std::string, std::string>>;

py::list quantize(const std::string& model, const std::string& output, const Words& words,
                  size_t threads, size_t memory, size_t samples, const py::function& sample,
                  const py::object& progress) {
  Calls calls;
  octet::QuantizeOptions options;
  options.words = words;
  options.run.threads = threads;
  options.run.memory_bytes = memory;
  options.samples = samples;
  options.sample = [&](size_t i, const std::vector<std::string>& names) {
    std::vector<octet::TensorRef> tensors;
    const bool given = calls.attempt([&] {
      calls.values.emplace();
      for (const py::handle value : sample(i, names).cast<py::list>())
        tensors.push_back(calls.values->of(value));
      return true;
    });
    return given ? tensors : std::vector<octet::TensorRef>();
  };
  if (!progress.is_none())
    options.progress = [&](std::string_view stage, size_t done, size_t all) {
      return calls.attempt([&] {
        if (PyErr_CheckSignals() != 0) throw py::error_already_set();
        const py::object answer = progress(py::str(stage.data(), stage.size()), done, all);
        return !answer.is(py::bool_(false));
      });
    };
  auto nodes = [&] {
    const py::gil_scoped_release unlocked;
    return octet::quantize(model, output, options);
  }();
  calls.rethrow();
  if (!nodes) raise(nodes.failure());
  py::list rows;
  for (const auto& node : *nodes)
    rows.append(py::make_tuple(node.node, node.op, node.outcome, node.reason, node.macs));
  return rows;
}

}  // namespace

PYBIND11_MODULE(_octet, module) {
  module.attr("version") = octet_version();
  py::class_<Session>(module, "Session")
      .def("inputs", &Session::inputs)
      .def("outputs", &Session::outputs)
      .def("run", &Session::run);
  module.def("load", [](const std::string& path, size_t threads, const std::string& provider,
                        const std::string& isa, size_t memory, const std::string& cache) {
    return loaded([&] {
      return octet::Session::load(path, options_of(threads, provider, isa, memory, cache));
    });
  });
  module.def("load_memory", [](const py::bytes& model, size_t threads, const std::string& provider,
                               const std::string& isa, size_t memory, const std::string& cache) {
    const std::string_view bytes = model;
    return loaded([&] {
      return octet::Session::load(std::as_bytes(std::span(bytes)), {},
                                  options_of(threads, provider, isa, memory, cache));
    });
  });
  module.def("quantize", &quantize);
  module.def(
      "load_ops",
      [](const std::string& path) {
        if (const auto failure = octet::detail::take(octet_load_ops(path.c_str()))) raise(*failure);
      },
      py::arg("path"), "Loads a module with operators (octet_op.h) for models loaded from now on.");
}
