//! The machine behind a link: registers by name, weights, samples, counters.

use std::time::{Duration, Instant};

use super::frame::{BLOCK, MAX_WORDS, Request};
use super::{HostError, Link};
use crate::golden::{Mode, encode};
use crate::phases::Phase;
use crate::regmap::{Kind, RegMap};
use crate::spec::Design;

/// Most beats of a request.
const MAX_BEATS: usize = MAX_WORDS / 2;
/// Samples that may go in before an output vector is taken: the machine keeps so many vectors.
const INFERRED_AT_ONCE: usize = 2;
/// How long a machine may stay busy without finishing a sample.
const IDLE_LIMIT: Duration = Duration::from_secs(20);

/// A machine that was found to be of the expected spec.
pub struct Machine {
    link: Link,
    design: Design,
    registers: RegMap,
}

impl Machine {
    /// Looks who answers: a memrtl machine of this design's hash.
    ///
    /// # Errors
    /// Nobody, something else, or a machine of another spec.
    pub fn connect(link: Link, design: &Design) -> Result<Machine, HostError> {
        let registers = RegMap::for_design(design);
        let mut machine = Machine { link, design: design.clone(), registers };
        let names = ["ID", "VERSION", "SPEC_HASH_LO", "SPEC_HASH_HI"];
        let first = machine.address(names[0]);
        let request = Request::Read { address: first, words: names.len(), fixed: false };
        let found = machine.link.request(&request, || "read the identification".to_string())?;
        let expected = names.map(|name| machine.registers.register(name).map_or(0, |r| r.reset()));
        let hash = |words: &[u32]| u64::from(words[3]) << 32 | u64::from(words[2]);
        if found[0] != expected[0] {
            let port = machine.link.name().to_string();
            return Err(HostError::NoMachine { port, found: found[0], expected: expected[0] });
        }
        if found[1] != expected[1] {
            return Err(HostError::Version { found: found[1], expected: expected[1] });
        }
        if found[2..] != expected[2..] {
            let (found, expected) = (hash(&found), hash(&expected));
            return Err(HostError::OtherDesign { name: design.name.clone(), found, expected });
        }
        Ok(machine)
    }

    /// The design that was asked for and found.
    pub fn design(&self) -> &Design {
        &self.design
    }

    /// Requests that had to be sent again.
    pub fn retries(&self) -> u64 {
        self.link.retries
    }

    /// # Panics
    /// On a name that is in no register map: a defect of memrtl, not of its input.
    fn address(&self, register: &str) -> u32 {
        self.registers.addr(register).unwrap_or_else(|| panic!("no register {register}"))
    }

    /// # Panics
    /// As for a register.
    fn mask(&self, register: &str, field: &str) -> u32 {
        self.registers.mask(register, field).unwrap_or_else(|| panic!("no field {register}.{field}"))
    }

    /// Reads a register by its name in the register map.
    ///
    /// # Errors
    /// Those of the link.
    pub fn read(&mut self, register: &str) -> Result<u32, HostError> {
        let request = Request::Read { address: self.address(register), words: 1, fixed: false };
        Ok(self.link.request(&request, || format!("read {register}"))?[0])
    }

    /// Writes a register by its name in the register map.
    ///
    /// # Errors
    /// Those of the link; a value that is out of range, or that a busy machine does not take.
    pub fn write(&mut self, register: &str, value: u32) -> Result<(), HostError> {
        let request = Request::Write { address: self.address(register), words: vec![value], fixed: false };
        self.link.request(&request, || format!("write {value:#x} to {register}")).map(|_| ())
    }

    /// Stops the machine at once and waits until what was on its way out has left. Weights stay; samples and momentum go.
    ///
    /// # Errors
    /// Those of the link.
    pub fn soft_reset(&mut self) -> Result<(), HostError> {
        self.write("COMMAND", self.mask("COMMAND", "soft_reset"))?;
        self.wait_idle()
    }

