//! The refresh of pairs of devices: scheduled, and exact through the RTL.

use crate::common::{CALM, Rig, memory_rig, mutated, on_all_cores, options};
use memrtl::array::Crossbar;
use memrtl::cosim::{CosimError, Session};
use memrtl::device::{CellAddress, CellPulse, Memristors, Scale, Slot};
use memrtl::golden::{Mode, initial_states};
use memrtl::rtl::Rtl;
use memrtl::spec::Sweep;

/// The scheduler with its reads, RESETs and SETs, on pairs that move both ways.
#[test]
fn a_refresh_comes_after_every_so_many_samples_and_holds_the_next_one() {
    let device = format!("{CALM}\nsigned = \"differential\"");
    let mut rig = memory_rig(&device, "attempts = 200\nrefresh_upper = 0.3\nrefresh_lower = 0.25");
    let memory = rig.design.memory.as_mut().expect("a memory mode");
    (memory.devices, memory.refresh_every) = (2, 3);
    for ramp in [&mut memory.set, &mut memory.reset] {
        ramp.width = Sweep { start: 40, stop: 80, step: 40, ..ramp.width };
    }
    rig.design.refresh_hash();
    rig.rtl = Rtl::generate(&rig.design).expect("the templates render");
    let library = rig.build();
    let mut session = rig.session(&library, &options());
    rig.samples(&mut session, 0..2, Mode::Train).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(session.memory.reads, 0, "two samples of three");
    // The refresh after the last sample of a run comes at its end, one in between before the next sample.
    rig.samples(&mut session, 2..3, Mode::Train).unwrap_or_else(|e| panic!("{e}"));
    let pairs = 8 * 5 + 6 * 3;
    let first = session.memory;
    assert!(first.reads >= 2 * pairs, "{first:?}");
    rig.samples(&mut session, 3..7, Mode::Train).unwrap_or_else(|e| panic!("{e}"));
    assert!(session.memory.reads >= 2 * 2 * pairs, "{:?}", session.memory);
    assert!(session.memory.refreshed >= pairs / 2 && session.memory.resets > 0, "{:?}", session.memory);
    session.check_memory_counters().unwrap_or_else(|e| panic!("{e}"));
    // Inference counts no samples; the host may refresh whenever the machine is idle.
    rig.samples(&mut session, 7..10, Mode::Infer).unwrap_or_else(|e| panic!("{e}"));
    let before = session.memory;
    session.refresh().unwrap_or_else(|e| panic!("{e}"));
    assert!(session.memory.reads > before.reads);
    rig.samples(&mut session, 10..12, Mode::Train).unwrap_or_else(|e| panic!("{e}"));
    session.check_memory_counters().unwrap_or_else(|e| panic!("{e}"));
    // Off, then on again.
    let every = session.bench.address("MEMORY_REFRESH_EVERY");
    session.bench.write(every, 0).unwrap_or_else(|e| panic!("{e}"));
    session.golden.memory.as_mut().expect("a controller").registers.refresh_every = 0;
    let before = session.memory;
    rig.samples(&mut session, 12..16, Mode::Train).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(session.memory.reads, before.reads);
}

/// Phase-change memory as it is: SET by training, melted by the refresh with the default RESET pulses, its difference set anew.
#[test]
fn worn_phase_change_pairs_are_refreshed_through_the_rtl() {
    // Reads that tell states apart by a tenth of the range, so that a few samples wear a pair out.
    let rig = memory_rig(
        "model = \"pcm\"",
        "refresh_every = 2\nrefresh_upper = 0.1\nrefresh_lower = 0.05\ntolerance = 1.2e-6\nattempts = 200\n\
         [memory.set]\namplitude_start = 1.0\namplitude_stop = 1.0\nwidth_start = 4\nwidth_stop = 50\nwidth_step = 4",
    );
    let report = rig.run(&options()).unwrap_or_else(|e| panic!("{e}"));
    let totals = report.summary.memory.expect("a memory mode");
    assert!(totals.refreshed > 0 && totals.resets > 0 && totals.sets > 0, "{totals:?}");
    assert!(totals.successes > 4 * totals.failures, "{totals:?}");
    assert_eq!(report.summary.cycles_total, report.summary.cycles_predicted);
}

