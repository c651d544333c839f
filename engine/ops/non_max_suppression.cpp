#include <algorithm>
#include <limits>
#include <numeric>

#include "engine/ops/op.h"

namespace octet::ops::non_max_suppression {
namespace {

struct NmsAttrs {
  int64_t center_point_box = 0;
  static constexpr auto fields() {
    return std::tuple{field("center_point_box", &NmsAttrs::center_point_box)};
  }
};

Status infer(InferContext& context) {
  for (size_t i = 0; i < 2; ++i)
    if (context.has_rank(i) && context.shape(i).size() != 3)
      return invalid_model("boxes and scores must have three axes");
  context.set_tensor(0, DType::s64, Shape{Dim::fresh(), Dim(3)});
  return {};
}

struct Box {
  float top, left, bottom, right;
  float area() const { return (bottom - top) * (right - left); }
};

Box box_of(const float* p, bool by_center) {
  if (by_center) return {p[1] - p[3] / 2, p[0] - p[2] / 2, p[1] + p[3] / 2, p[0] + p[2] / 2};
  // Any two opposite corners.
  return {std::min(p[0], p[2]), std::min(p[1], p[3]), std::max(p[0], p[2]), std::max(p[1], p[3])};
}

bool overlap(const Box& a, const Box& b, float threshold) {
  const float height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  const float width = std::min(a.right, b.right) - std::max(a.left, b.left);
  if (height <= 0.0F || width <= 0.0F) return false;
  const float both = height * width;
  return both / (a.area() + b.area() - both) > threshold;
}

struct Limits {
  int64_t boxes = 0;
  float overlap = 0.0F;
  float score = -std::numeric_limits<float>::infinity();
};

// Greedy: the best box goes in, those that overlap with it go out.
std::vector<int64_t> select(const std::vector<Box>& boxes, const float* scores,
                            const Limits& limits) {
  std::vector<int64_t> order(boxes.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  std::erase_if(order, [&](int64_t i) { return !(scores[i] > limits.score); });
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return scores[a] > scores[b]; });
  std::vector<int64_t> chosen;
  for (const int64_t i : order) {
    if (static_cast<int64_t>(chosen.size()) >= limits.boxes) break;
    const bool hidden = std::any_of(chosen.begin(), chosen.end(), [&](int64_t j) {
      return overlap(boxes[static_cast<size_t>(i)], boxes[static_cast<size_t>(j)], limits.overlap);
    });
    if (!hidden) chosen.push_back(i);
  }
  return chosen;
}

Status run(const Attrs& attrs, RunContext& context) {
  const TensorView& boxes = context.input(0);
  const TensorView& scores = context.input(1);
  const int64_t count = boxes.dims[1];
  if (boxes.dims[2] != 4 || scores.dims[0] != boxes.dims[0] || scores.dims[2] != count)
    return invalid_data("boxes and scores don't fit each other");
  Limits limits;
  if (context.has_input(2)) limits.boxes = *context.input(2).as<int64_t>();
  if (context.has_input(3)) limits.overlap = *context.input(3).as<float>();
  if (context.has_input(4)) limits.score = *context.input(4).as<float>();
  const bool by_center = attrs.as<NmsAttrs>().center_point_box != 0;
  std::vector<int64_t> rows;
  for (int64_t n = 0; n < boxes.dims[0]; ++n) {
    std::vector<Box> image;
    for (int64_t i = 0; i < count; ++i)
      image.push_back(box_of(boxes.as<float>() + (n * count + i) * 4, by_center));
    for (int64_t c = 0; c < scores.dims[1]; ++c) {
      if (context.stopped()) return Error{ErrorCode::deadline, "stopped"};
      const float* of_class = scores.as<float>() + (n * scores.dims[1] + c) * count;
      for (const int64_t i : select(image, of_class, limits)) rows.insert(rows.end(), {n, c, i});
    }
  }
  OCTET_RETURN_IF_ERROR(context.allocate(0, {static_cast<int64_t>(rows.size() / 3), 3}));
  std::copy(rows.begin(), rows.end(), context.output(0).as<int64_t>());
  return {};
}

constexpr Implementation kImplementations[] = {reference<run>()};

}  // namespace

extern const OpDef NonMaxSuppression;
const OpDef NonMaxSuppression = {
    .domain = "",
    .name = "NonMaxSuppression",
    .since = 10,
    .inputs = {2, 5},
    .attrs = attr_codec<NmsAttrs>(),
    .infer = infer,
    .implementations = kImplementations,
};

}  // namespace octet::ops::non_max_suppression
