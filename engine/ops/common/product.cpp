#include "engine/ops/common/product.h"

#include <algorithm>
#include <span>

#include "engine/ops/gemm.h"
#include "engine/ops/matmul.h"

namespace octet::ops {

ProductSpec product_spec(const Node& node) {
  ProductSpec spec;
  if (node.attrs.is<MatMulAttrs>()) {
    const auto& attrs = node.attrs.as<MatMulAttrs>();
    spec.transpose_a = attrs.transpose_a;
    spec.transpose_b = attrs.transpose_b;
    spec.alpha = attrs.alpha;
    spec.epilogue = attrs.epilogue;
  } else {
    const auto& attrs = node.attrs.as<GemmAttrs>();
    spec.transpose_a = attrs.trans_a != 0;
    spec.transpose_b = attrs.trans_b != 0;
    spec.alpha = attrs.alpha;
    spec.beta = attrs.beta;
    spec.epilogue = attrs.epilogue;
  }
  size_t inputs = node.inputs.size();
  if (spec.epilogue.residual != Epilogue::Residual::none) spec.residual = --inputs;
  if (inputs > 2 && node.has_input(2)) spec.addend = 2;
  return spec;
}

Result<std::optional<Shape>> product_output_shape(const std::optional<Shape>& a,
                                                  const std::optional<Shape>& b, bool transpose_a,
                                                  bool transpose_b) {
  if (!a || !b) return std::optional<Shape>();
  if (a->empty() || b->empty()) return invalid_model("a factor is a scalar");
  const std::string both = to_string(*a) + " and " + to_string(*b);
  Shape left = *a;
  Shape right = *b;
  if (a->size() == 1) left.insert(left.begin(), Dim(1));
  if (b->size() == 1) right.push_back(Dim(1));
  if (transpose_a) std::swap(left[left.size() - 1], left[left.size() - 2]);
  if (transpose_b) std::swap(right[right.size() - 1], right[right.size() - 2]);
  const Dim& depth_a = left[left.size() - 1];
  const Dim& depth_b = right[right.size() - 2];
  if (depth_a.known() && depth_b.known() && depth_a != depth_b)
    return invalid_model("shapes {} can't be multiplied", both);
  auto out = broadcast(Shape(left.begin(), left.end() - 2), Shape(right.begin(), right.end() - 2));
  if (!out) return invalid_model("the batches of {} don't broadcast", both);
  if (a->size() > 1) out->push_back(left[left.size() - 2]);
  if (b->size() > 1) out->push_back(right.back());
  return out;
}

int64_t ProductShape::batch_count() const {
  int64_t count = 1;
  for (const BatchAxis& axis : batch) count *= axis.count;
  return count;
}

BatchAxis ProductShape::offsets(int64_t index) const {
  BatchAxis at{};
  for (size_t i = batch.size(); i-- > 0;) {
    const BatchAxis& axis = batch[i];
    const int64_t position = index % axis.count;
    index /= axis.count;
    at.a += position * axis.a;
    at.b += position * axis.b;
    at.out += position * axis.out;
  }
  return at;
}

namespace {

// Merges an axis into its inner neighbour where all operands step evenly through both.
void merge_axes(SmallVector<BatchAxis, 4>& batch) {
  for (size_t i = batch.size(); i-- > 1;) {
    const BatchAxis& inner = batch[i];
    BatchAxis& outer = batch[i - 1];
    const bool even = outer.a == inner.a * inner.count && outer.b == inner.b * inner.count &&
                      outer.out == inner.out * inner.count;
    if (!even && inner.count != 1) continue;
    if (inner.count != 1) outer = {outer.count * inner.count, inner.a, inner.b, inner.out};
    batch.erase(i);
  }
  if (batch.size() == 1 && batch[0].count == 1) batch.clear();
}

// Of the matrices in the last two axes.
ProductShape matrix_shape(std::span<const int64_t> a, std::span<const int64_t> b, bool transpose_a,
                          bool transpose_b) {
  const auto left = a.last<2>(), right = b.last<2>();
  ProductShape shape;
  shape.m = left[transpose_a ? 1 : 0];
  shape.k = left[transpose_a ? 0 : 1];
  shape.n = right[transpose_b ? 0 : 1];
  shape.a_row = transpose_a ? 1 : shape.k;
  shape.a_column = transpose_a ? shape.m : 1;
  shape.b_row = transpose_b ? 1 : shape.n;
  shape.b_column = transpose_b ? shape.k : 1;
  return shape;
}

}  // namespace

ProductShape product_shape(const Dims& a, const Dims& b, bool transpose_a, bool transpose_b) {
  if (a.size() > 1 && b.size() == 2 && !transpose_a) {  // Layers: nothing to work out.
    ProductShape shape = matrix_shape(a, b, false, transpose_b);
    for (size_t i = 0; i + 2 < a.size(); ++i) shape.m *= a[i];
    return shape;
  }
  SmallVector<int64_t, 8> left = a;
  SmallVector<int64_t, 8> right = b;
  if (left.size() == 1) left.insert_front(1);
  if (right.size() == 1) right.push_back(1);
  const size_t ra = left.size();
  const size_t rb = right.size();
  ProductShape shape = matrix_shape(left, right, transpose_a, transpose_b);

  const size_t axes = std::max(ra, rb) - 2;
  shape.batch.resize(axes);
  int64_t size_a = shape.m * shape.k;
  int64_t size_b = shape.k * shape.n;
  int64_t size_out = shape.m * shape.n;
  for (size_t i = 0; i < axes; ++i) {
    const int64_t da = i + 2 < ra ? left[ra - 3 - i] : 1;
    const int64_t db = i + 2 < rb ? right[rb - 3 - i] : 1;
    BatchAxis& axis = shape.batch[axes - 1 - i];
    axis.count = da == 1 ? db : da;
    axis.a = da == 1 ? 0 : size_a;
    axis.b = db == 1 ? 0 : size_b;
    axis.out = size_out;
    size_a *= da;
    size_b *= db;
    size_out *= axis.count;
  }
  merge_axes(shape.batch);
  const bool one_axis = shape.batch.size() == 1;
  if (one_axis && shape.batch[0].b == 0 && !transpose_a && shape.batch[0].a == shape.m * shape.k) {
    shape.m *= shape.batch[0].count;
    shape.batch.clear();
  }
  return shape;
}

AddendStrides addend_strides(const Dims& c) {
  const int64_t columns = c.empty() ? 1 : c.back();
  const int64_t rows = c.size() < 2 ? 1 : c[c.size() - 2];
  return {rows == 1 ? 0 : columns, columns == 1 ? 0 : 1};
}

std::optional<MatrixExtents> constant_matrix(const LowerContext& context, size_t i) {
  const Tensor* tensor = context.constant(i);
  if (tensor == nullptr || tensor->rank() < 2) return std::nullopt;
  const Dims& dims = tensor->dims();
  if (std::any_of(dims.begin(), dims.end() - 2, [](int64_t d) { return d != 1; }))
    return std::nullopt;
  return MatrixExtents{dims[dims.size() - 2], dims.back()};
}

std::optional<Dim> product_macs(const Graph& graph, const Node& node) {
  const ProductSpec spec = product_spec(node);
  const auto& a = graph.value(node.inputs[0]).type.shape;
  const auto& out = graph.value(node.outputs[0]).type.shape;
  if (!a || a->empty() || !out) return std::nullopt;
  const bool column = spec.transpose_a && a->size() > 1;
  return element_count(*out) * (*a)[a->size() - (column ? 2 : 1)];
}

}  // namespace octet::ops
