//! From spec text to the validated design: values, defaults, hash, and the text of every message.

use crate::common;
use std::path::{Path, PathBuf};

use crate::common::refused;
use memrtl::spec::{self, Code, DataSource, Design, Ranges, Shifts};

fn parse(text: &str) -> Result<Design, spec::SpecErrors> {
    spec::parse(text, "memrtl.toml", Path::new("/specs"))
}

fn valid(text: &str) -> Design {
    parse(text).unwrap_or_else(|e| panic!("{e}\n---\n{text}"))
}

const NETWORK: &str = "[network]\ninputs = 64\nlayers = [{ outputs = 32 }, { outputs = 10 }]\n";

/// A good spec with further lines at its end.
fn with(lines: &str) -> String {
    format!("name = \"net\"\n{NETWORK}{lines}")
}

/// A good spec with other layers.
fn layers(layers: &str) -> String {
    format!("name = \"net\"\n[network]\ninputs = 64\nlayers = [{layers}]\n")
}

refused! {
    syntax_of_values: [Code::Syntax, Code::Syntax, Code::Syntax],
        "name = digits\n[network]\ninputs = \nlayers = [{ outputs = 10 ]\n";
    syntax_of_headers: [Code::Syntax, Code::Syntax],
        "name = \"net\"\nname = \"net\"\n[network\ninputs = 64\n";
    unknown_keys: [Code::UnknownKey, Code::UnknownKey, Code::UnknownKey, Code::UnknownKey, Code::UnknownKey],
        format!("{}[array]\nadc_bit = 8\nepochs = 3\nfrobnicate = true\n[trainig]\nseed = 1\n",
            layers("{ outputs = 10, activaton = \"relu\" }"));
    missing_keys: [Code::MissingKey, Code::MissingKey, Code::MissingKey],
        "[network]\nlayers = [{ activation = \"relu\" }]\n";
    missing_network: [Code::MissingKey, Code::MissingKey], "name = \"net\"\n";
    missing_idx_file: [Code::MissingKey], with("[data]\nidx = { images = \"a.gz\" }\n");
    wrong_types: [Code::WrongType, Code::WrongType, Code::WrongType, Code::WrongType, Code::WrongType, Code::WrongType],
        format!("name = 7\ntiming = 5\n{NETWORK}[array]\nadc_bits = \"8\"\nlanes = 8.0\nbackend = true\n\
            [training]\nlearning_rate = \"0.1\"\n");
    wrong_types_of_layers: [Code::WrongType, Code::WrongType], layers("32, [1,\n 2], { outputs = 10 }");
    layers_no_list: [Code::WrongType], "name = \"net\"\n[network]\ninputs = 64\nlayers = 3\n";
    network_no_table: [Code::WrongType], "name = \"net\"\nnetwork = [\n 64,\n 10,\n]\n";
    out_of_range: [Code::OutOfRange; 9],
        with("[array]\nadc_bits = 20\ndac_bits = -1\n[training]\nlearning_rate = 4.0\nmomentum = 1\nhistory = 0x1000\n\
            seed = 99999999999999999999999999999999999999999999\n[timing]\nclock = 0.0\nread_settle = nan\n\
            adc_conversion = inf\n");
    no_layer: [Code::OutOfRange], layers("");
    error_bits_below_dac_bits: [Code::OutOfRange], with("[array]\ndac_bits = 10\nerror_bits = 9\n");
    learning_rate_below_register: [Code::OutOfRange], with("[training]\nlearning_rate = 1e-5\n");
    full_scale_out_of_range: [Code::OutOfRange, Code::OutOfRange],
        format!("{}[array]\nweight_range = 1e-30\n", layers("{ outputs = 10, read_range = 1e9 }"));
    empty_path: [Code::OutOfRange], with("[data]\ncsv = \"\"\n");
    unknown_values: [Code::UnknownValue; 4],
        format!("{}[training]\noptimizer = \"SGD\"\n[array]\nbackend = \"emulator\"\n[data]\nset = \"mnist\"\n",
            layers("{ outputs = 10, activation = \"sigmod\" }"));
    no_power_of_two: [Code::NotPowerOfTwo; 3],
        format!("{}[array]\nadcs = 12\nweight_range = 3\n", layers("{ outputs = 10, max_update = 0.3 }"));
    design_name_with_dash: [Code::Identifier], format!("name = \"my-net\"\n{NETWORK}");
    design_name_empty: [Code::Identifier], format!("name = \"\"\n{NETWORK}");
    design_name_too_long: [Code::Identifier], format!("name = \"{}\"\n{NETWORK}", "n".repeat(70));
    design_name_double_underscore: [Code::Identifier], format!("name = \"my__net\"\n{NETWORK}");
    design_name_keyword: [Code::ReservedName], format!("name = \"module\"\n{NETWORK}");
    layer_names: [Code::ReservedName, Code::ReservedName, Code::ReservedName, Code::Identifier],
        layers("\n  { name = \"aclk\", outputs = 4 },\n  { name = \"s_axis_in\", outputs = 5 },\n  \
            { name = \"logic\", outputs = 6 },\n  { name = \"2nd\", outputs = 10 },\n");
    duplicate_names: [Code::DuplicateName, Code::DuplicateName, Code::DuplicateName],
        layers("\n  { name = \"l3\", outputs = 4 },\n  { name = \"a\", outputs = 4 },\n  { name = \"a\", outputs = 4 },\n  \
            { outputs = 10 },\n  { name = \"net\", outputs = 10 },\n");
    momentum_with_sgd: [Code::Optimizer, Code::Optimizer, Code::Optimizer],
        with("[training]\noptimizer = \"sgd\"\nmomentum = 0.9\nmomentum_unit = \"history\"\nhistory = 8\n");
    kind_without_momentum: [Code::Engine], with("[training]\noptimizer = \"sgd\"\nmomentum_kind = \"nesterov\"\n");
    batch_beyond_the_ring: [Code::Engine], with("[training]\nbatch = 64\nhistory = 8\n");
    batch_of_no_sample: [Code::OutOfRange], with("[training]\nbatch = 0\n");
    batch_of_nesterov_in_the_array: [Code::Engine],
        with("[training]\nmomentum_unit = \"in_array\"\nmomentum_kind = \"nesterov\"\nbatch = 4\n");
    kind_unknown: [Code::UnknownValue], with("[training]\nmomentum_kind = \"nestorov\"\n");
    nesterov_beyond_the_factor: [Code::Engine],
        with("[training]\nlearning_rate = 2.5\nmomentum = 0.8\nmomentum_kind = \"nesterov\"\n[device]\nstate_bits = 18\n");
    momentum_without_unit: [Code::Optimizer], with("[training]\nmomentum_unit = \"none\"\n");
    softmax_in_wrong_places: [Code::Loss, Code::Loss],
        layers("\n  { outputs = 32, activation = \"softmax\" },\n  { outputs = 10, activation = \"softmax\" },\n");
    softmax_contradicted: [Code::Loss, Code::Loss],
        format!("{}[training]\nloss = \"cross_entropy\"\n", layers("\n  { outputs = 32, activation = \"softmax\" },\n  \
            { outputs = 10, activation = \"sigmoid\" },\n"));
    softmax_of_one: [Code::Loss, Code::Loss],
        format!("{}[training]\nloss = \"cross_entropy\"\n[data]\ncsv = \"a.csv\"\n",
            layers("{ outputs = 32 }, { outputs = 1, output_range = 2 }"));
    schedule_out_of_order: [Code::OutOfRange, Code::Schedule, Code::Schedule, Code::Schedule],
        with("[training]\nepochs = 6\nschedule = [\n  { epoch = 1, momentum = 0.5 },\n  { epoch = 3, learning_rate = 0.05 },\n  \
            { epoch = 3, learning_rate = 0.02 },\n  { epoch = 7, learning_rate = 0.02 },\n  { epoch = 6 },\n]\n");
    schedule_of_sgd: [Code::Optimizer],
        with("[training]\noptimizer = \"sgd\"\n[[training.schedule]]\nepoch = 2\nmomentum = 0.5\n");
    schedule_keys: [Code::MissingKey, Code::OutOfRange, Code::OutOfRange, Code::UnknownKey],
        with("[[training.schedule]]\nmomentum = 0.5\n[[training.schedule]]\nepoch = 3\nlearning_rate = 1e-5\n\
            [[training.schedule]]\nepoch = 4\nmomentum = 1\nseed = 3\n");
    schedule_beyond_the_factor: [Code::Engine],
        with("[training]\nlearning_rate = 1.0\nmomentum_kind = \"nesterov\"\n[[training.schedule]]\nepoch = 3\nlearning_rate = 2.25\n[device]\nstate_bits = 18\n");
    schedule_without_pulses: [Code::AlwaysZero],
        with("[training]\nlearning_rate = 1.0\n[[training.schedule]]\nepoch = 3\nlearning_rate = 0.0005\n");
    two_data_sources: [Code::DataSource],
        with("[data]\nset = \"digits\"\ncsv = \"a.csv\"\nidx = { images = \"a\", labels = \"b\" }\n");
    network_unlike_digits: [Code::DataShape, Code::DataShape],
        "name = \"net\"\n[network]\ninputs = 60\nlayers = [{ outputs = 9 }]\n";
    state_finer_than_writes: [Code::NegativeShift], with("[device]\nstate_bits = 32\n");
    codes_finer_than_products: [Code::NegativeShift, Code::AlwaysZero, Code::NegativeShift],
        with("[array]\ndac_bits = 2\nadc_bits = 14\n[device]\nstate_bits = 8\n");
    error_finer_than_product: [Code::NegativeShift], with("[array]\nerror_bits = 18\n");
    width_finer_than_product: [Code::NegativeShift],
        with("[training]\nlearning_rate = 0.0005\n[array]\npulse_bits = 12\nerror_bits = 8\n");
    number_without_digits: [Code::WrongType], with("[array]\nadcs = 0x\n");
    no_single_key_repairs: [Code::NegativeShift],
        format!("{}[array]\ndac_bits = 4\nerror_bits = 4\npulse_bits = 12\n[device]\nstate_bits = 32\n",
            layers("{ outputs = 10, max_update = 5.9604644775390625e-8 }, \
                { outputs = 10, max_update = 5.9604644775390625e-8 }"));
    device_too_coarse: [Code::AlwaysZero], with("[device]\nstate_bits = 6\n");
    read_range_too_wide: [Code::AlwaysZero], layers("{ outputs = 10, read_range = 16777216 }");
    derived_range: [Code::DerivedRange, Code::NegativeShift, Code::AlwaysZero],
        layers("{ outputs = 10, error_range = 5.9604644775390625e-8 }");
    initial_weight: [Code::InitialWeight],
        format!("{}[training]\ninitial_weight = 1.5\n",
            layers("{ outputs = 10, weight_range = 1 }, { outputs = 10, weight_range = 2 }"));
    too_many_cycles: [Code::TooManyCycles, Code::TooManyCycles],
        with("[timing]\nclock = 1e-4\nread_settle = 3\npulse_lsb = 7\n");
    device_numbers: [Code::OutOfRange; 6],
        with("[device]\nmodel = \"soft_bounds\"\ndw_min = 0\ndw_min_std = -0.1\nup_down = 1.0\nw_max = -1\nw_min = 0.5\n\
            up_seconds = 0\n");
    device_without_conductance: [Code::OutOfRange], with("[device]\nmodel = \"pow_step\"\ng_min = 2e-6\ng_max = 1e-6\n");
    device_preset_unknown: [Code::UnknownValue], with("[device]\npreset = \"ReramSb\"\n");
    device_preset_of_another_model: [Code::UnknownValue],
        with("[device]\nmodel = \"soft_bounds\"\npreset = \"ReRamES\"\n");
    device_preset_unknown_to_the_model: [Code::UnknownValue],
        with("[device]\nmodel = \"linear_step\"\npreset = \"EcRAM\"\n");
    device_keys_of_other_models: [Code::UnknownKey, Code::UnknownKey],
        with("[device]\npreset = \"EpiRAM\"\ndw_min = 0.01\nr_on = 1e3\n");
    device_words: [Code::UnknownValue; 3],
        with("[device]\nmodel = \"linear_step\"\nsigned = \"differentail\"\ncycle_noise = \"mult\"\n\
            dw_min_spread = \"lognormal\"\n");
    everything_in_one_go:
        [Code::Identifier, Code::OutOfRange, Code::UnknownValue, Code::UnknownKey, Code::UnknownValue, Code::WrongType,
            Code::OutOfRange, Code::UnknownKey, Code::NotPowerOfTwo],
        include_str!("../data/bad.toml");
}

