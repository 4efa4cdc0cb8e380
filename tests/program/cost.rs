//! Cost model: cycles of an estimate are those of a co-simulation, energies are counts times constants, bad tables are refused.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::common::{Small, on_all_cores, options, refused};
use approx::assert_relative_eq;
use memrtl::cost::{Component, Components, CostError, Counting, Estimate, GoldenRun, estimate, growth};
use memrtl::phases::Phase;
use memrtl::spec::{self, Backend, Code, CostKey, Design, SpecErrors};

fn components() -> Components {
    Components::embedded(8).expect("the shipped table")
}

fn preset(name: &str) -> Design {
    spec::parse(spec::preset(name).expect("a preset"), name, Path::new("")).expect("a valid preset")
}

fn design(text: &str) -> Design {
    spec::parse(text, "little.toml", Path::new("")).unwrap_or_else(|e| panic!("{e}"))
}

/// Time is what the RTL takes: every momentum unit, batches, tiles, bit-serial inputs.
#[test]
fn cycles_are_those_of_a_co_simulation() {
    let base = "learning_rate = 0.5\nmomentum = 0.9\nepochs = 2\nseed = 7";
    let with = |keys: &str| format!("{base}\n{keys}");
    let tiles = "adcs = 2\nlanes = 2\nrows = 4\ncols = 4";
    let designs = [
        (with("history = 3"), Small::default().array),
        (with("history = 2\nbatch = 2"), tiles),
        (with("momentum_unit = \"in_array\""), "adcs = 2\nlanes = 4\ninput_coding = \"bit_serial\""),
        (with("momentum_unit = \"sram\""), Small::default().array),
        (with("momentum_unit = \"tiki_taka\"\ntransfer_every = 2"), tiles),
        (with("history = 2"), "adcs = 2\nlanes = 2\npulse_bits = 10\nslices = 2\nslice_ratio = 4\ncarry_every = 2"),
        ("optimizer = \"sgd\"\nlearning_rate = 0.5\nepochs = 1\nseed = 3".to_owned(), Small::default().array),
    ];
    let convolution = "image = { height = 5, width = 5 }\nlayers = [ { outputs = 4, kernel = 2, pool = 2, activation = \"tanh\" }, \
                       { outputs = 3, activation = \"sigmoid\" } ]";
    let fully = Small::default().network;
    let mut designs: Vec<_> = designs.into_iter().map(|(training, array)| (fully, training, array)).collect();
    for unit in ["history = 2", "momentum_unit = \"in_array\""] {
        designs.push((convolution, with(unit), Small::default().array));
    }
    on_all_cores(&designs, |(network, training, array)| {
        let rig = Small { network, training, array, samples: 24, ..Small::default() }.rig(Backend::External);
        let s = rig.run(&options()).unwrap_or_else(|e| panic!("{training}: {e}")).summary;
        let counting = Counting::Golden(GoldenRun::whole(&rig.design));
        let e = estimate(&rig.design, &components(), counting).unwrap_or_else(|e| panic!("{training}: {e}"));
        let (training_cycles, inference) = (e.activity.training, e.activity.inference);
        assert_eq!((s.mismatches, s.samples), (0, training_cycles.samples), "{training}");
        assert_eq!(training_cycles.cycles.total(), s.cycles_total, "{training}");
        for (phase, cycles) in &s.phases {
            let found = Phase::of(true).into_iter().find(|p| p.name() == phase).expect("a phase");
            assert_eq!(training_cycles.cycles.phase(found), *cycles, "{training}, {phase}");
        }
        assert_eq!(inference.samples, s.samples_inferred);
        assert_eq!(inference.cycles.total(), (s.cycles_per_inference * inference.samples as f64).round() as u64);
        // Slots and reads of a convolution are those of one place.
        let layers = e.activity.layers.iter().zip(&rig.design.layers);
        let slots: f64 = layers.map(|(l, layer)| (l.slots + l.fast_reads) * layer.positions() as f64 + l.local).sum();
        assert_eq!((slots * s.samples as f64).round() as u64, s.slots, "{training}");
    });
}

