//! The checker can fail: every mutant of a design is reported, with what differs and where.

use crate::common::{Rig, Small, mutated, on_all_cores, options};
use memrtl::cosim::{CosimError, Mismatch, Options, Session, What};
use memrtl::golden::{ActivationTable, Machine, Mode, SampleTrace, encode};
use memrtl::rtl::Rtl;
use memrtl::spec::Backend;

use Backend::{Emulated, External};

/// A changed design and the mismatch that it must give.
struct Mutant {
    name: &'static str,
    backend: Backend,
    small: Small<'static>,
    changes: &'static [(&'static str, &'static str, &'static str)],
    /// Sample from 0, layer and quantity of the first mismatch.
    sample: u64,
    layer: &'static str,
    what: What,
    /// Whether its index, expected and got values are those that the change must give.
    fits: fn(&Mismatch) -> bool,
}

fn little() -> Small<'static> {
    Small::default()
}

/// Runs a design that must be found wrong.
fn mismatch(rig: &Rig, rtl: &Rtl, options: &Options) -> Mismatch {
    let rig = Rig { rtl: rtl.clone(), ..rig.clone() };
    match rig.run(options) {
        Err(CosimError::Mismatch(mismatch)) => mismatch,
        Err(other) => panic!("not a mismatch: {other}"),
        Ok(_) => panic!("nothing was found"),
    }
}

