#include "cli/calibration.h"

#include <unistd.h>

#include <fstream>
#include <iostream>

#include "engine/ir/file_output.h"

namespace octet::cli {
namespace {

Status progress(size_t done, size_t all) {
  if (isatty(STDERR_FILENO) != 0)
    std::cerr << "\rcalibrating " << done << "/" << all << (done == all ? "\n" : "") << std::flush;
  return {};
}

}  // namespace

Result<runtime::TrialOptions> trial_options(const Global& global) {
  OCTET_ASSIGN(auto compile, global.compile_options());
  return runtime::TrialOptions{std::move(compile), global.run_options(), progress};
}

Result<std::string> read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) return invalid_data(path + ": can't be read");
  return text;
}

Result<quant::Observations> read_observations(const std::vector<std::string>& paths) {
  std::optional<quant::Observations> all;
  for (const std::string& path : paths) {
    OCTET_ASSIGN(const std::string text, read_text(path));
    auto read = quant::from_text(text);
    if (!read) return std::move(read).error().in(path);
    if (!all) {
      all = std::move(*read);
    } else if (auto status = all->merge(*read); !status) {
      return std::move(status).error().in(path);
    }
  }
  if (!all) return invalid_data("there are no observations to merge");
  return std::move(*all);
}

Status write_observations(const std::filesystem::path& path,
                          const quant::Observations& observations) {
  FileOutput file(path);
  OCTET_RETURN_IF_ERROR(file.open());
  OCTET_RETURN_IF_ERROR(file.write(quant::to_text(observations)));
  OCTET_RETURN_IF_ERROR(file.sync());
  return file.commit();
}

}  // namespace octet::cli
