#include <atomic>
#include <cstdlib>
#include <map>
#include <new>

#include "tests/models/bundled.h"

// Every allocation of the program passes here: `allocate` takes its memory from operator new too.

namespace {

std::atomic<size_t> allocations{0};

void* counted(size_t size, size_t alignment) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  const size_t rounded = (size + alignment - 1) / alignment * alignment;
  return std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
}
void* counted_or_throw(size_t size, size_t alignment) {
  void* memory = counted(size, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
constexpr size_t kDefault = __STDCPP_DEFAULT_NEW_ALIGNMENT__;

}  // namespace

void* operator new(size_t size) { return counted_or_throw(size, kDefault); }
void* operator new[](size_t size) { return counted_or_throw(size, kDefault); }
void* operator new(size_t size, std::align_val_t alignment) {
  return counted_or_throw(size, static_cast<size_t>(alignment));
}
void* operator new[](size_t size, std::align_val_t alignment) {
  return counted_or_throw(size, static_cast<size_t>(alignment));
}
void* operator new(size_t size, const std::nothrow_t&) noexcept { return counted(size, kDefault); }
void* operator new[](size_t size, const std::nothrow_t&) noexcept {
  return counted(size, kDefault);
}
void* operator new(size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return counted(size, static_cast<size_t>(alignment));
}
void* operator new[](size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return counted(size, static_cast<size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }

namespace octet::testing {
namespace {

using runtime::OutputTarget;

// Memory for the results of these inputs.
struct Memory {
  std::vector<std::vector<std::byte>> bytes;
  std::vector<OutputTarget> targets;
};
Memory memory_for(const std::vector<Tensor>& outputs) {
  Memory memory;
  for (const Tensor& output : outputs) {
    memory.bytes.emplace_back(output.bytes().size());
    memory.targets.push_back({memory.bytes.back().data(), output.bytes().size(), {}, {}});
  }
  return memory;
}

// "gemm_s8 2, softmax_f32 1": the steps of a run that allocate.
std::string allocating_steps(runtime::Program& program, const std::vector<Tensor>& inputs,
                             Memory& memory) {
  std::map<std::string, size_t> steps;
  size_t before = 0;
  runtime::RunOptions options;
  options.profile = [&](const runtime::StepProfile& step) {
    const size_t now = allocations.load();
    if (now != before) steps[step.info->kernel] += now - before;
    before = allocations.load();
  };
  REQUIRE(program.run(inputs, memory.targets, options).ok());  // Counts products once.
  before = allocations.load();
  steps.clear();
  REQUIRE(program.run(inputs, memory.targets, options).ok());
  std::string text;
  for (const auto& [kernel, count] : steps) text += kernel + " " + std::to_string(count) + ", ";
  return text;
}

TEST_CASE("a run of a shape that was seen before allocates nothing") {
  for (const auto& path : bundled_models())
    for (const Form& form : all_forms(path))
      for (const size_t threads : {1, 2}) {
        runtime::CompileOptions options;
        options.threads = threads;
        const auto program = compiled(form, options);
        for (const int64_t length : {30, 24}) {
          const auto inputs = made_up_inputs(*form.graph, length);
          Memory memory = memory_for(results(*program, inputs));
          const runtime::RunOptions plain;
          REQUIRE(program->run(inputs, memory.targets, plain).ok());
          const size_t before = allocations.load();
          const auto status = program->run(inputs, memory.targets, plain);
          const size_t made = allocations.load() - before;
          REQUIRE(status.ok());
          INFO(form.name << ", " << threads << " threads, length " << length << ": "
                         << (made == 0 ? "" : allocating_steps(*program, inputs, memory)));
          CHECK(made == 0);
        }
      }
}

}  // namespace
}  // namespace octet::testing
