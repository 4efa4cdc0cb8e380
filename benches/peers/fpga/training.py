"""Microseconds per training sample of a two-layer network with SGD and momentum, batch size 1, single precision, on one core.

    python training.py numpy|torch INPUTS HIDDEN OUTPUTS SAMPLES

tanh in the hidden layer, sigmoid in the last, squared error. Prints the median of five runs.
"""

import statistics
import sys
import time

ETA, GAMMA = 0.05, 0.9


def with_numpy(inputs, hidden, outputs, samples):
    import numpy as np

    rng = np.random.default_rng(1)
    eta, gamma = np.float32(ETA), np.float32(GAMMA)
    x = rng.random((samples, inputs + 1), dtype=np.float32)
    x[:, -1] = 1.0
    t = np.eye(outputs, dtype=np.float32)[rng.integers(outputs, size=samples)]
    w1 = rng.uniform(-0.1, 0.1, (inputs + 1, hidden)).astype(np.float32)
    w2 = rng.uniform(-0.1, 0.1, (hidden + 1, outputs)).astype(np.float32)
    v1, v2 = np.zeros_like(w1), np.zeros_like(w2)
    a1 = np.ones(hidden + 1, dtype=np.float32)

    def run():
        for k in range(samples):
            a1[:-1] = np.tanh(x[k] @ w1)
            a2 = 1.0 / (1.0 + np.exp(-(a1 @ w2)))
            y2 = (t[k] - a2) * a2 * (1.0 - a2)
            y1 = (w2[:-1] @ y2) * (1.0 - a1[:-1] * a1[:-1])
            for v, w, a, y in ((v2, w2, a1, y2), (v1, w1, x[k], y1)):
                v *= gamma
                v += np.outer(a, eta * y)
                w += v

    return run


def with_torch(inputs, hidden, outputs, samples):
    import torch
    from torch import nn

    torch.set_num_threads(1)
    torch.manual_seed(1)
    x = torch.rand(samples, inputs)
    t = nn.functional.one_hot(torch.randint(outputs, (samples,)), outputs).float()
    model = nn.Sequential(nn.Linear(inputs, hidden), nn.Tanh(), nn.Linear(hidden, outputs), nn.Sigmoid())
    optimizer = torch.optim.SGD(model.parameters(), lr=ETA, momentum=GAMMA)

    def run():
        for k in range(samples):
            optimizer.zero_grad(set_to_none=True)
            (0.5 * (model(x[k]) - t[k]).square().sum()).backward()
            optimizer.step()

    return run


library, *sizes = sys.argv[1:]
sizes = [int(size) for size in sizes]
run = {"numpy": with_numpy, "torch": with_torch}[library](*sizes)
run()
times = []
for _ in range(5):
    started = time.perf_counter()
    run()
    times.append((time.perf_counter() - started) / sizes[3])
print(1e6 * statistics.median(times))
