//! docs/array-macro.md and its pictures: the files are what a recording gives today, the tables are those of the generated
//! Verilog, and the wrapper in the text is a macro that trains.

use crate::common;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;

use memrtl::cosim::{self, CosimError, Options, Report, Stalls};
use memrtl::report::timing::{self, Diagram, Driver, Kind, Row, Span, Tone, Value, Wave};
use memrtl::rtl::Rtl;
use memrtl::spec::{self, Backend, Design};
use verilated::Profile;

/// Pictures drawn by hand.
const BY_HAND: [&str; 1] = ["architecture.svg"];

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

fn example() -> Design {
    spec::load(&docs().join("array-macro.toml")).expect("the example is a valid spec")
}

fn text() -> String {
    fs::read_to_string(docs().join("array-macro.md")).expect("the document is there")
}

fn pictures(dir: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(dir).expect("the folder is there");
    entries.map(|e| e.expect("readable").file_name().into_string().expect("UTF-8")).collect()
}

#[test]
fn committed_pictures_are_what_the_command_draws() {
    let out = tempfile::tempdir().unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_memrtl"))
        .args(["diagrams", "--config"])
        .arg(docs().join("array-macro.toml"))
        .arg("--out")
        .arg(out.path())
        .arg("--cache")
        .arg(common::model_cache())
        .status()
        .unwrap();
    assert!(status.success());
    let mut committed = pictures(&docs().join("img"));
    for name in BY_HAND {
        assert!(committed.remove(name), "docs/img/{name} is missing");
    }
    assert_eq!(pictures(out.path()), committed, "docs/img holds other files than `make diagrams` writes");
    for name in committed {
        let (drawn, stored) =
            (fs::read(out.path().join(&name)).unwrap(), fs::read(docs().join("img").join(&name)).unwrap());
        assert!(drawn == stored, "docs/img/{name} is out of date: run `make diagrams` and look at it");
    }
}

#[test]
fn every_text_of_a_picture_lies_inside() {
    for name in pictures(&docs().join("img")) {
        let svg = fs::read_to_string(docs().join("img").join(&name)).unwrap();
        if BY_HAND.contains(&name.as_str()) {
            roxmltree::Document::parse(&svg).unwrap_or_else(|e| panic!("{name}: {e}"));
        } else {
            check_texts(&name, &svg);
        }
    }
}

/// Holds the places of all texts, at the width of the widest common monospace font, against the size of the picture.
fn check_texts(name: &str, svg: &str) {
    let document = roxmltree::Document::parse(svg).unwrap_or_else(|e| panic!("{name}: {e}"));
    let number = |node: roxmltree::Node<'_, '_>, key: &str| node.attribute(key).and_then(|v| v.parse::<f64>().ok());
    let root = document.root_element();
    let (width, height) = (number(root, "width").unwrap(), number(root, "height").unwrap());
    for node in document.descendants().filter(|n| n.has_tag_name("text")) {
        let text = node.text().unwrap_or_default();
        let place = node.parent().and_then(|p| p.attribute("transform")).map_or((0.0, 0.0), |t| {
            let inner = t.trim_start_matches("translate(").trim_end_matches(')');
            let (x, y) = inner.split_once(' ').expect("two numbers");
            (x.parse().unwrap(), y.parse().unwrap())
        });
        let x = place.0 + number(node, "x").unwrap_or(0.0);
        let y = place.1 + number(node, "y").unwrap_or(0.0);
        let class = node.attribute("class").unwrap_or_default();
        let size = if matches!(class, "name" | "heading") { 12.0 } else { 11.0 };
        let long = text.chars().count() as f64 * size * 0.605;
        let (from, to) = match class {
            "name" => (x - long, x),
            "mid" | "axis" => (x - long / 2.0, x + long / 2.0),
            _ => (x, x + long),
        };
        assert!(from >= 0.0 && to <= width, "{name}: `{text}` reaches from {from} to {to} of {width}");
        assert!(y > 8.0 && y < height - 2.0, "{name}: `{text}` stands at {y} of {height}");
    }
}

