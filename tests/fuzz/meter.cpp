#include "tests/fuzz/meter.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <ctime>
#include <fstream>
#include <string>

#if defined(__SANITIZE_ADDRESS__)
#define OCTET_HEAP_HOOKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OCTET_HEAP_HOOKS 1
#endif
#endif
#ifdef OCTET_HEAP_HOOKS
#include <sanitizer/allocator_interface.h>
#endif

namespace octet::fuzz {
namespace {

double begin_seconds = 0;

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

#ifdef OCTET_HEAP_HOOKS

std::atomic<int64_t> live{0};
std::atomic<int64_t> peak{0};
int64_t begin_bytes = 0;

void on_malloc(const volatile void* /*memory*/, size_t size) {
  const int64_t now = live += static_cast<int64_t>(size);
  if (now > peak) peak = now;
}
void on_free(const volatile void* memory) {
  if (memory != nullptr)
    live -= static_cast<int64_t>(__sanitizer_get_allocated_size(const_cast<const void*>(memory)));
}

void install() { __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free); }
void start() { peak = begin_bytes = live; }
int64_t peak_bytes() { return peak; }

#else

int64_t begin_bytes = 0;

int64_t status_bytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (int64_t kilobytes = 0; word == key && status >> kilobytes) return kilobytes << 10;
  return 0;
}

void install() {}
void start() {
  std::ofstream("/proc/self/clear_refs") << 5;  // the high water mark falls to what is resident
  begin_bytes = status_bytes("VmRSS:");
}
int64_t peak_bytes() { return status_bytes("VmHWM:"); }

#endif

}  // namespace

void install_meter() { install(); }

void start_meter() {
  start();
  begin_seconds = cpu_seconds();
}

uint64_t metered_bytes() {
  return static_cast<uint64_t>(std::max<int64_t>(peak_bytes() - begin_bytes, 0));
}

double metered_seconds() { return cpu_seconds() - begin_seconds; }

}  // namespace octet::fuzz
