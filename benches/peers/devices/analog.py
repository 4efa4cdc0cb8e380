"""aihwkit on one core: rank-1 updates of a 784 x 256 tile, and training of a network with batch size 1.

Reads `update DEVICE` (answer: microseconds) and `train DEVICE inputs hidden outputs samples` (answer: samples per second).
"""

import sys
import time

import torch
from aihwkit.nn import AnalogLinear, AnalogSequential
from aihwkit.optim import AnalogSGD
from aihwkit.simulator.configs import FloatingPointRPUConfig, SingleRPUConfig, UnitCellRPUConfig
from aihwkit.simulator.configs.devices import ConstantStepDevice, FloatingPointDevice, SoftBoundsDevice
from aihwkit.simulator.presets import PCMPresetUnitCell, ReRamSBPresetDevice

torch.set_num_threads(1)
torch.manual_seed(1)

CONFIGS = {
    "ideal": lambda: FloatingPointRPUConfig(device=FloatingPointDevice()),
    "constant_step": lambda: SingleRPUConfig(device=ConstantStepDevice()),
    "soft_bounds": lambda: SingleRPUConfig(device=SoftBoundsDevice()),
    "reram_sb": lambda: SingleRPUConfig(device=ReRamSBPresetDevice()),
    "pcm": lambda: UnitCellRPUConfig(device=PCMPresetUnitCell()),
}


def tile(device):
    config = CONFIGS[device]()
    # One array, not several of at most 512 inputs.
    config.mapping.max_input_size = config.mapping.max_output_size = 0
    layer = AnalogLinear(784, 256, bias=False, rpu_config=config)
    tile = next(layer.analog_tiles())
    tile.set_learning_rate(0.01)
    return tile


TILES = {}
X, D = torch.rand(1, 784) * 2 - 1, torch.rand(1, 256) * 2 - 1


def update(device):
    if device not in TILES:
        TILES[device] = tile(device)
    times, count = TILES[device], 0
    started = time.perf_counter()
    while time.perf_counter() - started < 0.02 or count < 2:
        times.update(X, D if count % 2 else -D)
        count += 1
    return 1e6 * (time.perf_counter() - started) / count


def train(device, inputs, hidden, outputs, samples):
    config = CONFIGS[device]
    model = AnalogSequential(
        AnalogLinear(inputs, hidden, bias=True, rpu_config=config()),
        torch.nn.Sigmoid(),
        AnalogLinear(hidden, outputs, bias=True, rpu_config=config()),
        torch.nn.Sigmoid(),
    )
    optimizer = AnalogSGD(model.parameters(), lr=0.05)
    optimizer.regroup_param_groups(model)
    loss = torch.nn.MSELoss(reduction="sum")
    x = torch.rand(samples, 1, inputs)
    t = torch.eye(outputs)[torch.randint(outputs, (samples,))].unsqueeze(1)
    started = time.perf_counter()
    for k in range(samples):
        optimizer.zero_grad()
        loss(model(x[k]), t[k]).backward()
        optimizer.step()
    return samples / (time.perf_counter() - started)


print("ready", flush=True)
for line in sys.stdin:
    command, device, *sizes = line.split()
    print(update(device) if command == "update" else train(device, *map(int, sizes)), flush=True)
