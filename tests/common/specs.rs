//! Random valid specs: 1 to 4 layers of 1 to 80 words, all widths, lanes, ADC counts, activations, backends and units; on half of the
//! external arrays memristors, most of them imperfect, some with a memory mode.
//!
//! Full scales are drawn around their natural values and moved into what the widths allow, so that few drafts are refused.

use std::fmt::Write as _;
use std::path::Path;

use memrtl::spec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Largest magnitude of a drawn full scale's exponent, well inside the spec's own limit.
const SCALE: i32 = 20;

#[derive(Debug, Clone)]
struct Draft {
    inputs: usize,
    layers: Vec<LayerDraft>,
    widths: Widths,
    /// Exponent that the weight range starts from.
    weight: i32,
    /// Exponent of the learning rate.
    rate: i32,
    training: Training,
    machine: Machine,
    memristors: Option<Memristors>,
    /// Several devices per weight and rounding by chance are allowed, which ask for widths of their own.
    demanding: bool,
}

/// Keys of `[device]` but `state_bits`, and whole sections.
#[derive(Debug, Clone)]
struct Memristors {
    device: &'static str,
    nonideal: Option<String>,
    memory: Option<String>,
}

/// One of each family that takes any codes; steps large enough to move within a few samples.
const DEVICES: &[&str] = &[
    "model = \"constant_step\"\ndw_min = 0.01",
    "preset = \"ReRamSB\"",
    "preset = \"EpiRAM\"\nsigned = \"differential\"",
    "preset = \"ReRamArrayOM\"\nsigned = \"differential\"",
    "preset = \"PCM\"\nread_noise = 1.0",
    "model = \"vteam\"\nrate_ctoc = 0.1\nv_max = 20.0",
    "model = \"mtj\"",
];

/// Momentum units beside `history`.
const ENGINES: &[&str] = &["in_array", "sram", "tiki_taka"];

#[derive(Debug, Clone)]
struct LayerDraft {
    outputs: usize,
    activation: &'static str,
    /// Offsets of read, output, error, back and update from their natural full scales.
    offsets: [i32; 5],
}

#[derive(Debug, Clone)]
struct Widths {
    dac: i32,
    adc: i32,
    pulse: i32,
    /// Place of the state's resolution within what a write can move, per mille.
    state: i32,
    /// Bits beyond `dac`, at most 18 in all.
    error: i32,
}

#[derive(Debug, Clone)]
struct Training {
    /// History and momentum in per mille, or plain SGD.
    momentum: Option<(usize, u32)>,
    /// A momentum unit other than `history`.
    engine: Option<&'static str>,
    kind: &'static str,
    batch: usize,
    seed: u32,
}

#[derive(Debug, Clone)]
struct Machine {
    adcs: u32,
    lanes: u32,
    emulated: bool,
    /// Cycles of settling, conversion and one pulse unit, and the clock in tenths of a ns.
    settle: u32,
    conversion: u32,
    pulse: u32,
    clock: u32,
    /// Pieces that 80 rows and columns are to be cut into at least.
    pieces: (usize, usize),
}

fn layer() -> impl Strategy<Value = LayerDraft> {
    let activation = prop::sample::select(vec!["sigmoid", "tanh", "relu", "linear"]);
    let offset = prop_oneof![3 => Just(0), 1 => -2..=2i32];
    (1..=80usize, activation, prop::array::uniform5(offset)).prop_map(|(outputs, activation, offsets)| LayerDraft {
        outputs,
        activation,
        offsets,
    })
}

