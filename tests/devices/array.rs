//! The crossbar with imperfect devices and converters: stuck devices, noise of reads, drivers, ADCs, retention. Random parts are held
//! against their distributions, fixed ones against their formulas.

use std::path::Path;

use memrtl::array::Crossbar;
use memrtl::device::{CellAddress, CellPulse};
use memrtl::fixed::max_code;
use memrtl::spec::{self, Design, Memory};
use tempfile::TempDir;

const DEVICES: [&str; 6] = [
    "model = \"constant_step\"",
    "preset = \"ReRamSB\"",
    "preset = \"ReRamSB\"\nsigned = \"differential\"",
    "preset = \"PCM\"",
    "model = \"vteam\"",
    "model = \"mtj\"\nstate_bits = 16",
];

/// One layer of `inputs` x `outputs` with fine converters, so that rounding hides little.
fn design(inputs: usize, outputs: usize, device: &str, nonideal: &str, dir: &Path) -> Design {
    let text = format!(
        "name = \"net\"\n[network]\ninputs = {inputs}\nlayers = [{{ outputs = {outputs}, activation = \"tanh\" }}]\n\
         [training]\nseed = 5\n[array]\nadc_bits = 14\nadcs = 4\n[array.nonideal]\n{nonideal}\n[device]\n{device}\n\
         [data]\ncsv = \"none.csv\"\n"
    );
    spec::parse(&text, "net.toml", dir).unwrap_or_else(|e| panic!("{text}\n{e}"))
}

fn array(design: &Design) -> Crossbar {
    Crossbar::new(design, 0, &design.layers[0]).expect("a usable device")
}

fn crossbar(device: &str, nonideal: &str) -> Crossbar {
    array(&design(30, 20, device, nonideal, Path::new("")))
}

/// States of a spread of weights between -0.6 and 0.6 of the full scale.
fn states(design: &Design) -> Vec<i32> {
    let cells = design.layers[0].rows() * design.layers[0].outputs;
    (0..cells as i64).map(|i| (max_code(design.device.state_bits) * (i * 7919 % 1201 - 600) / 1000) as i32).collect()
}

fn at(device: usize, row: usize, col: usize) -> CellAddress {
    CellAddress { device, row, col }
}

/// Mean and standard deviation.
fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1.0)).sqrt())
}

/// Codes of a forward read of a vector of small, different inputs.
fn forward(array: &mut Crossbar) -> Vec<i32> {
    let x: Vec<i32> = (0..array.rows() as i32).map(|i| i * 37 % 41 - 20).collect();
    let mut codes = Vec::new();
    array.read_forward(&x, &mut codes).expect("finite weights");
    codes
}

fn transposed(array: &mut Crossbar) -> Vec<i32> {
    let u: Vec<i32> = (0..array.cols() as i32).map(|i| i * 53 % 15 - 7).collect();
    let mut codes = Vec::new();
    array.read_transposed(&u, &mut codes).expect("finite weights");
    codes
}

/// The conductances of every model make up its weights as it says: what stuck devices and wires rely on.
#[test]
fn conductances_make_up_the_weights() {
    for device in DEVICES {
        let design = design(30, 20, device, "", Path::new(""));
        let geometry = design.layers[0].geometry(&design);
        let noise = memrtl::device::Noise::new(5, 0);
        let mut cells = design.device.model.memristors(geometry, noise).unwrap().expect("memristors");
        let weights: Vec<f32> = (0..31 * 20).map(|i| ((i * 7919) % 1201 - 600) as f32 / 1000.0).collect();
        cells.program(&weights, 1);
        cells.write(memrtl::device::Slot { x: &[9; 31], widths: &[17; 20] }, 2);
        let scale = cells.scale();
        let mut zero = 0;
        for row in 0..31 {
            for col in 0..20 {
                let first = cells.conductance(at(0, row, col));
                let other = if cells.devices() == 2 { cells.conductance(at(1, row, col)) } else { scale.reference };
                // A state below what conducts nothing has no conductance of its own.
                zero += usize::from(first == 0.0 || other == 0.0);
                let weight = f64::from(cells.weights()[row * 20 + col]);
                let made = (first - other) / scale.span;
                assert!((made - weight).abs() < 1e-4 || first == 0.0 || other == 0.0, "{device}: {made} {weight}");
            }
        }
        assert!(zero < 100, "{device}: {zero} of 620");
    }
}

