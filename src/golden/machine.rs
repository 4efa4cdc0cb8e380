//! The reference machine: sequencer, layers, error units and momentum units in integers, one sample at a time.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

use super::memory::{Arrays, Controller, MemoryTrace, RowCells, initial_targets};
use super::momentum::{Carry, Engine, Memory, Registers, Slot, Turn};
use super::{ActivationTable, Softmax, conv};
use crate::array::{Crossbar, Grid, GridMoment, TileCodes};
use crate::device::{DeviceError, NotFinite};
use crate::fixed;
use crate::spec::{Conv, Design, Layer, Shifts};

/// What the machine does with a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Infer,
    Train,
}

/// Everything that one sample causes, in the order of the hardware.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SampleTrace {
    pub layers: Vec<LayerTrace>,
    /// The refresh that comes before the sample; empty mostly.
    pub memory: MemoryTrace,
}

/// Transactions of one layer's array and units. Vectors that the mode does not produce are empty. Those of a convolution's reads hold one
/// position after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LayerTrace {
    /// Row codes of the forward read, bias included.
    pub x: Vec<i32>,
    /// Forward ADC codes, one per column: sums over the tiles.
    pub read: Vec<i32>,
    /// The same of each tile.
    pub tile_reads: TileCodes,
    /// Of a convolution: codes of the pooled map, and which place of its window each is from.
    pub pooled: Vec<i32>,
    pub winners: Vec<u32>,
    /// Activation codes.
    pub activation: Vec<i32>,
    /// Slope codes.
    pub slope: Vec<i32>,
    /// Error times slope.
    pub y: Vec<i32>,
    /// Column codes of the transposed read (none for the first layer).
    pub drive: Vec<i32>,
    /// Transposed ADC codes, one per row without the bias: sums over the tiles.
    pub back: Vec<i32>,
    /// The same of each tile; empty where none is read.
    pub tile_backs: TileCodes,
    /// ADC codes of the read of second devices, or of a row of a slice, in the update, one per column, and those of each tile; empty in
    /// steps without.
    pub fast: Vec<i32>,
    pub tile_fast: TileCodes,
    /// Operations of the update in order.
    pub slots: Vec<Slot>,
    /// Pairs that the momentum unit passed over for want of a pulse.
    pub skipped: usize,
    /// Shares of a convolution's positions in both; empty for other layers.
    pub positions: Vec<Share>,
}

/// How many operations one position of a convolution's update brought, and how many pairs without a pulse.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    pub slots: usize,
    pub skipped: usize,
}

impl SampleTrace {
    /// Output codes of the network.
    pub fn output(&self) -> &[i32] {
        self.layers.last().map_or(&[], |l| &l.activation)
    }
}

/// A device whose state is no number any more.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("layer {layer}: {cell}")]
pub struct DeviceFault {
    /// Number of the layer.
    pub layer: usize,
    pub cell: NotFinite,
}

impl Arrays for Vec<LayerUnit> {
    fn count(&self) -> usize {
        self.len()
    }

    fn array(&mut self, layer: usize) -> &mut Crossbar {
        self[layer].array.first_mut()
    }
}

/// What makes activations of a layer's reads.
enum Function {
    Table(ActivationTable),
    Softmax(Softmax),
}

impl Function {
    fn new(design: &Design, layer: &Layer) -> Function {
        match Softmax::new(design, layer) {
            Some(softmax) => Function::Softmax(softmax),
            None => Function::Table(ActivationTable::new(design, layer)),
        }
    }

    /// Activation and slope codes of all reads of a layer.
    fn apply(&mut self, read: &[i32], activation: &mut Vec<i32>, slope: &mut Vec<i32>, dac_bits: u32) {
        activation.clear();
        slope.clear();
        match self {
            Function::Table(table) => {
                for &code in read {
                    let (a, s) = table.look_up(code);
                    activation.push(a);
                    slope.push(s);
                }
            }
            Function::Softmax(softmax) => {
                softmax.run(read, activation);
                // The error of the cross-entropy is t - o: a slope of 1.
                slope.resize(read.len(), 1 << (dac_bits - 1));
            }
        }
    }
}

struct LayerUnit {
    array: Grid,
    function: Function,
    engine: Engine,
    /// Of several devices per weight.
    carry: Option<Carry>,
    shifts: Shifts,
    conv: Option<Conv>,
    /// One read or error of a convolution.
    scratch: LayerTrace,
}

