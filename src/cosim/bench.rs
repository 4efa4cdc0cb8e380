//! The test bench: one model, its buses, and an array macro per layer; advances cycle by cycle.

use std::collections::VecDeque;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use verilated::{Input, Library, Model, Output, Watch};

use super::array_pins::{ArrayPins, Event};
use super::error::CosimError;
use super::pins;
use super::scoreboard::Scoreboard;
use crate::array::Crossbar;
use crate::cycles::SampleCycles;
use crate::golden::{DeviceFault, initial_states};
use crate::phases::Phase;
use crate::regmap::RegMap;
use crate::spec::{Backend, Design};

/// Cycles within which a bus answers.
const BUS_LIMIT: u64 = 10_000;

/// Random stalls on the handshakes, as probabilities 0 to 1.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stalls {
    /// The host offers no beat on `s_axis`.
    pub input: f64,
    /// The host takes no beat from `m_axis`.
    pub output: f64,
    /// A conversion takes up to 7 cycles longer (external arrays).
    pub conversion: f64,
    pub seed: u64,
}

impl Stalls {
    pub(super) fn any(&self) -> bool {
        self.input > 0.0 || self.output > 0.0 || self.conversion > 0.0
    }
}

struct Axil {
    awaddr: Input,
    awvalid: Input,
    awready: Output,
    wdata: Input,
    wstrb: Input,
    wvalid: Input,
    wready: Output,
    bresp: Output,
    bvalid: Output,
    bready: Input,
    araddr: Input,
    arvalid: Input,
    arready: Output,
    rdata: Output,
    rresp: Output,
    rvalid: Output,
    rready: Input,
}

struct Streams {
    s_tdata: Input,
    s_tvalid: Input,
    s_tready: Output,
    s_tlast: Input,
    m_tdata: Output,
    m_tvalid: Output,
    m_tready: Input,
    m_tlast: Output,
}

struct Taps {
    phase: Output,
    sample_end: Output,
    y_valid: Output,
    y_beat: Output,
    y_last: Output,
    y_data: Output,
}

/// Design under test with everything around it.
pub struct Bench {
    pub model: Model,
    pub registers: RegMap,
    /// In the order of [`Design::arrays`].
    pub arrays: Vec<ArrayPins>,
    pub scoreboard: Scoreboard,
    /// Whether events are held against the scoreboard.
    pub checking: bool,
    design: Design,
    clock: Input,
    reset: Input,
    axil: Axil,
    streams: Streams,
    taps: Taps,
    pub(super) cycle: u64,
    /// Beats waiting for `s_axis`: data and last.
    pub(super) input: VecDeque<(u64, bool)>,
    /// Output vector being received, and the complete ones.
    pub(super) receiving: Vec<i32>,
    pub outputs: VecDeque<Vec<i32>>,
    measured: SampleCycles,
    stalls: Stalls,
    rng: ChaCha8Rng,
    words: Vec<i32>,
    /// Cycles by which conversions that begin now are to stall, per array.
    extra: Vec<u32>,
    /// A layer lies on several arrays.
    tiled: bool,
    /// Signals whose change needs the bench.
    watch: Watch,
    /// Something happened in the cycle being looked at; the next one has to be looked at, too.
    eventful: bool,
}

/// What a step brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Running,
    /// A sample ended with this cycle; its measured cycles.
    SampleEnd(SampleCycles),
}