#[test]
fn stuck_devices_are_as_many_as_their_probabilities_say() {
    // Conductances that no other device has.
    let nonideal = "stuck_lrs = 0.05\nstuck_hrs = 0.1\nstuck_open = 0.02\n\
                    lrs_conductance = 77e-6\nhrs_conductance = 0.11e-6";
    for device in ["model = \"constant_step\"", "preset = \"PCM\""] {
        let design = design(199, 100, device, nonideal, Path::new(""));
        let (array, cell) = (array(&design), design.cell().unwrap().expect("memristors"));
        let mut counts = [0.0; 3];
        for (device, row, col) in
            (0..cell.devices).flat_map(|d| (0..200).flat_map(move |r| (0..100).map(move |c| (d, r, c))))
        {
            let siemens = array.conductance(at(device, row, col)).expect("a conductance");
            for (count, value) in counts.iter_mut().zip([77e-6, 0.11e-6, 0.0]) {
                *count += f64::from(u8::from(siemens == value));
            }
        }
        let n = (cell.devices * 200 * 100) as f64;
        for (count, p) in counts.into_iter().zip([0.05, 0.1, 0.02]) {
            let error = (count - n * p) / (n * p * (1.0 - p)).sqrt();
            assert!(error.abs() < 3.0, "{device}: {count} of {n} at {p}: {error} standard errors");
        }
        assert_eq!(array.stuck().len() as f64, counts.iter().sum::<f64>());
    }
}

/// A map: devices of both kinds of weights, at the corners.
const MAP: &str = "layer,row,col,device,kind\nl0,0,0,0,lrs\nl0,30,19,0,hrs\n l0 , 3 , 4 , 0 , open\n";

#[test]
fn stuck_devices_do_not_move() {
    let dir = TempDir::new().unwrap();
    for device in DEVICES {
        let pair = ["differential", "PCM", "mtj"].iter().any(|word| device.contains(word));
        let map = format!("{MAP}{}", if pair { "l0,3,4,1,lrs\nl0,7,7,1,hrs\n" } else { "l0,7,7,0,hrs\n" });
        std::fs::write(dir.path().join("map.csv"), map).unwrap();
        // Drawn faults as well: where both speak of a device, the map is right.
        let design = design(30, 20, device, "stuck_hrs = 0.3\nfault_map = \"map.csv\"", dir.path());
        let mut array = array(&design);
        let (low, high) = design.cell().unwrap().expect("memristors").conductance;
        let stuck = [
            (at(0, 0, 0), high),
            (at(0, 30, 19), low),
            (at(0, 3, 4), 0.0),
            (at(usize::from(pair), 7, 7), low),
            (at(usize::from(pair), 3, 4), if pair { high } else { 0.0 }),
        ];
        let check = |array: &Crossbar, what: &str| {
            for (at, want) in stuck {
                assert_eq!(array.conductance(at), Some(want), "{device}, {what}: {at}");
            }
        };
        check(&array, "new");
        array.load(&states(&design));
        check(&array, "programmed");
        let before = array.weights();
        for _ in 0..50 {
            array.write(&[90; 31], &[100; 20]);
        }
        check(&array, "written");
        for (at, _) in stuck {
            for volts in [2.5, -2.5] {
                array.pulse(at, CellPulse { volts, seconds: 1e-6 });
            }
        }
        check(&array, "pulsed");
        array.age(1e6);
        check(&array, "aged");
        // Its weight stays; a pair moves by its other device alone.
        let after = array.weights();
        if !pair {
            assert_eq!((before[0], before[3 * 20 + 4]), (after[0], after[3 * 20 + 4]), "{device}");
        }
        let moved = before.iter().zip(&after).filter(|(a, b)| a != b).count();
        assert!(moved > 300, "{device}: {moved} of 620 weights moved");
    }
}

/// An open device conducts nothing: against a reference its weight is the reference's alone, in a pair the other device's.
#[test]
fn weights_of_stuck_devices_follow_from_their_conductances() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("map.csv"), MAP).unwrap();
    for (device, pair) in
        [("model = \"constant_step\"", false), ("model = \"constant_step\"\nsigned = \"differential\"", true)]
    {
        // 1 to 3 uS for weights from -1 to 1.
        let device = format!("{device}\ng_min = 1e-6\ng_max = 3e-6\nw_max_dtod = 0.0\nw_min_dtod = 0.0");
        let nonideal = "fault_map = \"map.csv\"\nlrs_conductance = 9e-6\nhrs_conductance = 0.5e-6";
        let mut array = array(&design(30, 20, &device, nonideal, dir.path()));
        array.load(&vec![0; 31 * 20]);
        let weights = array.weights();
        // The other device of a pair at weight 0 has 2 uS, as has the reference; the pair's span is twice as wide.
        let span = if pair { 2e-6 } else { 1e-6 };
        for (cell, siemens) in [(0, 9e-6), (30 * 20 + 19, 0.5e-6), (3 * 20 + 4, 0.0)] {
            let want = (siemens - 2e-6) / span;
            assert!((f64::from(weights[cell]) - want).abs() < 1e-6, "{device}: {} {want}", weights[cell]);
        }
        assert_eq!(weights[1], 0.0);
    }
}

