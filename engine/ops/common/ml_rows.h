#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/ops/op.h"

// What the models of ai.onnx.ml share: rows of features, and what is done to rows of scores.

namespace octet::ml {

inline constexpr std::string_view kDomain = "ai.onnx.ml";

/// A batch of rows as double, exact for every input type but large int64; one axis is one row.
struct Rows {
  size_t count = 0;
  size_t width = 0;
  std::vector<double> values;
  std::span<const double> row(size_t i) const { return {values.data() + i * width, width}; }
};
Result<Rows> rows_of(const TensorView& view);

/// The extent of a batch: the first of two axes, 1 where there is one axis.
Dim batch_of(const InferContext& context);

/// Fails unless input 0 is float, double, int32 or int64.
Status require_numbers(const InferContext& context);

enum class PostTransform : uint8_t { none, softmax, logistic, softmax_zero };
/// PROBIT is refused: implementations take an approximation of its own accuracy.
Result<PostTransform> post_transform_of(const std::string& name);
void apply(PostTransform transform, std::span<double> scores);
double logistic(double value);

/// Class labels: integers or strings, exactly one of the lists filled.
struct Labels {
  std::vector<int64_t> integers;
  std::vector<std::string> strings;
  size_t size() const { return strings.empty() ? integers.size() : strings.size(); }
  DType dtype() const { return strings.empty() ? DType::s64 : DType::string; }
};
Status check_labels(const Labels& labels);
/// Writes the labels of `classes` (one a row) as output 0.
Status give_labels(RunContext& context, const Labels& labels, const std::vector<size_t>& classes);
/// Writes rows of scores as f32 output `i`, [rows, width].
Status give_scores(RunContext& context, size_t i, const std::vector<double>& scores, size_t rows,
                   size_t width);

}  // namespace octet::ml
