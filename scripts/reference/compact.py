"""Reference solutions for tests/devices/compact.rs: pulses integrated by SciPy, independently of the Rust code.

Writes tests/data/compact_reference.csv; run by `make reference`. Each equation is integrated in time with DOP853 at tight
tolerances, in the position between the bounds of the state; the end of the range is an event.
"""

import math
import platform
import random
import sys

import numpy
import scipy
from scipy.integrate import quad, solve_ivp

# r_on and r_off play no part: VTEAM is driven by the voltage. (w_off, v_on, v_off, k_on, k_off, alpha_on, alpha_off)
VTEAM = {
    "pt_hfox": (3e-9, -0.3, 0.4, -4.8e-3, 2.8e-3, 3, 1),
    "memtorch": (3e-9, -0.2, 0.02, -10.0, 5e-4, 3, 1),
    "magic": (3e-9, -1.5, 0.3, -216.2, 0.091, 4, 4),
    "taox": (25e-9, -0.6, 0.78, -0.1, 1e-8, 18, 2),
    "teaching": (3e-9, -0.8, 0.8, -10.0, 10.0, 3, 3),
}
# (r_on, r_off, thickness, mobility, threshold)
ION_DRIFT = {
    "memtorch": (100.0, 16e3, 10e-9, 1e-14, 0.55),
    "technion_course": (100.0, 16e3, 10e-9, 1e-14, 0.0),
    "technion_verilog_a": (100.0, 200e3, 3e-9, 1e-15, 0.0),
}
# (v_p, v_n)
YAKOPCIC = {"low_threshold": (0.16, 0.15), "high_threshold": (0.65, 0.56)}
# The window of the VTEAM rows that the Rust test builds with a_on = 0.5 nm, a_off = 2.5 nm, w_c = 107 pm.
KVATINSKY = (0.5e-9, 2.5e-9, 107e-12)


def window(kind, p, x, up, metres=0.0):
    if kind == "clip":
        return 1.0
    if kind == "joglekar":
        return 1.0 - abs(2.0 * x - 1.0) ** (2.0 * p)
    if kind == "prodromakis":
        return 1.0 - ((x - 0.5) ** 2 + 0.75) ** p
    if kind == "biolek":
        return 1.0 - (x if up else 1.0 - x) ** (2.0 * p)
    if kind == "kvatinsky":
        a_on, a_off, w_c = KVATINSKY
        return math.exp(-math.exp((metres - a_off) / w_c if up else -(metres - a_on) / w_c))
    raise ValueError(kind)


def vteam(name, kind, p, volts):
    """Rate in ranges per second, as a function of the position."""
    d, v_on, v_off, k_on, k_off, a_on, a_off = VTEAM[name]
    if volts > 0:
        drift = k_off * (volts / v_off - 1.0) ** a_off / d if volts > v_off else 0.0
    else:
        drift = k_on * (volts / v_on - 1.0) ** a_on / d if volts < v_on else 0.0
    return lambda x: drift * window(kind, p, x, drift > 0, x * d)


def team(volts):
    """TEAM, Technion's set, without a window."""
    r_on, r_off, i_th, k, alpha, d = 100.0, 200e3, 1e-6, 8e-13, 3, 3e-9

    def rate(x):
        i = volts / (r_on + (r_off - r_on) * x)
        return math.copysign(k * (abs(i) / i_th - 1.0) ** alpha / d, volts) if abs(i) > i_th else 0.0

    return rate


def ion_drift(name, kind, p, volts):
    r_on, r_off, d, mobility, threshold = ION_DRIFT[name]
    assert abs(volts) > threshold
    return lambda x: mobility * r_on / d**2 * volts / (r_on * x + r_off * (1.0 - x)) * window(kind, p, x, volts > 0)


def yakopcic(name, volts):
    v_p, v_n = YAKOPCIC[name]
    amplitude, x_p, x_n, alpha_p, alpha_n = 4000.0, 0.3, 0.5, 1.0, 5.0
    if volts > 0:
        g = amplitude * (math.exp(volts) - math.exp(v_p))
        return lambda x: g * (1.0 if x < x_p else math.exp(-alpha_p * (x - x_p)) * ((x_p - x) / (1.0 - x_p) + 1.0))
    g = -amplitude * (math.exp(-volts) - math.exp(v_n))
    return lambda x: g * (1.0 if x > 1.0 - x_n else math.exp(alpha_n * (x + x_n - 1.0)) * x / (1.0 - x_n))


STANFORD_GAPS = (0.2e-9, 1.7e-9)


def stanford(volts):
    """Stanford-PKU in positions between gap_min and gap_max; the field threshold is left to the caller."""
    k_over_q = 1.380649e-23 / 1.602176634e-19
    low, high = STANFORD_GAPS

    def rate(x):
        gap = low + (high - low) * x
        current = 1e-3 * math.exp(-gap / 0.25e-9) * math.sinh(volts / 0.25)
        kt = k_over_q * (298.0 + abs(volts * current) * 2.1e3)
        gamma = 16.0 - 0.8 * (gap / 1e-9) ** 3
        return -10.0 * math.exp(-0.6 / kt) * math.sinh(gamma * 0.25e-9 * volts / (12e-9 * kt)) / (high - low)

    return rate


