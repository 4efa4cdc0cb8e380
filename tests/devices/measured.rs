//! Devices of one's own: measured pulse responses, fitted; files that cannot be used.

use std::fmt::Write as _;
use std::path::Path;

use memrtl::device::measured::{AUTOMATIC, Measured, fit, fit_best};
use memrtl::device::response::{self, Law, Parameters};
use memrtl::device::{CellAddress, CellPulse, Geometry, Noise};
use memrtl::spec::{self, DeviceModel};

const AT: CellAddress = CellAddress { device: 0, row: 0, col: 0 };

/// The known device: one cell of memrtl's own models without spread between devices.
fn known(law: Law) -> Parameters {
    let base = Parameters {
        dw_min: 0.02,
        dw_min_dtod: 0.0,
        dw_min_std: 0.0,
        up_down_dtod: 0.0,
        w_max_dtod: 0.0,
        w_min_dtod: 0.0,
        gamma_up_dtod: 0.0,
        gamma_down_dtod: 0.0,
        pow_gamma_dtod: 0.0,
        cycle_sigma: 0.0,
        g_min: 2e-6,
        g_max: 12e-6,
        ..Parameters::of(law)
    };
    match law {
        Law::ConstantStep => Parameters { up_down: 0.3, ..base },
        Law::LinearStep => Parameters { gamma_up: 0.5, gamma_down: 0.3, ..base },
        Law::SoftBounds => Parameters { dw_min: 0.05, up_down: -0.2, ..base },
        Law::ExpStep => Parameters {
            dw_min: 0.01,
            exp_a: 1.0,
            exp_b: 0.0,
            a_up: -1.5,
            a_down: -0.8,
            gamma_up: 1.5,
            gamma_down: 2.0,
            ..base
        },
        Law::PowStep => Parameters { dw_min: 0.15, pow_gamma: 2.2, ..base },
        Law::NeuroSim => Parameters { nl_up: 2.4, nl_down: 4.0, pulses_up: 100.0, pulses_down: 80.0, ..base },
        Law::SoftBoundsReference => unreachable!("its curve is that of soft bounds"),
    }
}

/// Measures a device from end to end: `noise` of the measurement as a share of the conductance range.
fn measure(p: &Parameters, noise: f64, seed: u64) -> String {
    let geometry = Geometry { rows: 1, cols: 1, max_code: 1, max_width: 1, pulse_lsb: 1e-7, update_step: 1e-3 };
    let mut cells = response::array(p, geometry, Noise::new(seed, 0));
    let source = Noise::new(seed, 9);
    let mut op = 0;
    let mut branch = |pulse: CellPulse, pulses: usize| {
        let mut column = Vec::new();
        for i in 0..=pulses {
            op += 1;
            if i > 0 {
                cells.pulse(AT, pulse, op);
            }
            let error = noise * (p.g_max - p.g_min) * f64::from(source.normal(memrtl::device::Stream::Read, op, 0, 0));
            column.push((cells.conductance(AT) + error).max(0.0));
        }
        column
    };
    // To the lower end first, then up, then down.
    let pulses = match p.law {
        Law::NeuroSim => (p.pulses_up as usize, p.pulses_down as usize),
        Law::ConstantStep => (100, 140),
        _ => (100, 100),
    };
    let (up, down) = (
        CellPulse { volts: p.up.volts, seconds: p.up.seconds },
        CellPulse { volts: -p.down.volts, seconds: p.down.seconds },
    );
    branch(down, 400);
    let columns = [branch(up, pulses.0), branch(down, pulses.1)];
    let mut text = "pulse,up,down\n".to_owned();
    for i in 0..=pulses.0.max(pulses.1) {
        let field = |column: &[f64]| column.get(i).map_or(String::new(), |g| format!("{g:e}"));
        writeln!(text, "{i},{},{}", field(&columns[0]), field(&columns[1])).unwrap();
    }
    text
}

fn parsed(text: &str) -> Measured {
    Measured::parse("my.csv", text.as_bytes()).unwrap_or_else(|e| panic!("{e}"))
}