/// A pair of one-sided devices: SET pulses add conductance in steps that shrink towards the top, a RESET takes it all away.
/// Updates only ever SET, so that both devices rise with training.
struct Pair {
    cols: usize,
    cells: usize,
    step: f32,
    /// Shares of the range: all positive devices, all negative ones, then the weights.
    states: Vec<f32>,
}

impl Pair {
    const RANGE: (f64, f64) = (1e-6, 1e-5);

    fn boxed(rows: usize, cols: usize, step: f32) -> Box<dyn Memristors> {
        let cells = rows * cols;
        Box::new(Pair { cols, cells, step, states: vec![0.0; 3 * cells] })
    }

    fn set(&mut self, device: usize, cell: usize, dose: f32) {
        let state = &mut self.states[device * self.cells + cell];
        *state += (1.0 - *state) * (dose * self.step).min(1.0);
        self.weigh(cell);
    }

    fn weigh(&mut self, cell: usize) {
        self.states[2 * self.cells + cell] = self.states[cell] - self.states[self.cells + cell];
    }
}

impl Memristors for Pair {
    fn devices(&self) -> usize {
        2
    }

    fn weights(&self) -> &[f32] {
        &self.states[2 * self.cells..]
    }

    fn scale(&self) -> Scale {
        Scale { reference: 0.0, span: Pair::RANGE.1 - Pair::RANGE.0 }
    }

    fn write(&mut self, slot: Slot<'_>, _op: u64) {
        for (row, &x) in slot.x.iter().enumerate() {
            for (col, &width) in slot.widths.iter().enumerate() {
                let dose = x * width;
                self.set(usize::from(dose < 0), row * self.cols + col, dose.abs() as f32 / 127.0);
            }
        }
    }

    fn program(&mut self, weights: &[f32], _op: u64) {
        for (cell, &w) in weights.iter().enumerate() {
            // One pair in five has but one device near the top, which is no reason for a refresh.
            let (plus, minus) = if cell % 5 == 0 { (0.85, 0.1) } else { (0.3 + w.max(0.0), 0.3 + (-w).max(0.0)) };
            self.states[cell] = plus.min(0.9);
            self.states[self.cells + cell] = minus.min(0.9);
            self.weigh(cell);
        }
    }

    fn states(&self) -> &[f32] {
        &self.states
    }

    fn restore(&mut self, states: &[f32]) {
        self.states.copy_from_slice(states);
    }

    fn age(&mut self, _seconds: f64, _op: u64) {}

    fn conductance(&self, at: CellAddress) -> f64 {
        let share = self.states[at.device * self.cells + at.row * self.cols + at.col];
        Pair::RANGE.0 + f64::from(share) * (Pair::RANGE.1 - Pair::RANGE.0)
    }

    fn conductance_range(&self) -> (f64, f64) {
        Pair::RANGE
    }

    fn pulse(&mut self, at: CellAddress, pulse: CellPulse, _op: u64) {
        let cell = at.row * self.cols + at.col;
        if pulse.volts > 0.0 {
            self.set(at.device, cell, (pulse.seconds / 2e-9) as f32);
        } else {
            self.states[at.device * self.cells + cell] = 0.0;
            self.weigh(cell);
        }
    }
}

/// The small design on pairs, refreshed after every fourth training sample.
fn pair_rig() -> Rig {
    let mut rig = memory_rig(CALM, "attempts = 200\nrefresh_upper = 0.75\nrefresh_lower = 0.25");
    let memory = rig.design.memory.as_mut().expect("a memory mode");
    assert_eq!(memory.conductance, Pair::RANGE);
    (memory.devices, memory.refresh_every) = (2, 4);
    rig.design.refresh_hash();
    rig.rtl = Rtl::generate(&rig.design).expect("the templates render");
    rig
}