impl LayerUnit {
    /// Reads of all positions of a convolution, and the pooled map.
    fn convolve(&mut self, conv: &Conv, image: &[i32], bias: i32, t: &mut LayerTrace) -> Result<(), NotFinite> {
        t.x.clear();
        t.read.clear();
        t.tile_reads.iter_mut().for_each(Vec::clear);
        let rows = conv.window() + 1;
        let one = &mut self.scratch;
        for position in 0..conv.positions() {
            conv::window(conv, image, position, bias, &mut t.x);
            self.array.read_forward(&t.x[position * rows..], &mut one.tile_reads, &mut one.read)?;
            t.read.extend_from_slice(&one.read);
            t.tile_reads.resize_with(one.tile_reads.len(), Vec::new);
            for (all, codes) in t.tile_reads.iter_mut().zip(&one.tile_reads) {
                all.extend_from_slice(codes);
            }
        }
        conv::pool(conv, one.read.len(), &t.read, &mut t.pooled, &mut t.winners);
        Ok(())
    }

    /// The steps of all positions, each with its own window and its share of the map's error.
    fn update_convolution(&mut self, conv: &Conv, registers: Registers, t: &mut LayerTrace) -> Result<(), NotFinite> {
        let rows = conv.window() + 1;
        let channels = t.y.len() / conv.pixels();
        t.slots.clear();
        let one = &mut self.scratch;
        for (position, x) in t.x.chunks_exact(rows).enumerate() {
            one.x.clear();
            one.x.extend_from_slice(x);
            conv::error_at(conv, channels, position, &t.y, &t.winners, &mut one.y);
            self.engine.step(registers, &mut self.array, one)?;
            t.positions.push(Share { slots: one.slots.len(), skipped: one.skipped });
            t.skipped += one.skipped;
            t.slots.append(&mut one.slots);
        }
        Ok(())
    }
}

/// The machine between two samples: all that later samples depend on. Without the memory controller, which has no moments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Learning rate and momentum.
    registers: (u32, u32),
    layers: Vec<(GridMoment, Memory, Option<Turn>)>,
}

/// The golden machine.
pub struct Machine {
    layers: Vec<LayerUnit>,
    dac_bits: u32,
    error_bits: u32,
    /// Registers that software may change between samples.
    pub learning_rate: u32,
    pub momentum: u32,
    pub history: usize,
    /// The memory controller of a design that has one.
    pub memory: Option<Controller>,
    /// A refresh comes before the next sample.
    refresh_due: bool,
}

impl Machine {
    /// Machine with the design's initial weights and register values. Weights that the memory controller programs are missing
    /// until [`Machine::program_initial`].
    ///
    /// # Errors
    /// See [`Crossbar::new`].
    pub fn new(design: &Design) -> Result<Self, DeviceError> {
        let layers: Vec<LayerUnit> = design
            .layers
            .iter()
            .enumerate()
            .map(|(index, layer)| {
                let mut array = Grid::new(design, index, layer)?;
                if !design.memory.as_ref().is_some_and(|m| m.program_initial) {
                    array.load(&initial_states(design, index, layer));
                }
                Ok(LayerUnit {
                    array,
                    function: Function::new(design, layer),
                    engine: Engine::new(design, layer),
                    carry: Carry::new(design, layer),
                    shifts: layer.shifts,
                    conv: layer.conv,
                    scratch: LayerTrace::default(),
                })
            })
            .collect::<Result<_, DeviceError>>()?;
        Ok(Machine {
            layers,
            dac_bits: design.array.dac_bits,
            error_bits: design.array.error_bits,
            learning_rate: design.learning_rate_code(),
            momentum: design.momentum_code(),
            history: design.training.history,
            memory: Controller::new(design),
            refresh_due: false,
        })
    }

    /// Programs cells of a row to `targets`, one code per column; nothing without a memory mode.
    pub fn program(&mut self, cells: RowCells, targets: &[u32], trace: &mut MemoryTrace) {
        if let Some(controller) = &mut self.memory {
            controller.program(cells, targets, &mut self.layers, trace);
        }
    }

    /// Reads cells of a row; nothing without a memory mode.
    pub fn read_cells(&mut self, cells: RowCells, trace: &mut MemoryTrace) {
        if let Some(controller) = &mut self.memory {
            controller.read(cells, &mut self.layers, trace);
        }
    }

    /// Refreshes all pairs now; nothing without a memory mode.
    pub fn refresh(&mut self, trace: &mut MemoryTrace) {
        self.refresh_due = false;
        if let Some(controller) = &mut self.memory {
            controller.refresh(&mut self.layers, trace);
        }
    }

    /// Whether the last training sample brought a refresh that [`Machine::run`] has not yet done.
    pub fn refresh_due(&self) -> bool {
        self.refresh_due
    }