/// With the pulses that a golden run had, assumed steps take its cycles: no per-cell loop stands behind them.
#[test]
fn assumed_steps_take_the_cycles_of_equal_pulses() {
    for unit in ["momentum_unit = \"in_array\"", "optimizer = \"sgd\""] {
        // So small a full scale of writes that every step has a longest pulse.
        let text = format!(
            "name = \"little\"\n[network]\ninputs = 64\nlayers = [ {{ outputs = 9, max_update = 0.0009765625 }}, \
             {{ outputs = 10, max_update = 0.0009765625 }} ]\n[training]\n{unit}\nlearning_rate = 3.9\nepochs = 1\n\
             [array]\npulse_bits = 2\nrows = 32\ncols = 8\n[cost]\nlongest_pulse = 1.0"
        );
        let d = design(&text);
        let golden = Counting::Golden(GoldenRun { epochs: 1, limit: Some(60) });
        let counted = estimate(&d, &components(), golden).expect("runs");
        let share: f64 = counted.activity.layers.iter().map(|l| l.longest_pulse).fold(1.0, f64::min);
        assert_eq!(share, 1.0, "not all pulses are the longest: the test says nothing");
        let assumed = estimate(&d, &components(), Counting::Assumed).expect("runs");
        for phase in [Phase::Forward, Phase::Backward, Phase::Update] {
            let (a, c) = (assumed.activity.training.phase(phase), counted.activity.training.phase(phase));
            assert_eq!(a, c, "{unit}, {phase:?}");
        }
    }
}

/// A convolution is counted place by place: here by hand for 36 places of 8 kernels on 9 pixels, and 72 x 10 weights behind them.
#[test]
fn places_of_a_convolution_are_counted() {
    let d = preset("digits_cnn");
    let run = GoldenRun { epochs: 1, limit: Some(30) };
    for counting in [Counting::Golden(run), Counting::Assumed] {
        let e = estimate(&d, &components(), counting).unwrap_or_else(|e| panic!("{e}"));
        let number = |phase: Phase, what: &str| -> f64 {
            let events = e.training.energies.events.iter();
            events.filter(|e| e.phase == phase && e.what == what).map(|e| e.number).sum()
        };
        let counts = [
            (Phase::Forward, "conversions", 36.0 * 8.0 + 10.0),
            (Phase::Forward, "lines driven in reads", 36.0 * 10.0 + 73.0),
            (Phase::Forward, "codes pooled", 36.0 * 8.0),
            (Phase::Forward, "activations", 9.0 * 8.0 + 10.0),
            (Phase::Forward, "bits of windows", 2.0 * 36.0 * 9.0 * 8.0),
            (Phase::Forward, "errors", 10.0),
            (Phase::Backward, "errors", 9.0 * 8.0),
            (Phase::Backward, "conversions", 72.0),
        ];
        for (phase, what, count) in counts {
            assert_relative_eq!(number(phase, what), count, max_relative = 1e-9);
        }
        // A decay and a transfer of each layer, whatever the places.
        assert_relative_eq!(e.activity.layers.iter().map(|l| l.local).sum::<f64>(), 4.0);
    }
}

fn sums_up(e: &Estimate) {
    for step in [&e.training, &e.inference] {
        let components: f64 = Component::ALL.iter().map(|c| step.energies.component(*c)).sum();
        let phases: f64 = Phase::of(true).iter().map(|p| step.energies.phase(*p)).sum();
        let events: f64 = step.energies.events.iter().map(|e| e.number * e.each).sum();
        assert!(step.joules > 0.0);
        for sum in [components, phases, events, step.component_joules.values().sum(), step.phase_joules.values().sum()]
        {
            assert_relative_eq!(sum, step.joules, max_relative = 1e-12);
        }
        assert_relative_eq!(step.phase_seconds.values().sum::<f64>(), step.seconds, max_relative = 1e-12);
        assert_relative_eq!(step.phase_cycles.values().sum::<f64>(), step.cycles, max_relative = 1e-12);
    }
    let blocks: f64 = e.area.blocks.iter().map(|b| b.number * b.each).sum();
    assert_relative_eq!(blocks, e.area.total, max_relative = 1e-12);
}

#[test]
fn energies_sum_to_the_total() {
    let run = Counting::Golden(GoldenRun { epochs: 1, limit: Some(50) });
    for name in spec::PRESETS {
        let d = preset(name);
        if d.array.backend.emulated() {
            continue;
        }
        for counting in [Counting::Assumed, run] {
            if name != "mnist" || counting == Counting::Assumed {
                sums_up(&estimate(&d, &components(), counting).unwrap_or_else(|e| panic!("{name}: {e}")));
            }
        }
    }
    for keys in
        ["momentum_unit = \"in_array\"", "momentum_unit = \"sram\"", "momentum_unit = \"tiki_taka\"", "batch = 4"]
    {
        for array in ["", "[array]\nrows = 32\ncols = 8", "[array]\ninput_coding = \"bit_serial\""] {
            let text = format!(
                "name = \"little\"\n[network]\ninputs = 64\nlayers = [ {{ outputs = 16 }}, {{ outputs = 10 }} ]\n\
                 [training]\n{keys}\n{array}"
            );
            for counting in [Counting::Assumed, run] {
                sums_up(&estimate(&design(&text), &components(), counting).unwrap_or_else(|e| panic!("{text}: {e}")));
            }
        }
    }
}

