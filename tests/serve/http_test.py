"""`octet serve` in the hands of Triton's client, of requests that make no sense, and of many clients at
once; ONNX Runtime judges the results.

    python tests/serve/http_test.py PROGRAM MODELS
"""

import json
import subprocess
import threading
import unittest

import numpy as np
import onnxruntime
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from server import BERT, MLP, PROGRAM, JudgedTest, Server, images


def tensor(array, binary=True, name="image"):
    made = triton.InferInput(name, array.shape, "FP32")
    made.set_data_from_numpy(array, binary_data=binary)
    return made


class ServeTest(JudgedTest):
    @classmethod
    def serve(cls):
        return Server("--max-batch", "8", "--batch-delay", "2", "--connections", "80", "--max-request", "1")

    def setUp(self):
        self.client = triton.InferenceServerClient(self.server.http)
        self.addCleanup(self.client.close)

    def test_health_and_metadata(self):
        self.assertTrue(self.client.is_server_live())
        self.assertTrue(self.client.is_server_ready())
        self.assertTrue(self.client.is_model_ready("mlp"))
        self.assertTrue(self.client.is_model_ready("commands_bert", "1"))
        self.assertFalse(self.client.is_model_ready("other"))
        self.assertEqual(self.client.get_server_metadata()["name"], "octet")
        metadata = self.client.get_model_metadata("mlp")
        self.assertEqual(metadata["inputs"], [{"name": "image", "datatype": "FP32", "shape": [-1, 1, 28, 28]}])
        self.assertEqual(metadata["outputs"][0]["name"], self.output)

    def test_tensors_as_binary_data_and_as_json(self):
        array = images(3)
        for binary in (True, False):
            wanted = triton.InferRequestedOutput(self.output, binary_data=binary)
            for outputs in ([wanted], None):
                result = self.client.infer("mlp", [tensor(array, binary)], request_id="7", outputs=outputs)
                self.assertEqual(result.get_response()["id"], "7")
                self.expect(result.as_numpy(self.output), array)

    def test_integers(self):
        judge = onnxruntime.InferenceSession(str(BERT))
        feeds = {i.name: np.ones((2, 16), dtype=np.int64) for i in judge.get_inputs()}
        inputs = []
        for name, array in feeds.items():
            inputs.append(triton.InferInput(name, array.shape, "INT64"))
            inputs[-1].set_data_from_numpy(array, binary_data=False)
        result = self.client.infer("commands_bert", inputs)
        for port, wanted in zip(judge.get_outputs(), judge.run(None, feeds)):
            np.testing.assert_allclose(result.as_numpy(port.name), wanted, rtol=1e-3, atol=1e-3)

    def test_requests_that_make_no_sense_are_refused(self):
        path = "/v2/models/mlp/infer"
        good = {"name": "image", "datatype": "FP32", "shape": [1, 1, 28, 28], "data": [0.0] * 784}
        cases = [
            ("{", 400, "no JSON object"),
            ("[]", 400, "no JSON object"),
            ({}, 400, "'inputs' is missing"),
            ({"inputs": []}, 400, "'image' is missing"),
            ({"inputs": [{**good, "name": "other"}]}, 400, "'image' is missing"),
            ({"inputs": [good, {**good, "name": "other"}]}, 400, "no input 'other'"),
            ({"inputs": [{**good, "datatype": "FP31"}]}, 400, "FP31"),
            ({"inputs": [{**good, "datatype": "INT32", "data": [0] * 784}]}, 400, "is FP32"),
            ({"inputs": [{**good, "data": [0.0]}]}, 400, "1 elements"),
            ({"inputs": [{**good, "data": ["a"] * 784}]}, 400, "no number"),
            ({"inputs": [{**good, "shape": [1, 784]}]}, 400, "4 axes"),
            ({"inputs": [{**good, "shape": [-1, 1, 28, 28]}]}, 400, "no sense"),
            ({"inputs": [{**good, "shape": [2**40, 2**40, 28, 28]}]}, 400, "no sense"),
            ({"inputs": [{**good, "shape": [1, 1, 784, 1]}]}, 400, "axis 2"),
            ({"inputs": [good], "outputs": [{"name": "other"}]}, 400, "no output 'other'"),
            ({"inputs": [{**good, "parameters": {"binary_data_size": 9}}]}, 400, "past the request's end"),
        ]
        for body, status, says in cases:
            text = body if isinstance(body, str) else json.dumps(body)
            with self.subTest(says):
                got, answer = self.server.request("POST", path, text)
                self.assertEqual(got, status)
                self.assertIn(says, json.loads(answer)["error"])
        self.assertEqual(self.server.request("POST", "/v2/models/other/infer", "{}")[0], 404)
        self.assertEqual(self.server.request("POST", "/v2/models/mlp/versions/2/infer", "{}")[0], 404)
        self.assertEqual(self.server.request("GET", "/v2/other")[0], 404)
        self.assertEqual(self.server.request("POST", path, "x" * (1 << 21))[0], 413)
        for length in ("1x", "99999"):
            header = {"Inference-Header-Content-Length": length}
            self.assertEqual(self.server.request("POST", path, "{}", header)[0], 400)
        with self.assertRaises(InferenceServerException):
            self.client.infer("mlp", [tensor(images(1), name="other")])
        self.expect(self.client.infer("mlp", [tensor(images(1))]).as_numpy(self.output), images(1))

    def test_many_clients_get_their_own_answers_and_share_runs(self):
        failures = []

        def work(seed):
            client = triton.InferenceServerClient(self.server.http)
            try:
                for i in range(8):
                    array = images(1 + (seed + i) % 3, seed * 100 + i)
                    self.expect(client.infer("mlp", [tensor(array)]).as_numpy(self.output), array)
            except Exception as failure:  # noqa: BLE001
                failures.append(failure)
            client.close()

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        runs = self.server.metric('octet_runs_total{model="mlp"}')
        requests = self.server.metric('octet_batched_requests_total{model="mlp"}')
        self.assertGreaterEqual(requests, 64 * 8)
        self.assertLess(runs, requests)


