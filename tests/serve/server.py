"""`octet serve` as a process, for the tests of both transports. Takes PROGRAM and MODELS from the command line."""

import http.client
import pathlib
import re
import signal
import subprocess
import sys
import unittest

import numpy as np
import onnxruntime

MODELS = pathlib.Path(sys.argv.pop(2))
PROGRAM = sys.argv.pop(1)
MLP = MODELS / "digits_mlp" / "digits_mlp.onnx"
BERT = MODELS / "commands_bert" / "commands_bert.onnx"


class Server:
    """Serves the two models; `http` and, where --grpc-port is among the arguments, `grpc` are its addresses."""

    def __init__(self, *arguments, models=(f"mlp={MLP}", BERT)):
        command = [PROGRAM, "serve", *models, "--port", "0", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.http = self.process.stdout.readline().strip().removeprefix("http://")
        if "--grpc-port" in arguments:
            self.grpc = self.process.stdout.readline().strip().removeprefix("grpc://")

    def signal(self):
        self.process.send_signal(signal.SIGTERM)

    def stop(self):
        """The exit code after SIGTERM."""
        self.signal()
        code = self.process.wait(timeout=60)
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(self.http, timeout=60)
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        text = response.read()
        connection.close()
        return response.status, text

    def metric(self, line):
        """The value of a line of /metrics, as 'octet_runs_total{model="mlp"}'."""
        metrics = self.request("GET", "/metrics")[1].decode()
        return int(re.search(re.escape(line) + r" (\d+)", metrics)[1])


def images(rows, seed=0):
    return np.random.default_rng(seed).random((rows, 1, 28, 28), dtype=np.float32)


class JudgedTest(unittest.TestCase):
    """Tests of one server, which `serve` starts; ONNX Runtime judges what it answers for mlp."""

    @classmethod
    def setUpClass(cls):
        cls.server = cls.serve()
        cls.judge = onnxruntime.InferenceSession(str(MLP))
        cls.output = cls.judge.get_outputs()[0].name

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0

    def expect(self, actual, array):
        wanted = self.judge.run(None, {"image": array})[0]
        np.testing.assert_allclose(actual, wanted, rtol=1e-4, atol=1e-4)