/// 784-100-10 on arrays of at most 128 x 128, with the constants of the shipped table.
///
/// 785 rows lie on 7 arrays of 120, its 100 columns on one; so 7 * 100 codes are converted. The second layer, 101 x 10, is one array.
#[test]
fn by_hand_conversions_of_an_mnist_network() {
    let d = design(
        "name = \"little\"\n[network]\ninputs = 784\nlayers = [ { outputs = 100 }, { outputs = 10 } ]\n\
         [array]\nrows = 128\ncols = 128\n[data]\ncsv = \"none.csv\"",
    );
    let e = estimate(&d, &components(), Counting::Assumed).expect("runs");
    let energies = &e.inference.energies;
    // (700 + 10) conversions of 1.667 pJ, each with a sample of 0.977 fJ.
    let converters = 710.0 * 1.667e-12 + 710.0 * 0.977e-15;
    assert_relative_eq!(energies.component(Component::Converters), converters, max_relative = 1e-9);
    // 700 codes become 100: 600 additions of 0.021 pJ; those of the second layer need none.
    assert_relative_eq!(energies.component(Component::Adders), 600.0 * 0.021e-12, max_relative = 1e-9);
    // 785 + 101 rows of 0.291 pJ; wires of 785 * 100 + 101 * 10 cells, 0.1 fF each, at 0.5 V and a mean square of 0.25.
    let wires = 79_510.0 * 0.1e-15 * 0.25 * 0.25;
    let drivers = 886.0 * 0.291e-12 + wires;
    let row_power = components().get(CostKey::RowPower);
    assert_relative_eq!(
        energies.component(Component::Drivers),
        drivers + wires * (row_power / 0.25 - 1.0),
        max_relative = 1e-9
    );
    // The transposed read of the second layer drives 10 columns and converts 100 rows.
    let backward = e.training.energies.part(Phase::Backward, Component::Converters);
    assert_relative_eq!(backward, 100.0 * (1.667e-12 + 0.977e-15), max_relative = 1e-9);
    assert_eq!(e.arrays, 8);
}

/// Two devices per weight: each line, cell and conversion of a read twice; a carry converts one row of one of them.
#[test]
fn by_hand_reads_of_two_slices() {
    let text = |slices: usize| {
        format!(
            "name = \"little\"\n[network]\ninputs = 64\nlayers = [ {{ outputs = 32 }}, {{ outputs = 10 }} ]\n\
             [array]\nslices = {slices}\n[device]\nstate_bits = 11\n[data]\ncsv = \"none.csv\""
        )
    };
    let [one, two] = [1, 2].map(|n| estimate(&design(&text(n)), &components(), Counting::Assumed).expect("runs"));
    let conversion = 1.667e-12 + 0.977e-15;
    let (once, twice) = (&one.inference.energies, &two.inference.energies);
    assert_relative_eq!(twice.component(Component::Converters), 84.0 * conversion, max_relative = 1e-9);
    assert_relative_eq!(once.component(Component::Converters), 42.0 * conversion, max_relative = 1e-9);
    // The codes of 42 columns have a second one to be added.
    assert_relative_eq!(twice.component(Component::Adders), 42.0 * 0.021e-12, max_relative = 1e-9);
    for component in [Component::Drivers, Component::Cells] {
        assert_relative_eq!(twice.component(component), 2.0 * once.component(component), max_relative = 1e-9);
    }
    // A row of each layer in every step.
    let update = two.training.energies.part(Phase::Update, Component::Converters);
    assert_relative_eq!(update, 42.0 * conversion, max_relative = 1e-9);
    assert_eq!(one.training.energies.part(Phase::Update, Component::Converters), 0.0);
    assert_eq!((one.arrays, two.arrays), (2, 4));
}

