#!/usr/bin/env python3
"""Measures the baselines of `memrtl compare` on a graphics card with PyTorch and writes them as TOML.

    python3 benches/gpu/measure.py card.toml
    memrtl compare --gpu card.toml

Three things are measured, and kept apart in the file:
* one_by_one: training iterations of one sample, framework and kernel launches included;
* large_batch: iterations of many samples;
* peak and bandwidth, which the roofline is made of: a large matrix product and a large copy, fp32, TF32 off.
Power is the mean of nvidia-smi's readings while iterations run; without nvidia-smi it is left out, never guessed.

Without a card the script says so and writes nothing. `--device cpu` measures the processor instead: the file then names the
processor as its card, and is no figure of a graphics card.
"""

import argparse
import datetime
import os
import platform
import shutil
import statistics
import subprocess
import sys
import threading
import time

try:
    import torch
    from torch import nn
except ModuleNotFoundError:
    sys.exit("error: PyTorch is not installed: pip install torch")


def mlp(*widths):
    layers = []
    for inputs, outputs in zip(widths, widths[1:]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )


def vgg16():
    layers, channels = [], 3
    for outputs in [64, 64, "pool", 128, 128, "pool", 256, 256, 256, "pool", 512, 512, 512, "pool", 512, 512, 512, "pool"]:
        if outputs == "pool":
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(channels, outputs, 3, padding=1), nn.ReLU()]
            channels = outputs
    full = [nn.Flatten(), nn.Linear(25088, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000)]
    return nn.Sequential(*layers, *full)


# Name as `memrtl compare` has it, network, shape of a sample, classes, large batch.
NETWORKS = [
    ("digits 64-32-10", lambda: mlp(64, 32, 10), (64,), 10, 1024),
    ("MNIST 784-100-10", lambda: mlp(784, 100, 10), (784,), 10, 1024),
    ("MNIST 784-500-300-10", lambda: mlp(784, 500, 300, 10), (784,), 10, 1024),
    ("LeNet-5", lenet, (1, 28, 28), 10, 1024),
    ("VGG-16", vgg16, (3, 224, 224), 1000, 64),
]


