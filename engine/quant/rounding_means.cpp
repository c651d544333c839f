#include "engine/quant/rounding_means.h"

#include <algorithm>

#include "engine/quant/channel_statistics.h"

namespace octet::quant {
namespace {

template <typename T>
void errors_of(const RoundedValue& form, const TensorView& view, std::vector<float>& errors) {
  const float* x = view.as<float>();
  for (size_t i = 0; i < errors.size(); ++i) {
    const T code = octet::quantize<T>(x[i], form.scale, form.zero_point);
    errors[i] = dequantize(code, form.scale, form.zero_point) - x[i];
  }
}

// A view like `view` of Q(x) - x, which lies in `errors`.
TensorView rounding_errors(const RoundedValue& form, const TensorView& view,
                           std::vector<float>& errors) {
  errors.resize(static_cast<size_t>(view.count()));
  visit_dtype(form.storage, TypeList<uint8_t, int8_t, uint16_t, int16_t>{},
              [&]<typename T>() { errors_of<T>(form, view, errors); });
  TensorView result = view;
  result.data = reinterpret_cast<std::byte*>(errors.data());
  return result;
}

}  // namespace

void RoundingMeans::want(const RoundedValue& form) {
  if (known_.count(form) == 0) wanted_.push_back(form);
}

Status RoundingMeans::measure(const Graph& real, const Calibrate& calibrate) {
  if (wanted_.empty()) return {};
  std::map<RoundedValue, ChannelStatistics> sums;
  for (RoundedValue& form : wanted_) sums[std::move(form)];
  wanted_.clear();
  std::vector<float> errors;
  const auto sink = [&](std::string_view name, const TensorView& view) -> Status {
    if (view.dtype != DType::f32) return {};
    RoundedValue first;
    first.value = name;
    first.storage = DType::undefined;
    for (auto at = sums.lower_bound(first); at != sums.end() && at->first.value == name; ++at)
      if (auto status = at->second.add(rounding_errors(at->first, view, errors), {at->first.axis});
          !status)
        return std::move(status).error().in("calibration: value '" + std::string(name) + "'");
    return {};
  };
  if (auto samples = calibrate(real, sink); !samples) return std::move(samples).error();
  for (const auto& [form, sum] : sums) {
    std::vector<double>& means = known_[form];
    for (size_t c = 0; c < sum.channels(); ++c) means.push_back(sum.mean(c));
  }
  return {};
}

const std::vector<double>* RoundingMeans::find(const RoundedValue& form) const {
  const auto at = known_.find(form);
  return at == known_.end() || at->second.empty() ? nullptr : &at->second;
}

}  // namespace octet::quant
