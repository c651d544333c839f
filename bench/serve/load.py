"""Load on `octet serve` from another process: requests a second and latency at 1, 8 and 64 clients.

    python bench/serve/load.py PROGRAM MODEL SHAPE [SECONDS] [-- ARGUMENTS OF SERVE]

SHAPE is that of the model's one float input, as 1x1x28x28. Each client keeps a connection and sends the next
request when it has the answer. Clients are processes of 8 threads at most, on the same machine.
"""

import http.client
import json
import multiprocessing
import signal
import struct
import subprocess
import sys
import threading
import time


def request_of(name, shape):
    count = 1
    for extent in shape:
        count *= extent
    body = struct.pack(f"<{count}f", *(((i * 7) % 17) / 17 for i in range(count)))
    described = {"name": name, "shape": shape, "datatype": "FP32", "parameters": {"binary_data_size": len(body)}}
    header = json.dumps({"inputs": [described], "parameters": {"binary_data_output": True}}).encode()
    return header + body, {"Inference-Header-Content-Length": str(len(header))}


def client(address, path, body, headers, until, times):
    connection = http.client.HTTPConnection(address, timeout=60)
    while time.monotonic() < until:
        start = time.monotonic()
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        response.read()
        if response.status != 200:
            raise RuntimeError(f"status {response.status}")
        times.append(time.monotonic() - start)


def clients(count, address, path, body, headers, seconds, queue):
    times = [[] for _ in range(count)]
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=client, args=(address, path, body, headers, until, each)) for each in times]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    queue.put([t for each in times for t in each])


def measure(count, address, path, body, headers, seconds):
    queue = multiprocessing.Queue()
    shares = [8] * (count // 8) or [count]
    arguments = (address, path, body, headers, seconds, queue)
    processes = [multiprocessing.Process(target=clients, args=(share, *arguments)) for share in shares]
    for process in processes:
        process.start()
    times = sorted(t for _ in processes for t in queue.get())
    for process in processes:
        process.join()
    return times


def main():
    own = sys.argv[1 : sys.argv.index("--")] if "--" in sys.argv else sys.argv[1:]
    more = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    program, model, shape = own[:3]
    seconds = float(own[3]) if len(own) > 3 else 3.0
    server = subprocess.Popen(
        [program, "serve", f"model={model}", "--port", "0", *more], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    address = server.stdout.readline().strip().removeprefix("http://")
    connection = http.client.HTTPConnection(address)
    connection.request("GET", "/v2/models/model")
    name = json.loads(connection.getresponse().read())["inputs"][0]["name"]
    body, headers = request_of(name, [int(extent) for extent in shape.split("x")])
    print("clients  requests/s  p50 ms  p99 ms")
    for count in (1, 8, 64):
        times = measure(count, address, "/v2/models/model/infer", body, headers, seconds)
        p50, p99 = (1e3 * times[min(len(times) - 1, int(share * len(times)))] for share in (0.5, 0.99))
        print(f"{count:7}  {len(times) / seconds:10.0f}  {p50:6.2f}  {p99:6.2f}")
    server.send_signal(signal.SIGTERM)
    return server.wait(timeout=30)


if __name__ == "__main__":
    sys.exit(main())