#[test]
fn colour_is_a_parameter() {
    let errors = parse("name = 7\n").expect_err("no network");
    assert!(!errors.render(false).contains('\x1b'));
    let coloured = errors.render(true);
    assert!(coloured.contains("\x1b["), "{coloured:?}");
    assert!(errors.to_string().lines().count() == coloured.lines().count());
}

#[test]
fn unreadable_files_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("net.toml");
    let shown = path.display().to_string();
    let render = || {
        let errors = spec::load(&path).expect_err("not readable");
        assert_eq!(errors.codes(), [Code::File]);
        errors.to_string().replace(&shown, "net.toml")
    };
    let missing = render();
    std::fs::write(&path, b"name = \"net\"\n# caf\xe9\n").expect("written");
    insta::assert_snapshot!(format!("{missing}\n\n{}", render()));
}

#[test]
fn every_preset_is_valid_and_named_after_itself() {
    for name in spec::PRESETS {
        let text = spec::preset(name).expect("embedded");
        assert_eq!(valid(text).name, name);
    }
    assert_eq!(spec::preset("nothing"), None);
}

#[test]
fn defaults_are_those_of_the_digits_preset() {
    let digits = valid(spec::preset("digits").expect("embedded"));
    let sizes: Vec<String> = digits.layers.iter().map(|l| format!("{{ outputs = {} }}", l.outputs)).collect();
    let short = format!("name = \"digits\"\n[network]\ninputs = {}\nlayers = [{}]", digits.inputs, sizes.join(", "));
    assert_eq!(valid(&short), digits);
}

