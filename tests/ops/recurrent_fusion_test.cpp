#include "engine/ops/common/recurrent.h"
#include "engine/passes/pass.h"
#include "tests/support/node_runner.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::testing;

namespace {

// x, dynamically quantized and back, into an LSTM of four cells with weights of s8 codes.
struct Dynamic {
  Graph graph;
  ValueId x = graph.add_input("x", Type::tensor(DType::f32, Shape{5, 1, 3}));
  NodeId lstm = kNoNode;

  explicit Dynamic(const ops::LstmAttrs& attrs) {
    const ValueId codes =
        graph.add_op(require_op("", "DynamicQuantizeLinear"), {x}, Attrs::of(NoAttrs{}), "codes");
    const ValueId scale = graph.add_value("scale");
    const ValueId zero_point = graph.add_value("zero_point");
    graph.append_output(graph.value(codes).producer, scale);
    graph.append_output(graph.value(codes).producer, zero_point);
    const OpDef& dequantize = require_op("", "DequantizeLinear");
    const ValueId rounded = graph.add_op(dequantize, {codes, scale, zero_point},
                                         *dequantize.attrs.read({}, kWrittenOpset), "rounded");
    const QuantPtr quant = tensor_quant(DType::s8, 0.01F, 0);
    const ValueId w = graph.add_constant("w", random_codes<int8_t>({1, 16, 3}, 1), quant);
    const ValueId r = graph.add_constant("r", random_codes<int8_t>({1, 16, 4}, 2), quant);
    const ValueId y = graph.add_op(require_op("", "LSTM"), {rounded, w, r}, Attrs::of(attrs), "y");
    graph.set_outputs({y});
    lstm = graph.value(y).producer;
    REQUIRE(infer_graph(graph).ok());
    REQUIRE(run_passes(graph, PassPhase::fusion).ok());
  }
};

}  // namespace

TEST_CASE("Recurrent: an integer LSTM takes over the dynamic quantization of X") {
  const Dynamic fused({});
  CHECK(fused.graph.node_count() == 1);
  CHECK(fused.graph.node(fused.lstm).inputs[0] == fused.x);
  CHECK(fused.graph.node(fused.lstm).attrs.as<ops::LstmAttrs>().dynamic_x);
}

TEST_CASE("Recurrent: an LSTM that runs in float keeps the rounding of X before it") {
  ops::LstmAttrs clipped;
  clipped.clip = 1.0F;
  const Dynamic kept(clipped);
  CHECK(kept.graph.node_count() == 3);
  CHECK_FALSE(kept.graph.node(kept.lstm).attrs.as<ops::LstmAttrs>().dynamic_x);
}