fn memristors() -> impl Strategy<Value = Memristors> {
    let share = |most: f64| prop_oneof![Just(0.0), 0.0..most];
    let nonideal = (
        prop::array::uniform3(share(0.1)),
        prop::array::uniform3(share(0.05)),
        prop::array::uniform2(prop_oneof![Just(0.0), -2.0..2.0f64]),
        prop::array::uniform2(share(20.0)),
    )
        .prop_map(|([lrs, hrs, open], [noise, offset, gain], [inl, bow], [row, column])| {
            format!(
                "stuck_lrs = {lrs}\nstuck_hrs = {hrs}\nstuck_open = {open}\nread_noise = {noise}\nadc_offset = {offset}\n\
                 adc_gain = {gain}\ndac_inl = {inl}\ndac_bow = {bow}\nwire_row = {row}\nwire_column = {column}\n"
            )
        });
    let memory = (1..=6u32, any::<[bool; 3]>(), 0..=7u32).prop_map(|(attempts, [width, skip, initial], every)| {
        let inner = if width { "width" } else { "amplitude" };
        format!(
            "attempts = {attempts}\ninner = \"{inner}\"\nskip_on_failure = {skip}\nprogram_initial = {initial}\n\
             refresh_every = {every}\n"
        )
    });
    let device = prop::sample::select(DEVICES);
    (device, prop::option::weighted(0.7, nonideal), prop::option::weighted(0.4, memory))
        .prop_map(|(device, nonideal, memory)| Memristors { device, nonideal, memory })
}

fn draft() -> impl Strategy<Value = Draft> {
    let widths = (2..=12i32, 3..=14i32, 2..=12i32, 0..=1000i32, 0..=6i32)
        .prop_map(|(dac, adc, pulse, state, error)| Widths { dac, adc, pulse, state, error: (dac + error).min(18) });
    let engine = prop::option::weighted(0.6, prop::sample::select(ENGINES));
    let kind = prop_oneof![2 => Just("classical"), 1 => Just("dampened"), 1 => Just("nesterov")];
    let batch = prop_oneof![1 => Just(1), 1 => 2..=6usize];
    let training = (prop::option::weighted(0.7, (1..=12usize, 1..1000u32)), 0..1_000_000u32, engine, kind, batch)
        .prop_map(|(momentum, seed, engine, kind, batch)| Training { momentum, seed, engine, kind, batch });
    let pieces = prop_oneof![Just((1, 1)), (1..=5usize, 1..=5usize)];
    let machine = (0..=8u32, 0..=6u32, any::<bool>(), 0..=6u32, 1..=6u32, 1..=3u32, 5..=50u32, pieces).prop_map(
        |(adcs, lanes, emulated, settle, conversion, pulse, clock, pieces)| Machine {
            adcs: 1 << adcs,
            lanes: 1 << lanes,
            emulated,
            settle,
            conversion,
            pulse,
            clock,
            pieces,
        },
    );
    let network = (1..=80usize, prop::collection::vec(layer(), 1..=4));
    let memristors = prop::option::of(memristors());
    (network, widths, -2..=4i32, -12..=1i32, training, machine, memristors).prop_map(
        |((inputs, mut layers), widths, weight, rate, training, machine, memristors)| {
            // A third with the cross-entropy. A draw of its own would make other designs of all seeds.
            if let (0, Some(last)) = (training.seed % 3, layers.last_mut()) {
                last.activation = "softmax";
                last.outputs = last.outputs.max(2);
                last.offsets[1] = 0;
            }
            Draft {
                inputs,
                layers,
                widths,
                weight,
                rate,
                training,
                // Only the `ideal` device exists in Verilog.
                memristors: if machine.emulated { None } else { memristors },
                machine,
                demanding: true,
            }
        },
    )
}

/// `v` moved into `low ..= high`; the upper limit wins when they cross, and the draft is then refused.
fn within(v: i32, low: i32, high: i32) -> i32 {
    v.max(low).min(high).clamp(-SCALE, SCALE)
}