fn mutants() -> Vec<Mutant> {
    vec![
        Mutant {
            name: "sign of a pulse",
            backend: External,
            small: little(),
            changes: &[(
                "momentum_history",
                "neg_q[w] <= y_out[w*ERROR_BITS+ERROR_BITS-1]",
                "neg_q[w] <= !y_out[w*ERROR_BITS+ERROR_BITS-1]",
            )],
            sample: 0,
            layer: "l1",
            what: What::PulseCode,
            fits: |m| m.index == 0 && m.got == -m.expected && m.got != 0,
        },
        Mutant {
            name: "pulses one unit too long",
            backend: External,
            small: little(),
            changes: &[("col_pulse", "!= ramp)", "!= ramp - 1'b1)")],
            sample: 0,
            layer: "l0",
            what: What::PulseWidth,
            fits: |m| m.got == m.expected + 1,
        },
        Mutant {
            name: "pulses one unit too short",
            backend: Emulated,
            small: little(),
            changes: &[("col_pulse", "!= ramp)", "!= ramp + 1'b1)")],
            sample: 0,
            layer: "l0",
            what: What::PulseWidth,
            fits: |m| m.got == m.expected - 1,
        },
        Mutant {
            name: "slot that ends before its longest pulse",
            backend: External,
            small: little(),
            changes: &[("array_port", "tick && (ramp_q == longest_q)", "tick && (ramp_q + 1'b1 == longest_q)")],
            sample: 0,
            layer: "l0",
            what: What::PulseWidth,
            fits: |m| m.got == m.expected - 1,
        },
        Mutant {
            name: "columns switched on in a read",
            backend: External,
            small: little(),
            changes: &[("col_pulse", "(take && !take_pulse)", "1'b0")],
            sample: 0,
            layer: "l1",
            what: What::PulseWidth,
            fits: |m| (m.expected, m.got) == (0, 1),
        },
        Mutant {
            name: "row codes that move while a slot runs",
            backend: External,
            small: little(),
            changes: &[("row_driver", "if (take) row_q <= stage_q", "row_q <= stage_q")],
            sample: 0,
            layer: "l0",
            what: What::RowCode,
            fits: |_| true,
        },
        Mutant {
            name: "stale x of an older pair",
            backend: External,
            small: little(),
            changes: &[("momentum_history", "times(pair_32, X_BEATS)", "times(head_32, X_BEATS)")],
            sample: 1,
            layer: "l0",
            what: What::RowCode,
            fits: |_| true,
        },
        Mutant {
            name: "stale y of an older pair",
            backend: Emulated,
            small: little(),
            changes: &[("momentum_history", "times(pair_32, Y_BEATS)", "times(head_32, Y_BEATS)")],
            sample: 1,
            layer: "l0",
            what: What::PulseCode,
            fits: |_| true,
        },
        Mutant {
            name: "history that wraps one pair too late",
            backend: External,
            small: little(),
            changes: &[(
                "momentum_history",
                "stored_q == FULL[DEPTH_BITS-1:0]) ? stored_q : stored_q + COUNT_ONE",
                "stored_q == FULL[DEPTH_BITS-1:0]) ? COUNT_ONE : stored_q + COUNT_ONE",
            )],
            sample: 4,
            layer: "l0",
            // The sample's own pair stands in the place of the oldest.
            what: What::RowCode,
            fits: |_| true,
        },
        Mutant {
            // eta is 16 units and gamma 65535 of 65536: rounded, eta gamma^j stays 16 units; cut, it becomes 15.
            name: "cut instead of rounded decay",
            backend: External,
            small: Small {
                network: "inputs = 7\nlayers = [\n\
                          { outputs = 5, activation = \"tanh\", error_range = 0.5, max_update = 0.00048828125 },\n\
                          { outputs = 3, activation = \"sigmoid\", error_range = 0.25, back_range = 0.5, \
                          max_update = 0.000244140625 } ]",
                training: "learning_rate = 0.0009765625\nmomentum = 0.99999\nhistory = 3\nseed = 7",
                device: "state_bits = 24",
                ..little()
            },
            changes: &[("momentum_decay", "= 24'h008000;", "= 24'h000000;")],
            sample: 1,
            layer: "l0",
            what: What::PulseCode,
            fits: |m| m.got.abs() < m.expected.abs(),
        },
        Mutant {
            name: "last slot of a step left out",
            backend: External,
            small: little(),
            changes: &[(
                "momentum_history",
                "sel_d = !silent ? SEL_OFFER",
                "sel_d = (!silent && !newest_q) ? SEL_OFFER",
            )],
            sample: 0,
            layer: "l0",
            what: What::Slots,
            fits: |m| (m.expected, m.got) == (1, 0),
        },
        Mutant {
            name: "silent pair written all the same",
            backend: External,
            small: Small { training: "learning_rate = 0.5\nmomentum = 0.01\nhistory = 3\nseed = 7", ..little() },
            changes: &[(
                "momentum_history",
                "wire                 silent  = (peak_product_q >> SILENT_SHIFT) == {PRODUCT{1'b0}};",
                "wire silent = 1'b0;",
            )],
            sample: 2,
            layer: "l0",
            // It stands in the place of the sample's own pair.
            what: What::RowCode,
            fits: |_| true,
        },
        Mutant {
            name: "error off by one",
            backend: External,
            small: little(),
            changes: &[(
                "read_path",
                "y_of = symmetric(saturated((product + HALF) >>> SHIFT));",
                "y_of = symmetric(saturated(((product + HALF) >>> SHIFT) + 1));",
            )],
            sample: 0,
            layer: "l1",
            what: What::Error,
            fits: |m| m.index == 0 && m.got == m.expected + 1,
        },
        Mutant {
            name: "error that wraps instead of saturating",
            backend: External,
            small: Small {
                network: "inputs = 7\nlayers = [ { outputs = 5, activation = \"tanh\" }, \
                          { outputs = 3, activation = \"tanh\", error_range = 0.125 } ]",
                ..little()
            },
            changes: &[(
                "read_path",
                "saturated = value[PRODUCT-1] ? ~Y_MAX : Y_MAX;",
                "saturated = value[ERROR_BITS-1:0];",
            )],
            sample: 0,
            layer: "l1",
            what: What::Error,
            fits: |m| m.expected == 2047,
        },
        Mutant {
            name: "ADC code that wraps instead of saturating",
            backend: Emulated,
            small: Small {
                network: "inputs = 7\nlayers = [ { outputs = 5, activation = \"tanh\", read_range = 0.25 }, \
                          { outputs = 3, activation = \"sigmoid\" } ]",
                ..little()
            },
            changes: &[("array_emulated", "? ~CODE_MAX : CODE_MAX;", "? ~CODE_MAX : value[ADC_BITS-1:0];")],
            sample: 3,
            layer: "l0",
            what: What::AdcCode,
            fits: |m| m.expected == 127,
        },
        Mutant {
            name: "ADC groups in another order",
            backend: External,
            small: little(),
            changes: &[("array_port", "assign adc_group  = group_q;", "assign adc_group  = group_q ^ 2'd1;")],
            sample: 0,
            layer: "l0",
            what: What::Operation,
            fits: |m| (m.index, m.expected, m.got) == (1, 0, 2),
        },
        Mutant {
            name: "ADC groups in another order inside the array",
            backend: Emulated,
            small: little(),
            changes: &[("", ".adc_group (l0_adc_group)", ".adc_group (l0_adc_group ^ 2'd1)")],
            sample: 0,
            layer: "l0",
            what: What::AdcCode,
            fits: |m| m.index == 0,
        },
        Mutant {
            name: "words of a conversion swapped",
            backend: External,
            small: little(),
            changes: &[("", "& l0_adc_code) |", "& {l0_adc_code[7:0], l0_adc_code[15:8]}) |")],
            sample: 0,
            layer: "l1",
            what: What::RowCode,
            fits: |m| m.index == 0,
        },
        Mutant {
            name: "one cycle more between two samples",
            backend: External,
            small: little(),
            changes: &[
                ("", ".all_idle    (&unit_idle && &port_idle)", ".all_idle    (idle_late_q)"),
                (
                    "",
                    "  little_sequencer #(",
                    "  reg idle_late_q;\n  always @(posedge aclk) idle_late_q <= &unit_idle && &port_idle;\n  little_sequencer #(",
                ),
            ],
            sample: 0,
            layer: "l0",
            what: What::Cycles("update"),
            fits: |m| m.got == m.expected + 1,
        },
        Mutant {
            name: "lanes beyond the last word not silenced",
            backend: External,
            small: little(),
            changes: &[("read_path", "s1_dest[1]) s1_lanes = 2'b01;", "s1_dest[1]) s1_lanes = 2'b11;")],
            sample: 0,
            layer: "l1",
            what: What::Error,
            fits: |m| (m.index, m.expected) == (3, 0),
        },
        Mutant {
            name: "words of the output vector swapped",
            backend: External,
            small: little(),
            changes: &[("", ".in_data      (act_data)", ".in_data      ({act_data[7:0], act_data[15:8]})")],
            sample: 0,
            layer: "l1",
            what: What::Output,
            fits: |m| m.index == 0,
        },
        Mutant {
            name: "padding of the output vector not zero",
            backend: External,
            small: little(),
            changes: &[(
                "sample_out",
                "m_axis_tdata <= words & {64{!close_q}};",
                "m_axis_tdata <= words | 64'h8000000000000000;",
            )],
            sample: 0,
            layer: "l1",
            what: What::Operation,
            fits: |m| (m.expected, m.got) == (3, 8),
        },
        Mutant {
            name: "drive of the transposed read cut instead of rounded",
            backend: Emulated,
            small: little(),
            changes: &[("read_path", "{value[ERROR_BITS-1]}}) + DRIVE_HALF;", "{value[ERROR_BITS-1]}});")],
            sample: 0,
            layer: "l1",
            what: What::DriveCode,
            fits: |m| m.got == m.expected - 1 || m.got == m.expected + 1,
        },
        Mutant {
            name: "slopes of another beat",
            backend: Emulated,
            small: little(),
            changes: &[("read_path", "slope_rd_addr = 2'd0 + s0_beat_q;", "slope_rd_addr = 2'd0;")],
            sample: 0,
            layer: "l0",
            what: What::Error,
            fits: |m| m.index >= 2,
        },
    ]
}

