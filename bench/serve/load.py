"""Load on `octet serve` from other processes: requests a second and latency at 1, 8 and 64 clients, then a stop in
the middle of 64 clients' requests, of which none that the server took may stay without its answer.

    python bench/serve/load.py PROGRAM MODEL SHAPE [--grpc] [--seconds S] [-- ARGUMENTS OF SERVE]

SHAPE is that of the model's one float input, as 1x1x28x28. Each client keeps a connection and sends the next
request when it has the answer. Clients are processes of 8 threads at most, on the same machine. --grpc needs
tritonclient[grpc] for its messages.
"""

import argparse
import http.client
import json
import multiprocessing
import re
import signal
import struct
import subprocess
import sys
import threading
import time


def values(shape):
    count = 1
    for extent in shape:
        count *= extent
    return struct.pack(f"<{count}f", *(((i * 7) % 17) / 17 for i in range(count)))


class Http:
    """A client of the HTTP server."""

    def __init__(self, address, name, shape):
        self.connection = http.client.HTTPConnection(address, timeout=60)
        data = values(shape)
        described = {"name": name, "shape": shape, "datatype": "FP32", "parameters": {"binary_data_size": len(data)}}
        header = json.dumps({"inputs": [described], "parameters": {"binary_data_output": True}}).encode()
        self.body = header + data
        self.headers = {"Inference-Header-Content-Length": str(len(header))}

    def infer(self):
        self.connection.request("POST", "/v2/models/model/infer", self.body, self.headers)
        response = self.connection.getresponse()
        response.read()
        if response.status != 200:
            raise RuntimeError(f"status {response.status}")


class Grpc:
    """A client of the gRPC server, with a connection of its own."""

    def __init__(self, address, name, shape):
        import grpc
        from tritonclient.grpc import service_pb2

        channel = grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
        self.call = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        request = service_pb2.ModelInferRequest(model_name="model", raw_input_contents=[values(shape)])
        request.inputs.add(name=name, datatype="FP32", shape=shape)
        self.body = request.SerializeToString()

    def infer(self):
        self.call(self.body, timeout=60)


def client(one, until, times, ends):
    """Until then, or the first failure; a failure before the end is an error where it must not end."""
    while time.monotonic() < until:
        start = time.monotonic()
        try:
            one.infer()
        except Exception:  # noqa: BLE001
            if ends:
                return
            raise
        times.append(time.monotonic() - start)


def clients(count, kind, arguments, seconds, ends, together, queue):
    made = [kind(*arguments) for _ in range(count)]
    times = [[] for _ in made]
    together.wait()
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=client, args=(one, until, each, ends)) for one, each in zip(made, times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    queue.put([t for each in times for t in each])


def measure(count, kind, arguments, seconds, stop=None):
    """The clients' latencies, sorted; `stop` is called halfway."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    shares = [8] * (count // 8) or [count]
    together = context.Barrier(len(shares) + 1)
    more = (kind, arguments, seconds, stop is not None, together, queue)
    processes = [context.Process(target=clients, args=(share, *more)) for share in shares]
    for process in processes:
        process.start()
    together.wait()
    if stop is not None:
        time.sleep(seconds / 2)
        stop()
    times = sorted(t for _ in processes for t in queue.get())
    for process in processes:
        process.join()
    return times


class Server:
    def __init__(self, program, model, more, grpc):
        command = [program, "serve", f"model={model}", "--port", "0", *more] + (["--grpc-port", "0"] if grpc else [])
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.http = self.process.stdout.readline().strip().removeprefix("http://")
        self.address = self.process.stdout.readline().strip().removeprefix("grpc://") if grpc else self.http

    def input_name(self):
        connection = http.client.HTTPConnection(self.http)
        connection.request("GET", "/v2/models/model")
        return json.loads(connection.getresponse().read())["inputs"][0]["name"]

    def signal(self):
        self.process.send_signal(signal.SIGTERM)

    def answered(self):
        """What it says that it answered, at its end."""
        return int(re.search(r"model: (\d+) requests answered", self.process.communicate(timeout=60)[1])[1])


def main():
    own = sys.argv[1 : sys.argv.index("--")] if "--" in sys.argv else sys.argv[1:]
    more = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("model")
    parser.add_argument("shape", type=lambda text: [int(extent) for extent in text.split("x")])
    parser.add_argument("--grpc", action="store_true")
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args(own)
    server = Server(options.program, options.model, more, options.grpc)
    kind = Grpc if options.grpc else Http
    arguments = (server.address, server.input_name(), options.shape)
    print("clients  requests/s  p50 ms  p99 ms")
    sent = 0
    for count in (1, 8, 64):
        times = measure(count, kind, arguments, options.seconds)
        sent += len(times)
        p50, p99 = (1e3 * times[min(len(times) - 1, int(share * len(times)))] for share in (0.5, 0.99))
        print(f"{count:7}  {len(times) / options.seconds:10.0f}  {p50:6.2f}  {p99:6.2f}", flush=True)
    sent += len(measure(64, kind, arguments, options.seconds, server.signal))
    answered = server.answered()
    print(f"a stop under 64 clients: {answered} answered, {answered - sent} of these lost, exit code {server.process.returncode}")
    return int(answered != sent or server.process.returncode != 0)


if __name__ == "__main__":
    sys.exit(main())
