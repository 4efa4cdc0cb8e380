//! The timeline of a design: what it shows is what the co-simulation measured.

use crate::common;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::AtomicBool;

use crate::common::{Small, options};
use memrtl::cosim::{self, Activity, CosimError, Timeline};
use memrtl::golden::momentum::Kind;
use memrtl::phases::Phase;
use memrtl::report::timing::timeline_svg;
use memrtl::spec::Backend::{self, Emulated, External};
use memrtl::spec::Design;

fn recorded(small: &Small<'_>, backend: Backend, sample: usize) -> (Timeline, Design) {
    let rig = small.rig(backend);
    let timeline = cosim::record(&rig.design, &rig.rtl, &options(), Some(sample), &AtomicBool::new(false));
    (timeline.unwrap_or_else(|e| panic!("{small:?}: {e}")), rig.design)
}

/// Every cycle of the sample is there, in the phase and with the arrays at work that the bench measured.
fn check(timeline: &Timeline, design: &Design) {
    let count =
        |of: &dyn Fn(&cosim::TimelineCycle) -> bool| timeline.cycles.iter().filter(|cycle| of(cycle)).count() as u64;
    assert_eq!(timeline.cycles.len() as u64, timeline.measured.total());
    for phase in Phase::ALL {
        assert_eq!(count(&|cycle| cycle.phase == phase), timeline.measured.phase(phase), "{}", phase.name());
    }
    let busy = count(&|cycle| cycle.layers.iter().any(|layer| layer.activity.is_some()));
    assert_eq!(busy, timeline.measured.array_busy);
    for (index, layer) in design.layers.iter().enumerate() {
        let of = |wanted: Activity| count(&|cycle| cycle.layers[index].activity == Some(wanted));
        assert!(of(Activity::Forward) > 0 && (of(Activity::Transposed) > 0) == (index > 0), "{}", layer.name);
        for number in 0..timeline.updates[index].len() {
            assert!(of(Activity::Update(number)) > 0, "{}: operation {number}", layer.name);
        }
        assert_eq!(of(Activity::Update(timeline.updates[index].len())), 0);
        // Codes leave in as many groups as the layer has lines, one way and the other.
        let lines = layer.outputs + if index > 0 { layer.inputs } else { 0 };
        assert!(count(&|cycle| cycle.layers[index].codes) >= lines.div_ceil(design.array.adcs) as u64);
        let beats = layer.outputs.div_ceil(design.array.lanes) as u64;
        assert_eq!(count(&|cycle| cycle.layers[index].activation), beats, "{}", layer.name);
        assert_eq!(count(&|cycle| cycle.layers[index].error), beats, "{}", layer.name);
    }
    assert_eq!(count(&|cycle| cycle.load), design.inputs.div_ceil(design.array.lanes) as u64);
}

#[test]
fn a_timeline_is_what_was_measured() {
    let unit = |unit: &str| format!("learning_rate = 0.5\nmomentum = 0.9\n{unit}\nepochs = 1\nseed = 7");
    let (in_array, cross) = (unit("momentum_unit = \"in_array\""), unit("loss = \"cross_entropy\"\nhistory = 3"));
    let softmax = "inputs = 7\nlayers = [{ outputs = 5, activation = \"tanh\" }, { outputs = 3 }]";
    let cases = [
        (Small::default(), External),
        (Small::default(), Emulated),
        (Small { array: "adcs = 2\nlanes = 2\nrows = 4\ncols = 4", ..Small::default() }, External),
        (Small { training: &in_array, ..Small::default() }, External),
        (Small { training: &cross, network: softmax, ..Small::default() }, External),
    ];
    common::on_all_cores(&cases, |(small, backend)| {
        let (timeline, design) = recorded(small, *backend, 9);
        check(&timeline, &design);
        let svg = timeline_svg(&timeline, &design);
        let document = roxmltree::Document::parse(&svg).unwrap_or_else(|e| panic!("{e}\n{svg}"));
        let texts: Vec<&str> =
            document.descendants().filter(|node| node.has_tag_name("text")).filter_map(|node| node.text()).collect();
        let caption = format!("little, training sample 9: {} cycles of 2 ns", timeline.cycles.len());
        assert!(texts.iter().any(|text| text.starts_with(&caption)), "{texts:?}");
        assert!(texts.contains(&"momentum") && texts.contains(&"sequencer"), "{texts:?}");
    });
}

/// Earlier pairs first, youngest first, then the sample's own.
#[test]
fn slots_carry_the_ages_of_their_pairs() {
    let (timeline, _) = recorded(&Small::default(), External, 12);
    for layer in &timeline.updates {
        assert!(layer.iter().all(|(kind, _)| *kind == Kind::Write));
        let ages: Vec<usize> = layer.iter().map(|(_, age)| *age).collect();
        assert!([&[1, 2, 0][..], &[1, 0], &[2, 0], &[0], &[1, 2], &[1], &[2], &[]].contains(&&ages[..]), "{ages:?}");
    }
}

#[test]
fn a_sample_that_is_not_there_is_refused() {
    let rig = Small::default().rig(External);
    match cosim::record(&rig.design, &rig.rtl, &options(), Some(500), &AtomicBool::new(false)) {
        Err(error @ CosimError::NoSample { sample: 500, .. }) => {
            assert!(error.to_string().contains("there is no training sample 500"), "{error}");
        }
        other => panic!("{:?}", other.map(|timeline| timeline.sample)),
    }
}

fn memrtl(folder: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_memrtl"));
    command.args(["cosim", "--epochs", "1", "--samples", "12", "--cache"]).arg(common::model_cache());
    command.args(more).current_dir(folder).output().expect("memrtl runs")
}

#[test]
fn the_command_draws_and_overwrites_only_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let bad = memrtl(folder.path(), &["--timeline", "picture.jpg"]);
    assert!(!bad.status.success() && String::from_utf8_lossy(&bad.stderr).contains(".svg or .png"), "{bad:?}");
    let none = memrtl(folder.path(), &["--timeline", "a.svg", "--timeline-sample", "12"]);
    assert!(String::from_utf8_lossy(&none.stderr).contains("no training sample 12"), "{none:?}");
    for _ in 0..2 {
        let good = memrtl(folder.path(), &["--timeline", "a.svg", "--timeline-sample", "11"]);
        assert!(good.status.success(), "{good:?}");
    }
    assert!(std::fs::read_to_string(at("a.svg")).unwrap().contains("digits, training sample 11: "));
    assert!(memrtl(folder.path(), &["--timeline", "a.png"]).status.success());
    assert!(std::fs::read(at("a.png")).unwrap().starts_with(b"\x89PNG"));
    std::fs::write(at("mine.svg"), "<svg/>").unwrap();
    let foreign = memrtl(folder.path(), &["--timeline", "mine.svg"]);
    // Before the run rather than after it.
    assert!(!foreign.status.success() && foreign.stdout.is_empty(), "{foreign:?}");
    assert_eq!(std::fs::read_to_string(at("mine.svg")).unwrap(), "<svg/>");
}
