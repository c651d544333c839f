#include "cli/recognition.h"

namespace octet::cli::translate {

void add(CLI::App& app, Global& global, int& exit_code) {
  add_recognition_verb(app, global, exit_code, true);
}

}  // namespace octet::cli::translate