/// Every key that a preset only mentions in a comment is known, and its commented value is the default.
#[test]
fn commented_keys_of_presets_are_keys() {
    for name in spec::PRESETS {
        let text = spec::preset(name).expect("embedded");
        let is_key = |line: &&str| {
            line.strip_prefix("# ").and_then(|l| l.split_once(" = ")).is_some_and(|(key, _)| !key.contains(' '))
        };
        let commented: Vec<&str> = text.lines().filter(is_key).collect();
        assert!(commented.len() >= 3, "{commented:?}");
        for line in commented {
            let design = valid(&text.replace(line, &line[2..]));
            if !line.contains("initial_weight") {
                assert_eq!(design, valid(text), "{line}");
            }
        }
    }
}

#[test]
fn ranges_and_shifts_of_two_sigmoid_layers() {
    let design = valid(&with(""));
    let [hidden, output] = &design.layers[..] else { panic!("two layers") };
    // eta = 0.1 needs 2^-3; the output error spans 1 times the largest slope 1/4, the back-read twice the error.
    assert_eq!(
        output.ranges,
        Ranges {
            input: 0,
            output: 0,
            weight: 2,
            read: 3,
            slope: -2,
            error: -2,
            back: -1,
            update: -5,
            read_plane: 3,
            back_plane: -1
        }
    );
    assert_eq!(
        hidden.ranges,
        Ranges {
            input: 0,
            output: 0,
            weight: 2,
            read: 3,
            slope: -2,
            error: -3,
            back: -2,
            update: -6,
            read_plane: 3,
            back_plane: -2
        }
    );
    assert_eq!(
        output.shifts,
        Shifts {
            forward: 20,
            error: 3,
            drive: 4,
            backward: 18,
            width: 14,
            write: 3,
            planes_forward: 0,
            planes_backward: 0
        }
    );
    assert_eq!(
        hidden.shifts,
        Shifts {
            forward: 20,
            error: 3,
            drive: 4,
            backward: 18,
            width: 14,
            write: 4,
            planes_forward: 0,
            planes_backward: 0
        }
    );
    assert_eq!((hidden.inputs, hidden.rows(), hidden.outputs, output.inputs, output.outputs), (64, 65, 32, 32, 10));
    assert_eq!((design.learning_rate_code(), design.momentum_code()), (1638, 58_982));
    assert_eq!((hidden.name.as_str(), output.name.as_str()), ("l0", "l1"));
    assert_eq!(design.array.error_bits, 12);
}