impl Bench {
    /// Instantiates the model, with the initial weights of the design in external arrays, and resets it.
    pub fn new(design: &Design, library: &Library, seed: u64, stalls: Stalls) -> Result<Bench, CosimError> {
        let model = library.instantiate(verilated::Options { seed, ..Default::default() })?;
        let mut arrays = Vec::new();
        for (index, layer) in design.layers.iter().enumerate() {
            let programmed = design.memory.as_ref().is_some_and(|m| m.program_initial);
            let states = (!programmed).then(|| initial_states(design, index, layer));
            for tile in layer.tiling.tiles() {
                let crossbar = match design.array.backend {
                    Backend::External => {
                        let mut crossbar = Crossbar::of_tile(design, index, layer, &tile)?;
                        if let Some(states) = &states {
                            crossbar.load(&layer.tiling.programmed(&tile, states));
                        }
                        Some(crossbar)
                    }
                    Backend::Emulated | Backend::Fpga => None,
                };
                arrays.push(ArrayPins::new(&model, design, index, tile, crossbar)?);
            }
        }
        let layers = design.layers.len() as u32;
        let beat_bits = crate::rtl::max_beat_bits(design);
        let tap = |name: &str, width: u32| model.tap(&format!("{}.{name}", design.name), width);
        let taps = Taps {
            phase: tap("phase", 4)?,
            sample_end: tap("sample_end", 1)?,
            y_valid: tap("y_valid", layers)?,
            y_beat: tap("y_beat", beat_bits)?,
            y_last: tap("y_last", 1)?,
            y_data: tap("y_data", design.array.lanes as u32 * design.array.error_bits)?,
        };
        let axil = Axil {
            awaddr: model.input("s_axil_awaddr", 12)?,
            awvalid: model.input("s_axil_awvalid", 1)?,
            awready: model.output("s_axil_awready", 1)?,
            wdata: model.input("s_axil_wdata", 32)?,
            wstrb: model.input("s_axil_wstrb", 4)?,
            wvalid: model.input("s_axil_wvalid", 1)?,
            wready: model.output("s_axil_wready", 1)?,
            bresp: model.output("s_axil_bresp", 2)?,
            bvalid: model.output("s_axil_bvalid", 1)?,
            bready: model.input("s_axil_bready", 1)?,
            araddr: model.input("s_axil_araddr", 12)?,
            arvalid: model.input("s_axil_arvalid", 1)?,
            arready: model.output("s_axil_arready", 1)?,
            rdata: model.output("s_axil_rdata", 32)?,
            rresp: model.output("s_axil_rresp", 2)?,
            rvalid: model.output("s_axil_rvalid", 1)?,
            rready: model.input("s_axil_rready", 1)?,
        };
        let streams = Streams {
            s_tdata: model.input("s_axis_tdata", 64)?,
            s_tvalid: model.input("s_axis_tvalid", 1)?,
            s_tready: model.output("s_axis_tready", 1)?,
            s_tlast: model.input("s_axis_tlast", 1)?,
            m_tdata: model.output("m_axis_tdata", 64)?,
            m_tvalid: model.output("m_axis_tvalid", 1)?,
            m_tready: model.input("m_axis_tready", 1)?,
            m_tlast: model.output("m_axis_tlast", 1)?,
        };
        let mut watch = Watch::new()
            .changes(taps.phase)
            .changes(taps.sample_end)
            .changes(taps.y_valid)
            .changes(taps.y_beat)
            .changes(streams.m_tvalid)
            .changes(streams.s_tready);
        for array in &arrays {
            watch = array.watch(watch);
        }
        let tiles = arrays.len();
        let mut bench = Bench {
            registers: RegMap::for_design(design),
            arrays,
            scoreboard: Scoreboard::new(design),
            checking: false,
            design: design.clone(),
            clock: model.input("aclk", 1)?,
            reset: model.input("aresetn", 1)?,
            axil,
            streams,
            taps,
            cycle: 0,
            input: VecDeque::new(),
            receiving: Vec::new(),
            outputs: VecDeque::new(),
            measured: SampleCycles::default(),
            stalls,
            rng: ChaCha8Rng::seed_from_u64(stalls.seed),
            words: Vec::new(),
            extra: vec![0; tiles],
            tiled: tiles > design.layers.len(),
            watch,
            eventful: true,
            model,
        };
        if bench.tiled {
            // A slot ends for all tiles at once, so that each looks at the others from the slot's first cycle on.
            let Bench { arrays, model, .. } = &mut bench;
            arrays.iter().for_each(|array| array.ready(model));
        }
        bench.hard_reset()?;
        Ok(bench)
    }

    /// Cycles since the start.
    pub fn cycle(&self) -> u64 {
        self.cycle
    }

    /// Drives the reset pin for a few cycles with all inputs at rest.
    pub fn hard_reset(&mut self) -> Result<(), CosimError> {
        let quiet = [self.axil.awvalid, self.axil.wvalid, self.axil.arvalid, self.streams.s_tvalid];
        for input in quiet {
            self.model.set(input, 0);
        }
        self.input.clear();
        self.model.set(self.reset, 0);
        for _ in 0..4 {
            self.model.cycle(self.clock)?;
            self.cycle += 1;
        }
        self.model.set(self.reset, 1);
        self.forget();
        for _ in 0..2 {
            self.step()?;
        }
        Ok(())
    }