#[test]
fn reads_with_stuck_devices_are_those_of_their_weights() {
    for device in DEVICES {
        let design = design(30, 20, device, "stuck_lrs = 0.1\nstuck_open = 0.1", Path::new(""));
        let mut array = array(&design);
        array.load(&states(&design));
        array.write(&[5; 31], &[9; 20]);
        let weights = array.weights();
        let (layer, half) = (&design.layers[0], 2f64.powi(design.device.state_bits as i32 - 1));
        let x: Vec<i32> = (0..31).map(|i| i * 37 % 41 - 20).collect();
        for (col, code) in forward(&mut array).into_iter().enumerate() {
            let sum: f64 =
                x.iter().enumerate().map(|(row, &x)| f64::from(x) * f64::from(weights[row * 20 + col])).sum();
            let want = (sum * half / 2f64.powi(layer.shifts.forward as i32)).clamp(-8191.0, 8191.0);
            assert!((want - f64::from(code)).abs() < 0.51, "{device}, column {col}: {code} {want}");
        }
        let u: Vec<i32> = (0..20).map(|i| i * 53 % 15 - 7).collect();
        for (row, code) in transposed(&mut array).into_iter().enumerate() {
            let sum: f64 =
                u.iter().enumerate().map(|(col, &u)| f64::from(u) * f64::from(weights[row * 20 + col])).sum();
            let want = (sum * half / 2f64.powi(layer.shifts.backward as i32)).clamp(-8191.0, 8191.0);
            assert!((want - f64::from(code)).abs() < 0.51, "{device}, row {row}: {code} {want}");
        }
    }
}

#[test]
fn read_noise_has_its_deviation() {
    const READS: usize = 500;
    for device in DEVICES {
        let mut array = crossbar(device, "read_noise = 0.01");
        // 14 bits: 2^13 codes to the full scale.
        for read in [forward, transposed] {
            let reads: Vec<Vec<i32>> = (0..READS).map(|_| read(&mut array)).collect();
            let lines = reads[0].len();
            let (mut errors, mut means) = (Vec::new(), Vec::new());
            for line in 0..lines {
                let (mean, _) = moments(&reads.iter().map(|r| f64::from(r[line])).collect::<Vec<_>>());
                errors.extend(reads.iter().map(|r| f64::from(r[line]) - mean));
                means.push(mean);
            }
            let (_, deviation) = moments(&errors);
            let error = (deviation / 81.92 - 1.0) / (0.5 / (READS * lines) as f64).sqrt();
            assert!(error.abs() < 4.0, "{device}: {deviation}, {error} standard errors");
        }
    }
}

/// PCM's own noise: the variances of a line's devices add up.
#[test]
fn noise_of_the_devices_adds_up_along_a_line() {
    const READS: usize = 4000;
    let design = design(30, 20, "preset = \"PCM\"\nread_noise = 20.0", "", Path::new(""));
    let geometry = design.layers[0].geometry(&design);
    let noise = memrtl::device::Noise::new(5, 0);
    let mut cells = design.device.model.memristors(geometry, noise).unwrap().expect("memristors");
    let step = 2f32.powi(1 - design.device.state_bits as i32);
    cells.program(&states(&design).iter().map(|&s| s as f32 * step).collect::<Vec<_>>(), 1);
    let sigma = cells.read_sigma().expect("a device with noise").to_vec();
    let mut array = array(&design);
    array.load(&states(&design));
    let x: Vec<i32> = (0..31).map(|i| i * 37 % 41 - 20).collect();
    let reads: Vec<Vec<i32>> = (0..READS).map(|_| forward(&mut array)).collect();
    let gain = 2f64.powi(design.device.state_bits as i32 - 1 - design.layers[0].shifts.forward as i32);
    for col in 0..20 {
        let variance: f64 =
            x.iter().enumerate().map(|(row, &x)| (f64::from(x) * f64::from(sigma[row * 20 + col])).powi(2)).sum();
        let (_, deviation) = moments(&reads.iter().map(|r| f64::from(r[col])).collect::<Vec<_>>());
        // Rounding to whole codes adds the variance of 1/12.
        let want = (variance * gain * gain + 1.0 / 12.0).sqrt();
        assert!(want > 3.0, "enough noise to see: {want}");
        let error = (deviation / want - 1.0) / (0.5 / READS as f64).sqrt();
        assert!(error.abs() < 4.0, "column {col}: {deviation} {want}, {error} standard errors");
    }
}