#[test]
fn full_scales_follow_from_the_ones_given() {
    let two = layers(
        "{ outputs = 20, activation = \"relu\", output_range = 8 }, { outputs = 10, activation = \"linear\", \
         weight_range = 2, error_range = 8, max_update = 0.25 }",
    );
    let design = valid(&format!("{two}[training]\nlearning_rate = 0.02\n[array]\npulse_bits = 9\n"));
    let [hidden, output] = &design.layers[..] else { panic!("two layers") };
    assert_eq!(
        output.ranges,
        Ranges {
            input: 3,
            output: 2,
            weight: 1,
            read: 2,
            slope: 0,
            error: 3,
            back: 3,
            update: -2,
            read_plane: 2,
            back_plane: 3
        }
    );
    assert_eq!(
        hidden.ranges,
        Ranges {
            input: 0,
            output: 3,
            weight: 2,
            read: 3,
            slope: 0,
            error: 3,
            back: 3,
            update: -2,
            read_plane: 3,
            back_plane: 3
        }
    );
}

/// Targets are 0 and 1: what lies far beyond them is clipped.
#[test]
fn outputs_without_bounds_have_clipped_errors() {
    let output = |keys: &str| {
        let design = valid(&layers(&format!("{{ outputs = 10, activation = \"linear\"{keys} }}")));
        (design.layers[0].ranges.output, design.layers[0].ranges.error)
    };
    assert_eq!(output(""), (2, 1));
    assert_eq!(output(", output_range = 0.5"), (-1, -1));
    assert_eq!(output(", error_range = 4"), (2, 2));
}

