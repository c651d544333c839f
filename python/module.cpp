// octet._octet: the C interface as Python sees it. Arrays are neither copied on the way in nor on
// the way out; the interpreter's lock is free while a model is loaded or run.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "octet/octet.hpp"

namespace py = pybind11;

namespace {

struct Element {
  octet_dtype dtype;
  const char* numpy;
  const char* onnx;
};
// Without a NumPy type of its own, bfloat16 goes as the bits of uint16.
constexpr std::array<Element, 13> kElements = {{{OCTET_FLOAT, "f4", "float"},
                                                {OCTET_UINT8, "u1", "uint8"},
                                                {OCTET_INT8, "i1", "int8"},
                                                {OCTET_UINT16, "u2", "uint16"},
                                                {OCTET_INT16, "i2", "int16"},
                                                {OCTET_INT32, "i4", "int32"},
                                                {OCTET_INT64, "i8", "int64"},
                                                {OCTET_BOOL, "?", "bool"},
                                                {OCTET_FLOAT16, "f2", "float16"},
                                                {OCTET_DOUBLE, "f8", "double"},
                                                {OCTET_UINT32, "u4", "uint32"},
                                                {OCTET_UINT64, "u8", "uint64"},
                                                {OCTET_BFLOAT16, "u2", "bfloat16"}}};

const Element& element_of(octet_dtype dtype) {
  for (const Element& element : kElements)
    if (element.dtype == dtype) return element;
  throw py::type_error("no NumPy type for ONNX element type " +
                       std::to_string(static_cast<int>(dtype)));
}

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

struct Argument {
  std::string name;
  std::string type;
  py::list shape;
};

Argument argument_of(const octet::Port& port) {
  Argument argument{port.name, std::string("tensor(") + element_of(port.dtype).onnx + ")",
                    py::list()};
  for (size_t i = 0; i < port.dims.size(); ++i) {
    if (port.dims[i] >= 0)
      argument.shape.append(port.dims[i]);
    else if (port.symbols[i].empty())
      argument.shape.append(py::none());
    else
      argument.shape.append(port.symbols[i]);
  }
  return argument;
}

// The array as the model's element type; a view where it is one already.
py::array as_input(const octet::Port& port, const py::handle& value) {
  const py::dtype wanted(element_of(port.dtype).numpy);
  auto array = py::array::ensure(value, py::array::c_style);
  if (!array) throw py::error_already_set();
  if (!array.dtype().is(wanted) && !array.dtype().equal(wanted))
    throw py::type_error("input '" + port.name + "' takes " + element_of(port.dtype).onnx +
                         ", got " + py::str(array.dtype()).cast<std::string>());
  return array;
}

octet::TensorRef reference_to(const octet::Port& port, const py::array& array) {
  return {port.dtype,
          const_cast<void*>(array.data()),
          static_cast<size_t>(array.nbytes()),
          {array.shape(), array.shape() + array.ndim()}};
}

class Session {
 public:
  Session(const std::string& path, const octet::Options& options) : session_(load(path, options)) {
    inputs_ = session_.inputs();
    outputs_ = session_.outputs();
  }
  std::vector<Argument> inputs() const { return arguments(inputs_); }
  std::vector<Argument> outputs() const { return arguments(outputs_); }

  /// All outputs, in the model's order; `feeds` is in the order of the inputs.
  py::list run(const py::list& feeds) {
    std::vector<py::array> arrays;
    std::vector<octet::TensorRef> tensors;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      arrays.push_back(as_input(inputs_[i], feeds[i]));
      tensors.push_back(reference_to(inputs_[i], arrays.back()));
    }
    auto results = [&] {
      const py::gil_scoped_release unlocked;
      return session_.run(tensors);
    }();
    if (!results) raise(results.failure());
    return arrays_over(std::make_unique<octet::Results>(std::move(*results)));
  }

 private:
  static octet::Session load(const std::string& path, const octet::Options& options) {
    auto session = [&] {
      const py::gil_scoped_release unlocked;
      return octet::Session::load(path, options);
    }();
    if (!session) raise(session.failure());
    return std::move(*session);
  }
  static std::vector<Argument> arguments(const std::vector<octet::Port>& ports) {
    std::vector<Argument> list;
    for (const octet::Port& port : ports) list.push_back(argument_of(port));
    return list;
  }
  // The arrays keep the results alive.
  static py::list arrays_over(std::unique_ptr<octet::Results> results) {
    const octet::Results& kept = *results;
    const py::capsule owner(results.release(),
                            [](void* p) { delete static_cast<octet::Results*>(p); });
    py::list list;
    for (size_t i = 0; i < kept.size(); ++i) {
      const octet_tensor tensor = kept[i];
      list.append(
          py::array(py::dtype(element_of(tensor.dtype).numpy), kept.dims(i), tensor.data, owner));
    }
    return list;
  }

  octet::Session session_;
  std::vector<octet::Port> inputs_;
  std::vector<octet::Port> outputs_;
};

}  // namespace

PYBIND11_MODULE(_octet, module) {
  module.attr("version") = octet_version();
  py::class_<Argument>(module, "NodeArg", "An input or output of a model.")
      .def_readonly("name", &Argument::name)
      .def_readonly("type", &Argument::type, "as \"tensor(float)\"")
      .def_readonly("shape", &Argument::shape, "extents; a name or None where one is free");
  py::class_<Session>(module, "Session")
      .def(py::init([](const std::string& path, size_t threads, std::string provider,
                       std::string isa, size_t memory) {
             octet::Options options;
             options.threads = threads;
             options.provider = std::move(provider);
             options.isa = std::move(isa);
             options.memory_bytes = memory;
             return Session(path, options);
           }),
           py::arg("path"), py::arg("threads"), py::arg("provider"), py::arg("isa"),
           py::arg("memory"))
      .def("inputs", &Session::inputs)
      .def("outputs", &Session::outputs)
      .def("run", &Session::run);
}