/// Differences between the codes of an array with imperfect converters and one without.
fn beside(nonideal: &str, drive: impl Fn(&mut Crossbar) -> Vec<i32>) -> Vec<(f64, f64)> {
    let codes = |nonideal: &str| {
        let design = design(30, 20, "model = \"vteam\"", nonideal, Path::new(""));
        let mut array = array(&design);
        array.load(&states(&design));
        drive(&mut array)
    };
    codes("").into_iter().zip(codes(nonideal)).map(|(a, b)| (a.into(), b.into())).collect()
}

#[test]
fn adcs_have_an_offset_and_a_gain_of_their_own() {
    for read in [forward, transposed] {
        let lines = beside("adc_offset = 0.02", read);
        for (line, (clean, got)) in lines.iter().enumerate() {
            // Four converters: line n and line n + 4 share one.
            let first = lines[line % 4].1 - lines[line % 4].0;
            assert!((got - clean - first).abs() <= 1.0, "line {line}: {got} {clean}");
        }
        let lines = beside("adc_gain = 0.1", read);
        for (line, (clean, got)) in lines.iter().enumerate() {
            let (same, its) = lines[line % 4];
            assert!((got * same - clean * its).abs() <= clean.abs() + same.abs() + 1.0, "line {line}");
        }
        assert!(lines.iter().any(|(clean, got)| (clean - got).abs() > 10.0));
    }
    // Their spread over many arrays.
    let offsets: Vec<f64> = (0..500)
        .flat_map(|seed| {
            let mut design = design(30, 20, "model = \"vteam\"", "adc_offset = 0.02", Path::new(""));
            design.training.seed = seed;
            let mut codes = Vec::new();
            array(&design).read_forward(&[0; 31], &mut codes).unwrap();
            codes[..4].iter().map(|c| f64::from(*c)).collect::<Vec<_>>()
        })
        .collect();
    let (mean, deviation) = moments(&offsets);
    let want = 0.02 * 8192.0;
    assert!(mean.abs() < 3.0 * want / (2000f64).sqrt(), "{mean}");
    assert!((deviation / want - 1.0).abs() < 3.0 * (0.5f64 / 2000.0).sqrt(), "{deviation} {want}");
}

#[test]
fn drivers_bend_between_their_end_points() {
    // Codes of one column for a single driven row: the weight times the driver's level.
    let level = |nonideal: &str, code: i32| {
        let design = design(30, 20, "model = \"vteam\"", nonideal, Path::new(""));
        let mut array = array(&design);
        array.load(&vec![max_code(design.device.state_bits) as i32; 31 * 20]);
        let (mut x, mut codes) = (vec![0; 31], Vec::new());
        x[3] = code;
        array.read_forward(&x, &mut codes).unwrap();
        let mut unit = vec![0; 31];
        unit[3] = 127;
        let mut full = Vec::new();
        let mut clean = Crossbar::perfect(&design, 0, &design.layers[0]).unwrap();
        clean.load(&vec![max_code(design.device.state_bits) as i32; 31 * 20]);
        clean.read_forward(&unit, &mut full).unwrap();
        127.0 * f64::from(codes[0]) / f64::from(full[0])
    };
    for code in [-127i32, -73, -20, 0, 1, 40, 64, 73, 100, 127] {
        let u = f64::from(code) / 127.0;
        let odd = 1.5 * 3f64.sqrt() * (u - u * u * u);
        let even = 4.0 * (u.abs() - u * u);
        for (nonideal, want) in [("dac_inl = 20.0", 20.0 * odd), ("dac_bow = -12.0", -12.0 * even)] {
            let got = level(nonideal, code) - f64::from(code);
            assert!((got - want).abs() < 0.1, "{nonideal}, code {code}: {got} {want}");
        }
    }
}

