"""Training of a two-layer sigmoid network with SGD and momentum, batch size 1, single precision, in numpy.

Reads requests `inputs hidden outputs samples`, answers each with samples per second.
"""

import sys
import time

import numpy as np


def sigmoid(r):
    return 1.0 / (1.0 + np.exp(-r))


def run(inputs, hidden, outputs, samples, eta=np.float32(0.05), gamma=np.float32(0.9)):
    rng = np.random.default_rng(1)
    x = rng.random((samples, inputs + 1), dtype=np.float32)
    x[:, -1] = 1.0
    t = np.eye(outputs, dtype=np.float32)[rng.integers(outputs, size=samples)]
    w1 = rng.uniform(-0.1, 0.1, (inputs + 1, hidden)).astype(np.float32)
    w2 = rng.uniform(-0.1, 0.1, (hidden + 1, outputs)).astype(np.float32)
    v1, v2 = np.zeros_like(w1), np.zeros_like(w2)
    a1 = np.ones(hidden + 1, dtype=np.float32)
    started = time.perf_counter()
    for k in range(samples):
        a1[:-1] = sigmoid(x[k] @ w1)
        a2 = sigmoid(a1 @ w2)
        y2 = (t[k] - a2) * a2 * (1.0 - a2)
        y1 = (w2[:-1] @ y2) * a1[:-1] * (1.0 - a1[:-1])
        v2 *= gamma
        v2 += np.outer(a1, eta * y2)
        w2 += v2
        v1 *= gamma
        v1 += np.outer(x[k], eta * y1)
        w1 += v1
    return samples / (time.perf_counter() - started)


print("ready", flush=True)
for line in sys.stdin:
    print(run(*map(int, line.split())), flush=True)