impl Draft {
    fn toml(&self) -> String {
        let Widths { dac, adc, pulse, error, .. } = self.widths;
        // Bits of magnitude.
        let (d, a, e, s, p) = (dac - 1, adc - 1, error - 1, self.state_bits() - 1, pulse);
        let slope = |activation: &str| if activation == "sigmoid" { -2 } else { 0 };
        // Bits of magnitude that drive a line in a step of a read.
        let driven = if self.bit_serial() { 0 } else { d };
        let mut input = 0;
        let mut forward = Vec::new();
        for layer in &self.layers {
            let (natural_read, natural_output) = match layer.activation {
                "sigmoid" => (3, 0),
                "tanh" => (2, 0),
                "softmax" => (3, 0),
                _ => (2, 2),
            };
            let output = natural_output + layer.offsets[1];
            let lowest = a + input - driven + self.weight - s;
            let read = within(natural_read + layer.offsets[0], lowest, lowest + driven + s - 1);
            forward.push((input, read, output));
            input = output;
        }
        let mut next_back = None;
        let mut scales = Vec::new();
        for (layer, (input, read, output)) in self.layers.iter().zip(forward).rev() {
            let slope = slope(layer.activation);
            let (operand, bits) = next_back.map_or((output, d), |back| (back, a));
            let lowest = e + operand - bits + slope - d;
            let error = within(operand + slope + layer.offsets[2], lowest, lowest + bits + d);
            let lowest = a + error - driven + self.weight - s;
            let back = within(error + 1 + layer.offsets[3], lowest, lowest + driven + s - 1);
            let (write_low, write_high) = (self.weight - s + 1, self.weight - s + p + d);
            let width_low = p - 14 + input + error - e;
            let width_high = self.rate() + p + input + error;
            let natural = self.rate() + error + input + layer.offsets[4];
            let update = within(natural, write_low.max(width_low), write_high.min(width_high));
            scales.push((read, output, error, back, update));
            next_back = Some(back);
        }
        scales.reverse();
        self.write(&scales)
    }

    /// State width at which the output layer's largest write is between half a step and 2^(dac + pulse - 1) steps.
    fn state_bits(&self) -> i32 {
        let Widths { dac, pulse, state, .. } = self.widths;
        let slope = if self.layers.last().is_some_and(|l| l.activation == "sigmoid") { -2 } else { 0 };
        let span = state * (pulse + dac - 2) / 1000;
        (self.weight - self.rate() - slope + 2 + span).clamp(4, 32)
    }

    /// A fifth reads in bit planes. A draw of its own would make other designs of all seeds.
    fn bit_serial(&self) -> bool {
        self.training.seed.is_multiple_of(5)
    }

    /// Devices per weight: three quarters of the designs that may have several do, one design in twenty. A draw of its own would make other
    /// designs of all seeds.
    fn slices(&self) -> Option<u32> {
        let device = self.memristors.as_ref().map_or("", |m| m.device);
        let serves = self.demanding
            && !self.machine.emulated
            && self.training.momentum.and(self.engine()).is_none()
            && !["PCM", "mtj"].iter().any(|word| device.contains(word))
            && self.memristors.as_ref().is_none_or(|m| m.memory.is_none());
        (serves && !(self.training.seed / 5).is_multiple_of(4)).then_some(2 + self.training.seed % 2)
    }

    /// Samples of a batch, where the unit has any.
    fn batch(&self) -> usize {
        let nesterov = self.training.momentum.is_some() && self.training.kind == "nesterov";
        match self.training.momentum.and(self.engine()) {
            Some("in_array") if nesterov => 1,
            _ => self.training.batch,
        }
    }

    /// Exponent of a gradient's factor, rounded down.
    fn rate(&self) -> i32 {
        let gamma = self.training.momentum.map_or(0.0, |(_, gamma)| f64::from(gamma) / 1000.0);
        let gain = match self.training.kind {
            "dampened" => 1.0 - gamma,
            "nesterov" if self.engine().is_none() => 1.0 + gamma,
            _ => 1.0,
        };
        self.rate + (gain / self.batch() as f64).log2().floor() as i32
    }

