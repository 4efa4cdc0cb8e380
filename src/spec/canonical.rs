//! The canonical spec: every key with its value, in one order and one notation; the hash is taken of its hardware part.

use std::fmt::Write as _;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::{
    CostOverrides, Data, DataSource, Design, Device, DeviceModel, DigitalVelocity, Loss, Map, Memory, MomentumKind,
    NonIdeal, Optimizer, Training, device,
};

/// Hex digits of the hash.
const HASH_DIGITS: usize = 16;

/// The design as a spec with all defaults filled in; parsing it gives the same design.
pub fn canonical_toml(design: &Design) -> String {
    let mut out = String::new();
    let d = design;
    // Writing to a string cannot fail.
    let _ = write_design(&mut out, d);
    out
}

fn write_design(out: &mut String, d: &Design) -> std::fmt::Result {
    let (training, array, timing) = (&d.training, &d.array, &d.timing);
    writeln!(out, "name = \"{}\"", d.name)?;
    writeln!(out, "\n[network]\ninputs = {}", d.inputs)?;
    if let Some(conv) = d.layers.first().and_then(|first| first.conv) {
        let Map { height, width, channels } = conv.input;
        writeln!(out, "image = {{ height = {height}, width = {width}, channels = {channels} }}")?;
    }
    for layer in &d.layers {
        let (ranges, scale) = (&layer.ranges, |exponent: i32| 2f64.powi(exponent));
        writeln!(out, "\n[[network.layers]]\nname = \"{}\"\noutputs = {}", layer.name, layer.outputs)?;
        writeln!(out, "activation = \"{}\"", layer.activation.name())?;
        if let Some(conv) = layer.conv {
            writeln!(out, "kernel = {}\nstride = {}", conv.kernel, conv.stride)?;
            if conv.pool > 1 {
                writeln!(out, "pool = {}\npooling = \"{}\"", conv.pool, conv.pooling.name())?;
            }
        }
        writeln!(out, "weight_range = {:?}", scale(ranges.weight))?;
        writeln!(out, "read_range = {:?}", scale(ranges.read))?;
        writeln!(out, "output_range = {:?}", scale(ranges.output))?;
        writeln!(out, "error_range = {:?}", scale(ranges.error))?;
        writeln!(out, "back_range = {:?}", scale(ranges.back))?;
        writeln!(out, "max_update = {:?}", scale(ranges.update))?;
        if array.input_coding.bit_serial() {
            writeln!(out, "read_plane_range = {:?}", scale(ranges.read_plane))?;
            writeln!(out, "back_plane_range = {:?}", scale(ranges.back_plane))?;
        }
    }
    let optimizer = match training.optimizer {
        Optimizer::Sgd => "sgd",
        Optimizer::Momentum => "momentum",
    };
    let unit = training.momentum_unit.name();
    writeln!(out, "\n[training]")?;
    // The default is left out: designs keep the hash that they had before there was a choice.
    if training.loss != Loss::Squared {
        writeln!(out, "loss = \"{}\"", training.loss.name())?;
    }
    writeln!(out, "optimizer = \"{optimizer}\"\nlearning_rate = {:?}", training.learning_rate)?;
    writeln!(out, "momentum = {:?}\nmomentum_unit = \"{unit}\"", training.momentum)?;
    writeln!(out, "history = {}\nepochs = {}\nseed = {}", training.history, training.epochs, training.seed)?;
    // Absent: classical, and no batches; so the hash of a design from before these keys stays what it was.
    if training.momentum_kind != MomentumKind::Classical {
        writeln!(out, "momentum_kind = \"{}\"", training.momentum_kind.name())?;
    }
    if training.batch > 1 {
        writeln!(out, "batch = {}", training.batch)?;
    }
    if training.rounding.stochastic() {
        writeln!(out, "rounding = \"{}\"", training.rounding.name())?;
    }
    if let Some(guard) = training.velocity_guard {
        writeln!(out, "velocity_guard = {guard}")?;
    }
    if let Some(transfer) = training.transfer {
        writeln!(out, "transfer_every = {}\ntransfer_divisor = {}", transfer.every, 1u32 << transfer.rate)?;
        writeln!(out, "fast_range = {}", 1u32 << transfer.range)?;
    }
    // Absent, each layer has its own: no one number says the same.
    if let Some(weight) = training.initial_weight {
        writeln!(out, "initial_weight = {weight:?}")?;
    }
    for step in &training.schedule {
        writeln!(out, "\n[[training.schedule]]\nepoch = {}", step.epoch)?;
        writeln!(out, "learning_rate = {:?}\nmomentum = {:?}", step.rates.learning_rate, step.rates.momentum)?;
    }
    let backend = array.backend.name();
    writeln!(out, "\n[array]")?;
    if array.input_coding.bit_serial() {
        writeln!(out, "input_coding = \"{}\"", array.input_coding.name())?;
    }
    writeln!(out, "dac_bits = {}\nadc_bits = {}", array.dac_bits, array.adc_bits)?;
    writeln!(out, "pulse_bits = {}\nerror_bits = {}", array.pulse_bits, array.error_bits)?;
    writeln!(out, "adcs = {}\nlanes = {}\nbackend = \"{backend}\"", array.adcs, array.lanes)?;
    for (key, most) in [("rows", array.rows), ("cols", array.cols)] {
        if let Some(most) = most {
            writeln!(out, "{key} = {most}")?;
        }
    }
    if let Some(memory) = array.state_memory {
        writeln!(out, "state_memory = \"{}\"", memory.name())?;
    }
    if let Some(slices) = array.slices {
        writeln!(out, "slices = {}\nslice_ratio = {}", slices.count, 1u32 << slices.bits)?;
        writeln!(out, "slice_code_ratio = {}\ncarry_every = {}", 1u32 << slices.code_bits, slices.every)?;
    }
    super::nonideal::write(out, &d.nonideal)?;
    device::write(out, &d.device)?;
    writeln!(out, "\n[timing]\nclock = {:?}\nread_settle = {:?}", timing.clock_ns, timing.read_settle_ns)?;
    writeln!(out, "adc_conversion = {:?}\npulse_lsb = {:?}", timing.adc_conversion_ns, timing.pulse_lsb_ns)?;
    if let Some(local) = timing.local {
        writeln!(out, "decay = {:?}\ntransfer = {:?}", local.decay_ns, local.transfer_ns)?;
    }
    if let Some(memory) = &d.memory {
        super::memory::write(out, memory)?;
    }
    super::cost::write(out, &d.cost)?;
    writeln!(out, "\n[data]")?;
    match &d.data.written {
        DataSource::Digits => writeln!(out, "set = \"digits\"")?,
        DataSource::Csv(path) => writeln!(out, "csv = {}", quoted(path))?,
        DataSource::Idx { images, labels } => {
            writeln!(out, "idx = {{ images = {}, labels = {} }}", quoted(images), quoted(labels))?;
        }
    }
    writeln!(out, "test_fraction = {:?}", d.data.test_fraction)
}

