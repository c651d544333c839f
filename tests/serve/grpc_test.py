"""`octet serve` over gRPC: Triton's client and its copy of the protocol's schema, requests that make no sense,
mutated messages, many clients at once and a stop; ONNX Runtime judges the results.

    python tests/serve/grpc_test.py PROGRAM MODELS DESCRIPTORS

DESCRIPTORS is what protoc made of our schema.
"""

import json
import os
import pathlib
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

import grpc
import numpy as np
import onnx
import tritonclient.grpc as triton
import yaml
from google.protobuf import descriptor_pb2
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException

from server import BERT, MLP, PROGRAM, JudgedTest, Server, images

DESCRIPTORS = pathlib.Path(sys.argv.pop(1))
INFER = "/inference.GRPCInferenceService/ModelInfer"

# ONNX's type, the protocol's, NumPy's, the field of typed contents.
TYPES = [
    ("BOOL", "BOOL", np.bool_, "bool_contents"),
    ("INT8", "INT8", np.int8, "int_contents"),
    ("INT16", "INT16", np.int16, "int_contents"),
    ("INT32", "INT32", np.int32, "int_contents"),
    ("INT64", "INT64", np.int64, "int64_contents"),
    ("UINT8", "UINT8", np.uint8, "uint_contents"),
    ("UINT16", "UINT16", np.uint16, "uint_contents"),
    ("UINT32", "UINT32", np.uint32, "uint_contents"),
    ("UINT64", "UINT64", np.uint64, "uint64_contents"),
    ("FLOAT16", "FP16", np.float16, None),
    ("FLOAT", "FP32", np.float32, "fp32_contents"),
    ("DOUBLE", "FP64", np.float64, "fp64_contents"),
    ("STRING", "BYTES", np.object_, "bytes_contents"),
]


def write_echo(path, types):
    """A model that gives back one input of each type."""
    nodes, inputs, outputs = [], [], []
    for name, datatype, _, _ in types:
        kind = getattr(onnx.TensorProto, name)
        inputs.append(onnx.helper.make_tensor_value_info(datatype, kind, ["n"]))
        outputs.append(onnx.helper.make_tensor_value_info(f"{datatype}_back", kind, ["n"]))
        nodes.append(onnx.helper.make_node("Identity", [datatype], [f"{datatype}_back"]))
    graph = onnx.helper.make_graph(nodes, "echo", inputs, outputs)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8), path)


def values(kind):
    if kind is np.object_:
        return np.array([b"", "gr\u00fc\u00df".encode(), b"three"], dtype=np.object_)
    if kind is np.bool_:
        return np.array([True, False, True])
    if np.issubdtype(kind, np.integer):
        return np.array([np.iinfo(kind).min, 1, np.iinfo(kind).max], dtype=kind)
    return np.array([-1.5, 0, np.inf], dtype=kind)


def message(name="image", datatype="FP32", shape=(1, 1, 28, 28), raw=None, model="mlp", **typed):
    request = service_pb2.ModelInferRequest(model_name=model)
    tensor = request.inputs.add(name=name, datatype=datatype, shape=shape)
    for field, elements in typed.items():
        getattr(tensor.contents, field).extend(elements)
    if not typed:
        request.raw_input_contents.append(bytes(4 * 784) if raw is None else raw)
    return request


class SchemaTest(unittest.TestCase):
    def test_names_and_numbers_are_the_protocols(self):
        ours = descriptor_pb2.FileDescriptorSet.FromString(DESCRIPTORS.read_bytes()).file[0]
        theirs = descriptor_pb2.FileDescriptorProto.FromString(service_pb2.DESCRIPTOR.serialized_pb)
        self.assertEqual(ours.package, theirs.package)
        self.compare_messages(ours.message_type, theirs.message_type)
        published = {service.name: {m.name: m for m in service.method} for service in theirs.service}
        methods = ours.service[0].method
        self.assertEqual(len(methods), 6)
        for method in methods:
            other = published[ours.service[0].name][method.name]
            self.assertEqual((method.input_type, method.output_type), (other.input_type, other.output_type))

    def compare_messages(self, ours, theirs):
        published = {each.name: each for each in theirs}
        for each in ours:
            with self.subTest(each.name):
                other = published[each.name]
                fields = {f.name: f for f in other.field}
                for field in each.field:
                    self.assertEqual(
                        (field.number, field.type, field.label, field.type_name),
                        (fields[field.name].number, fields[field.name].type, fields[field.name].label, fields[field.name].type_name),
                    )
                self.compare_messages(each.nested_type, other.nested_type)


