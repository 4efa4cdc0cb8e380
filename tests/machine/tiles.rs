//! Layers on grids of arrays, through the RTL and in the golden model.

use crate::common::{Rig, Small, options};
use memrtl::array::{Crossbar, Grid};
use memrtl::golden::{Machine, Mode, SampleTrace, initial_states};
use memrtl::rtl::Rtl;
use memrtl::spec::{Backend, Code, Design};

const NETWORK: &str = "inputs = 12\nlayers = [\n\
    { outputs = 11, activation = \"tanh\", error_range = 0.5, max_update = 0.25 },\n\
    { outputs = 5, activation = \"sigmoid\", error_range = 0.25, back_range = 0.5, max_update = 0.125 } ]";

/// 13 x 11 cells on 3 x 3 tiles, the last row of which has the bias alone, and 12 x 5 on 2 x 2.
const CUT: &str = "adcs = 2\nlanes = 2\nrows = 6\ncols = 4";

fn small(array: &str) -> Small<'_> {
    Small { network: NETWORK, array, ..Small::default() }
}

fn shapes(design: &Design) -> Vec<(usize, usize)> {
    design.layers.iter().map(|layer| layer.tiling.grid()).collect()
}

#[test]
fn tiles_train_exactly_behind_pins_and_in_verilog() {
    for backend in [Backend::External, Backend::Emulated] {
        let rig = small(CUT).rig(backend);
        assert_eq!(shapes(&rig.design), [(3, 3), (2, 2)]);
        assert_eq!(rig.design.layers[0].tiling.tile(8).inputs, 0, "the bias alone");
        let report = rig.run(&options()).unwrap_or_else(|e| panic!("{backend:?}: {e}"));
        assert_eq!(report.summary.cycles_total, report.summary.cycles_predicted, "{backend:?}");
        assert!(report.summary.slots > 0);
    }
}

#[test]
fn converters_that_end_at_different_times_change_no_weight() {
    small(CUT).rig(Backend::External).stalls_change_no_weight();
}

#[test]
fn tiles_of_imperfect_memristors_train_exactly() {
    let device = "model = \"soft_bounds\"\ndw_min = 0.01\ndw_min_std = 0.3\nstate_bits = 16\n\
                  [array.nonideal]\nstuck_lrs = 0.03\nread_noise = 0.01\nwire_row = 2.0\nwire_column = 1.0\nadc_offset = 0.5";
    let rig = Small { device, ..small(CUT) }.rig(Backend::External);
    let report = rig.run(&options()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(report.summary.cycles_total, report.summary.cycles_predicted);
}

/// Sums of tiles that round on their own stay within one code per further tile of the code of one large array.
#[test]
fn codes_of_a_cut_layer_are_those_of_a_whole_one_within_the_rounding_of_its_tiles() {
    let (whole, cut) = (small("adcs = 2\nlanes = 2").rig(Backend::External), small(CUT).rig(Backend::External));
    let mut worst = 0;
    for sample in 0..10 {
        let run = |rig: &Rig| {
            let mut trace = SampleTrace::default();
            let x = memrtl::golden::encode::input_codes(&rig.design, rig.data.sample(sample));
            Machine::new(&rig.design).unwrap().run(&x, &[], Mode::Infer, &mut trace).unwrap();
            trace
        };
        let (a, b) = (run(&whole), run(&cut));
        for (one, sum) in a.layers[0].read.iter().zip(&b.layers[0].read) {
            worst = worst.max((one - sum).abs());
        }
    }
    assert!((1..=2).contains(&worst), "three tiles round three times: {worst}");
}

#[test]
fn a_cell_keeps_its_address_and_weight() {
    let rig = small(CUT).rig(Backend::External);
    let layer = &rig.design.layers[0];
    let states = initial_states(&rig.design, 0, layer);
    let mut grid = Grid::new(&rig.design, 0, layer).unwrap();
    grid.load(&states);
    assert_eq!(grid.states(), states);
    let mut whole = Crossbar::new(&rig.design, 0, layer).unwrap();
    whole.load(&states);
    assert_eq!(grid.weights(), whole.weights());
}

#[test]
fn a_fault_map_counts_rows_and_columns_of_the_layer() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("map.csv"),
        "layer,row,col,device,kind\nl0,9,6,0,open\nl0,12,10,0,lrs\nl1,3,1,0,hrs\n",
    )
    .unwrap();
    let text = format!(
        "name = \"t\"\n[network]\n{NETWORK}\n[array]\n{CUT}\n[array.nonideal]\nfault_map = \"map.csv\"\n\
         [device]\nmodel = \"constant_step\"\ndw_min = 0.01\nstate_bits = 16\n[data]\ncsv = \"d.csv\"\n"
    );
    let design = memrtl::spec::parse(&text, "t.toml", dir.path()).unwrap_or_else(|e| panic!("{e}"));
    let grid = Grid::new(&design, 0, &design.layers[0]).unwrap();
    let at: Vec<_> = grid.stuck().iter().map(|(at, _)| (at.row, at.col)).collect();
    assert_eq!(at, [(9, 6), (12, 10)]);
    assert_eq!(grid.tile(4).stuck()[0].0.row, 3, "row 9 of the layer is row 3 of the middle tile");
}

