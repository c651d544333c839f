#pragma once

#include "engine/ops/step.h"

namespace octet {

/// The places that indices ask for along an axis, checked before a run uses them. They are signed
/// integers of 32 or 64 bits; a negative one counts from the end.
class Picks {
 public:
  static Result<Picks> of(const TensorView& indices, size_t extent) {
    const Picks picks(indices, static_cast<int64_t>(extent));
    for (size_t i = 0; i < picks.count(); ++i)
      if (const int64_t index = picks.index(i); index < -picks.extent_ || index >= picks.extent_)
        return invalid_data("index {} is outside {} rows", index, extent);
    return picks;
  }
  size_t count() const { return count_; }
  size_t operator[](size_t i) const {
    const int64_t at = index(i);
    return static_cast<size_t>(at < 0 ? at + extent_ : at);
  }

 private:
  Picks(const TensorView& indices, int64_t extent)
      : data_(indices.data),
        wide_(indices.dtype == DType::s64),
        count_(static_cast<size_t>(indices.count())),
        extent_(extent) {}
  int64_t index(size_t i) const {
    return wide_ ? reinterpret_cast<const int64_t*>(data_)[i]
                 : reinterpret_cast<const int32_t*>(data_)[i];
  }

  const std::byte* data_;
  bool wide_;
  size_t count_;
  int64_t extent_;
};

}  // namespace octet
