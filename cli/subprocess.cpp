#include "cli/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace octet::cli {
namespace {

using Clock = std::chrono::steady_clock;

Error machine_error(const std::string& what, int code) {
  return {ErrorCode::machine, what + ": " + std::strerror(code)};
}

// A running program whose stdout is a pipe.
class Child {
 public:
  ~Child() {
    if (pid_ > 0) end();
    if (out_ >= 0) ::close(out_);
  }
  Child() = default;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // It leads a process group, so that what it starts can be killed with it.
  Status start(const std::vector<std::string>& words) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return machine_error("a pipe", errno);
    out_ = ends[0];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    const int code = ::posix_spawnp(&pid_, argv[0], &actions, &attributes, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    ::close(ends[1]);
    if (code == 0) return {};
    pid_ = -1;
    return Error{ErrorCode::invalid_argument,
                 "'" + words[0] + "' can't be started: " + std::strerror(code)};
  }

  // Everything until stdout is closed and the program has ended; false at the deadline.
  Result<bool> read(std::string& text, std::optional<Clock::time_point> deadline) {
    while (true) {
      pollfd wait{out_, POLLIN, 0};
      const int ready = ::poll(&wait, 1, timeout(deadline));
      if (ready < 0 && errno != EINTR) return machine_error("poll", errno);
      if (ready <= 0) {
        if (deadline && Clock::now() >= *deadline) return false;
        continue;
      }
      std::array<char, 4096> bytes{};
      const ssize_t count = ::read(out_, bytes.data(), bytes.size());
      if (count < 0 && errno != EINTR) return machine_error("a pipe", errno);
      if (count == 0) return true;
      if (count > 0) text.append(bytes.data(), static_cast<size_t>(count));
    }
  }

  // How it ended, as wait() says; nothing where it still runs at the deadline.
  std::optional<int> wait(std::optional<Clock::time_point> deadline) {
    int status = 0;
    while (true) {
      const pid_t ended = ::waitpid(pid_, &status, deadline ? WNOHANG : 0);
      if (ended == pid_) break;
      if (ended < 0 && errno != EINTR) break;
      if (deadline && Clock::now() >= *deadline) return std::nullopt;
      if (ended == 0) ::usleep(1000);
    }
    pid_ = -1;
    return status;
  }

 private:
  static int timeout(std::optional<Clock::time_point> deadline) {
    if (!deadline) return -1;
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(*deadline - Clock::now()).count();
    return static_cast<int>(std::clamp<int64_t>(left + 1, 0, 60'000));
  }

  void end() {
    ::kill(-pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
  }

  pid_t pid_ = -1;
  int out_ = -1;
};

}  // namespace

Result<std::vector<std::string>> split_words(const std::string& text) {
  std::vector<std::string> words;
  bool inside = false;
  char quote = '\0';
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool blank = c == ' ' || c == '\t' || c == '\n';
    if (quote == '\0' && blank) {
      inside = false;
      continue;
    }
    if (!inside) words.emplace_back();
    inside = true;
    if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
      words.back() += text[++i];
    } else if (quote == '\0' && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == quote) {
      quote = '\0';
    } else {
      words.back() += c;
    }
  }
  if (quote != '\0') return Error{ErrorCode::invalid_argument, "a quote isn't closed: " + text};
  if (words.empty()) return Error{ErrorCode::invalid_argument, "the command is empty"};
  return words;
}

Result<std::string> output_of(const std::vector<std::string>& words,
                              std::optional<Clock::time_point> deadline) {
  Child child;
  OCTET_RETURN_IF_ERROR(child.start(words));
  std::string text;
  OCTET_ASSIGN(const bool whole, child.read(text, deadline));
  const auto status = whole ? child.wait(deadline) : std::nullopt;
  if (!status) return Error{ErrorCode::deadline, "'" + words[0] + "' wasn't done at the deadline"};
  if (WIFSIGNALED(*status))
    return invalid_data("'" + words[0] + "' ended by signal " + std::to_string(WTERMSIG(*status)));
  if (WEXITSTATUS(*status) != 0)
    return invalid_data("'" + words[0] + "' ended with status " +
                        std::to_string(WEXITSTATUS(*status)));
  return text;
}

}  // namespace octet::cli