/// A path as a TOML string; paths come from TOML, so they are UTF-8.
pub(super) fn quoted(path: &Path) -> toml::Value {
    toml::Value::String(path.to_string_lossy().into_owned())
}

impl Design {
    /// Takes the hash again after a field was changed, for example the backend by a command-line option.
    pub fn refresh_hash(&mut self) {
        let plain = self.hardware();
        let mut hardware = canonical_toml(&plain);
        if let Some(memory) = &self.memory {
            // Reset values of registers, and whether there is a second device, follow from the memristors.
            hardware.push_str(&format!("{} {:?}", memory.devices, memory.refresh_codes()));
        }
        // So do the pulse lengths of devices that switch by chance.
        for table in self.pulse_tables() {
            hardware.push_str(&format!("{:?}", table.widths()));
        }
        // A schedule is the host's business, but some words are sized for its extremes.
        if self.scheduled_sizes() != plain.scheduled_sizes() {
            hardware.push_str(&format!("{:?}", self.scheduled_sizes()));
        }
        let digest = Sha256::digest(hardware.as_bytes());
        self.spec_hash = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        self.spec_hash.truncate(HASH_DIGITS);
    }

    /// Fraction bits of a gradient's factor, and formats of velocities in memory.
    fn scheduled_sizes(&self) -> (u32, Vec<Option<DigitalVelocity>>) {
        let formats = self.layers.iter().map(|layer| layer.digital_velocity(self));
        (self.factor_format().fraction(), formats.collect())
    }

    /// This design with one and the same run: what the Verilog depends on. Generated files carry the hash, so it must not
    /// change with the seed, or every seed would need a new simulation model.
    fn hardware(&self) -> Design {
        let training =
            Training { epochs: 1, schedule: Vec::new(), seed: 0, initial_weight: None, ..self.training.clone() };
        let data = Data { source: DataSource::Digits, written: DataSource::Digits, test_fraction: 0.5 };
        // Memristors and their imperfections sit behind the array's pins.
        let device = Device { model: DeviceModel::Ideal, ..self.device.clone() };
        let memory = self.memory.clone().map(|memory| Memory { program_initial: false, ..memory });
        let (nonideal, cost) = (NonIdeal::default(), CostOverrides::default());
        Design { training, data, device, memory, nonideal, cost, ..self.clone() }
    }
}