    /// Cycles of the running sample so far, or since the end of the last one.
    pub fn measured(&self) -> SampleCycles {
        self.measured
    }

    /// Drops what the bench knows of operations and vectors in progress: the design was reset.
    pub fn forget(&mut self) {
        self.arrays.iter_mut().for_each(ArrayPins::abort);
        self.receiving.clear();
        self.outputs.clear();
        self.measured = SampleCycles::default();
    }

    /// Queues a sample for the input stream: DAC codes of x and, for training, of the targets.
    pub fn send(&mut self, x: &[i32], targets: Option<&[i32]>) {
        let first = self.input.len();
        let k = self.design.stream_words();
        let bits = 64 / k;
        let mask = (1u64 << bits) - 1;
        for section in std::iter::once(x).chain(targets) {
            for words in section.chunks(k) {
                let beat = words.iter().rev().fold(0, |v, &w| (v << bits) | (w as u64 & mask));
                self.input.push_back((beat, false));
            }
        }
        debug_assert!(self.input.len() > first);
        if let Some(last) = self.input.back_mut() {
            last.1 = true;
        }
    }

    /// Queues one raw beat: tests of broken packets.
    pub fn send_beat(&mut self, data: u64, last: bool) {
        self.input.push_back((data, last));
    }

    /// Beats not yet taken by the design.
    pub fn unsent(&self) -> usize {
        self.input.len()
    }

    /// The phase that the sequencer is in.
    pub fn phase(&self) -> Phase {
        let code = self.model.get(self.taps.phase) as usize;
        *Phase::of(true).get(code).unwrap_or(&Phase::Idle)
    }

    /// One clock cycle.
    ///
    /// # Errors
    /// A mismatch with the scoreboard, or the simulator's own.
    pub fn step(&mut self) -> Result<Step, CosimError> {
        self.advance(1)
    }

    /// One clock cycle, and as many more, `most` in all, as bring nothing that the bench would have to look at.
    ///
    /// # Errors
    /// A mismatch with the scoreboard, or the simulator's own.
    pub fn advance(&mut self, most: u64) -> Result<Step, CosimError> {
        self.offer_input();
        let take = !(self.stalls.output > 0.0 && self.rng.random_bool(self.stalls.output));
        self.model.set(self.streams.m_tready, u64::from(take));

        self.eventful = false;
        let busy = self.watch_arrays()?;
        if self.model.get(self.taps.y_valid) != 0 && self.checking {
            self.watch_y()?;
        }
        let ended = self.model.get(self.taps.sample_end) != 0;
        let sent = self.model.get(self.streams.s_tvalid) & self.model.get(self.streams.s_tready) != 0;
        if take && self.model.get(self.streams.m_tvalid) != 0 {
            self.take_output();
            self.eventful = true;
        }
        let phase = self.model.get(self.taps.phase) as usize & 7;

        let ran = if most == 1 || self.eventful || sent || ended || self.stalls.any() {
            self.model.cycle(self.clock)?;
            1
        } else {
            let quiet = self.arrays.iter().map(ArrayPins::quiet).min().unwrap_or(u64::MAX);
            let ran = self.model.run(self.clock, most.min(quiet.saturating_add(1)), &self.watch)?.cycles;
            self.arrays.iter_mut().for_each(|array| array.pass(ran - 1));
            ran
        };
        self.cycle += ran;
        self.measured.phases[phase] += ran;
        self.measured.array_busy += if busy { ran } else { 0 };
        if sent {
            self.input.pop_front();
            self.model.set(self.streams.s_tvalid, 0);
        }
        if ended {
            let measured = std::mem::take(&mut self.measured);
            return Ok(Step::SampleEnd(measured));
        }
        Ok(Step::Running)
    }

    fn offer_input(&mut self) {
        // A beat once on offer stays until it is taken.
        if self.model.get(self.streams.s_tvalid) == 1 {
            return;
        }
        if let Some(&(data, last)) = self.input.front() {
            if self.stalls.input > 0.0 && self.rng.random_bool(self.stalls.input) {
                return;
            }
            self.model.set(self.streams.s_tdata, data);
            self.model.set(self.streams.s_tlast, u64::from(last));
            self.model.set(self.streams.s_tvalid, 1);
        }
    }

