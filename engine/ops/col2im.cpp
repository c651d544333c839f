#include <cstring>

#include "engine/ir/stop.h"
#include "engine/ops/common/movement.h"

namespace octet::ops::col2im {
namespace {

struct Col2ImAttrs {
  std::vector<int64_t> dilations;
  std::vector<int64_t> pads;
  std::vector<int64_t> strides;
  static constexpr auto fields() {
    return std::tuple{field("dilations", &Col2ImAttrs::dilations),
                      field("pads", &Col2ImAttrs::pads), field("strides", &Col2ImAttrs::strides)};
  }
};

Status infer(InferContext& context) {
  context.set_tensor(0, context.dtype(0));
  const auto* image = context.elements(1);
  const auto* block = context.elements(2);
  if (!context.has_rank(0) || image == nullptr || block == nullptr) return {};
  const Shape& x = context.shape(0);
  if (x.size() != 3 || image->size() != block->size()) return invalid_model("ranks don't fit");
  Shape out{x[0], floor_div(x[1], element_count(*block))};
  out.insert(out.end(), image->begin(), image->end());
  context.set_tensor(0, context.dtype(0), std::move(out));
  return {};
}

// Positions of the blocks and places within one, by axis.
struct Geometry {
  Dims image;
  Dims block;
  Dims dilations;
  Dims pads;
  Dims strides;
  Dims positions;
};

int64_t product(const Dims& dims) {
  int64_t count = 1;
  for (const int64_t d : dims) count *= d;
  return count;
}

Result<Geometry> geometry_of(const Col2ImAttrs& attrs, const RunContext& context) {
  Geometry g;
  g.image = movement::integers_of(context.input(1));
  g.block = movement::integers_of(context.input(2));
  const size_t axes = g.image.size();
  g.dilations = attrs.dilations.empty() ? Dims(axes, 1) : attrs.dilations;
  g.strides = attrs.strides.empty() ? Dims(axes, 1) : attrs.strides;
  g.pads = attrs.pads.empty() ? Dims(2 * axes, 0) : attrs.pads;
  if (g.dilations.size() != axes || g.strides.size() != axes || g.pads.size() != 2 * axes)
    return invalid_model("an attribute doesn't have an entry an axis");
  for (size_t a = 0; a < axes; ++a) {
    if (g.strides[a] <= 0) return invalid_model("a stride isn't positive");
    const int64_t span =
        g.image[a] + g.pads[a] + g.pads[a + axes] - g.dilations[a] * (g.block[a] - 1) - 1;
    g.positions.push_back(span < 0 ? 0 : span / g.strides[a] + 1);
  }
  return g;
}

// The pixel of a position and a place in the block; -1 where it is padding.
int64_t pixel(const Geometry& g, int64_t position, int64_t place) {
  int64_t at = 0;
  int64_t step = 1;
  for (size_t a = g.image.size(); a-- > 0;) {
    const int64_t i =
        position % g.positions[a] * g.strides[a] + place % g.block[a] * g.dilations[a] - g.pads[a];
    if (i < 0 || i >= g.image[a]) return -1;
    at += i * step;
    step *= g.image[a];
    position /= g.positions[a];
    place /= g.block[a];
  }
  return at;
}

template <typename T>
void add_blocks(const Geometry& g, const TensorView& x, const TensorView& y) {
  const int64_t places = product(g.block);
  const int64_t positions = product(g.positions);
  const int64_t pixels = product(g.image);
  const int64_t images = y.dims[0] * y.dims[1];
  StopPoll poll;
  for (int64_t i = 0; i < images; ++i)
    for (int64_t place = 0; place < places; ++place)
      for (int64_t position = 0; position < positions; ++position) {
        poll(4);
        const int64_t at = pixel(g, position, place);
        if (at < 0) continue;
        T& to = y.as<T>()[i * pixels + at];
        to = static_cast<T>(to + x.as<T>()[(i * places + place) * positions + position]);
      }
}

Status run(const Attrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  OCTET_ASSIGN(const Geometry g, geometry_of(attrs.as<Col2ImAttrs>(), context));
  if (product(g.positions) != x.dims[2]) return invalid_data("the blocks don't cover the image");
  std::memset(y.data, 0, y.bytes().size());
  const bool known =
      visit_dtype(x.dtype, NumericTypes{}, [&]<typename T>() { add_blocks<T>(g, x, y); });
  return known ? Status{} : unsupported("elements of type {}", dtype_name(x.dtype));
}

constexpr Implementation kRows[] = {reference<run>()};

}  // namespace

extern const OpDef Col2Im;
const OpDef Col2Im = {.domain = "",
                      .name = "Col2Im",
                      .since = 18,
                      .inputs = {3, 3},
                      .attrs = attr_codec<Col2ImAttrs>(),
                      .infer = infer,
                      .implementations = kRows};

}  // namespace octet::ops::col2im