    /// Forgets pairs and velocities.
    ///
    /// # Errors
    /// Those of the link.
    pub fn clear_history(&mut self) -> Result<(), HostError> {
        self.write("COMMAND", self.mask("COMMAND", "clear_history"))
    }

    /// Sets all counters to 0.
    ///
    /// # Errors
    /// Those of the link.
    pub fn clear_counters(&mut self) -> Result<(), HostError> {
        self.write("COMMAND", self.mask("COMMAND", "clear_counters"))
    }

    /// Sets learning rate and momentum of an epoch, from 0, and the number of pairs.
    ///
    /// # Errors
    /// Those of the link.
    pub fn set_rates(&mut self, epoch: usize) -> Result<(), HostError> {
        let (learning_rate, momentum) = self.design.training.rates(epoch).codes();
        self.write("LEARNING_RATE", learning_rate)?;
        if self.registers.register("MOMENTUM").is_some_and(|r| r.is_writable()) {
            self.write("MOMENTUM", momentum)?;
        }
        Ok(())
    }

    /// Lets the machine take samples.
    ///
    /// # Errors
    /// Those of the link; a busy machine.
    pub fn start(&mut self, mode: Mode) -> Result<(), HostError> {
        let mode = if mode == Mode::Train { self.mask("CTRL", "train") } else { 0 };
        self.write("CTRL", mode)?;
        self.write("CTRL", mode | self.mask("CTRL", "run"))
    }

    /// Waits until the machine has finished `sent` samples since its count was `before`, then lets it take no more.
    ///
    /// # Errors
    /// Those of the link; a machine that was reset, or does not finish what it was sent.
    pub fn stop(&mut self, mode: Mode, before: u64, sent: u64) -> Result<(), HostError> {
        let (mut since, mut last) = (Instant::now(), 0);
        loop {
            // A reset has cleared the count.
            let finished = self.counter("samples")?.wrapping_sub(before);
            if finished == sent {
                break;
            }
            self.check_running(mode)?;
            if finished != last {
                (since, last) = (Instant::now(), finished);
            }
            if since.elapsed() > IDLE_LIMIT {
                return Err(HostError::Lost { sent, finished });
            }
        }
        let mode = if mode == Mode::Train { self.mask("CTRL", "train") } else { 0 };
        self.write("CTRL", mode)?;
        self.wait_idle()
    }

    /// Waits until nothing is in the machine, which takes no more samples.
    fn wait_idle(&mut self) -> Result<(), HostError> {
        let since = Instant::now();
        loop {
            let status = self.read("STATUS")?;
            if status & self.mask("STATUS", "busy") == 0 {
                return Ok(());
            }
            if since.elapsed() > IDLE_LIMIT {
                let code = (status & self.mask("STATUS", "phase")) >> self.mask("STATUS", "phase").trailing_zeros();
                let phase = Phase::of(true).get(code as usize).map_or("unknown", |p| p.name());
                return Err(HostError::Busy { phase, seconds: IDLE_LIMIT.as_secs_f64() });
            }
        }
    }

    /// Device states of a layer, row-major; the last row is the bias.
    ///
    /// # Errors
    /// Those of the link; a busy machine.
    pub fn read_states(&mut self, layer: usize) -> Result<Vec<i32>, HostError> {
        self.point_at(layer)?;
        let cells = self.cells(layer);
        let address = self.address("WEIGHT_DATA");
        let mut states = Vec::with_capacity(cells);
        while states.len() < cells {
            let words = MAX_WORDS.min(cells - states.len());
            let from = states.len();
            let request = Request::Read { address, words, fixed: true };
            let read = self
                .link
                .request(&request, || format!("read weights {from} to {} of layer {layer}", from + words - 1))?;
            states.extend(read.into_iter().map(|word| word as i32));
        }
        Ok(states)
    }

