//! `memrtl device`: every parameter set shows its numbers and the pictures that apply; nothing foreign is overwritten.

use std::path::Path;
use std::process::{Command, Output};

use memrtl::report::plots::{self, Drawn, Kind, Subject};
use memrtl::spec::{self, DEVICE_KEYS};

fn memrtl(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_memrtl")).arg("device").args(args).output().unwrap()
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The picture is whole, needs no font, and has ink in its middle.
fn check_svg(name: &str, svg: &str) {
    let document = roxmltree::Document::parse(svg).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert!(!document.descendants().any(|n| n.has_tag_name("text")), "{name} needs a font");
    let paths = document.descendants().filter(|n| n.has_tag_name("path")).count();
    assert!(paths > 20, "{name} has {paths} paths");
    assert!(document.descendants().any(|n| n.has_tag_name("title")), "{name} has no title");
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name}");
}

#[test]
fn every_parameter_set_has_numbers_and_its_pictures() {
    let all = spec::device_presets();
    assert!(all.len() >= 35, "{}", all.len());
    let mut refused = Vec::new();
    for preset in all {
        let name = format!("{}/{}", preset.model, preset.name);
        let section = format!("model = \"{}\"\npreset = \"{}\"\n", preset.model, preset.name);
        let Ok(model) = spec::parse_device(&section, &name, Path::new("")) else {
            refused.push(name);
            continue;
        };
        let parameters = spec::device_parameters(&model);
        assert!(parameters.len() > 8, "{name}: {parameters:?}");
        let drawn = plots::draw(preset.name, Subject::Device(&model)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let of = |kind: Kind| drawn.iter().any(|(k, d)| *k == kind && matches!(d, Drawn::Chart(_)));
        let wanted = if preset.model == "mtj" { Kind::SwitchingProbability } else { Kind::PulseResponse };
        assert!(of(wanted), "{name}");
        for (kind, chart) in drawn.iter().filter_map(|(k, d)| if let Drawn::Chart(c) = d { Some((k, c)) } else { None })
        {
            check_svg(&format!("{name} {kind:?}"), &chart.svg().unwrap());
        }
    }
    // Their reads disturb them at the usual 0.1 V.
    let disturbed = [
        "vteam/memtorch",
        "team/technion",
        "team/technion_window",
        "ion_drift/technion_course",
        "ion_drift/technion_verilog_a",
    ];
    assert_eq!(refused, disturbed);
}

#[test]
fn every_key_is_explained_once() {
    let mut names: Vec<&str> = DEVICE_KEYS.iter().map(|key| key.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), DEVICE_KEYS.len(), "a key stands twice");
    assert!(DEVICE_KEYS.iter().all(|key| !key.meaning.is_empty()));
}

#[test]
fn parameters_and_pictures_are_shown() {
    let out = tempfile::tempdir().unwrap();
    let folder = out.path().to_str().unwrap();
    let output = memrtl(&["--preset", "PCM", "--out", folder]);
    assert!(output.status.success(), "{}", words(&output));
    let text = words(&output).replace(folder, "OUT");
    insta::assert_snapshot!("pcm", text);
    for file in ["pulse-response", "drift"] {
        check_svg(file, &std::fs::read_to_string(out.path().join(format!("{file}.svg"))).unwrap());
        let file = std::fs::File::open(out.path().join(format!("{file}.png"))).unwrap();
        let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let ink = pixels.chunks_exact(3).filter(|p| p.iter().all(|v| *v < 100)).count();
        assert!(ink > 2000, "the letters and axes of the PNG are missing: {ink} dark pixels");
    }
    // The same command draws the same bytes again, over its own files.
    let before = std::fs::read(out.path().join("drift.svg")).unwrap();
    assert!(memrtl(&["--preset", "PCM", "--out", folder]).status.success());
    assert_eq!(before, std::fs::read(out.path().join("drift.svg")).unwrap());
}

#[test]
fn a_device_that_no_array_can_use_says_why() {
    let out = tempfile::tempdir().unwrap();
    let output = memrtl(&["--preset", "technion", "--out", out.path().to_str().unwrap()]);
    assert!(output.status.success(), "{}", words(&output));
    insta::assert_snapshot!("technion", words(&output).replace(out.path().to_str().unwrap(), "OUT"));
    check_svg("iv", &std::fs::read_to_string(out.path().join("iv-loop.svg")).unwrap());
}

#[test]
fn warnings_of_a_device_are_told() {
    let out = tempfile::tempdir().unwrap();
    let folder = out.path().to_str().unwrap();
    let spec = out.path().join("memrtl.toml");
    let device = "model = \"vteam\"\nwindow = \"joglekar\"\naccept_sticking = true";
    let network = "name = \"net\"\n[network]\ninputs = 64\nlayers = [{ outputs = 10 }]";
    std::fs::write(&spec, format!("{network}\n[device]\n{device}\n")).unwrap();
    let warnings = |args: &[&str]| {
        let output = memrtl(&[args, &["--out", folder]].concat());
        assert!(output.status.success(), "{}", words(&output));
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        errors.lines().filter(|line| line.starts_with("warning: ")).map(str::to_owned).collect::<Vec<_>>()
    };
    let told = warnings(&["--config", spec.to_str().unwrap()]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("warning: `window` of the device is joglekar: it vanishes at both bounds"), "{told:?}");
    assert!(told[0].ends_with("better: clip, biolek or kvatinsky"), "{told:?}");
    assert!(warnings(&["--preset", "EpiRAM"]).is_empty());
    // Of parameter sets, too, though no array can use these.
    for (set, words) in [("team/technion_window", "`window_a_on`"), ("ion_drift/technion_course", "`window`")] {
        let told = warnings(&["--preset", set]);
        assert!(told.len() == 1 && told[0].contains(words), "{set}: {told:?}");
    }
}

#[test]
fn foreign_files_stay() {
    let out = tempfile::tempdir().unwrap();
    let mine = out.path().join("pulse-response.png");
    std::fs::write(&mine, "mine").unwrap();
    let output = memrtl(&["--preset", "EpiRAM", "--out", out.path().to_str().unwrap()]);
    assert!(!output.status.success());
    assert!(words(&output).contains("was not drawn by memrtl; choose another folder with --out"), "{}", words(&output));
    assert_eq!(std::fs::read_to_string(mine).unwrap(), "mine");
}

#[test]
fn names_are_looked_for() {
    let near = words(&memrtl(&["--preset", "EpiRam"]));
    assert!(near.contains("there is no such parameter set; did you mean `EpiRAM`?"), "{near}");
    let twice = words(&memrtl(&["--preset", "memtorch"]));
    assert!(twice.contains("allowed: vteam/memtorch, ion_drift/memtorch, stanford_pku/memtorch"), "{twice}");
    let list = words(&memrtl(&[]));
    assert!(spec::device_presets().iter().all(|p| list.contains(p.name)), "{list}");
}
