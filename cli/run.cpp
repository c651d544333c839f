#include <algorithm>
#include <iostream>

#include "cli/cli.h"
#include "cli/samples.h"
#include "engine/ir/file_output.h"

namespace octet::cli::run {
namespace {

struct Arguments {
  std::string model;
  std::vector<std::string> input;
  std::string inputs;
  std::string output_dir;
  std::string profile;
};

Result<Arrays> read_arrays(const Arguments& arguments, const std::vector<std::string>& names) {
  Arrays arrays;
  if (!arguments.inputs.empty()) {
    OCTET_ASSIGN(arrays, read_npz(arguments.inputs));
  }
  for (const std::string& pair : arguments.input) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos)
      return Error{ErrorCode::invalid_argument, "--input takes NAME=FILE.npy, not '" + pair + "'"};
    const std::string name = pair.substr(0, equals);
    if (std::find(names.begin(), names.end(), name) == names.end())
      return Error{ErrorCode::invalid_argument, "--input: the model has no input '" + name + "'"};
    OCTET_ASSIGN(arrays[name], read_npy(pair.substr(equals + 1)));
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
  // All files are whole on the disk before the first takes its name.
  std::vector<std::unique_ptr<FileOutput>> files;
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i].dtype == OCTET_LIST || results[i].dtype == OCTET_STRING)
      return fail(kBadInput, "output '" + ports[i].name +
                                 "' holds strings or a list, which .npy files don't: leave "
                                 "--output-dir out to see it");
    const auto path = std::filesystem::path(dir) / file_name(ports[i].name);
    files.push_back(std::make_unique<FileOutput>(path));
    if (const auto status = write_npy(*files.back(), to_tensor(results[i])); !status)
      return fail(Error(status.error()).in("output '" + ports[i].name + "'"));
  }
  for (const auto& file : files)
    if (const auto status = file->commit(); !status) return fail(status.error());
  return kDone;
}

void print_output(const std::string& name, const octet_tensor& result) {
  if (result.dtype == OCTET_LIST) {
    const auto* entries = static_cast<const octet_tensor*>(result.data);
    std::cout << name << " list of " << result.dims[0] << "\n";
    for (int64_t k = 0; k < result.dims[0]; ++k)
      print_output(name + "[" + std::to_string(k) + "]", entries[k]);
    return;
  }
  constexpr size_t kShown = 8;
  std::string text = name + " " + std::string(dtype_name(static_cast<DType>(result.dtype))) +
                     to_string(to_shape({result.dims, result.dims + result.rank})) + ":";
  size_t count = 0;
  if (result.dtype == OCTET_STRING) {
    const auto* strings = static_cast<const octet_string*>(result.data);
    count = result.bytes / sizeof(octet_string);
    for (size_t k = 0; k < std::min(count, kShown); ++k)
      text += " " + nlohmann::json(std::string(strings[k].data, strings[k].size))
                        .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  } else {
    const auto values = to_tensor(result).to_float();
    count = values.size();
    for (size_t k = 0; k < std::min(count, kShown); ++k) {
      char number[32];
      std::snprintf(number, sizeof(number), " %.6g", static_cast<double>(values[k]));
      text += number;
    }
  }
  std::cout << text << (count > kShown ? " ..." : "") << "\n";
}

void print_outputs(const Results& results, const std::vector<Port>& ports) {
  for (size_t i = 0; i < results.size(); ++i) print_output(ports[i].name, results[i]);
}

int execute(const Arguments& arguments, const Global& global) {
  auto session = Session::load(arguments.model, global.session_options());
  if (!session) return fail(session.failure());
  std::vector<std::string> names;
  for (const Port& port : session->inputs()) names.push_back(port.name);
  const auto arrays = read_arrays(arguments, names);
  if (!arrays) return fail(arrays.error());
  FileOutput profile(arguments.profile);
  if (!arguments.profile.empty())
    if (const auto status = profile.open(); !status) return fail(status.error());
  const auto tensors =
      pick_inputs(*arrays, names, arguments.inputs.empty() ? "--input" : arguments.inputs);
  if (!tensors) return fail(tensors.error());
  std::vector<TensorRef> refs;
  for (const Tensor& tensor : *tensors) refs.push_back(to_ref(tensor));
  if (global.tune)
    if (const auto failure = session->tune(refs)) return fail(*failure);

  nlohmann::json trace = nlohmann::json::array();
  if (const auto status = global.check_deadline(); !status) return fail(status.error());
  octet_run_options options = global.c_run_options();
  if (!arguments.profile.empty()) {
    options.profile = add_step;
    options.user = &trace;
  }
  const auto results = session->run(refs, &options);
  if (!results) return fail(to_error(results.failure()).in(arguments.model));
  if (!arguments.profile.empty()) {
    auto status = profile.write(to_text({{"traceEvents", trace}}));
    if (status) status = profile.commit();
    if (!status) return fail(status.error());
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