    /// Programs the initial weights row by row, as the hardware does for its host, if the spec says so.
    ///
    /// # Errors
    /// See [`Crossbar::new`].
    pub fn program_initial(&mut self, design: &Design, trace: &mut MemoryTrace) -> Result<(), DeviceError> {
        if !design.memory.as_ref().is_some_and(|m| m.program_initial) {
            return Ok(());
        }
        for (cells, targets) in initial_rows(design)? {
            self.program(cells, &targets, trace);
        }
        Ok(())
    }

    /// Whether every device that the memory controller has read so far had a conductance.
    ///
    /// # Errors
    /// The first that had none.
    pub fn sound(&self) -> Result<(), DeviceFault> {
        self.memory.as_ref().and_then(|controller| controller.fault).map_or(Ok(()), Err)
    }

    /// Runs one sample of `inputs` DAC codes; `target` codes are needed for training only. `trace` takes what happened; it is
    /// the caller's, so that its memory serves again.
    ///
    /// # Errors
    /// A device whose state is no number any more.
    pub fn run(
        &mut self,
        input: &[i32],
        target: &[i32],
        mode: Mode,
        trace: &mut SampleTrace,
    ) -> Result<(), DeviceFault> {
        trace.layers.resize_with(self.layers.len(), LayerTrace::default);
        trace.memory = MemoryTrace::default();
        if self.refresh_due {
            self.refresh(&mut trace.memory);
            self.sound()?;
        }
        self.forward(input, trace)?;
        for t in &mut trace.layers {
            t.y.clear();
            t.drive.clear();
            t.back.clear();
            t.tile_backs.iter_mut().for_each(Vec::clear);
            t.fast.clear();
            t.tile_fast.iter_mut().for_each(Vec::clear);
            t.skipped = 0;
            t.positions.clear();
            if mode == Mode::Infer {
                t.slots.clear();
            }
        }
        if mode == Mode::Train {
            self.backward(target, trace)?;
            self.update(trace)?;
            self.refresh_due = self.memory.as_mut().is_some_and(Controller::trained);
        }
        Ok(())
    }

    fn forward(&mut self, input: &[i32], trace: &mut SampleTrace) -> Result<(), DeviceFault> {
        let bias = fixed::max_code(self.dac_bits) as i32;
        for index in 0..self.layers.len() {
            let (before, rest) = trace.layers.split_at_mut(index);
            let (unit, t) = (&mut self.layers[index], &mut rest[0]);
            if let Some(conv) = unit.conv {
                unit.convolve(&conv, input, bias, t).map_err(|cell| DeviceFault { layer: index, cell })?;
                unit.function.apply(&t.pooled, &mut t.activation, &mut t.slope, self.dac_bits);
                continue;
            }
            t.x.clear();
            t.x.extend_from_slice(before.last().map_or(input, |p| &p.activation));
            t.x.push(bias);
            let read = unit.array.read_forward(&t.x, &mut t.tile_reads, &mut t.read);
            read.map_err(|cell| DeviceFault { layer: index, cell })?;
            unit.function.apply(&t.read, &mut t.activation, &mut t.slope, self.dac_bits);
        }
        Ok(())
    }

    fn backward(&mut self, target: &[i32], trace: &mut SampleTrace) -> Result<(), DeviceFault> {
        for index in (0..self.layers.len()).rev() {
            let (unit, bits) = (&mut self.layers[index], self.error_bits);
            let (head, after) = trace.layers.split_at_mut(index + 1);
            let t = &mut head[index];
            let scale = |error: i32, slope: i32| {
                fixed::saturate(fixed::round_shift(i64::from(error) * i64::from(slope), unit.shifts.error), bits) as i32
            };
            match after.first() {
                None => {
                    let pairs = target.iter().zip(&t.activation).zip(&t.slope);
                    t.y.extend(pairs.map(|((t, a), &slope)| scale(t - a, slope)));
                }
                Some(next) => t.y.extend(next.back.iter().zip(&t.slope).map(|(&b, &slope)| scale(b, slope))),
            }
            if index > 0 {
                let drive = unit.shifts.drive;
                let code = |&y: &i32| fixed::saturate(fixed::round_shift(i64::from(y), drive), self.dac_bits) as i32;
                t.drive.extend(t.y.iter().map(code));
                let read = unit.array.read_transposed(&t.drive, &mut t.tile_backs, &mut t.back);
                read.map_err(|cell| DeviceFault { layer: index, cell })?;
            }
        }
        Ok(())
    }