    /// The unit, where backend and devices can serve it.
    fn engine(&self) -> Option<&'static str> {
        let engine = self.training.engine?;
        let device = self.memristors.as_ref().map_or("", |m| m.device);
        let serves = match engine {
            "in_array" | "tiki_taka" => {
                !self.machine.emulated
                    && !["PCM", "mtj"].iter().any(|word| device.contains(word))
                    && self.memristors.as_ref().is_none_or(|m| m.memory.is_none())
            }
            _ => true,
        };
        serves.then_some(engine)
    }

    /// Velocities of `sram` rounded by chance: of junctions, which can do no other, and of a half of the others. A draw of its own would make
    /// other designs of all seeds.
    fn by_chance(&self) -> bool {
        let junctions = self.memristors.as_ref().is_some_and(|m| m.device.contains("mtj"));
        let serves =
            self.engine() == Some("sram") && self.training.momentum.is_some() && self.training.kind != "nesterov";
        self.demanding && serves && (junctions || (self.training.seed / 7).is_multiple_of(2))
    }

    fn write(&self, scales: &[(i32, i32, i32, i32, i32)]) -> String {
        let scale = |exponent: i32| format!("{:?}", 2f64.powi(exponent));
        let mut out = String::new();
        let mut line = |text: String| writeln!(out, "{text}").expect("writing to a string");
        line(format!("name = \"random\"\n[network]\ninputs = {}\nlayers = [", self.inputs));
        for (l, (layer, (read, output, error, back, update))) in self.layers.iter().zip(scales).enumerate() {
            // A third has full scales of planes that do not follow from those of the reads.
            let planes = match (self.bit_serial(), (self.training.seed as usize / 5 + l) % 3) {
                (true, 0) => {
                    format!("read_plane_range = {}, back_plane_range = {}, ", scale(read + 1), scale(back - 1))
                }
                _ => String::new(),
            };
            line(format!(
                "  {{ outputs = {}, activation = \"{}\", read_range = {}, output_range = {}, error_range = {}, \
                 back_range = {}, {planes}max_update = {} }},",
                layer.outputs,
                layer.activation,
                scale(*read),
                scale(*output),
                scale(*error),
                scale(*back),
                scale(*update)
            ));
        }
        line("]\n[training]".to_owned());
        if self.layers.last().is_some_and(|layer| layer.activation == "softmax") {
            line("loss = \"cross_entropy\"".to_owned());
        }
        match self.training.momentum {
            Some((_, gamma)) if self.engine().is_some() => line(format!(
                "momentum = {}\nmomentum_unit = \"{}\"",
                f64::from(gamma) / 1000.0,
                self.engine().expect("asked above")
            )),
            Some((history, gamma)) => {
                line(format!("optimizer = \"momentum\"\nmomentum = {}\nhistory = {history}", f64::from(gamma) / 1000.0))
            }
            None => line("optimizer = \"sgd\"".to_owned()),
        }
        let classical = self.training.kind == "classical" || self.engine() == Some("tiki_taka");
        if self.training.momentum.is_some() && !classical {
            line(format!("momentum_kind = \"{}\"", self.training.kind));
        }
        if self.by_chance() {
            line("rounding = \"stochastic\"".to_owned());
        }
        if self.batch() > 1 {
            line(format!("batch = {}", self.batch()));
        }
        // Below the power of two, so that the register's rounding is part of the test.
        let rate = 0.9 * 2f64.powi(self.rate);
        line(format!("learning_rate = {rate}\nepochs = 2\nseed = {}", self.training.seed));
        // A quarter changes both registers between the epochs.
        if self.training.seed % 4 == 1 {
            let momentum = self.training.momentum.map_or(0.0, |(_, gamma)| f64::from(gamma) / 1200.0);
            line(format!("[[training.schedule]]\nepoch = 2\nlearning_rate = {}\nmomentum = {momentum}", rate * 1.5));
        }
        let Widths { dac, adc, pulse, error, .. } = self.widths;
        let Machine { adcs, lanes, emulated, settle, conversion, pulse: lsb, clock, pieces } = self.machine;
        // Whole layers by amplitude may have their lines in memories.
        let whole = pieces == (1, 1) && !self.bit_serial();
        let backend = match emulated {
            true if whole && !self.training.seed.is_multiple_of(3) => "fpga",
            true => "emulated",
            false => "external",
        };
        line(format!("[array]\ndac_bits = {dac}\nadc_bits = {adc}\npulse_bits = {pulse}\nerror_bits = {error}"));
        if self.bit_serial() {
            line("input_coding = \"bit_serial\"".to_owned());
        }
        line(format!("adcs = {adcs}\nlanes = {lanes}\nbackend = \"{backend}\"\nweight_range = {}", scale(self.weight)));
        if emulated && (self.training.seed / 5).is_multiple_of(2) {
            line("state_memory = \"single_port\"".to_owned());
        }
        if let Some(count) = self.slices() {
            let (ratio, every) = (2 + 2 * (self.training.seed / 20 % 2), 1 + self.training.seed % 3);
            line(format!(
                "slices = {count}\nslice_ratio = {ratio}\nslice_code_ratio = {}\ncarry_every = {every}",
                if count == 2 { 1 } else { ratio }
            ));
        }
        // The memory mode works on whole layers.
        if self.memristors.as_ref().is_none_or(|m| m.memory.is_none()) {
            for (key, pieces) in [("rows", pieces.0), ("cols", pieces.1)] {
                if pieces > 1 {
                    let most = 80usize.div_ceil(pieces).next_multiple_of(adcs as usize);
                    line(format!("{key} = {most}"));
                }
            }
        }
        line(format!("[device]\nstate_bits = {}", self.state_bits()));
        if let Some(Memristors { device, nonideal, memory }) = &self.memristors {
            line((*device).to_owned());
            if device.contains("mtj") && self.by_chance() {
                // A pulse of half a slot switches for sure.
                line("write_current = 4.0".to_owned());
            }
            // Only pairs have a refresh.
            let pairs = ["differential", "PCM"].iter().any(|word| device.contains(word));
            for (header, section) in [("array.nonideal", nonideal), ("memory", memory)] {
                let keys = section.iter().flat_map(|text| text.lines());
                // One bit has no nonlinearity.
                let serial = self.bit_serial();
                let keys: Vec<&str> = keys
                    .filter(|key| pairs || !key.starts_with("refresh_every"))
                    .filter(|key| !serial || !key.starts_with("dac_"))
                    .collect();
                if section.is_some() {
                    line(format!("[{header}]\n{}", keys.join("\n")));
                }
            }
        }
        let ns = |cycles: u32| f64::from(cycles * clock) / 10.0;
        line(format!("[timing]\nclock = {}\nread_settle = {}", ns(1), ns(settle)));
        line(format!("adc_conversion = {}\npulse_lsb = {}", ns(conversion), ns(lsb)));
        line("[data]\ncsv = \"random.csv\"\ntest_fraction = 0.5".to_owned());
        out
    }
}

/// Random valid specs as text. Their data set is the file `random.csv`, which does not exist.
pub fn random_design_toml() -> impl Strategy<Value = String> {
    draft().prop_filter_map("the ranges contradict the widths", |draft| {
        let text = draft.toml();
        spec::parse(&text, "random.toml", Path::new("")).is_ok().then_some(text)
    })
}

/// One random valid spec; the same for the same seed.
pub fn random_spec(seed: u64) -> String {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    random_design_toml().new_tree(&mut runner).expect("a valid spec among many drafts").current()
}

/// Any draft of the `ideal` device, valid or not, as text: full of contradicting widths and ranges, but of nothing else.
pub fn random_draft_toml() -> impl Strategy<Value = String> {
    draft().prop_map(|draft| Draft { memristors: None, demanding: false, ..draft }.toml())
}