/// A write slot of plain SGD on ideal devices: 3 rows (bias included) by 2 columns at full scale, all with pulses of 102 units of 2 ns.
///
/// V^2 G t = (2 V)^2 * 10 uS * 204 ns = 8.16 pJ a cell, 48.96 pJ for 6 cells.
#[test]
fn by_hand_pulses_of_a_slot() {
    let d = design(
        "name = \"little\"\n[network]\ninputs = 2\nlayers = [ { outputs = 2 } ]\n[training]\noptimizer = \"sgd\"\n\
         [cost]\nrow_power = 1.0\nlongest_pulse = 0.4\nmean_pulse = 1.0\nwrite_voltage = \"2 V\"\n\
         cell_conductance = \"10 uS\"\n[data]\ncsv = \"none.csv\"",
    );
    let e = estimate(&d, &components(), Counting::Assumed).expect("runs");
    assert_relative_eq!(e.training.energies.component(Component::Pulses), 48.96e-12, max_relative = 1e-9);
    // 102 units and the cycles around them are the update; its 8 ADCs and 7 line drivers leak meanwhile.
    let update = e.training.phase_seconds["update"];
    assert!((204e-9..260e-9).contains(&update), "{update:e}");
    let leakage = update * (8.0 * 0.2e-3 + 5.0 * 0.39e-6);
    assert_relative_eq!(e.training.energies.part(Phase::Update, Component::Leakage), leakage, max_relative = 1e-9);
}

/// The ring of three pairs of a layer of 4 inputs (8 bits) and 2 outputs (errors of 12 bits).
///
/// A pair has 4 * 8 + 2 * 12 = 56 bits. A step stores one and fetches three (the own pair comes last, so its x is fetched again):
/// 4 * 56 = 224 bits of 0.0799 pJ.
#[test]
fn by_hand_memory_of_a_history() {
    let d = design(
        "name = \"little\"\n[network]\ninputs = 4\nlayers = [ { outputs = 2 } ]\n[training]\nhistory = 3\n\
         [array]\nerror_bits = 12\n[data]\ncsv = \"none.csv\"",
    );
    let e = estimate(&d, &components(), Counting::Assumed).expect("runs");
    let memory = e.training.energies.part(Phase::Update, Component::Memory);
    assert_relative_eq!(memory, 224.0 * 0.0799e-12, max_relative = 1e-9);
    // One array, one read: it begins in cycle 1, its codes leave it 5 + 5 - 1 cycles later, one beat and one more cycle end the sample:
    // cycles 0 to 12, and one that loads x.
    assert_eq!((e.inference.phase_cycles["forward"], e.inference.phase_cycles["load"]), (13.0, 1.0));
    assert_relative_eq!(e.inference.seconds, 28e-9, max_relative = 1e-12);
}

#[test]
fn a_network_of_a_billion_weights_takes_less_than_a_second() {
    for unit in ["history", "in_array", "sram", "tiki_taka"] {
        // As a spec with larger arrays, and beyond what a spec may ask of a chip's pins.
        let text = format!(
            "name = \"billion\"\n[network]\ninputs = 31622\nlayers = [ {{ outputs = 31622 }}, {{ outputs = 10 }} ]\n\
             [training]\nmomentum_unit = \"{unit}\"\n[array]\nrows = 1024\ncols = 1024\n[data]\ncsv = \"none.csv\""
        );
        let start = Instant::now();
        let e = estimate(&design(&text), &components(), Counting::Assumed).expect("runs");
        assert!(start.elapsed() < Duration::from_secs(1), "{unit}: {:?}", start.elapsed());
        assert!(e.weights >= 999_950_000 && e.arrays == 961 + 31, "{} {}", e.weights, e.arrays);
        let small = format!(
            "name = \"billion\"\n[network]\ninputs = 64\nlayers = [ {{ outputs = 10 }} ]\n\
             [training]\nmomentum_unit = \"{unit}\""
        );
        let d = design(&small).resized("billion", &[31622, 31622, 10]);
        let start = Instant::now();
        let e = estimate(&d, &components(), Counting::Assumed).expect("runs");
        assert!(start.elapsed() < Duration::from_secs(1), "{unit}: {:?}", start.elapsed());
        assert!(e.weights >= 999_950_000 && e.arrays > 60_000, "{} {}", e.weights, e.arrays);
    }
    let start = Instant::now();
    let sizes = growth::growth(&preset("digits"), &components()).expect("runs");
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(sizes.len(), 7);
    let grows = |value: fn(&Estimate) -> f64| sizes.windows(2).all(|w| value(&w[0].estimate) < value(&w[1].estimate));
    assert!(grows(|e| e.training.seconds) && grows(|e| e.training.joules) && grows(|e| e.area.total));
    // Arrays work side by side: a thousand times the weights, a line's worth of time.
    let (small, large) = (&sizes[2].estimate, &sizes[5].estimate);
    assert!(large.training.seconds / small.training.seconds < 50.0);
}

