#include "engine/ops/common/fourier.h"
#include "engine/ops/op.h"
#include "kernels/fourier_f32/fourier_f32.h"

// octet.PowerBands: sums over bands of the power spectra of windowed frames, as of a mel filter
// bank. signal f32 [B, samples(, 1)], frame_step, window f32 [N] of an even N, filters f32 [N / 2 +
// 1, bands], all but the signal constants -> [B, T, bands], T = (samples - N) / step + 1.

namespace octet::ops::power_bands {
namespace {

using kernels::kSpectrumCell;
using kernels::kSpectrumLanes;

Status infer(InferContext& context) {
  const auto step = context.known_elements(1);
  if (!context.has_rank(0) || !context.has_rank(2) || !context.has_rank(3) || !step) {
    context.set_tensor(0, context.dtype(0));
    return {};
  }
  const Shape& x = context.shape(0);
  if (x.size() < 2) return invalid_model("the signal must be [batch, samples]");
  const Dim frames = floor_div(x[1] - context.shape(2)[0], Dim((*step)[0])) + Dim(1);
  context.set_tensor(0, context.dtype(0), Shape{x[0], frames, context.shape(3)[1]});
  return {};
}

// Each band's bins from the first to the last with a weight.
struct Bands {
  explicit Bands(const Tensor& filters) {
    const auto bins = static_cast<size_t>(filters.dims()[0]);
    const auto count = static_cast<size_t>(filters.dims()[1]);
    const auto values = filters.as<float>();
    for (size_t j = 0; j < count; ++j) {
      size_t first = 0, last = bins;
      while (first < last && values[first * count + j] == 0) ++first;
      while (first < last && values[(last - 1) * count + j] == 0) --last;
      firsts.push_back(first < last ? first : 0);
      for (size_t k = first; k < last; ++k) weights.push_back(values[k * count + j]);
      begins.push_back(weights.size());
    }
  }
  kernels::SpectrumBands view() const {
    return {firsts.size(), firsts.data(), begins.data(), weights.data()};
  }

  std::vector<size_t> firsts;
  std::vector<size_t> begins = {0};
  std::vector<float> weights;
};

class PowerBandsStep final : public Step {
 public:
  explicit PowerBandsStep(const LowerContext& context)
      : step_(static_cast<size_t>(context.constant(1)->to_int64()[0])),
        window_(context.constant(2)->to_float()),
        bands_(*context.constant(3)),
        plan_(window_.size() / 2, false),
        turns_(fourier_roots<float>(window_.size(), window_.size() / 4 + 1, -1.0)),
        variant_(kernels::select_fourier_f32(context.cpu())) {}

  size_t scratch_bytes(std::span<const TensorView> /*inputs*/,
                       std::span<const TensorView> /*outputs*/, size_t width) const override {
    return width * share_floats() * sizeof(float);
  }

  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    const TensorView& y = context.output(0);
    const auto samples = static_cast<size_t>(x.dims[1]);
    if (samples < window_.size())
      return invalid_data("frames of {} don't fit a signal of {}", window_.size(), samples);
    const auto frames = static_cast<size_t>(y.dims[1]);
    const size_t groups = (frames + kSpectrumLanes - 1) / kSpectrumLanes;
    const size_t count = static_cast<size_t>(x.dims[0]) * groups;
    const size_t shares = std::min(context.parallel().width(), count);
    context.parallel().for_ranges(shares, 1, [&](size_t begin, size_t end) {
      for (size_t share = begin; share < end; ++share) {
        auto* scratch = reinterpret_cast<float*>(context.scratch().data());
        scratch += share * share_floats();
        for (size_t i = share * count / shares; i < (share + 1) * count / shares; ++i) {
          const size_t row = i / groups, first = i % groups * kSpectrumLanes;
          run_frames(x.as<float>() + row * samples, samples, first,
                     std::min(kSpectrumLanes, frames - first),
                     y.as<float>() + (row * frames + first) * bands_.firsts.size(), scratch);
        }
      }
    });
    return {};
  }
  StepInfo info() const override { return {"fourier_f32", "native", variant_.isa}; }

 private:
  // Cells of the frames and of their transform, of the largest radix, and a group's samples.
  size_t cell_floats() const { return plan_.length() * kSpectrumCell; }
  size_t radix_floats() const { return plan_.largest_radix() * kSpectrumCell; }
  size_t group_samples() const { return (kSpectrumLanes - 1) * step_ + window_.size(); }
  size_t share_floats() const {
    const size_t floats = 2 * cell_floats() + radix_floats() + group_samples();
    return (floats + kSpectrumLanes - 1) / kSpectrumLanes * kSpectrumLanes;
  }

  // `count` frames of a row from the first one on; zeros where a lane has none.
  void run_frames(const float* x, size_t samples, size_t first, size_t count, float* y,
                  float* scratch) const {
    float* cells = scratch;
    float* points = cells + cell_floats();
    float* radix = points + cell_floats();
    const float* from = x + first * step_;
    if (count < kSpectrumLanes) {
      float* group = radix + radix_floats();
      const size_t heard = std::min(samples - first * step_, group_samples());
      std::fill(std::copy_n(from, heard, group), group + group_samples(), 0.0F);
      from = group;
    }
    const kernels::FourierF32Table& table = *variant_.table;
    table.load_frames(from, step_, window_.data(), window_.size(), cells);
    table.transform(plan_.plan(), cells, points, radix);
    table.power(points, window_.size(), turns_.data(), cells);
    table.sum_bands(cells, bands_.view(), count, y, bands_.firsts.size());
  }

  size_t step_;
  std::vector<float> window_;
  Bands bands_;
  FourierPlanOf<float> plan_;
  std::vector<float> turns_;
  const kernels::FourierF32Variant& variant_;
};

Result<std::unique_ptr<Step>> prepare(const LowerContext& context) {
  return std::unique_ptr<Step>(std::make_unique<PowerBandsStep>(context));
}

constexpr Implementation kImplementations[] = {{.name = "fourier_f32", .prepare = prepare}};

}  // namespace

extern const OpDef PowerBands;
const OpDef PowerBands = {
    .domain = kOctetDomain,
    .name = "PowerBands",
    .inputs = {4, 4},
    .attrs = attr_codec<NoAttrs>(),
    .infer = infer,
    .implementations = kImplementations,
    .foldable = false,
};

}  // namespace octet::ops::power_bands
