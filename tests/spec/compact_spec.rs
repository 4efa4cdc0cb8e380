//! Compact models in specs: what is refused and with which figure; round trips; training.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use memrtl::device::compact::Kind;
use memrtl::spec::{self, Design, SpecErrors};
use memrtl::train::{self, Options};

fn parse(device: &str, timing: &str) -> Result<Design, SpecErrors> {
    let preset = spec::preset("digits").unwrap();
    let (head, rest) = preset.split_once("\n[device]\n").unwrap();
    let (_, tail) = rest.split_once("\n[data]").unwrap();
    spec::parse(&format!("{head}\n[device]\n{device}\n[timing]\n{timing}\n[data]{tail}"), "my.toml", Path::new(""))
}

#[test]
fn devices_that_make_no_sense() {
    let cases = [
        ("threshold of SET above 0", "model = \"vteam\"\nv_on = 0.3"),
        ("negative resistance", "model = \"vteam\"\nr_on = -50.0"),
        ("more than one at once", "model = \"team\"\ni_on = 1e-6\nk_off = -1.0\nr_off = 10.0\nv_read = 5e-5"),
        ("a window that sticks", "model = \"vteam\"\nwindow = \"joglekar\""),
        ("a window that sticks, in a model whose sets have one", "model = \"ion_drift\"\nwindow = \"prodromakis\""),
        ("a read beyond the thresholds", "model = \"vteam\"\nv_read = 0.35"),
        ("thresholds inside the usual read", "model = \"vteam\"\npreset = \"memtorch\""),
        ("current thresholds inside the usual read", "model = \"team\""),
        ("no thresholds", "model = \"ion_drift\"\npreset = \"technion_course\""),
        ("neither 1 nor -1", "model = \"yakopcic\"\neta = 0.5"),
        ("conductances of another device", "model = \"stanford_pku\"\ng_high = 1.0"),
        ("a name of several models", "preset = \"memtorch\""),
        ("a set of another model", "model = \"team\"\npreset = \"magic\""),
        ("keys of another model", "model = \"yakopcic\"\nwindow = \"clip\""),
        ("too slow for the pulses", "model = \"ion_drift\""),
    ];
    let text: Vec<String> = cases
        .iter()
        .map(|(what, device)| {
            let error = parse(device, "clock = 2.0").err().unwrap_or_else(|| panic!("{what} is accepted"));
            format!("{what}\n{error}")
        })
        .collect();
    insta::assert_snapshot!(text.join("\n\n"));
}

/// Every set that can be used at all comes back from its canonical form.
#[test]
fn canonical_specs_give_the_same_device() {
    let mut usable = 0;
    for kind in Kind::ALL {
        for set in kind.sets() {
            let device = format!("model = \"{}\"\npreset = \"{}\"\nv_read = 1e-3", kind.name(), set.name);
            let Ok(model) = spec::parse_device(&device, "set", Path::new("")) else { continue };
            usable += 1;
            let keys: String = spec::device_parameters(&model)
                .iter()
                .map(|p| {
                    let quote = if p.key.unit.is_empty() && p.value != "true" { "\"" } else { "" };
                    format!("{} = {quote}{}{quote}\n", p.key.name, p.value)
                })
                .collect();
            assert_eq!(spec::parse_device(&keys, "again", Path::new("")).unwrap(), model, "{keys}");
        }
    }
    // All but TEAM, whose threshold is 0.1 mV, and ion drift without thresholds.
    assert_eq!(usable, 10);
    let sticky = "model = \"vteam\"\nwindow = \"joglekar\"\naccept_sticking = true\nwindow_p = 2.0";
    assert!(spec::parse_device(sticky, "sticky", Path::new("")).is_ok());
}

/// Settings with which each model learns the digits: `[device]` and `[timing]`.
const TRAINING: [(&str, &str); 5] = [
    ("model = \"vteam\"", "clock = 2.0"),
    ("model = \"yakopcic\"", "clock = 2.0"),
    ("model = \"stanford_pku\"\nf_min = 6e8", "clock = 2.0"),
    ("model = \"ion_drift\"\nv_max = 10.0", "clock = 2.0\npulse_lsb = 20.0"),
    ("model = \"team\"\nv_read = 5e-5\nv_max = 20.0", "clock = 2.0"),
];

/// One epoch; docs/devices.md tells of eight.
#[test]
fn every_model_learns_the_digits() {
    for (device, timing) in TRAINING {
        let mut design = parse(device, timing).unwrap_or_else(|error| panic!("{error}"));
        design.training.epochs = 1;
        let options = Options { seeds: vec![1], jobs: 1, limit: None, reference: false };
        let summary = train::sweep(&design, &options, &AtomicBool::new(false), &|_| {}).unwrap();
        assert!(summary.accuracy.mean > 0.6, "{device}: {}", summary.accuracy.mean);
    }
}

/// A rate that jumps at the threshold beyond what full scale asks for: every pulse would be too strong.
#[test]
fn devices_too_fast_for_their_pulses() {
    let text = [
        parse("model = \"stanford_pku\"", "clock = 2.0"),
        parse("model = \"ion_drift\"\nv_max = 10.0", "clock = 2.0\npulse_lsb = 2000.0"),
    ]
    .map(|result| result.unwrap_err().to_string());
    insta::assert_snapshot!(text.join("\n\n"));
}