    /// Sets the device states of a layer.
    ///
    /// # Errors
    /// Those of the link; a busy machine; a wrong number of states, or one beyond the device's range: nothing is written then.
    pub fn write_states(&mut self, layer: usize, states: &[i32]) -> Result<(), HostError> {
        let cells = self.cells(layer);
        if states.len() != cells {
            return Err(HostError::Weights {
                layer,
                why: format!("{} states, the layer has {cells} cells", states.len()),
            });
        }
        let most = (1 << (self.design.device.state_bits - 1)) - 1;
        if let Some(index) = states.iter().position(|state| state.abs() > most) {
            let why = format!("state {} of cell {index} is out of range, allowed: -{most} to {most}", states[index]);
            return Err(HostError::Weights { layer, why });
        }
        self.point_at(layer)?;
        let address = self.address("WEIGHT_DATA");
        for (part, states) in states.chunks(MAX_WORDS).enumerate() {
            let words = states.iter().map(|&state| state as u32).collect();
            let request = Request::Write { address, words, fixed: true };
            let from = part * MAX_WORDS;
            self.link.request(&request, || {
                format!("write weights {from} to {} of layer {layer}", from + states.len() - 1)
            })?;
        }
        Ok(())
    }

    fn cells(&self, layer: usize) -> usize {
        self.design.layers[layer].rows() * self.design.layers[layer].outputs
    }

    fn point_at(&mut self, layer: usize) -> Result<(), HostError> {
        // Layer, row and column lie side by side.
        let request =
            Request::Write { address: self.address("WEIGHT_LAYER"), words: vec![layer as u32, 0, 0], fixed: false };
        self.link.request(&request, || format!("address layer {layer}")).map(|_| ())
    }

    /// Samples that one request carries in this mode, at least 1.
    pub fn at_once(&self, mode: Mode) -> usize {
        let beats = self.sample_beats(mode);
        let fit = (MAX_BEATS / beats).max(1);
        match mode {
            Mode::Train => fit,
            Mode::Infer => fit.min(INFERRED_AT_ONCE).min((MAX_BEATS / self.output_beats()).max(1)),
        }
    }

    fn sample_beats(&self, mode: Mode) -> usize {
        let words = self.design.stream_words();
        let targets = if mode == Mode::Train { self.design.outputs().div_ceil(words) } else { 0 };
        self.design.inputs.div_ceil(words) + targets
    }

    fn output_beats(&self) -> usize {
        self.design.outputs().div_ceil(self.design.stream_words())
    }

    /// Trains with samples, each with its class. The machine takes the last of them when it has room, and may still be at work
    /// when this returns.
    ///
    /// # Errors
    /// Those of the link.
    pub fn train(&mut self, samples: &[(&[f32], usize)]) -> Result<(), HostError> {
        let packets: Vec<Vec<u64>> = samples
            .iter()
            .map(|(sample, class)| {
                let mut beats = self.beats(&encode::input_codes(&self.design, sample));
                beats.extend(self.beats(&encode::target_codes(&self.design, *class)));
                beats
            })
            .collect();
        self.stream(&packets, 0).map(|_| ())
    }

    /// Output codes of samples, at most [`Machine::at_once`] of them.
    ///
    /// # Errors
    /// Those of the link.
    pub fn infer(&mut self, samples: &[&[f32]]) -> Result<Vec<Vec<i32>>, HostError> {
        let packets: Vec<_> = samples.iter().map(|s| self.beats(&encode::input_codes(&self.design, s))).collect();
        let take = self.output_beats();
        let words = self.stream(&packets, take * packets.len())?;
        let outputs = self.design.outputs();
        Ok(words.chunks(2 * take).map(|words| self.codes(words, outputs)).collect())
    }

