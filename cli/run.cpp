#include <chrono>
#include <fstream>
#include <iostream>

#include "cli/cli.h"
#include "cli/samples.h"

namespace octet::cli::run {
namespace {

struct Arguments {
  std::string model;
  std::vector<std::string> input;
  std::string inputs;
  std::string output_dir;
  std::string profile;
};

Result<Arrays> read_arrays(const Arguments& arguments) {
  Arrays arrays;
  if (!arguments.inputs.empty()) {
    OCTET_ASSIGN(arrays, read_npz(arguments.inputs));
  }
  for (const std::string& pair : arguments.input) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos)
      return Error{ErrorCode::invalid_argument, "--input takes NAME=FILE.npy, not '" + pair + "'"};
    OCTET_ASSIGN(arrays[pair.substr(0, equals)], read_npy(pair.substr(equals + 1)));
  }
  return arrays;
}

std::string file_name(std::string name) {
  for (char& c : name)
    if (c == '/' || c == ':') c = '_';
  return name + ".npy";
}

Tensor to_tensor(const octet_tensor& c) {
  return {static_cast<DType>(c.dtype),
          Dims(c.dims, c.dims + c.rank),
          {static_cast<const std::byte*>(c.data), c.bytes},
          nullptr};
}

void add_step(const octet_step* step, void* user) {
  static_cast<nlohmann::json*>(user)->push_back(
      {{"name", step->node},
       {"cat", step->op[0] == '\0' ? "convert" : step->op},
       {"ph", "X"},
       {"pid", 1},
       {"tid", 1},
       {"ts", static_cast<double>(step->start_ns) / 1e3},
       {"dur", static_cast<double>(step->duration_ns) / 1e3},
       {"args",
        {{"kernel", step->kernel},
         {"isa", step->isa},
         {"provider", step->provider},
         {"macs", step->macs}}}});
}

int write_outputs(const Results& results, const std::vector<Port>& ports, const std::string& dir) {
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  if (error) return fail(kMachine, dir + ": " + error.message());
  for (size_t i = 0; i < results.size(); ++i) {
    const auto path = std::filesystem::path(dir) / file_name(ports[i].name);
    if (const auto status = write_npy(path, to_tensor(results[i])); !status)
      return fail(status.error());
  }
  return kDone;
}

void print_outputs(const Results& results, const std::vector<Port>& ports) {
  for (size_t i = 0; i < results.size(); ++i) {
    const Tensor tensor = to_tensor(results[i]);
    std::string text = ports[i].name + " " + std::string(dtype_name(tensor.dtype())) +
                       to_string(to_shape(tensor.dims())) + ":";
    const auto values = tensor.to_float();
    for (size_t k = 0; k < values.size() && k < 8; ++k) {
      char number[32];
      std::snprintf(number, sizeof(number), " %.6g", static_cast<double>(values[k]));
      text += number;
    }
    std::cout << text << (values.size() > 8 ? " ..." : "") << "\n";
  }
}

int execute(const Arguments& arguments, const Global& global) {
  const auto arrays = read_arrays(arguments);
  if (!arrays) return fail(arrays.error());
  auto session = Session::load(arguments.model, global.session_options());
  if (!session) return fail(session.failure());
  std::vector<std::string> names;
  for (const Port& port : session->inputs()) names.push_back(port.name);
  const auto tensors =
      pick_inputs(*arrays, names, arguments.inputs.empty() ? "--input" : arguments.inputs);
  if (!tensors) return fail(tensors.error());
  std::vector<TensorRef> refs;
  for (const Tensor& tensor : *tensors) refs.push_back(to_ref(tensor));

  nlohmann::json trace = nlohmann::json::array();
  octet_run_options options{};
  options.deadline_ms = global.deadline_ms;
  if (!arguments.profile.empty()) {
    options.profile = add_step;
    options.user = &trace;
  }
  const auto results = session->run(refs, &options);
  if (!results) return fail(results.failure());
  if (!arguments.profile.empty()) {
    std::ofstream file(arguments.profile);
    file << nlohmann::json{{"traceEvents", trace}}.dump(1) << "\n";
    if (!file) return fail(kMachine, arguments.profile + ": can't be written");
  }
  if (!arguments.output_dir.empty())
    return write_outputs(*results, session->outputs(), arguments.output_dir);
  print_outputs(*results, session->outputs());
  return kDone;
}

}  // namespace

void add(CLI::App& app, Global& global, int& exit_code) {
  auto* verb = app.add_subcommand("run", "Run a model once");
  auto arguments = std::make_shared<Arguments>();
  verb->add_option("MODEL", arguments->model, "An ONNX file")->required();
  verb->add_option("--input", arguments->input, "NAME=FILE.npy, for each input");
  verb->add_option("--inputs", arguments->inputs, "An .npz whose arrays are named as the inputs");
  verb->add_option("--output-dir", arguments->output_dir, "Write NAME.npy for each output here");
  verb->add_option("--profile", arguments->profile, "Write a Chrome trace of the steps");
  verb->callback([arguments, &global, &exit_code] { exit_code = execute(*arguments, global); });
}

}  // namespace octet::cli::run
