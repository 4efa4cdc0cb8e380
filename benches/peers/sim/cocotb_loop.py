"""The same loop as in loop.cpp, with cocotb: `cocotb_loop.py FOLDER RTL_FOLDER STIMULUS PASSES FLAGS`.

With 0 passes it builds the model; with more it runs it and prints CYCLES PROCESSOR_SECONDS SUM_OF_FIRST_PASS SUM_OF_ALL. FLAGS are those of the C++ compiler.
"""

import os
import struct
import sys
import time
from pathlib import Path

OUTPUTS = (
    "s_axis_tready",
    "m_axis_tvalid",
    "m_axis_tdata",
    "l0_op_valid",
    "l0_adc_ready",
    "l0_col_on",
    "l1_op_valid",
    "l1_adc_ready",
    "l1_col_on",
)
MASK = (1 << 64) - 1


def load(path):
    """Names of the driven ports, and per cycle the changes as (port, value)."""
    with open(path, "rb") as file:
        names = file.readline().decode().split()
        data = file.read()
    words = struct.unpack(f"<{len(data) // 8}Q", data)
    cycles, at = [], 1
    for _ in range(words[0]):
        count = words[at]
        cycles.append([(words[at + 1 + 2 * i], words[at + 2 + 2 * i]) for i in range(count)])
        at += 1 + 2 * count
    return names, cycles


if "COCOTB_LOOP_STIMULUS" in os.environ:
    import cocotb
    from cocotb.clock import Clock
    from cocotb.triggers import FallingEdge

    @cocotb.test()
    async def drive(dut):
        names, cycles = load(os.environ["COCOTB_LOOP_STIMULUS"])
        passes = int(os.environ["COCOTB_LOOP_PASSES"])
        inputs = [getattr(dut, name) for name in names]
        outputs = [getattr(dut, name) for name in OUTPUTS]
        falling = FallingEdge(dut.aclk)
        total = first = 0
        Clock(dut.aclk, 2, unit="step").start(start_high=False)
        started = time.process_time()
        for turn in range(passes):
            for changes in cycles:
                for port, value in changes:
                    inputs[port].value = value
                # Half a cycle after the rising edge: what it did has settled, and the next inputs are not yet there.
                await falling
                for output in outputs:
                    total = (total << 5 | total >> 59) & MASK ^ int(output.value)
            if turn == 0:
                first = total
        took = time.process_time() - started
        Path(os.environ["COCOTB_LOOP_RESULT"]).write_text(
            f"{passes * len(cycles)} {took:.9f} {first:016x} {total:016x}\n"
        )


def main():
    from cocotb_tools.runner import get_runner

    folder, rtl, stimulus, passes, flags = sys.argv[1:]
    folder = Path(folder).resolve()
    result = folder / "result"
    result.unlink(missing_ok=True)
    # The makefile of the PyPI package does not say how a precompiled header is included.
    os.environ["MAKEFLAGS"] = "CFG_CXXFLAGS_PCH_I=-include"
    runner = get_runner("verilator")
    if passes == "0":
        runner.build(
            sources=sorted(Path(rtl).resolve().glob("*.v")),
            hdl_toplevel="digits",
            build_dir=folder / "build",
            build_args=["-O3", "--x-assign", "fast", "--x-initial", "fast", "-CFLAGS", flags],
            timescale=("1ns", "1ps"),
            log_file=folder / "build.log",
        )
        return
    runner.test(
        hdl_toplevel_lang="verilog",
        hdl_toplevel="digits",
        test_module=Path(__file__).stem,
        build_dir=folder / "build",
        extra_env={
            "PYTHONPATH": str(Path(__file__).resolve().parent),
            "COCOTB_LOOP_STIMULUS": str(Path(stimulus).resolve()),
            "COCOTB_LOOP_PASSES": passes,
            "COCOTB_LOOP_RESULT": str(result),
        },
        log_file=folder / "test.log",
    )
    print(result.read_text(), end="")


if __name__ == "__main__":
    main()