#[test]
fn every_mutant_is_reported_with_its_place() {
    on_all_cores(&mutants(), |mutant| {
        let rig = mutant.small.rig(mutant.backend);
        let name = mutant.name;
        let rtl = mutated(&rig.rtl, mutant.changes);
        let m = mismatch(&rig, &rtl, &options());
        let place = (m.sample, m.layer.as_str(), m.what);
        assert_eq!(place, (mutant.sample, mutant.layer, mutant.what), "{name}: {m}");
        assert!((mutant.fits)(&m), "{name}: {m}");
        assert_ne!(m.expected, m.got, "{name}: {m}");
    });
}

/// First mismatch of the samples `0 .. count`, trained in a session that `prepare` has changed, weights read back at the end.
fn session_mismatch(rig: &Rig, count: usize, prepare: impl FnOnce(&mut Session)) -> Mismatch {
    let library = rig.build();
    let mut session = rig.session(&library, &options());
    prepare(&mut session);
    match rig.samples(&mut session, 0..count, Mode::Train).and_then(|()| session.check_states()) {
        Err(CosimError::Mismatch(mismatch)) => mismatch,
        Err(other) => panic!("not a mismatch: {other}"),
        Ok(()) => panic!("nothing was found"),
    }
}

/// What golden does with the first sample.
fn first_trace(rig: &Rig) -> SampleTrace {
    let mut trace = SampleTrace::default();
    let x = encode::input_codes(&rig.design, rig.data.sample(0));
    let t = encode::target_codes(&rig.design, usize::from(rig.data.labels[0]));
    Machine::new(&rig.design).expect("a usable device").run(&x, &t, Mode::Train, &mut trace).expect("finite devices");
    trace
}