#[test]
fn constants_come_from_table_file_and_spec_in_this_order() {
    let mut d = preset("digits");
    let value = |e: &Estimate, key: CostKey| e.constants.iter().find(|c| c.key == key).cloned().expect("a constant");
    let mut table = components();
    let e = estimate(&d, &table, Counting::Assumed).expect("runs");
    assert!(e.constants.iter().all(|c| !c.source.is_empty()) && e.constants.len() == CostKey::ALL.len());
    assert_eq!(value(&e, CostKey::AdcEnergy).value, 1.667e-12);
    let file = "[adc_energy]\nvalue = \"2 pJ\"\nstatus = \"assumed\"\nsource = \"a guess\"";
    table.take(file, "mine.toml").expect("a good table");
    let e = estimate(&d, &table, Counting::Assumed).expect("runs");
    assert_eq!((value(&e, CostKey::AdcEnergy).value, &*value(&e, CostKey::AdcEnergy).source), (2e-12, "a guess"));
    let text = spec::preset("digits").expect("a preset").to_owned() + "\n[cost]\nadc_energy = \"0.5 pJ\"\n";
    let hash = std::mem::replace(&mut d, design(&text)).spec_hash;
    assert_eq!(d.spec_hash, hash, "constants of the cost model change no Verilog");
    let again = spec::parse(&spec::canonical_toml(&d), "again", Path::new("")).expect("the canonical spec");
    assert_eq!(again.cost, d.cost);
    let e = estimate(&d, &table, Counting::Assumed).expect("runs");
    assert_eq!(value(&e, CostKey::AdcEnergy).value, 0.5e-12);
    assert_eq!(value(&e, CostKey::AdcEnergy).source, "the spec's section [cost]");
    // Between and beyond listed resolutions the ratio goes on.
    let eleven = Components::embedded(11).expect("the shipped table").get(CostKey::AdcEnergy);
    assert_relative_eq!(eleven, 2.38e-12 * 2.38 / 1.97, max_relative = 1e-9);
}

/// Devices with electrical parameters bring their own.
#[test]
fn devices_bring_their_own_voltages() {
    let energy = |device: &str| {
        let text = format!(
            "name = \"little\"\n[network]\ninputs = 64\nlayers = [ {{ outputs = 10 }} ]\n[device]\n{device}\n\
             [training]\nlearning_rate = 0.1"
        );
        let run = GoldenRun { epochs: 1, limit: Some(40) };
        let e = estimate(&design(&text), &components(), Counting::Golden(run)).expect("runs");
        let given = e.constants.iter().filter(|c| c.source == "the spec's device").count();
        (given, e.training.energies.component(Component::Pulses))
    };
    assert_eq!(energy("").0, 0);
    for (device, count) in [("model = \"vteam\"", 3), ("preset = \"ReRamSB\"", 2), ("model = \"pcm\"", 2)] {
        let (given, pulses) = energy(device);
        assert!(given == count && pulses > 0.0, "{device}: {given} {pulses:e}");
    }
}

fn parse(text: &str) -> Result<(), SpecErrors> {
    match Components::embedded(8).expect("the shipped table").take(text, "mine.toml") {
        Ok(()) => Ok(()),
        Err(CostError::Table(errors)) => Err(errors),
        Err(other) => panic!("{other}"),
    }
}