    /// Sends packets, as many as fit in a request, longer ones in several; takes `take` beats after the last of them.
    fn stream(&mut self, packets: &[Vec<u64>], take: usize) -> Result<Vec<u32>, HostError> {
        let what = || format!("take {} samples", packets.len());
        let length = packets.first().map_or(1, Vec::len);
        let mut requests: Vec<Request> = Vec::new();
        if length <= MAX_BEATS {
            for group in packets.chunks(MAX_BEATS / length) {
                requests.push(Request::Stream { beats: group.concat(), packet: length, take: 0 });
            }
        } else {
            for packet in packets {
                let parts = packet.chunks(MAX_BEATS);
                let last = parts.len() - 1;
                for (index, part) in parts.enumerate() {
                    let packet = if index == last { part.len() } else { 0 };
                    requests.push(Request::Stream { beats: part.to_vec(), packet, take: 0 });
                }
            }
        }
        // What comes out goes into the last request, and more where it is too much for one.
        let mut left = take;
        if let Some(Request::Stream { take, .. }) = requests.last_mut() {
            *take = left.min(MAX_BEATS);
            left -= *take;
        }
        while left > 0 {
            let take = left.min(MAX_BEATS);
            requests.push(Request::Stream { beats: Vec::new(), packet: 0, take });
            left -= take;
        }
        let mut words = Vec::new();
        for request in &requests {
            words.extend(self.link.request(request, what)?);
        }
        Ok(words)
    }

    /// A vector as beats of the stream, lowest word first.
    fn beats(&self, codes: &[i32]) -> Vec<u64> {
        let words = self.design.stream_words();
        let bits = 64 / words;
        let mask = u64::MAX >> (64 - bits);
        codes.chunks(words).map(|w| w.iter().rev().fold(0, |beat, &code| beat << bits | code as u64 & mask)).collect()
    }

    /// The first `count` codes of beats that came as pairs of words.
    fn codes(&self, words: &[u32], count: usize) -> Vec<i32> {
        let bits = 64 / self.design.stream_words() as u32;
        let per_word = 32 / bits;
        let code = |i: u32| (words[(i / per_word) as usize] << (32 - bits - i % per_word * bits)) as i32 >> (32 - bits);
        (0..count as u32).map(code).collect()
    }

    /// All 64-bit counters by their lower-case names.
    ///
    /// # Errors
    /// Those of the link.
    pub fn counters(&mut self) -> Result<Vec<(String, u64)>, HostError> {
        let low = self.registers.registers.iter().filter(|r| r.kind == Kind::CounterLow);
        let all: Vec<(String, u32)> = low.map(|r| (r.name.trim_end_matches("_LO").to_lowercase(), r.address)).collect();
        let mut counters = Vec::new();
        // Ascending addresses stay in their block.
        for group in all.chunk_by(|a, b| b.1 == a.1 + 8 && a.1 / BLOCK == b.1 / BLOCK) {
            let request = Request::Read { address: group[0].1, words: 2 * group.len(), fixed: false };
            let words = self.link.request(&request, || "read the counters".to_string())?;
            for ((name, _), pair) in group.iter().zip(words.chunks(2)) {
                counters.push((name.clone(), u64::from(pair[1]) << 32 | u64::from(pair[0])));
            }
        }
        Ok(counters)
    }

    /// One counter.
    ///
    /// # Errors
    /// Those of the link.
    pub fn counter(&mut self, name: &str) -> Result<u64, HostError> {
        let low = self.address(&format!("{}_LO", name.to_uppercase()));
        let request = Request::Read { address: low, words: 2, fixed: false };
        let words = self.link.request(&request, || format!("read the counter {name}"))?;
        Ok(u64::from(words[1]) << 32 | u64::from(words[0]))
    }

    /// Whether nothing is in the machine.
    ///
    /// # Errors
    /// Those of the link.
    pub fn is_idle(&mut self) -> Result<bool, HostError> {
        Ok(self.read("STATUS")? & self.mask("STATUS", "busy") == 0)
    }

    /// Makes sure that the machine still does what [`Machine::start`] told it: a reset would have cleared that.
    ///
    /// # Errors
    /// Those of the link; [`HostError::WasReset`].
    pub fn check_running(&mut self, mode: Mode) -> Result<(), HostError> {
        let mode = if mode == Mode::Train { self.mask("CTRL", "train") } else { 0 };
        let expected = mode | self.mask("CTRL", "run");
        match self.read("CTRL")? == expected {
            true => Ok(()),
            false => Err(HostError::WasReset),
        }
    }
}