/// One bit of one table entry, the one that the first column of the first layer looks up: in the activation it is the row code
/// of the next layer, in the slope the error of this one.
#[test]
fn one_wrong_bit_in_a_table_is_found() {
    let rig = little().rig(External);
    let trace = &first_trace(&rig).layers[0];
    let table = ActivationTable::new(&rig.design, &rig.design.layers[0]);
    let index = trace.read[0] as usize & (table.slope.len() - 1);
    let entry = |slope: i32, activation: i32| format!("rom[{index}] = 16'h{:02x}{:02x};", slope, activation & 0xff);
    let (activation, slope) = table.look_up(trace.read[0]);
    let right = entry(slope, activation);
    let find = |wrong: String| {
        let rtl = mutated(&rig.rtl, &[("act_tanh", &right, &wrong)]);
        session_mismatch(&Rig { rtl, ..rig.clone() }, 1, |_| {})
    };
    let m = find(entry(slope, activation ^ 1));
    assert_eq!((m.sample, m.layer.as_str(), m.what, m.index), (0, "l1", What::RowCode, 0), "{m}");
    assert_eq!((m.expected, m.got), (activation.into(), (activation ^ 1).into()), "{m}");
    let m = find(entry(slope ^ 8, activation));
    assert_eq!((m.sample, m.layer.as_str(), m.what, m.index), (0, "l0", What::Error, 0), "{m}");
}

/// What only the weights show, reading them back shows: here after one sample, before any other read.
#[test]
fn wrong_arithmetic_of_the_emulated_array_is_found_by_reading_the_weights_back() {
    let small = [
        little(),
        Small { network: "inputs = 7\nlayers = [ { outputs = 3, activation = \"sigmoid\" } ]", ..little() },
        Small { array: "adcs = 2\nlanes = 2\nweight_range = 0.25", device: "state_bits = 14", ..little() },
    ];
    type Fits = fn(&Mismatch) -> bool;
    let changes: [(usize, &str, &str, Fits); 4] = [
        (0, "| STEP_HALF) + step;", ") + step;", |m| m.got == m.expected - 1),
        (1, "| STEP_HALF) + step;", ") + (step / 16) * 16;", |_| true),
        (2, "? ~STATE_MAX : STATE_MAX;", "? ~STATE_MAX : next[STATE_BITS-1:0];", |m| m.expected == 8191 && m.got < 0),
        (2, "next[NEXT-1] ? ~STATE_MAX :", "next[NEXT-1] ? next[STATE_BITS-1:0] :", |m| m.expected == -8191),
    ];
    on_all_cores(&changes, |(small_index, from, to, fits)| {
        let rig = small[*small_index].rig(Emulated);
        let rtl = mutated(&rig.rtl, &[("array_emulated", from, to)]);
        let m = session_mismatch(&Rig { rtl, ..rig }, 1, |_| {});
        assert_eq!((m.sample, m.what), (0, What::State), "{from}: {m}");
        assert!(fits(&m), "{from}: {m}");
    });
}