class StopTest(unittest.TestCase):
    def test_what_came_before_a_stop_is_answered(self):
        server = Server("--max-batch", "64", "--batch-delay", "700", "--connections", "40")
        answers = []
        body = json.dumps({"inputs": [{"name": "image", "datatype": "FP32", "shape": [1, 1, 28, 28], "data": [0.5] * 784}]})

        def work():
            answers.append(server.request("POST", "/v2/models/mlp/infer", body)[0])

        threads = [threading.Thread(target=work) for _ in range(20)]
        for thread in threads:
            thread.start()
        # All wait for the batch's delay when the signal comes.
        while server.metric('octet_waiting_requests{model="mlp"}') == 0:
            pass
        threading.Event().wait(0.3)
        self.assertEqual(server.stop(), 0)
        for thread in threads:
            thread.join()
        self.assertEqual(answers, [200] * 20)

    def test_more_than_may_wait_are_refused(self):
        server = Server("--max-batch", "64", "--batch-delay", "400", "--max-waiting", "2", "--connections", "40")
        answers = []
        body = json.dumps({"inputs": [{"name": "image", "datatype": "FP32", "shape": [1, 1, 28, 28], "data": [0.5] * 784}]})
        threads = [threading.Thread(target=lambda: answers.append(server.request("POST", "/v2/models/mlp/infer", body)[0])) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(server.stop(), 0)
        self.assertEqual(set(answers) - {200, 503}, set())
        self.assertIn(200, answers)

    def test_bad_usage(self):
        for arguments, code in ((["none.onnx"], 3), ([f"a={MLP}", f"a={MLP}"], 2), ([f"a/b={MLP}"], 2)):
            done = subprocess.run([PROGRAM, "serve", *arguments, "--port", "0"], capture_output=True, timeout=60)
            self.assertEqual(done.returncode, code)


if __name__ == "__main__":
    unittest.main()