    /// Looks at all arrays; whether one of them works in this cycle.
    fn watch_arrays(&mut self) -> Result<bool, CosimError> {
        let mut busy = false;
        let mut offered = false;
        for index in 0..self.arrays.len() {
            let extra = if self.stalls.conversion > 0.0 && self.rng.random_bool(self.stalls.conversion) {
                self.rng.random_range(1..8)
            } else {
                0
            };
            self.extra[index] = extra;
            let array = &mut self.arrays[index];
            let event = array.cycle(&mut self.model, self.cycle, extra);
            busy |= array.active() || event != Event::None;
            offered |= array.offered;
            if event == Event::None {
                continue;
            }
            self.eventful = true;
            if let Some(cell) = array.fault {
                let fault = DeviceFault { layer: array.layer, cell };
                return Err(CosimError::Device { sample: self.scoreboard.sample, fault });
            }
            if self.checking {
                self.scoreboard.array_event(index, event, array, self.cycle)?;
            }
            if matches!(event, Event::ReadStart(_) | Event::SlotStart | Event::CellStart) {
                let event = array.same_cycle(&mut self.model, self.cycle);
                offered |= array.offered;
                if self.checking {
                    self.scoreboard.array_event(index, event, array, self.cycle)?;
                }
            }
        }
        // A tile's code is taken when those beside it are there, too: what the design answers depends on the offers of this cycle.
        if offered && self.tiled {
            self.model.eval()?;
        }
        for (index, array) in self.arrays.iter_mut().enumerate() {
            let event = array.take(&mut self.model, self.extra[index]);
            if event != Event::None {
                self.eventful = true;
                if self.checking {
                    self.scoreboard.array_event(index, event, array, self.cycle)?;
                }
            }
        }
        Ok(busy)
    }

    fn watch_y(&mut self) -> Result<(), CosimError> {
        let valid = self.model.get(self.taps.y_valid);
        let layer = valid.trailing_zeros() as usize;
        let lanes = self.design.array.lanes;
        let first = self.model.get(self.taps.y_beat) as usize * lanes;
        pins::unpack_signed(&self.model, self.taps.y_data, self.design.array.error_bits, lanes, &mut self.words);
        let words = std::mem::take(&mut self.words);
        let result = self.scoreboard.y_beat(layer, first, &words, self.cycle);
        self.words = words;
        let last = self.model.get(self.taps.y_last) == 1;
        debug_assert!(result.is_err() || last == (first + lanes >= self.design.layers[layer].words()));
        Ok(result?)
    }

    fn take_output(&mut self) {
        let data = self.model.get(self.streams.m_tdata);
        let k = self.design.stream_words();
        let bits = 64 / k;
        for i in 0..k {
            let word = (data >> (i * bits)) << (64 - bits);
            self.receiving.push((word as i64 >> (64 - bits)) as i32);
        }
        if self.model.get(self.streams.m_tlast) == 1 {
            // Padding that is not what it should be stays in the vector, which then differs from the expected one.
            let outputs = self.design.outputs();
            if self.receiving.len() == outputs.div_ceil(k) * k && self.receiving[outputs..].iter().all(|&w| w == 0) {
                self.receiving.truncate(outputs);
            }
            self.outputs.push_back(std::mem::take(&mut self.receiving));
        }
    }

    /// Whether cycle counts that depend on the host may be compared.
    pub fn unhindered(&self) -> bool {
        !self.stalls.any()
    }

    /// Writes a register, all bytes.
    pub fn write(&mut self, address: u32, data: u32) -> Result<(), CosimError> {
        match self.write_strobed(address, data, 0xf)? {
            0 => Ok(()),
            _ => Err(self.bus_error("write", address)),
        }
    }