    fn update(&mut self, trace: &mut SampleTrace) -> Result<(), DeviceFault> {
        let registers = Registers { eta: self.learning_rate, gamma: self.momentum, depth: self.history };
        for (layer, (unit, t)) in self.layers.iter_mut().zip(&mut trace.layers).enumerate() {
            let step = match unit.conv {
                Some(conv) => unit.update_convolution(&conv, registers, t),
                None => unit.engine.step(registers, &mut unit.array, t),
            };
            let step = step.and_then(|()| match &mut unit.carry {
                Some(carry) => carry.step(&mut unit.array, t),
                None => Ok(()),
            });
            step.map_err(|cell| DeviceFault { layer, cell })?;
        }
        Ok(())
    }

    /// This moment between two samples.
    pub fn moment(&self) -> Moment {
        let registers = (self.learning_rate, self.momentum);
        Moment {
            registers,
            layers: self
                .layers
                .iter()
                .map(|unit| (unit.array.moment(), unit.engine.memory(), unit.carry.as_ref().map(Carry::turn)))
                .collect(),
        }
    }

    /// Goes to another moment of this machine or of one of the same design.
    pub fn restore(&mut self, moment: &Moment) {
        (self.learning_rate, self.momentum) = moment.registers;
        for (unit, (array, memory, turn)) in self.layers.iter_mut().zip(&moment.layers) {
            unit.array.restore(array);
            unit.engine.restore(memory);
            if let (Some(carry), Some(turn)) = (&mut unit.carry, turn) {
                carry.restore(*turn);
            }
        }
    }

    /// Sets the registers to the values of an epoch, from 0; whether that changed them.
    pub fn begin_epoch(&mut self, design: &Design, epoch: usize) -> bool {
        let before = (self.learning_rate, self.momentum);
        (self.learning_rate, self.momentum) = design.training.rates(epoch).codes();
        before != (self.learning_rate, self.momentum)
    }

    /// Forgets the past: histories and velocities.
    pub fn clear_history(&mut self) {
        for unit in &mut self.layers {
            unit.engine.clear();
            if let Some(carry) = &mut unit.carry {
                carry.clear();
            }
        }
    }

    /// State words of layer `index`, see [`Grid::states`].
    pub fn states(&self, index: usize) -> Vec<i32> {
        self.layers[index].array.states()
    }

    /// SHA-256 of the states of all layers (little-endian 32 bit, in order), first 16 hex digits.
    pub fn states_hash(&self) -> String {
        let mut hash = Sha256::new();
        for state in (0..self.layers.len()).flat_map(|index| self.states(index)) {
            hash.update(state.to_le_bytes());
        }
        hash.finalize().iter().take(8).map(|b| format!("{b:02x}")).collect()
    }

    /// The arrays of layer `index`.
    pub fn array(&self, index: usize) -> &Grid {
        &self.layers[index].array
    }

    /// Puts another array in the place of that of layer `index`, which has only one.
    pub fn replace_array(&mut self, index: usize, array: Crossbar) {
        *self.layers[index].array.first_mut() = array;
    }

    /// Lets time pass in all arrays: drift and retention loss.
    pub fn age(&mut self, seconds: f64) {
        self.layers.iter_mut().for_each(|unit| unit.array.age(seconds));
    }
}

/// The rows of the initial weights with their target codes, in the order in which they are programmed.
///
/// # Errors
/// See [`Crossbar::new`].
pub fn initial_rows(design: &Design) -> Result<Vec<(RowCells, Vec<u32>)>, DeviceError> {
    let mut rows = Vec::new();
    for (layer, shape) in design.layers.iter().enumerate() {
        for (device, targets) in initial_targets(design, layer)?.iter().enumerate() {
            for (row, targets) in targets.chunks_exact(shape.outputs).enumerate() {
                let cells = RowCells { layer, device, row, first_col: 0, last_col: shape.outputs - 1 };
                rows.push((cells, targets.to_vec()));
            }
        }
    }
    Ok(rows)
}

/// Initial states of layer `index`: uniform, seeded per layer, bias row zero.
pub fn initial_states(design: &Design, index: usize, layer: &Layer) -> Vec<i32> {
    let mut rng = ChaCha8Rng::seed_from_u64(design.training.seed);
    rng.set_stream(index as u64);
    let glorot = (6.0 / (layer.inputs + layer.outputs) as f64).sqrt();
    let span = design.training.initial_weight.unwrap_or(glorot);
    let mut states: Vec<i32> = (0..layer.inputs * layer.outputs)
        .map(|_| {
            let w = (rng.random::<f64>() * 2.0 - 1.0) * span;
            fixed::quantize(w, design.device.state_bits, layer.ranges.weight) as i32
        })
        .collect();
    states.resize(layer.rows() * layer.outputs, 0);
    states
}
