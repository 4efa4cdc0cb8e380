"""Reference solutions for tests/compact.rs: VTEAM pulses integrated by SciPy, independently of the Rust code.

Writes tests/data/compact_reference.csv; run by `make reference`. The equation is integrated in time with Radau at tight
tolerances, in the position x = (w - w_on) / (w_off - w_on); the end of the range is an event.
"""

import platform
import random
import sys

import numpy
import scipy
from scipy.integrate import solve_ivp

# r_on and r_off play no part: VTEAM is driven by the voltage. (w_off, v_on, v_off, k_on, k_off, alpha_on, alpha_off)
SETS = {
    "pt_hfox": (3e-9, -0.3, 0.4, -4.8e-3, 2.8e-3, 3, 1),
    "memtorch": (3e-9, -0.2, 0.02, -10.0, 5e-4, 3, 1),
    "magic": (3e-9, -1.5, 0.3, -216.2, 0.091, 4, 4),
    "taox": (25e-9, -0.6, 0.78, -0.1, 1e-8, 18, 2),
    "teaching": (3e-9, -0.8, 0.8, -10.0, 10.0, 3, 3),
}


def window(kind, p, x, up):
    if kind == "clip":
        return 1.0
    if kind == "joglekar":
        return 1.0 - abs(2.0 * x - 1.0) ** (2.0 * p)
    if kind == "prodromakis":
        return 1.0 - ((x - 0.5) ** 2 + 0.75) ** p
    if kind == "biolek":
        return 1.0 - (x if up else 1.0 - x) ** (2.0 * p)
    raise ValueError(kind)


def drift(name, volts):
    """dw/dt without the window, in ranges per second."""
    d, v_on, v_off, k_on, k_off, a_on, a_off = SETS[name]
    if volts > v_off:
        return k_off * (volts / v_off - 1.0) ** a_off / d
    if volts < v_on:
        return k_on * (volts / v_on - 1.0) ** a_on / d
    return 0.0


def solve(name, kind, p, x0, volts, seconds):
    rate = drift(name, volts)
    # Time in units of the drift, so that the solver sees numbers near 1.
    span = abs(rate) * seconds
    sign = 1.0 if rate > 0 else -1.0

    def derivative(_, y):
        x = min(max(y[0], 0.0), 1.0)
        return [sign * window(kind, p, x, rate > 0)]

    def bound(_, y):
        return y[0] - (1.0 if rate > 0 else 0.0)

    bound.terminal = True
    out = solve_ivp(derivative, (0.0, span), [x0], method="Radau", rtol=1e-12, atol=1e-14, events=bound)
    if out.status == 1:
        return 1.0 if rate > 0 else 0.0
    if not out.success:
        raise RuntimeError(out.message)
    return float(out.y[0][-1])


def main(path):
    rng = random.Random(1)
    rows = []
    for name in SETS:
        d, v_on, v_off = SETS[name][:3]
        for kind in ("clip", "joglekar", "prodromakis", "biolek"):
            for _ in range(12):
                p = rng.choice([1.0, 1.5, 2.0, 5.0])
                x0 = rng.uniform(0.02, 0.98)
                volts = rng.choice([v_on, v_off]) * rng.uniform(1.05, 2.5)
                seconds = rng.choice([0.02, 0.2, 0.6, 1.5]) * rng.uniform(0.5, 1.5) / abs(drift(name, volts))
                x1 = solve(name, kind, p, x0, volts, seconds)
                rows.append(("vteam", name, kind, p, x0 * d, volts, seconds, x1 * d))
    with open(path, "w", encoding="ascii") as file:
        file.write("# Made by scripts/reference/compact.py (make reference); Radau, rtol 1e-12, atol 1e-14 of the range.\n")
        file.write(f"# SciPy {scipy.__version__}, NumPy {numpy.__version__}, Python {platform.python_version()}\n")
        file.write("model,set,window,p,state_m,volts,seconds,end_m\n")
        for row in rows:
            file.write(",".join(v if isinstance(v, str) else repr(float(v)) for v in row) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