fn pair_session(rig: &Rig) -> Session {
    let library = rig.build();
    let mut session = rig.session(&library, &options());
    for (index, layer) in rig.design.layers.iter().enumerate() {
        let array = || {
            let cells = Pair::boxed(layer.rows(), layer.outputs, 0.002);
            let mut array = Crossbar::with_memristors(&rig.design, index, layer, cells);
            array.load(&initial_states(&rig.design, index, layer));
            array
        };
        session.golden.replace_array(index, array());
        session.bench.arrays[index].crossbar = Some(array());
    }
    session
}

/// Pairs that training wears out: every refresh is exact, and leaves each weight as it was within what write-verify allows.
#[test]
fn worn_pairs_are_reset_and_their_difference_is_set() {
    let rig = pair_rig();
    let memory = rig.design.memory.clone().expect("a memory mode");
    let mut session = pair_session(&rig);
    rig.samples(&mut session, 0..18, Mode::Train).unwrap_or_else(|e| panic!("{e}"));
    let totals = session.memory;
    assert!(totals.refreshed > 5 && totals.resets >= 2 * totals.refreshed - 2, "{totals:?}");
    assert!(totals.sets > 0 && totals.failures == 0, "{totals:?}");
    session.check_memory_counters().unwrap_or_else(|e| panic!("{e}"));

    // The weights around one refresh.
    rig.samples(&mut session, 18..19, Mode::Train).unwrap_or_else(|e| panic!("{e}"));
    let before: Vec<Vec<f32>> = (0..2).map(|l| session.golden.array(l).weights()).collect();
    let refreshed = session.memory.refreshed;
    session.refresh().unwrap_or_else(|e| panic!("{e}"));
    assert!(session.memory.refreshed > refreshed, "something was worn");
    let code = (memory.step() / (Pair::RANGE.1 - Pair::RANGE.0)) as f32;
    // Two conversions, a floor and a target, each within the tolerance and half a code.
    let allowed = (memory.tolerance_codes as f32 + 2.5) * code;
    for (layer, before) in before.iter().enumerate() {
        for (cell, (was, is)) in before.iter().zip(session.golden.array(layer).weights()).enumerate() {
            assert!((was - is).abs() <= allowed, "layer {layer}, cell {cell}: {was} {is}, {allowed} allowed");
        }
    }
}

#[test]
fn a_broken_refresh_is_found() {
    let cases = [
        (
            "difference on the wrong device",
            "memory_ctrl",
            "(step_q == STEP_RESET_1) ? !plus_larger_q",
            "(step_q == STEP_RESET_1) ? plus_larger_q",
        ),
        ("pairs with one worn device", "memory_ctrl", "(smaller > lower)", "(larger > lower)"),
        (
            "the larger code instead of the difference",
            "memory_ctrl",
            "difference_q  <= larger - smaller;",
            "difference_q  <= larger;",
        ),
        (
            "a sample too late",
            "memory_ctrl",
            "(samples_q + COUNT_ONE >= refresh_every)",
            "(samples_q >= refresh_every)",
        ),
        ("a sample that does not wait", "sequencer", "(loaded_q && out_ok && !hold)", "(loaded_q && out_ok)"),
    ];
    let good = pair_rig();
    on_all_cores(&cases, |(name, module, from, to)| {
        let rig = Rig { rtl: mutated(&good.rtl, &[(module, from, to)]), ..good.clone() };
        let mut session = pair_session(&rig);
        match rig.samples(&mut session, 0..18, Mode::Train) {
            Err(CosimError::Mismatch(m)) => assert!(m.sample >= 3, "{name}: {m}"),
            Err(other) => panic!("{name}: {other}"),
            Ok(()) => panic!("{name}: nothing was found"),
        }
    });
}