refused! {
    a_negative_constant: [Code::OutOfRange],
        "[adc_energy]\nvalue = \"-1.667 pJ\"\nstatus = \"assumed\"\nsource = \"mine\"";
    a_constant_in_another_unit: [Code::Unit],
        "[adc_energy]\nvalue = \"1.667 mW\"\nstatus = \"assumed\"\nsource = \"mine\"";
    a_constant_without_a_unit: [Code::WrongType],
        "[adc_area]\nvalue = 1200\nstatus = \"assumed\"\nsource = \"mine\"";
    a_constant_without_a_source: [Code::MissingKey, Code::MissingKey],
        "[adc_energy]\nvalue = \"1.667 pJ\"";
    an_empty_source: [Code::Constant],
        "[adc_energy]\nvalue = \"1.667 pJ\"\nstatus = \"published\"\nsource = \" \"";
    a_constant_beyond_reason: [Code::OutOfRange],
        "[cell_conductance]\nvalue = \"5 S\"\nstatus = \"assumed\"\nsource = \"mine\"";
    a_conductance_of_nothing: [Code::OutOfRange],
        "[cell_conductance]\nvalue = \"0 S\"\nstatus = \"assumed\"\nsource = \"mine\"";
    an_unknown_constant: [Code::UnknownKey],
        "[adc_enrgy]\nvalue = \"1.667 pJ\"\nstatus = \"assumed\"\nsource = \"mine\"";
    one_value_and_several: [Code::Constant],
        "[adc_energy]\nvalue = \"1 pJ\"\nby_bits = { 8 = \"1 pJ\" }\nstatus = \"assumed\"\nsource = \"mine\"";
    a_negative_value_of_several: [Code::OutOfRange],
        "[adc_energy]\nby_bits = { 8 = \"-1 pJ\" }\nstatus = \"assumed\"\nsource = \"mine\"";
    an_unknown_status: [Code::UnknownValue],
        "[adc_energy]\nvalue = \"1 pJ\"\nstatus = \"publishd\"\nsource = \"mine\"";
}

mod of_specs {
    use super::*;

    fn parse(lines: &str) -> Result<Design, SpecErrors> {
        let text = format!("name = \"little\"\n[network]\ninputs = 64\nlayers = [ {{ outputs = 10 }} ]\n{lines}");
        spec::parse(&text, "little.toml", Path::new(""))
    }

    refused! {
        bad_constants: [Code::OutOfRange, Code::Unit, Code::OutOfRange, Code::UnknownKey],
            "[cost]\nadc_energy = \"-1 pJ\"\nadc_area = \"1 pJ\"\nrow_power = 1.5\nclock = 2.0";
        voltages_of_a_device_that_has_its_own: [Code::Constant, Code::Constant],
            "[device]\nmodel = \"vteam\"\n[cost]\nread_voltage = \"0.1 V\"\nwrite_voltage = \"1 V\"";
    }
}

fn memrtl(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_memrtl")).args(args).current_dir(folder).output().expect("started")
}

#[test]
fn the_command_writes_tables_and_json() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = memrtl(folder.path(), &["estimate", "--samples", "40", "--epochs", "1", "--growth", "--constants"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    for word in ["golden run of 40 training samples", "memristors, pulses", "HBM2", "22361-22361-22361", "growth.svg"] {
        assert!(text.contains(word), "{word}\n{text}");
    }
    let json = std::fs::read_to_string(folder.path().join("out/estimate/estimate.json")).expect("written");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let sum: f64 =
        json["training"]["component_joules"].as_object().expect("a map").values().filter_map(|v| v.as_f64()).sum();
    assert_relative_eq!(sum, json["training"]["joules"].as_f64().expect("a number"), max_relative = 1e-12);
    // The same command gives the same bytes.
    let first = std::fs::read(folder.path().join("out/estimate/growth.svg")).expect("written");
    assert!(memrtl(folder.path(), &["estimate", "--samples", "40", "--growth"]).status.success());
    assert_eq!(std::fs::read(folder.path().join("out/estimate/growth.svg")).expect("written"), first);
    // Without data codes and pulses are assumed, and a faster clock counts more cycles of the same times.
    std::fs::write(folder.path().join("mnist.toml"), spec::preset("mnist").expect("a preset")).expect("written");
    let output = memrtl(folder.path(), &["estimate", "--config", "mnist.toml", "--clock", "1"]);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(
        output.status.success() && err.contains("codes and pulses are assumed") && out.contains("clock 1 ns"),
        "{out}{err}"
    );
    std::fs::write(folder.path().join("bad.toml"), "[adc_energy]\nvalue = \"1 mW\"").expect("written");
    let output = memrtl(folder.path(), &["estimate", "--components", "bad.toml"]);
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && err.contains("bad.toml:2:1") && err.contains("error[E060]"), "{err}");
    let output = memrtl(folder.path(), &["estimate", "--components", "none.toml"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot read `none.toml`"));
}

#[test]
fn an_emulated_array_has_no_energy() {
    let mut d = preset("digits");
    d.array.backend = Backend::Emulated;
    assert!(matches!(estimate(&d, &components(), Counting::Assumed), Err(CostError::Emulated)));
}