#[test]
fn values_and_brackets_fit_their_cycles() {
    let values = ["a", "a", "a long value of <one> & only cycle", "b"].map(|v| Some(Value::plain(v)));
    let diagram = Diagram {
        title: "a < b & c".to_owned(),
        cycles: 4,
        origin: 1,
        clock_ns: 1.5,
        rows: vec![
            Row::Heading("heading".to_owned()),
            Row::Signal { name: "bus".to_owned(), driver: Driver::Macro, wave: Wave::Bus(values.to_vec()) },
            Row::Signal {
                name: "line".to_owned(),
                driver: Driver::Design,
                wave: Wave::Line(vec![Some(false), Some(true), None, Some(true)]),
            },
        ],
        spans: vec![Span { first: 3, last: 3, text: "b, one cycle".to_owned() }],
        shade: Some(("shaded".to_owned(), vec![2])),
    };
    let svg = diagram.svg();
    check_texts("made up", &svg);
    let document = roxmltree::Document::parse(&svg).unwrap();
    let texts: Vec<&str> = document.descendants().filter(|n| n.has_tag_name("text")).filter_map(|n| n.text()).collect();
    assert_eq!(texts.iter().filter(|&&t| t == "a").count(), 1, "equal neighbours are one value: {texts:?}");
    assert!(texts.contains(&"a long value of <one> & only cycle"));
    assert!(texts.contains(&"-1") && texts.contains(&"2") && texts.contains(&"1 cycle = 1.5 ns"), "{texts:?}");
    // One cycle is as wide as the longest value needs.
    let shade = document.descendants().find(|n| n.attribute("fill") == Some("#fff1c2")).unwrap();
    assert!(shade.attribute("width").unwrap().parse::<f64>().unwrap() > 34.0 * 11.0 * 0.6);
    let mut other = diagram.clone();
    other.rows[1] = Row::Signal {
        name: "bus".to_owned(),
        driver: Driver::Macro,
        wave: Wave::Bus(vec![Some(Value { text: "a".to_owned(), tone: Tone::Write }); 4]),
    };
    assert_ne!(other.svg(), svg);
}

/// Cells of the table whose header starts with `first`.
fn table(text: &str, first: &str) -> Vec<Vec<String>> {
    let header = format!("| {first} |");
    let rows = text.lines().skip_while(|l| !l.starts_with(&header)).take_while(|l| l.starts_with('|'));
    rows.skip(2).map(|l| l.trim_matches('|').split(" | ").map(|c| c.trim().to_owned()).collect()).collect()
}

#[test]
fn the_pin_table_is_the_generated_port_list() {
    let design = example();
    let rtl = Rtl::generate(&design).unwrap();
    let top = &rtl.modules.last().unwrap().text;
    let layer = &design.layers.last().unwrap().name;
    let prefix = format!("{layer}_");
    let mut ports = Vec::new();
    for line in top.lines().take_while(|l| !l.starts_with(");")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [direction @ ("input" | "output"), "wire", rest @ ..] = &words[..] else { continue };
        let (width, name) = match rest {
            [range, name, ..] if range.starts_with('[') => {
                let high = range.trim_start_matches('[').split(':').next().unwrap().parse::<u32>().unwrap();
                (high + 1, name)
            }
            [name, ..] => (1, name),
            [] => continue,
        };
        if let Some(pin) = name.trim_end_matches(',').strip_prefix(&prefix) {
            // The table's directions are the design's.
            let direction = if *direction == "input" { "in" } else { "out" };
            ports.push((format!("`{pin}`"), direction.to_owned(), width.to_string()));
        }
    }
    assert_eq!(ports.len(), 12);
    let rows = table(&text(), "pin");
    let told: Vec<_> = rows.iter().map(|r| (r[0].clone(), r[1].clone(), r[6].clone())).collect();
    assert_eq!(told, ports);
}

#[test]
fn the_scale_table_is_that_of_the_example() {
    let design = example();
    let layer = design.layers.last().unwrap();
    let (array, ranges) = (&design.array, &layer.ranges);
    let (d, c, p) = (array.dac_bits as i32 - 1, array.adc_bits as i32 - 1, array.pulse_bits as i32);
    let steps = [ranges.input - d, ranges.error - d, ranges.update - p - d, ranges.read - c, ranges.back - c];
    let told: Vec<String> = table(&text(), "on the pins").into_iter().map(|r| r[3].clone()).collect();
    assert_eq!(told, steps.map(|s| format!("2^{s}")));
}

