#include "kernels/convert/convert.h"

namespace octet::kernels {
namespace {

// Elements of a chunk that are worth waking a thread for.
constexpr size_t kGrain = 65536;

template <typename From, typename To>
void spread(void (*map)(const From*, To*, size_t), const From* x, To* y, size_t count,
            Parallel& parallel) {
  parallel.for_ranges(count, kGrain,
                      [&](size_t begin, size_t end) { map(x + begin, y + begin, end - begin); });
}

}  // namespace

void convert(const ConvertTable& table, const Half* x, float* y, size_t count, Parallel& parallel) {
  spread(table.half_to_float, x, y, count, parallel);
}
void convert(const ConvertTable& table, const float* x, Half* y, size_t count, Parallel& parallel) {
  spread(table.float_to_half, x, y, count, parallel);
}
void convert(const ConvertTable& table, const Bfloat16* x, float* y, size_t count,
             Parallel& parallel) {
  spread(table.bfloat16_to_float, x, y, count, parallel);
}
void convert(const ConvertTable& table, const float* x, Bfloat16* y, size_t count,
             Parallel& parallel) {
  spread(table.float_to_bfloat16, x, y, count, parallel);
}

}  // namespace octet::kernels
