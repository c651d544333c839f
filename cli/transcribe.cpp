#include "cli/recognition.h"

namespace octet::cli::transcribe {

void add(CLI::App& app, Global& global, int& exit_code) {
  add_recognition_verb(app, global, exit_code, false);
}

}  // namespace octet::cli::transcribe