/// The largest update of a relu layer behind another is 2, its write then 2^-14: two bits coarser than the state.
#[test]
fn updates_are_clipped_by_at_most_two_bits() {
    let update = |state_bits: u32| {
        let net = layers("{ outputs = 20, activation = \"relu\" }, { outputs = 10, activation = \"linear\" }");
        parse(&format!("{net}[device]\nstate_bits = {state_bits}\n")).map(|d| d.layers[1].ranges.update)
    };
    assert_eq!([17, 18, 19, 20].map(|bits| update(bits).expect("valid")), [0, 0, -1, -2]);
    assert_eq!(update(21).expect_err("too fine").codes(), [Code::NegativeShift]);
}

/// Whatever the activations, up to four layers fit the default widths.
#[test]
fn default_widths_suit_all_activations() {
    let names = ["sigmoid", "tanh", "relu", "linear"];
    for depth in 1..=4 {
        for number in 0..names.len().pow(depth) {
            let layer = |l: u32| {
                let activation = names[number / names.len().pow(l) % names.len()];
                format!("{{ outputs = 10, activation = \"{activation}\" }}")
            };
            valid(&layers(&(0..depth).map(layer).collect::<Vec<_>>().join(", ")));
        }
    }
}

#[test]
fn error_bits_default_to_what_the_factors_carry() {
    let bits = |lines: &str| valid(&with(lines)).array.error_bits;
    assert_eq!(bits("[array]\ndac_bits = 8"), 12);
    assert_eq!(bits("[array]\ndac_bits = 12"), 16);
    assert_eq!(bits("[array]\ndac_bits = 3\n[device]\nstate_bits = 16"), 5);
    assert_eq!(bits("[array]\nadc_bits = 3"), 10);
    // A single layer has no back-read.
    assert_eq!(valid(&format!("{}[array]\nadc_bits = 3", layers("{ outputs = 10 }"))).array.error_bits, 12);
}