/// Without noise the numbers come back to a thousandth, with 0.5 % noise of the measurement the curve to 0.3 % of the range, and its
/// law is the one that an automatic choice takes.
#[test]
fn data_of_a_known_law_are_recovered() {
    for law in AUTOMATIC {
        let truth = known(law);
        let (clean, noisy) = (parsed(&measure(&truth, 0.0, 1)), parsed(&measure(&truth, 0.005, 1)));
        let exact = fit(&clean, law).unwrap();
        assert!(exact.residual < 1e-3, "{law:?}: residual {}", exact.residual);
        let found = fit(&noisy, law).unwrap();
        assert!((0.003..0.007).contains(&found.residual), "{law:?}: residual {}", found.residual);
        let range = truth.g_max - truth.g_min;
        for (fitted, real) in [(&found.up, &clean.up.siemens), (&found.down, &clean.down.siemens)] {
            let worst = fitted.iter().zip(real).map(|(a, b)| (a - b).abs() / range).fold(0.0, f64::max);
            assert!(worst < 0.005, "{law:?}: the curve is off by {worst} of the range");
        }
        let (fits, best) = fit_best(&noisy).unwrap();
        let chosen = fits[best].parameters.law;
        // The curve of NeuroSim is that of a linear step or of soft bounds.
        let same: &[Law] =
            if law == Law::NeuroSim { &[Law::LinearStep, Law::SoftBounds, Law::NeuroSim] } else { &[law] };
        assert!(same.contains(&chosen), "{law:?}: {chosen:?} was chosen");
    }
}

#[test]
fn numbers_of_each_law_come_back() {
    let near = |got: f64, want: f64, tolerance: f64, what: &str| {
        assert!((got - want).abs() <= tolerance * want.abs().max(0.1), "{what}: {got}, not {want}");
    };
    let of = |law| (fit(&parsed(&measure(&known(law), 0.002, 3)), law).unwrap().parameters, known(law));
    // Steps per siemens, since the range of the data need not be that of the model.
    let step = |p: &Parameters| p.dw_min * (p.g_max - p.g_min) / (p.w_max - p.w_min);
    let (got, want) = of(Law::ConstantStep);
    near(step(&got), step(&want), 0.02, "constant step");
    near(got.up_down, want.up_down, 0.05, "asymmetry");
    let (got, want) = of(Law::SoftBounds);
    near(got.g_max, want.g_max, 0.02, "upper bound");
    near(got.g_min, want.g_min, 0.1, "lower bound");
    let (got, want) = of(Law::NeuroSim);
    near(got.nl_up, want.nl_up, 0.05, "nonlinearity up");
    near(got.nl_down, want.nl_down, 0.05, "nonlinearity down");
    let (got, want) = of(Law::PowStep);
    near(got.pow_gamma, want.pow_gamma, 0.1, "power");
}

#[test]
fn a_wrong_law_leaves_more() {
    for (law, wrong) in [
        (Law::SoftBounds, Law::ConstantStep),
        (Law::LinearStep, Law::ConstantStep),
        (Law::NeuroSim, Law::ConstantStep),
        (Law::PowStep, Law::SoftBounds),
        (Law::PowStep, Law::ConstantStep),
        (Law::ExpStep, Law::ConstantStep),
    ] {
        let data = parsed(&measure(&known(law), 0.005, 2));
        let (right, other) = (fit(&data, law).unwrap().residual, fit(&data, wrong).unwrap().residual);
        assert!(other > 1.5 * right, "{law:?} {right}, {wrong:?} {other}");
    }
}

/// Noise of pulses stays in the state, noise of the measurement does not: both come back as what they were.
#[test]
fn noise_is_told_apart() {
    let truth = Parameters { dw_min_std: 0.5, ..known(Law::LinearStep) };
    let (mut pulses, mut seen) = (0.0, 0.0);
    const SEEDS: u64 = 20;
    for seed in 1..=SEEDS {
        let p = fit(&parsed(&measure(&truth, 0.004, seed)), Law::LinearStep).unwrap().parameters;
        let per_range = (p.w_max - p.w_min) / 2.0;
        pulses += p.dw_min_std / SEEDS as f64;
        seen += p.write_noise_std * p.dw_min / per_range / SEEDS as f64;
    }
    assert!((pulses / 0.5 - 1.0).abs() < 0.2, "noise of a pulse: {pulses}");
    assert!((seen / 0.008 - 1.0).abs() < 0.2, "noise of the measurement: {seen}");
}