#[test]
fn the_table_of_a_samples_life_is_what_was_recorded() {
    let design = example();
    let options = Options { profile: Profile::QuickBuild, cache: Some(common::model_cache()), ..Options::default() };
    let cycles = timing::record(&design, &timing::first_samples(&design).unwrap(), &options).unwrap();
    let ends: Vec<usize> = (0..cycles.len()).filter(|&at| cycles[at].sample_end).collect();
    let (begin, end) = (ends[1] + 1, ends[2]);
    let mut recorded = Vec::new();
    for (index, layer) in design.layers.iter().enumerate() {
        for operation in timing::operations(&cycles, index).iter().filter(|o| o.first >= begin && o.last <= end) {
            let kind = match operation.kind {
                Kind::Forward => "forward",
                Kind::Transposed => "transposed",
                _ => "write",
            };
            let (first, last) = (operation.first - begin, operation.last - begin);
            recorded.push((first, kind.to_owned(), layer.name.clone(), format!("{first} to {last}")));
        }
    }
    recorded.sort();
    let recorded: Vec<_> = recorded.into_iter().map(|(_, kind, layer, cycles)| vec![kind, layer, cycles]).collect();
    let text = fs::read_to_string(docs().join("architecture.md")).unwrap();
    assert_eq!(table(&text, "operation"), recorded);
}

/// The Verilog of the document.
fn wrapper() -> String {
    let text = text();
    let (_, rest) = text.split_once("```verilog\n").expect("the document has a block of Verilog");
    rest.split_once("```").expect("the block ends").0.to_owned()
}

#[test]
fn the_wrapper_is_clean() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("array_wrapper.v"), wrapper()).unwrap();
    // As it stands, and with every time at its least.
    let parameters = ["READ_SETTLE=1", "CONVERT=1", "WRITE_SETUP=1", "WRITE_HOLD=0"];
    for set in [&[][..], &parameters[..]] {
        let mut verilator = Command::new("verilator");
        verilator.args(["--lint-only", "-Wall", "--default-language", "1364-2005", "array_wrapper.v"]);
        verilator.args(set.iter().map(|p| format!("-G{p}")));
        let mut iverilog = Command::new("iverilog");
        iverilog.args(["-g2005", "-Wall", "-o", "/dev/null", "array_wrapper.v"]);
        iverilog.args(set.iter().map(|p| format!("-Parray_wrapper.{p}")));
        for mut tool in [verilator, iverilog] {
            let output = tool.current_dir(dir.path()).output().expect("`make setup` installs it");
            let words = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && words.trim().is_empty(), "{tool:?}\n{words}");
        }
    }
}

/// Trains the example with `wrapper` and a model of an analog array behind its pins.
fn train_behind(wrapper: &str) -> Result<Report, CosimError> {
    let mut design = example();
    // The bench then only watches the pins, and reaches the weights through the host port of the stand-in.
    design.array.backend = Backend::Emulated;
    design.refresh_hash();
    let mut rtl = Rtl::generate(&design).unwrap();
    let array = rtl.modules.iter_mut().find(|m| m.name == "macro_demo_array_emulated").unwrap();
    array.text = format!("{wrapper}\n{}", include_str!("diagrams/analog_array.v"));
    let options = Options {
        profile: Profile::QuickBuild,
        cache: Some(common::model_cache()),
        // Converters that stall belong to external arrays: here it only says that cycles cannot be predicted.
        stalls: Stalls { conversion: 0.5, ..Stalls::default() },
        watchdog: 8,
        ..Options::default()
    };
    cosim::run(&design, &rtl, &options, &AtomicBool::new(false), &mut |_| {})
}

#[test]
fn the_wrapper_trains_as_the_golden_model_does() {
    let report = train_behind(&wrapper()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(report.summary.mismatches, 0);
    assert!(report.summary.slots > 0 && report.summary.samples > 0);
}

#[test]
fn a_wrapper_that_hurries_is_found_out() {
    let breaks = [
        // The slot ends before its delayed pulses do.
        ("WRITE_SETUP + WRITE_HOLD - 1;", "WRITE_HOLD - 1;"),
        // Conversion begins before the lines have settled.
        ("SETTLE_LAST  = READ_SETTLE;", "SETTLE_LAST  = READ_SETTLE - 2;"),
        // Codes on offer one cycle before they are there.
        ("adc_valid = state_q == ST_OFFER", "adc_valid = state_d == ST_OFFER"),
        // Pulses that are not delayed.
        ("ana_pulse = pulses[WRITE_SETUP*COLS+:COLS]", "ana_pulse = pulses[0+:COLS]"),
    ];
    for (good, bad) in breaks {
        let sound = wrapper();
        assert!(sound.contains(good), "{good}");
        let error = train_behind(&sound.replace(good, bad)).map(|_| ()).expect_err(bad);
        assert!(
            matches!(error, CosimError::Mismatch(_) | CosimError::Simulator(_) | CosimError::Watchdog { .. }),
            "{error}"
        );
    }
}