#[test]
fn times_become_whole_cycles() {
    let cycles = |lines: &str| {
        let timing = valid(&with(&format!("[timing]\n{lines}"))).timing;
        (timing.read_settle, timing.adc_conversion, timing.pulse_lsb)
    };
    assert_eq!(cycles(""), (5, 5, 1));
    assert_eq!(cycles("clock = 4"), (3, 3, 1));
    // 1.1 / 0.1 and 0.3 / 0.1 are not whole in binary.
    assert_eq!(cycles("clock = 0.1\nread_settle = 1.1\nadc_conversion = 0.3\npulse_lsb = 0.7"), (11, 3, 7));
    assert_eq!(cycles("read_settle = 0\nadc_conversion = 1e-3\npulse_lsb = 2.001"), (0, 1, 2));
}

#[test]
fn optimizers_have_their_own_defaults() {
    let sgd = valid(&with("[training]\noptimizer = \"sgd\"\n")).training;
    assert_eq!((sgd.momentum, sgd.momentum_unit, sgd.history), (0.0, spec::MomentumUnit::None, 1));
    let design = valid(&with("[training]\noptimizer = \"sgd\"\nmomentum = 0\nmomentum_unit = \"none\"\nhistory = 1\n"));
    assert_eq!(design.training, sgd);
    assert_eq!(design.momentum_code(), 0);
}

#[test]
fn initial_weights_stay_within_their_range() {
    let design = valid(&layers("{ outputs = 10, weight_range = 0.25 }, { outputs = 10 }"));
    let weights: Vec<f64> = design.layers.iter().map(|l| l.initial_weight(&design.training)).collect();
    assert_eq!(weights, [0.25, (6.0 / 20.0f64).sqrt()]);
    let design = valid(&with("[training]\ninitial_weight = 0.1\n"));
    assert_eq!(design.layers[0].initial_weight(&design.training), 0.1);
}

/// The hash tells hardware apart, and neither notation nor machine nor runs.
#[test]
fn hash_depends_on_the_hardware_alone() {
    let design = valid(&with("[data]\ncsv = \"a \\\"b\\\\.csv\"\n"));
    let path = "a \"b\\.csv";
    assert_eq!(design.data.written, DataSource::Csv(PathBuf::from(path)));
    assert_eq!(design.data.source, DataSource::Csv(Path::new("/specs").join(path)));
    let other_order = format!("data = {{ csv = 'a \"b\\.csv' }}\nname = \"net\"\r\n[training]\nseed = 0b1\n{NETWORK}");
    let elsewhere = spec::parse(&other_order, "x.toml", Path::new("elsewhere")).expect("valid");
    assert_eq!(elsewhere.spec_hash, design.spec_hash);
    assert_ne!(elsewhere.data.source, design.data.source);
    assert_eq!(elsewhere.layers, design.layers);
    let mut changed = design.clone();
    changed.array.backend = spec::Backend::Emulated;
    changed.refresh_hash();
    assert_ne!(changed.spec_hash, design.spec_hash);
    assert_eq!(changed.spec_hash.len(), 16);
    let same = ["[training]\nepochs = 9\nseed = 9\ninitial_weight = 0.5\n", "[data]\ntest_fraction = 0.7\n"];
    let other = ["[training]\nlearning_rate = 0.05\n", "[training]\nhistory = 4\n", "[timing]\nclock = 1.0\n"];
    assert_eq!(same.map(|lines| valid(&with(lines)).spec_hash == design.spec_hash), [true; 2]);
    assert_eq!(other.map(|lines| valid(&with(lines)).spec_hash == design.spec_hash), [false; 3]);
    let json = serde_json::to_string(&design).expect("serializes");
    assert!(!json.contains("/specs"), "{json}");
}

#[test]
fn canonical_digits() {
    insta::assert_snapshot!(spec::canonical_toml(&valid(spec::preset("digits").expect("embedded"))));
}

#[test]
fn random_specs_repeat() {
    assert_eq!(common::random_spec(7), common::random_spec(7));
    assert_ne!(common::random_spec(7), common::random_spec(8));
}