class Power:
    """Mean of nvidia-smi's power readings, in watts, while it is open; None without readings."""

    def __init__(self, device):
        self.index = torch.cuda.current_device() if device == "cuda" and shutil.which("nvidia-smi") else None
        self.readings, self.stop = [], threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()
        return self

    def watch(self):
        while self.index is not None and not self.stop.is_set():
            query = ["nvidia-smi", "-i", str(self.index), "--query-gpu=power.draw", "--format=csv,noheader,nounits"]
            try:
                self.readings.append(float(subprocess.run(query, capture_output=True, text=True, timeout=5).stdout))
            except (ValueError, subprocess.TimeoutExpired):
                pass
            self.stop.wait(0.05)

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()

    def mean(self):
        # The first readings are of the time before.
        settled = self.readings[len(self.readings) // 3:]
        return statistics.mean(settled) if settled else None


def wait(device):
    if device == "cuda":
        torch.cuda.synchronize()


def iterations(make, shape, classes, batch, device, seconds):
    """Median and range (5th and 95th part in a hundred) of a training iteration in seconds, and watts."""
    torch.manual_seed(1)
    net = make().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    loss = nn.CrossEntropyLoss()
    x = torch.rand((batch, *shape), device=device)
    target = torch.randint(classes, (batch,), device=device)

    def iterate():
        optimizer.zero_grad()
        loss(net(x), target).backward()
        optimizer.step()

    for _ in range(3):
        iterate()
    wait(device)
    times = []
    with Power(device) as power:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end or len(times) < 5:
            start = time.perf_counter()
            iterate()
            wait(device)
            times.append(time.perf_counter() - start)
    times.sort()
    at = lambda share: times[min(len(times) - 1, int(share * len(times)))]
    return statistics.median(times), at(0.05), at(0.95), power.mean()


def best(work, repeat):
    """Shortest of several runs, in seconds."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def peak(device):
    """fp32 operations per second of a matrix product."""
    n = 8192 if device == "cuda" else 2048
    a, b = torch.rand((n, n), device=device), torch.rand((n, n), device=device)
    out = torch.empty((n, n), device=device)

    def product():
        torch.mm(a, b, out=out)
        wait(device)

    product()
    return 2 * n**3 / best(product, 10)


def bandwidth(device):
    """Bytes per second of a copy, read and written."""
    words = (1 << 28) if device == "cuda" else (1 << 26)
    a = torch.rand(words, device=device)
    b = torch.empty_like(a)

    def copy():
        b.copy_(a)
        wait(device)

    copy()
    return 2 * 4 * words / best(copy, 10)


def limit(device):
    """The board's power limit in watts."""
    if device != "cuda" or not shutil.which("nvidia-smi"):
        return None
    query = ["nvidia-smi", "-i", str(torch.cuda.current_device()), "--query-gpu=power.limit", "--format=csv,noheader,nounits"]
    try:
        return float(subprocess.run(query, capture_output=True, text=True, timeout=5).stdout)
    except (ValueError, subprocess.TimeoutExpired):
        return None


def processor():
    """Name of the processor."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
            return names[0] if names else platform.machine()
    except OSError:
        return platform.processor() or platform.machine()


def text(word):
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", help="file to write")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--seconds", type=float, default=5.0, help="per measurement")
    parser.add_argument("--only", action="append", metavar="NAME", help="networks to measure, instead of all")
    arguments = parser.parse_args()
    device = arguments.device
    if device == "cuda" and not torch.cuda.is_available():
        sys.exit("no graphics card: nothing measured, nothing written (PyTorch sees no CUDA device; --device cpu measures the processor)")
    unknown = set(arguments.only or []) - {network[0] for network in NETWORKS}
    if unknown:
        sys.exit(f"error: unknown network {sorted(unknown)[0]!r}; known: {', '.join(n[0] for n in NETWORKS)}")
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    today = datetime.date.today().isoformat()
    if device == "cuda":
        name = torch.cuda.get_device_name()
    else:
        name = f"{processor()}, {torch.get_num_threads()} threads (a processor, no graphics card)"
    by, framework = "benches/gpu/measure.py", f"PyTorch {torch.__version__}, eager, fp32, {device}"
    lines = [
        f"# Measured by {by} on {today}.",
        "",
        "[card]",
        f"name = {text(name)}",
        f'peak = "{peak(device) / 1e12:.4g} TFLOP/s"',
        f'bandwidth = "{bandwidth(device) / 1e9:.4g} GB/s"',
    ]
    watts = limit(device)
    if watts:
        lines.append(f'power = "{watts:g} W"')
    lines += ['status = "measured"', f"source = {text(f'{by}, {today}: matrix product and copy, {framework}')}"]
    for network, make, shape, classes, large in NETWORKS:
        if arguments.only and network not in arguments.only:
            continue
        for baseline, batch in [("one_by_one", 1), ("large_batch", large)]:
            median, low, high, power = iterations(make, shape, classes, batch, device, arguments.seconds)
            low, high = min(low, median), max(high, median)
            print(f"{network}, {baseline}: {1e3 * median:.4g} ms per iteration of {batch}", flush=True)
            lines += [
                "",
                "[[measurement]]",
                f"network = {text(network)}",
                f'baseline = "{baseline}"',
                f"batch_size = {batch}",
                f'iteration = "{1e3 * median:.5g} ms"',
                f'low = "{1e3 * low:.5g} ms"',
                f'high = "{1e3 * high:.5g} ms"',
            ]
            if power:
                lines.append(f'power = "{power:.4g} W"')
            lines += [f"framework = {text(framework)}", f"by = {text(by)}", f"date = {text(today)}"]
    part = arguments.out + ".part"
    with open(part, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    os.replace(part, arguments.out)
    print(f"written to {arguments.out}")


if __name__ == "__main__":
    main()
