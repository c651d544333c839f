#pragma once

#include <optional>

#include "engine/ops/common/picks.h"

namespace octet::ops {

/// The shape of Concat(Gather(table, rows, axis 0), tail), the latter along `axis`, which is not
/// the first: a table [R, ..., A, ...], rows [N] and a tail [N, ..., B, ...] make [N, ..., A + B,
/// ...].
Result<Shape> lengthened_shape(const Shape& table, const Shape& rows, const Shape& tail,
                               int64_t axis);

/// These rows' copies, from elements of whole bytes that lie row-major.
class LengthenedRows {
 public:
  /// Fails where a row isn't there. The views' and `to`'s data outlive it.
  static Result<LengthenedRows> of(const TensorView& table, const TensorView& rows,
                                   const TensorView& tail, int64_t axis, std::byte* to);
  size_t count() const { return picks_.count(); }
  /// Contiguous pieces of all rows, in order: each from the table, with its own of the tail behind.
  size_t runs() const { return picks_.count() * row_runs_; }
  size_t run_bytes() const { return kept_ + added_; }
  void copy(size_t first_run, size_t last_run) const;
  void copy_row(size_t row) const { copy(row * row_runs_, (row + 1) * row_runs_); }
  /// What a row is made of.
  const std::byte* kept(size_t row) const { return table_ + picks_[row] * row_runs_ * kept_; }
  const std::byte* added(size_t row) const { return tail_ + row * row_runs_ * added_; }

 private:
  LengthenedRows(Picks picks, const std::byte* table, const std::byte* tail, std::byte* to)
      : picks_(picks), table_(table), tail_(tail), to_(to) {}

  Picks picks_;
  const std::byte *table_, *tail_;
  std::byte* to_;
  size_t row_runs_ = 1;
  size_t kept_ = 0, added_ = 0;  // Bytes of a run.
};

}  // namespace octet::ops