class GrpcTest(JudgedTest):
    @classmethod
    def serve(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        folder = pathlib.Path(cls.folder.name)
        write_echo(folder / "echo.onnx", TYPES)
        write_echo(folder / "typed.onnx", [row for row in TYPES if row[3]])
        return Server(
            "--grpc-port", "0", "--max-batch", "8", "--batch-delay", "2", "--max-request", "1",
            models=(f"mlp={MLP}", BERT, folder / "echo.onnx", folder / "typed.onnx"),
        )  # fmt: skip

    def setUp(self):
        self.client = triton.InferenceServerClient(self.server.grpc)
        self.addCleanup(self.client.close)
        channel = grpc.insecure_channel(self.server.grpc)
        self.addCleanup(channel.close)
        self.stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)

    def infer(self, client, array, **more):
        tensor = triton.InferInput("image", array.shape, "FP32")
        tensor.set_data_from_numpy(array)
        return client.infer("mlp", [tensor], **more)

    def refused(self, request, code, says):
        with self.assertRaises(grpc.RpcError) as caught:
            self.stub.ModelInfer(request, timeout=60)
        self.assertEqual(caught.exception.code(), code)
        self.assertIn(says, caught.exception.details())

    def test_health_and_metadata(self):
        self.assertTrue(self.client.is_server_live())
        self.assertTrue(self.client.is_server_ready())
        self.assertTrue(self.client.is_model_ready("mlp"))
        self.assertTrue(self.client.is_model_ready("commands_bert", "1"))
        self.assertEqual(self.client.get_server_metadata().name, "octet")
        metadata = self.client.get_model_metadata("mlp", as_json=True)
        self.assertEqual(metadata["inputs"], [{"name": "image", "datatype": "FP32", "shape": ["-1", "1", "28", "28"]}])
        self.assertEqual(metadata["outputs"][0]["name"], self.output)
        self.assertEqual(metadata["versions"], ["1"])
        for name, version in (("other", ""), ("mlp", "2")):
            for call in (self.client.get_model_metadata, self.client.is_model_ready):
                with self.assertRaises(InferenceServerException) as caught:
                    call(name, version)
                self.assertEqual(caught.exception.status(), "StatusCode.NOT_FOUND")

    def test_results_are_those_of_onnx_runtime(self):
        array = images(3)
        for outputs in ([triton.InferRequestedOutput(self.output)], None):
            result = self.infer(self.client, array, request_id="7", outputs=outputs, model_version="1")
            response = result.get_response()
            self.assertEqual((response.id, response.model_name, response.model_version), ("7", "mlp", "1"))
            self.expect(result.as_numpy(self.output), array)

    def test_every_type_as_raw_contents(self):
        tensors = []
        for _, datatype, kind, _ in TYPES:
            tensors.append(triton.InferInput(datatype, [3], datatype))
            tensors[-1].set_data_from_numpy(values(kind))
        back = self.client.infer("echo", tensors)
        for _, datatype, kind, _ in TYPES:
            np.testing.assert_array_equal(back.as_numpy(f"{datatype}_back"), values(kind))

    def test_every_type_as_typed_contents(self):
        request = service_pb2.ModelInferRequest(model_name="typed")
        for _, datatype, kind, field in TYPES:
            if field:
                tensor = request.inputs.add(name=datatype, datatype=datatype, shape=[3])
                getattr(tensor.contents, field).extend(values(kind).tolist())
        back = triton.InferResult(self.stub.ModelInfer(request))
        for _, datatype, kind, field in TYPES:
            if field:
                np.testing.assert_array_equal(back.as_numpy(f"{datatype}_back"), values(kind))

    def test_requests_that_make_no_sense_are_refused(self):
        bad = grpc.StatusCode.INVALID_ARGUMENT
        two = message()
        two.inputs.add(name="other", datatype="FP32", shape=[1])
        both = message()
        both.inputs[0].contents.fp32_contents.append(1.0)
        asks = message()
        asks.outputs.add(name="other")
        ids = message("input_ids", "INT32", (1, 2), model="commands_bert", int_contents=[1, 2])
        cases = [
            (service_pb2.ModelInferRequest(model_name="mlp"), bad, "'image' is missing"),
            (message(name="other"), bad, "'image' is missing"),
            (two, bad, "2 inputs and 1 raw"),
            (both, bad, "beside the raw"),
            (asks, bad, "no output 'other'"),
            (message(datatype="FP31"), bad, "FP31"),
            (message(datatype="INT32"), bad, "is FP32"),
            (message(datatype="FP16", fp32_contents=[0.0] * 784), bad, "raw contents only"),
            (message(raw=b"abc"), bad, "3 bytes"),
            (message(fp32_contents=[0.0]), bad, "1 elements"),
            (message(fp64_contents=[0.0] * 784), bad, "field of its datatype"),
            (message(datatype="INT8", int_contents=[200] * 784), bad, "outside its type's range"),
            (message(datatype="BYTES", raw=b"\xff\xff\xff\xff" + bytes(3132)), bad, "strings"),
            (message(shape=[1, 784]), bad, "4 axes"),
            (message(shape=[-1, 1, 28, 28]), bad, "no sense"),
            (message(shape=[2**40, 2**40, 28, 28]), bad, "no sense"),
            (message(shape=[1, 1, 784, 1]), bad, "axis 2"),
            (ids, bad, ""),
            (message(model="other"), grpc.StatusCode.NOT_FOUND, "no model 'other'"),
            (message(shape=(1 << 9, 1, 28, 28), raw=bytes(4 * 784 << 9)), grpc.StatusCode.RESOURCE_EXHAUSTED, ""),
        ]
        before = self.server.metric('octet_requests_total{model="mlp",outcome="refused"}')
        for request, code, says in cases:
            with self.subTest(says):
                self.refused(request, code, says)
        refused = self.server.metric('octet_requests_total{model="mlp",outcome="refused"}') - before
        self.assertEqual(refused, len(cases) - 3)
        self.expect(self.infer(self.client, images(1)).as_numpy(self.output), images(1))

    def test_other_methods_are_unimplemented(self):
        with self.assertRaises(grpc.RpcError) as caught:
            self.stub.ModelStatistics(service_pb2.ModelStatisticsRequest())
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNIMPLEMENTED)

    def test_mutated_messages_leave_it_serving(self):
        rng = random.Random(7)
        good = message(fp32_contents=[0.5] * 784).SerializeToString()
        short = message(shape=(0, 1, 28, 28), raw=b"").SerializeToString()
        channel = grpc.insecure_channel(self.server.grpc)
        call = channel.unary_unary(INFER)
        codes = set()
        for _ in range(400):
            data = bytearray(rng.choice((good, short)))
            for _ in range(rng.randrange(1, 6)):
                data[rng.randrange(min(len(data), 60))] = rng.randrange(256)
            try:
                call(bytes(data[: rng.choice((len(data), rng.randrange(len(data))))]), timeout=60)
                codes.add(grpc.StatusCode.OK)
            except grpc.RpcError as error:
                codes.add(error.code())
        channel.close()
        # gRPC itself says UNIMPLEMENTED of bytes that are no message.
        known = {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "INTERNAL", "UNIMPLEMENTED"}
        self.assertLessEqual({code.name for code in codes}, known)
        host, port = self.server.grpc.split(":")
        for junk in (b"GET / HTTP/1.1\r\n\r\n", rng.randbytes(4096), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + rng.randbytes(4096)):
            with socket.create_connection((host, int(port))) as connection:
                connection.sendall(junk)
        self.expect(self.infer(self.client, images(1)).as_numpy(self.output), images(1))

    def test_clients_of_both_transports_share_runs(self):
        failures = []
        counts = ['octet_runs_total{model="mlp"}', 'octet_batched_requests_total{model="mlp"}']
        before = [self.server.metric(count) for count in counts]

        def over_grpc(seed):
            try:
                with triton.InferenceServerClient(self.server.grpc) as client:
                    for i in range(8):
                        array = images(1 + (seed + i) % 3, seed * 100 + i)
                        self.expect(self.infer(client, array).as_numpy(self.output), array)
            except Exception as failure:  # noqa: BLE001
                failures.append(failure)

        def over_http(seed):
            array = images(1, seed)
            data = {"name": "image", "datatype": "FP32", "shape": [1, 1, 28, 28], "data": array.ravel().tolist()}
            for _ in range(8):
                status, text = self.server.request("POST", "/v2/models/mlp/infer", json.dumps({"inputs": [data]}))
                if status != 200:
                    failures.append(text)
                    return

        threads = [threading.Thread(target=over_grpc if seed % 2 else over_http, args=(seed,)) for seed in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        runs, requests = (self.server.metric(count) - old for count, old in zip(counts, before))
        self.assertEqual(requests, 32 * 8)
        self.assertLess(runs, requests)


class ManifestTest(unittest.TestCase):
    def test_kserves_runtimes_start_and_answer_their_probes(self):
        manifest = pathlib.Path(__file__).parents[2] / "examples" / "serving" / "kserve.yaml"
        runtimes = [each for each in yaml.safe_load_all(manifest.read_text()) if each["kind"] == "ServingRuntime"]
        self.assertEqual([each["spec"]["protocolVersions"] for each in runtimes], [["v2"], ["grpc-v2"]])
        for runtime in runtimes:
            container = runtime["spec"]["containers"][0]
            self.assertEqual(container["command"], ["octet", "serve"])
            arguments = [re.sub(r"port=\d+", "port=0", text).replace("0.0.0.0", "127.0.0.1") for text in container["args"][1:]]
            arguments.remove("--port=0")
            if "--grpc-port=0" in arguments:  # As Server looks for it.
                arguments.remove("--grpc-port=0")
                arguments += ["--grpc-port", "0"]
            server = Server(*arguments, models=(container["args"][0].replace("{{.Name}}", "digits").replace("/mnt/models/model.onnx", str(MLP)),))
            for probe in ("readinessProbe", "livenessProbe"):
                self.assertEqual(server.request("GET", container[probe]["httpGet"]["path"])[0], 200)
            if runtime["spec"]["protocolVersions"] == ["grpc-v2"]:
                with triton.InferenceServerClient(server.grpc) as client:
                    self.assertTrue(client.is_model_ready("digits"))
            self.assertEqual(server.stop(), 0)


class StopTest(unittest.TestCase):
    def test_what_came_before_a_stop_is_answered(self):
        server = Server("--grpc-port", "0", "--max-batch", "64", "--batch-delay", "4000")
        codes = []

        def work():
            with grpc.insecure_channel(server.grpc) as channel:
                try:
                    service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer(message(), timeout=60)
                    codes.append("OK")
                except grpc.RpcError as error:
                    codes.append(error.code().name)

        threads = [threading.Thread(target=work) for _ in range(20)]
        for thread in threads:
            thread.start()
        # All wait for the batch's delay when the signal comes.
        while not codes and server.metric('octet_waiting_requests{model="mlp"}') < 20:
            pass
        self.assertEqual(server.stop(), 0)
        for thread in threads:
            thread.join()
        self.assertEqual(codes, ["OK"] * 20)

    def test_a_stop_under_load_loses_nothing(self):
        server = Server("--grpc-port", "0", "--batch-delay", "1")
        answered, others = [], []

        def work():
            with grpc.insecure_channel(server.grpc, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
                stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
                try:
                    while True:
                        stub.ModelInfer(message(), timeout=60)
                        answered.append(1)
                except grpc.RpcError as error:
                    others.append(error.code().name)

        threads = [threading.Thread(target=work) for _ in range(16)]
        for thread in threads:
            thread.start()
        while len(answered) < 200:
            pass
        server.signal()
        said = server.process.communicate(timeout=60)[1]
        for thread in threads:
            thread.join()
        self.assertEqual(server.process.returncode, 0)
        server.process.stdout.close()
        # Who came too late never ran; who was taken has the answer.
        self.assertLessEqual(set(others), {"UNAVAILABLE", "CANCELLED"})
        self.assertEqual(int(re.search(r"mlp: (\d+) requests answered", said)[1]), len(answered))

    def test_more_than_may_wait_are_refused(self):
        server = Server("--grpc-port", "0", "--max-batch", "64", "--batch-delay", "400", "--max-waiting", "2")
        with grpc.insecure_channel(server.grpc) as channel:
            stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
            calls = [stub.ModelInfer.future(message(), timeout=60) for _ in range(20)]
            codes = [call.code().name for call in calls]
        self.assertEqual(server.stop(), 0)
        self.assertEqual(set(codes), {"OK", "UNAVAILABLE"})

    def test_bad_usage(self):
        server = Server("--grpc-port", "0")
        command = [PROGRAM, "serve", MLP, "--port", "0", "--grpc-port"]
        taken = subprocess.run([*command, server.grpc.split(":")[1]], capture_output=True, timeout=60)
        self.assertEqual(taken.returncode, 5)
        self.assertIn(b"can't be listened on", taken.stderr)
        self.assertEqual(server.stop(), 0)
        missing = subprocess.run([*command, "0"], capture_output=True, timeout=60, env={**os.environ, "OCTET_PROVIDERS": "/none"})
        self.assertEqual(missing.returncode, 3)
        self.assertIn(b"octet_grpc.so isn't there", missing.stderr)


if __name__ == "__main__":
    unittest.main()
