//! What all contestants are driven with: the inputs of the digits design in a real co-simulation, cycle by cycle.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use memrtl::cosim::{self, Options, Waves};
use memrtl::rtl::Rtl;
use memrtl::spec::Design;
use verilated::{Profile, TraceFormat};
use wellen::simple::{self, Waveform};

/// Ports driven, in the order of their numbers, with their widths. The peers have the same list.
pub const INPUTS: [(&str, u32); 20] = [
    ("aresetn", 1),
    ("s_axil_awaddr", 12),
    ("s_axil_awvalid", 1),
    ("s_axil_wdata", 32),
    ("s_axil_wstrb", 4),
    ("s_axil_wvalid", 1),
    ("s_axil_bready", 1),
    ("s_axil_araddr", 12),
    ("s_axil_arvalid", 1),
    ("s_axil_rready", 1),
    ("s_axis_tdata", 64),
    ("s_axis_tvalid", 1),
    ("s_axis_tlast", 1),
    ("m_axis_tready", 1),
    ("l0_op_ready", 1),
    ("l0_adc_valid", 1),
    ("l0_adc_code", 64),
    ("l1_op_ready", 1),
    ("l1_adc_valid", 1),
    ("l1_adc_code", 64),
];

/// Ports sampled after each rising edge.
pub const OUTPUTS: [(&str, u32); 9] = [
    ("s_axis_tready", 1),
    ("m_axis_tvalid", 1),
    ("m_axis_tdata", 64),
    ("l0_op_valid", 1),
    ("l0_adc_ready", 1),
    ("l0_col_on", 32),
    ("l1_op_valid", 1),
    ("l1_adc_ready", 1),
    ("l1_col_on", 10),
];

/// Training and test samples of the recorded run.
const SAMPLES: (usize, usize) = (40, 10);
/// Cycles before the recording begins: four in reset, two without.
pub const RESET: [u64; 6] = [0, 0, 0, 0, 1, 1];

/// Changes of the inputs, cycle by cycle.
pub struct Stimulus {
    /// Number of cycles, then per cycle the number of changes and each as port and value.
    pub words: Vec<u64>,
    /// What the sampled outputs that have a reset add up to in the recorded run, after the reset.
    pub recorded: u64,
}

impl Stimulus {
    /// Records a co-simulation of `design`, and writes the stimulus to `path` as the peers read it: a line of names, then the words.
    pub fn record(design: &Design, rtl: &Rtl, cache: &Path, path: &Path) -> Stimulus {
        let waves = path.with_extension("vcd");
        let options = Options {
            waves: Some(Waves { path: waves.clone(), format: TraceFormat::Vcd, from: 0, to: u64::MAX }),
            profile: Profile::QuickBuild,
            cache: Some(cache.to_path_buf()),
            limit: Some(SAMPLES),
            ..Options::default()
        };
        let mut design = design.clone();
        design.training.epochs = 1;
        cosim::run(&design, rtl, &options, &AtomicBool::new(false), &mut |_| {})
            .unwrap_or_else(|error| panic!("{error}"));
        let stimulus = Stimulus::read(&waves, &rtl.top);
        // Some 40 MB that nobody needs any more.
        let _ = std::fs::remove_file(&waves);
        let mut bytes = INPUTS.map(|(name, _)| name).join(" ").into_bytes();
        bytes.push(b'\n');
        bytes.extend(stimulus.words.iter().flat_map(|w| w.to_le_bytes()));
        std::fs::write(path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        stimulus
    }

    fn read(waves: &Path, top: &str) -> Stimulus {
        let mut wave = simple::read(waves).unwrap_or_else(|error| panic!("{}: {error}", waves.display()));
        let clock = Port::load(&mut wave, top, "aclk");
        let inputs = INPUTS.map(|(name, _)| Port::load(&mut wave, top, name));
        let outputs = OUTPUTS.map(|(name, _)| Port::load(&mut wave, top, name));
        let rising: Vec<u32> = clock.changes.iter().filter(|c| c.1 == 1).map(|c| c.0).collect();

        let mut words = vec![(RESET.len() + rising.len()) as u64];
        let mut last = [0; INPUTS.len()];
        // Every pass begins with all ports, whatever the one before left there.
        words.push(INPUTS.len() as u64);
        words.extend((0..INPUTS.len() as u64).flat_map(|port| [port, 0]));
        for (before, now) in RESET.iter().zip(&RESET[1..]) {
            words.push(u64::from(now != before));
            if now != before {
                words.extend([0, *now]);
            }
        }
        last[0] = 1;
        let mut recorded = 0u64;
        for at in rising {
            let count = words.len();
            words.push(0);
            for (port, input) in inputs.iter().enumerate() {
                let value = input.at(at);
                if value != last[port] {
                    words[count] += 1;
                    words.extend([port as u64, value]);
                    last[port] = value;
                }
            }
            recorded =
                OUTPUTS.iter().zip(&outputs).filter(|(o, _)| settled(o.0)).fold(recorded, |r, o| add(r, o.1.at(at)));
        }
        Stimulus { words, recorded }
    }
}

/// False for data, which is random in the recorded run until something was written there.
pub fn settled(output: &str) -> bool {
    !output.ends_with("tdata")
}

/// One more sampled value.
#[inline]
pub fn add(sum: u64, value: u64) -> u64 {
    sum.rotate_left(5) ^ value
}

/// Values of a port by index into the table of times.
struct Port {
    changes: Vec<(u32, u64)>,
}

impl Port {
    fn load(wave: &mut Waveform, top: &str, name: &str) -> Port {
        let var =
            wave.hierarchy().lookup_var(&["TOP", top], name).unwrap_or_else(|| panic!("no {name} in the waveform"));
        let signal = wave.hierarchy()[var].signal_ref();
        wave.load_signals(&[signal]);
        let signal = wave.get_signal(signal).expect("just loaded");
        let value = |bits: String| u64::from_str_radix(&bits, 2).unwrap_or_else(|_| panic!("{name}: {bits}"));
        Port {
            changes: signal.iter_changes().map(|(at, v)| (at, value(v.to_bit_string().unwrap_or_default()))).collect(),
        }
    }

    fn at(&self, time: u32) -> u64 {
        match self.changes.partition_point(|c| c.0 <= time) {
            0 => 0,
            after => self.changes[after - 1].1,
        }
    }
}