#[test]
fn conductances_fall_to_the_low_end_with_their_time_constant() {
    for device in DEVICES.into_iter().filter(|d| !d.contains("PCM") && !d.contains("mtj")) {
        let exact =
            if device.contains("vteam") { "" } else { "\nw_max_dtod = 0.0\nw_min_dtod = 0.0\nwrite_noise_std = 0.0" };
        let design = design(30, 20, &format!("{device}{exact}"), "retention = 1e5", Path::new(""));
        let (low, _) = design.cell().unwrap().expect("memristors").conductance;
        let (mut once, mut twice) = (array(&design), array(&design));
        once.load(&states(&design));
        twice.load(&states(&design));
        let before: Vec<f64> = (0..600).map(|i| once.conductance(at(0, i / 20, i % 20)).unwrap()).collect();
        once.age(1e5);
        twice.age(3e4);
        twice.age(7e4);
        for (i, before) in before.into_iter().enumerate() {
            let want = low + (before - low) * (-1f64).exp();
            for array in [&once, &twice] {
                let got = array.conductance(at(0, i / 20, i % 20)).unwrap();
                assert!((got - want).abs() < 1e-4 * (before - low).abs() + 1e-3 * low, "{device}: {got} {want}");
            }
        }
        let mut kept = crossbar(&format!("{device}{exact}"), "");
        kept.load(&states(&design));
        let states = kept.states().to_vec();
        kept.age(1e9);
        assert_eq!(kept.states(), states, "{device}: nothing ages without `retention`");
    }
}

/// Reads of single cells pass through the first ADC with its error, and have noise.
#[test]
fn reads_of_single_cells_are_imperfect_too() {
    let text = "adc_offset = 0.05\nread_noise = 0.01";
    let mut design = design(30, 20, "preset = \"PCM\"\n[memory]", text, Path::new(""));
    let memory: Memory = design.memory.clone().expect("a memory mode");
    design.training.seed = 9;
    let mut array = array(&design);
    array.load(&states(&design));
    let mut codes = Vec::new();
    array.read_forward(&[0; 31], &mut codes).unwrap();
    for at in [at(0, 2, 3), at(1, 2, 4)] {
        let clean = f64::from(memory.code(array.conductance(at).unwrap()));
        let reads: Vec<f64> = (0..2000).map(|_| f64::from(array.read_cell(at, &memory).unwrap())).collect();
        let (mean, deviation) = moments(&reads);
        assert!(
            reads.iter().all(|code| *code > 0.0 && *code < f64::from(memory.max_code())),
            "within the range: {mean}"
        );
        assert!((deviation / 81.92 - 1.0).abs() < 4.0 * (0.5f64 / 2000.0).sqrt(), "{deviation}");
        // The offset of the first ADC, which a read of nothing shows with noise.
        assert!((mean - clean - f64::from(codes[0])).abs() < 4.0 * 81.92, "{mean} {clean} {}", codes[0]);
        assert!((mean - clean).abs() > 20.0, "an offset: {mean} {clean}");
    }
}

/// The same seed gives the same array, another seed another one.
#[test]
fn arrays_repeat_to_the_bit() {
    let all = "stuck_lrs = 0.02\nstuck_open = 0.02\nread_noise = 0.01\nadc_offset = 0.01\nadc_gain = 0.02\ndac_inl = 0.5\n\
               dac_bow = 0.3\nwire_row = 1.0\nwire_column = 2.0";
    for device in DEVICES {
        let mut design = design(30, 20, device, all, Path::new(""));
        let mut run = |seed| {
            design.training.seed = seed;
            let mut array = array(&design);
            array.load(&states(&design));
            (0..5)
                .map(|i| {
                    array.write(&[i; 31], &[3; 20]);
                    (forward(&mut array), transposed(&mut array))
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1), "{device}");
        assert_ne!(run(1), run(2), "{device}");
    }
}

/// What acts on time alone changes no read: the same sums in the same order as in a perfect array.
#[test]
fn imperfections_that_are_off_change_nothing() {
    for device in DEVICES.into_iter().filter(|d| !d.contains("PCM") && !d.contains("mtj")) {
        let run = |nonideal: &str| {
            let design = design(30, 20, device, nonideal, Path::new(""));
            let mut array = array(&design);
            array.load(&states(&design));
            array.write(&[7; 31], &[11; 20]);
            (forward(&mut array), transposed(&mut array), array.weights())
        };
        assert_eq!(run(""), run("retention = 1e6"), "{device}");
    }
}