    /// Writes the strobed bytes of a register and returns the response code (0 OKAY, 2 SLVERR).
    pub fn write_strobed(&mut self, address: u32, data: u32, strobe: u32) -> Result<u32, CosimError> {
        let a = &self.axil;
        self.model.set(a.awaddr, u64::from(address));
        self.model.set(a.wdata, u64::from(data));
        self.model.set(a.wstrb, u64::from(strobe));
        self.model.set(a.awvalid, 1);
        self.model.set(a.wvalid, 1);
        self.model.set(a.bready, 1);
        for _ in 0..BUS_LIMIT {
            // Ready is sampled with the inputs of this cycle settled, as at a real clock edge.
            self.model.eval()?;
            let a = &self.axil;
            let address_taken = self.model.get(a.awready) & self.model.get(a.awvalid) == 1;
            let data_taken = self.model.get(a.wready) & self.model.get(a.wvalid) == 1;
            let answered = self.model.get(a.bvalid) == 1;
            let response = self.model.get(a.bresp) as u32;
            self.step()?;
            let a = &self.axil;
            if address_taken {
                self.model.set(a.awvalid, 0);
            }
            if data_taken {
                self.model.set(a.wvalid, 0);
            }
            if answered {
                self.model.set(a.awvalid, 0);
                self.model.set(a.wvalid, 0);
                self.model.set(a.bready, 0);
                return Ok(response);
            }
        }
        Err(CosimError::BusTimeout { action: "write", address, limit: BUS_LIMIT, cycle: self.cycle })
    }

    /// Reads a register.
    pub fn read(&mut self, address: u32) -> Result<u32, CosimError> {
        match self.read_response(address)? {
            (data, 0) => Ok(data),
            _ => Err(self.bus_error("read", address)),
        }
    }

    /// Reads a register; data and response code.
    pub fn read_response(&mut self, address: u32) -> Result<(u32, u32), CosimError> {
        let a = &self.axil;
        self.model.set(a.araddr, u64::from(address));
        self.model.set(a.arvalid, 1);
        self.model.set(a.rready, 1);
        for _ in 0..BUS_LIMIT {
            self.model.eval()?;
            let a = &self.axil;
            let taken = self.model.get(a.arready) & self.model.get(a.arvalid) == 1;
            let answered = self.model.get(a.rvalid) == 1;
            let answer = (self.model.get(a.rdata) as u32, self.model.get(a.rresp) as u32);
            self.step()?;
            let a = &self.axil;
            if taken {
                self.model.set(a.arvalid, 0);
            }
            if answered {
                self.model.set(a.arvalid, 0);
                self.model.set(a.rready, 0);
                return Ok(answer);
            }
        }
        Err(CosimError::BusTimeout { action: "read", address, limit: BUS_LIMIT, cycle: self.cycle })
    }

    fn bus_error(&self, action: &'static str, address: u32) -> CosimError {
        CosimError::Bus { action, address, response: "SLVERR", cycle: self.cycle }
    }

    /// Address of a register of this design.
    ///
    /// # Panics
    /// On a name that is in no register map: a defect of memrtl, not of its input.
    pub fn address(&self, register: &str) -> u32 {
        self.registers.addr(register).unwrap_or_else(|| panic!("no register {register}"))
    }

    /// Reads a 64-bit counter.
    pub fn counter(&mut self, name: &str) -> Result<u64, CosimError> {
        let name = name.to_uppercase();
        let low = self.read(self.address(&format!("{name}_LO")))?;
        let high = self.read(self.address(&format!("{name}_HI")))?;
        Ok(u64::from(high) << 32 | u64::from(low))
    }

    /// All states of an emulated array, row-major, over the bus.
    pub fn read_states(&mut self, layer: usize) -> Result<Vec<i32>, CosimError> {
        self.point_at(layer)?;
        let cells = self.design.layers[layer].rows() * self.design.layers[layer].outputs;
        let address = self.address("WEIGHT_DATA");
        (0..cells).map(|_| Ok(self.read(address)? as i32)).collect()
    }

    /// Sets all states of an emulated array over the bus.
    pub fn write_states(&mut self, layer: usize, states: &[i32]) -> Result<(), CosimError> {
        self.point_at(layer)?;
        let address = self.address("WEIGHT_DATA");
        for &state in states {
            self.write(address, state as u32)?;
        }
        Ok(())
    }

    fn point_at(&mut self, layer: usize) -> Result<(), CosimError> {
        self.write(self.address("WEIGHT_LAYER"), layer as u32)?;
        self.write(self.address("WEIGHT_ROW"), 0)?;
        self.write(self.address("WEIGHT_COL"), 0)
    }
}