def stanford_edge(volts):
    """Position above which the field is below f_min, so that the gap rests."""
    cube = (16.0 - 1.4e9 * 12e-9 / abs(volts)) / 0.8
    gap = math.copysign(abs(cube) ** (1.0 / 3.0), cube) * 1e-9
    return (gap - STANFORD_GAPS[0]) / (STANFORD_GAPS[1] - STANFORD_GAPS[0])


def solve(rate, x0, seconds, top=1.0):
    """Position after `seconds`; the state stops at 0 and at `top`."""
    first = rate(x0)
    if first == 0.0:
        return x0
    up = first > 0.0
    unit = abs(first)

    def derivative(_, y):
        # Time in units of the first rate, so that the solver sees numbers near 1.
        return [rate(min(max(y[0], 0.0), top)) / unit]

    def bound(_, y):
        return y[0] - (top if up else 0.0)

    bound.terminal = True
    out = solve_ivp(derivative, (0.0, unit * seconds), [x0], method="DOP853", rtol=1e-12, atol=1e-14, events=bound)
    if out.status == 1:
        return top if up else 0.0
    if not out.success:
        raise RuntimeError(out.message)
    return float(out.y[0][-1])


def length(rng, rate, x0, shares=(0.02, 0.2, 0.6, 1.5)):
    """A pulse that moves the state by a few percent of its range up to beyond the bound, at its first rate."""
    return rng.choice(shares) * rng.uniform(0.5, 1.5) / abs(rate(x0))


def growing(rng, rate, x0, low):
    """The same where the rate grows a thousandfold on the way: as long as a target takes at which it has grown tenfold at most."""
    target = x0 + (low - x0) * rng.uniform(0.05, 0.95)
    while abs(rate(target) / rate(x0)) > 10.0:
        target = 0.5 * (target + x0)
    return quad(lambda x: 1.0 / abs(rate(x)), min(x0, target), max(x0, target))[0]


def rows(rng):
    for name, (d, v_on, v_off, *_) in VTEAM.items():
        for kind in ("clip", "joglekar", "prodromakis", "biolek", "kvatinsky"):
            if kind == "kvatinsky" and d != 3e-9:
                continue
            for _ in range(10):
                p = rng.choice([1.0, 1.5, 2.0, 5.0])
                x0 = rng.uniform(0.3, 0.7) if kind == "kvatinsky" else rng.uniform(0.02, 0.98)
                volts = rng.choice([v_on, v_off]) * rng.uniform(1.05, 2.5)
                rate = vteam(name, kind, p, volts)
                seconds = length(rng, rate, x0)
                yield "vteam", name, kind, p, x0 * d, volts, seconds, solve(rate, x0, seconds) * d
    for _ in range(24):
        x0, volts = rng.uniform(0.02, 0.98), rng.choice([-1.0, 1.0]) * rng.uniform(0.5, 2.0)
        rate = team(volts)
        seconds = length(rng, rate, x0) if volts > 0 else growing(rng, rate, x0, 0.0)
        yield "team", "technion", "clip", 1.0, x0 * 3e-9, volts, seconds, solve(rate, x0, seconds) * 3e-9
    for name in ION_DRIFT:
        for kind in ("clip", "joglekar", "prodromakis", "biolek"):
            for _ in range(8):
                p = rng.choice([1.0, 2.0, 5.0])
                x0, volts = rng.uniform(0.02, 0.98), rng.choice([-1.0, 1.0]) * rng.uniform(0.6, 2.0)
                rate = ion_drift(name, kind, p, volts)
                seconds = length(rng, rate, x0)
                yield "ion_drift", name, kind, p, x0, volts, seconds, solve(rate, x0, seconds)
    for name, (v_p, v_n) in YAKOPCIC.items():
        for _ in range(24):
            x0, volts = rng.uniform(0.02, 0.98), rng.choice([v_p, -v_n]) * rng.uniform(1.02, 2.5)
            rate = yakopcic(name, volts)
            seconds = length(rng, rate, x0)
            yield "yakopcic", name, "own", 0.0, x0, volts, seconds, solve(rate, x0, seconds)
    low, high = STANFORD_GAPS
    for _ in range(36):
        volts = rng.choice([-1.0, 1.0]) * rng.uniform(1.2, 2.0)
        edge = min(stanford_edge(volts), 1.0)
        x0 = rng.uniform(0.02, 0.95) * edge
        rate = stanford(volts)
        seconds = length(rng, rate, x0) if volts < 0 else growing(rng, rate, x0, 0.0)
        end = solve(rate, x0, seconds, edge)
        yield "stanford_pku", "memtorch", "own", 0.0, low + (high - low) * x0, volts, seconds, low + (high - low) * end


def main(path):
    with open(path, "w", encoding="ascii") as file:
        file.write("# Made by scripts/reference/compact.py (make reference); DOP853, rtol 1e-12, atol 1e-14 of the range.\n")
        file.write(f"# SciPy {scipy.__version__}, NumPy {numpy.__version__}, Python {platform.python_version()}\n")
        file.write("model,set,window,p,state,volts,seconds,end\n")
        for row in rows(random.Random(1)):
            file.write(",".join(v if isinstance(v, str) else repr(float(v)) for v in row) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