#[test]
fn files_that_cannot_be_used() {
    let rows = |n: usize| (0..n).map(|i| format!("{i},{0}e-6,{1}e-6\n", 1 + i, 20 - i)).collect::<String>();
    let good = format!("pulse,up,down\n{}", rows(12));
    assert!(Measured::parse("my.csv", good.as_bytes()).is_ok());
    let swap = |from: &str, to: &str| good.replacen(from, to, 1);
    let cases = [
        ("nothing", String::new()),
        ("a header alone", "pulse,up,down\n".to_owned()),
        ("no header", rows(12)),
        ("a strange column", swap("pulse,up", "pulse,upwards")),
        ("a column twice", swap("pulse,up,down", "pulse,up,up")),
        ("a column missing", "pulse,up\n0,1e-6\n".to_owned()),
        ("too few", format!("pulse,up,down\n{}", rows(7))),
        ("no number", swap("5e-6", "five")),
        ("infinite", swap("5e-6", "inf")),
        ("negative conductance", swap("5e-6", "-5e-6")),
        ("a pulse number twice", swap("\n5,", "\n4,")),
        ("after a comment and a blank line", swap("\n5,", "\n# cycle\n\n4,")),
        ("a short line", swap("5e-6,", "5e-6;")),
        ("a hole", swap("5e-6", "")),
        ("up that falls", format!("pulse,down,up\n{}", rows(12))),
    ];
    let text: Vec<String> = cases
        .iter()
        .map(|(what, text)| format!("{what}: {}", Measured::parse("my.csv", text.as_bytes()).unwrap_err()))
        .collect();
    insta::assert_snapshot!(text.join("\n"));
}

fn spec_text(device: &str) -> String {
    let preset = spec::preset("digits").unwrap();
    let (head, rest) = preset.split_once("\n[device]\n").unwrap();
    let (_, tail) = rest.split_once("\n[timing]").unwrap();
    format!("{head}\n[device]\n{device}\n[timing]{tail}")
}

#[test]
fn a_spec_uses_the_file_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("my.csv"), measure(&known(Law::SoftBounds), 0.002, 1)).unwrap();
    let load = |device: &str| spec::parse(&spec_text(device), "my.toml", dir.path());
    let design = load("model = \"measured\"\nfile = \"my.csv\"\ndw_min_dtod = 0.2\nup_volts = 1.5").unwrap();
    let DeviceModel::Response(p) = &design.device.model else { panic!("{:?}", design.device.model) };
    assert_eq!((p.law, p.dw_min_dtod, p.up.volts), (Law::SoftBounds, 0.2, 1.5));
    // The canonical spec holds the numbers and needs no file.
    let again = spec::parse(&spec::canonical_toml(&design), "canonical", Path::new("/nowhere")).unwrap();
    assert_eq!(again.device, design.device);
    let chosen = load("model = \"measured\"\nfile = \"my.csv\"\nlaw = \"exp_step\"").unwrap();
    assert!(matches!(chosen.device.model, DeviceModel::Response(p) if p.law == Law::ExpStep));
    std::fs::write(dir.path().join("bad.csv"), "pulse,up,down\n0,1e-6,2e-6\n").unwrap();
    let problems: Vec<String> = [
        "model = \"measured\"",
        "model = \"measured\"\nfile = \"missing.csv\"",
        "model = \"measured\"\nfile = \"bad.csv\"",
        "model = \"measured\"\nfile = \"my.csv\"\nlaw = \"soft\"",
        "model = \"measured\"\nfile = \"my.csv\"\nnl_up = 2.0",
    ]
    .map(|device| load(device).unwrap_err().to_string())
    .to_vec();
    insta::assert_snapshot!(problems.join("\n\n"));
}

#[test]
fn a_measured_device_trains() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("my.csv"), measure(&known(Law::LinearStep), 0.002, 1)).unwrap();
    let mut design = spec::parse(&spec_text("model = \"measured\"\nfile = \"my.csv\""), "my.toml", dir.path()).unwrap();
    design.training.epochs = 2;
    let options = memrtl::train::Options { seeds: vec![1], jobs: 1, limit: Some(600), reference: false };
    let stop = std::sync::atomic::AtomicBool::new(false);
    let summary = memrtl::train::sweep(&design, &options, &stop, &|_| {}).unwrap();
    let accuracy = summary.accuracy.mean;
    assert!(accuracy > 0.5, "{accuracy}");
}