/// The golden side is no less under test: what is changed there differs from the RTL.
#[test]
fn a_changed_golden_model_is_found() {
    let rig = little().rig(External);
    type Change = fn(&mut Session);
    let changes: [(&str, u64, Change); 4] = [
        ("learning rate", 0, |s| s.golden.learning_rate += 64),
        ("momentum", 1, |s| s.golden.momentum -= 500),
        ("history", 2, |s| s.golden.history = 2),
        ("history cleared", 3, |_| {}),
    ];
    for (name, sample, change) in changes {
        let m = match name {
            "history cleared" => {
                let library = rig.build();
                let mut session = rig.session(&library, &options());
                rig.samples(&mut session, 0..3, Mode::Train).unwrap();
                session.golden.clear_history();
                match rig.samples(&mut session, 3..4, Mode::Train) {
                    Err(CosimError::Mismatch(m)) => m,
                    other => panic!("{name}: {other:?}"),
                }
            }
            _ => session_mismatch(&rig, 4, change),
        };
        assert_eq!(m.sample, sample, "{name}: {m}");
        // Where a pair is missing, the next one stands on the rows.
        assert!(matches!(m.what, What::PulseCode | What::RowCode | What::Slots), "{name}: {m}");
    }
}

#[test]
fn one_wrong_weight_is_found_at_its_cell() {
    let rig = little().rig(Emulated);
    let library = rig.build();
    let mut session = rig.session(&library, &options());
    session.check_states().unwrap();
    let mut states = session.golden.states(1).to_vec();
    states[7] += 1;
    session.bench.write_states(1, &states).unwrap();
    match session.check_states() {
        Err(CosimError::Mismatch(m)) => {
            assert_eq!((m.layer.as_str(), m.what, m.index), ("l1", What::State, 7), "{m}");
            assert_eq!(m.got, m.expected + 1, "{m}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_message_says_where_and_what() {
    let rig = little().rig(External);
    let rtl = mutated(&rig.rtl, &[("read_path", "assign y_data  = s3_y_q;", "assign y_data  = s3_y_q ^ 1;")]);
    let trace = first_trace(&rig);
    let m = session_mismatch(&Rig { rtl, ..rig.clone() }, 1, |_| {});
    let expected = trace.layers[1].y[0];
    let text = CosimError::from(m.clone()).to_string();
    let end = format!(
        "sample 0, layer l1, error y of output 0: expected {expected}, got {} (cycle {})",
        expected ^ 1,
        m.cycle
    );
    assert_eq!(text, format!("RTL differs from the golden model: {end}"));
    assert!(m.cycle > 0);
}

/// A machine that hangs ends with the watchdog, in the phase where it hangs, and the message names the option that raises the
/// limit.
#[test]
fn a_hanging_machine_ends_with_the_watchdog() {
    let hangs = [
        ("update", "array_port", "tick && (ramp_q == longest_q);", "tick && (ramp_q == longest_q) && 1'b0;"),
        ("forward", "sequencer", "(train ? error_done : out_done);", "(train ? error_done : out_done) && 1'b0;"),
        ("backward", "sequencer", "if (first_done) state_d = ST_UPDATE;", "state_d = ST_BACKWARD;"),
        ("wait_input", "sample_in", "assign sample_valid = |(valid_q & x_bank_q);", "assign sample_valid = 1'b0;"),
        ("wait_output", "sample_out", "assign free = ~|(full_q & wr_bank_q);", "assign free = 1'b0;"),
    ];
    on_all_cores(&hangs, |(phase, module, from, to)| {
        let rig = little().rig(External);
        let rtl = mutated(&rig.rtl, &[(module, from, to)]);
        match (Rig { rtl, ..rig }).run(&options()) {
            Err(error @ CosimError::Watchdog { sample: 0, .. }) => {
                let text = error.to_string();
                assert!(text.contains(&format!("Phase {phase}.")), "{text}");
                assert!(text.contains("--watchdog FACTOR (now 4)"), "{text}");
                let CosimError::Watchdog { seen, expected, .. } = error else { unreachable!() };
                assert!(expected > 50 && seen > 4 * expected, "{text}");
            }
            Err(other) => panic!("{from}: {other}"),
            Ok(_) => panic!("{from}: nothing was found"),
        }
    });
}

/// The unchanged designs pass: the mutants fail for their change alone.
#[test]
fn without_a_mutation_nothing_is_found() {
    for backend in [External, Emulated] {
        little().rig(backend).run(&options()).unwrap_or_else(|e| panic!("{e}"));
    }
}