#[test]
fn a_layer_that_fits_has_the_verilog_of_one_without_limits() {
    let (free, fits) = (small("adcs = 2\nlanes = 2"), small("adcs = 2\nlanes = 2\nrows = 18\ncols = 12"));
    let verilog = |small: Small| {
        let design = small.rig(Backend::External).design;
        let modules = Rtl::generate(&design).unwrap().modules;
        modules.into_iter().map(move |m| (m.name, m.text.replace(&design.spec_hash, "")))
    };
    let differ: Vec<String> = verilog(free).zip(verilog(fits)).filter(|(a, b)| a != b).map(|(a, _)| a.0).collect();
    // Its identification register holds the hash of the spec.
    assert_eq!(differ, ["little_csr"]);
}

/// The kinds of problems of `array` in an otherwise good spec, and their text.
fn refusal(network: &str, array: &str) -> (Vec<Code>, String) {
    let text = format!("name = \"t\"\n[network]\n{network}\n[array]\n{array}\n[data]\ncsv = \"d.csv\"\n");
    let errors = memrtl::spec::parse(&text, "t.toml", std::path::Path::new(".")).expect_err("the spec is bad");
    (errors.codes(), errors.to_string())
}

#[test]
fn tiles_are_whole_groups_and_not_too_many() {
    let (codes, text) = refusal(NETWORK, "adcs = 8\nrows = 100\ncols = 128");
    assert_eq!(codes, [Code::OutOfRange]);
    assert!(text.contains("multiples of 8") && text.contains("nearest: `rows = 96`"), "{text}");

    let (codes, text) = refusal(NETWORK, "adcs = 2\nrows = 0");
    assert_eq!(codes, [Code::OutOfRange]);
    assert!(text.contains("2 to 65536"), "{text}");

    let wide = "inputs = 2000\nlayers = [ { outputs = 2000, activation = \"sigmoid\" } ]";
    let (codes, text) = refusal(wide, "adcs = 2\nrows = 2\ncols = 2");
    assert_eq!(codes, [Code::OutOfRange]);
    assert!(text.contains("1001000 arrays") && text.contains("at most 1024"), "{text}");
}

#[test]
fn a_layer_may_not_be_named_like_a_tile() {
    let network = "inputs = 16\nlayers = [ { outputs = 11, activation = \"tanh\" }, { name = \"l0_r1c0\", outputs = 4, activation = \"tanh\" } ]";
    assert_eq!(refusal(network, CUT).0, [Code::ReservedName]);
}
