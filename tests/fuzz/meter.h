#pragma once

#include <cstdint>

namespace octet::fuzz {

/// Measures this process from here on; once, before start_meter.
void install_meter();
/// Begins a measurement.
void start_meter();
/// The most memory that was in use at once since then, beyond what was in use then. Under the
/// address sanitizer the bytes on the heap, else the process's resident pages.
uint64_t metered_bytes();
/// Seconds of this process's CPU time since then, all threads together.
double metered_seconds();

}  // namespace octet::fuzz
