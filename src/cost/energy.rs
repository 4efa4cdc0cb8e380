//! Energy of a sample: numbers of events times what each costs, per phase and component.

use std::collections::BTreeMap;

use serde::Serialize;

use super::CostError;
use super::activity::{Activity, Counted, GoldenRun, LayerActivity};
use super::area::{Area, area};
use super::components::{Components, Used};
use super::counts::Model;
use super::shapes::Shape;
use crate::phases::Phase;
use crate::spec::{Design, MomentumUnit};

/// What energy goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Component {
    /// DACs of rows and columns, and the lines behind them.
    Drivers,
    /// Currents through memristors in reads.
    Cells,
    /// Write pulses.
    Pulses,
    /// Decays and transfers inside of synapses.
    Local,
    /// Sample-and-holds and ADCs.
    Converters,
    /// Sums of tiles and of bit planes.
    Adders,
    /// Activations and slopes.
    Tables,
    Multipliers,
    /// Vectors, pairs, velocities in memory on the chip.
    Memory,
    /// Words that move between blocks.
    Bus,
    /// Samples and outputs, from and to outside.
    Samples,
    /// Registers of line drivers.
    Registers,
    /// Converters and drivers that do nothing.
    Leakage,
}

impl Component {
    pub const ALL: [Component; 13] = [
        Component::Drivers,
        Component::Cells,
        Component::Pulses,
        Component::Local,
        Component::Converters,
        Component::Adders,
        Component::Tables,
        Component::Multipliers,
        Component::Memory,
        Component::Bus,
        Component::Samples,
        Component::Registers,
        Component::Leakage,
    ];

    /// In tables.
    pub fn name(self) -> &'static str {
        match self {
            Component::Drivers => "line drivers",
            Component::Cells => "memristors, reads",
            Component::Pulses => "memristors, pulses",
            Component::Local => "second devices",
            Component::Converters => "ADCs",
            Component::Adders => "adders",
            Component::Tables => "activation tables",
            Component::Multipliers => "multipliers",
            Component::Memory => "memory",
            Component::Bus => "buses",
            Component::Samples => "samples in, outputs out",
            Component::Registers => "registers",
            Component::Leakage => "leakage",
        }
    }
}

/// A kind of event: so many times a sample, at so much each.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    pub phase: Phase,
    pub component: Component,
    pub what: &'static str,
    /// Per sample, on average.
    pub number: f64,
    /// Joules.
    pub each: f64,
}

/// The energy of a sample in its parts.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Energies {
    pub events: Vec<Event>,
}

impl Energies {
    pub(super) fn add(&mut self, phase: Phase, component: Component, what: &'static str, number: f64, each: f64) {
        if number == 0.0 {
            return;
        }
        let same = |e: &&mut Event| (e.phase, e.component, e.what, e.each) == (phase, component, what, each);
        match self.events.iter_mut().find(same) {
            Some(event) => event.number += number,
            None => self.events.push(Event { phase, component, what, number, each }),
        }
    }

    /// Adds all of `other` so many times.
    fn merge(&mut self, other: &Energies, times: f64) {
        for event in &other.events {
            self.add(event.phase, event.component, event.what, event.number * times, event.each);
        }
    }

    fn sum(&self, wanted: impl Fn(&Event) -> bool) -> f64 {
        self.events.iter().filter(|e| wanted(e)).map(|e| e.number * e.each).sum()
    }

    /// Joules of all events.
    pub fn total(&self) -> f64 {
        self.sum(|_| true)
    }

    pub fn phase(&self, phase: Phase) -> f64 {
        self.sum(|e| e.phase == phase)
    }

    pub fn component(&self, component: Component) -> f64 {
        self.sum(|e| e.component == component)
    }

    pub fn part(&self, phase: Phase, component: Component) -> f64 {
        self.sum(|e| e.phase == phase && e.component == component)
    }
}

/// What a training or inference sample costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// Seconds, all and by phase.
    pub seconds: f64,
    pub phase_seconds: BTreeMap<&'static str, f64>,
    /// Clock cycles, all and by phase.
    pub cycles: f64,
    pub phase_cycles: BTreeMap<&'static str, f64>,
    /// Share of the cycles in which an array works.
    pub array_busy: f64,
    /// Joules, all, by phase and by component.
    pub joules: f64,
    pub phase_joules: BTreeMap<&'static str, f64>,
    pub component_joules: BTreeMap<&'static str, f64>,
    #[serde(flatten)]
    pub energies: Energies,
}

/// Everything that is said of a design.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    pub name: String,
    pub spec_hash: String,
    pub momentum_unit: MomentumUnit,
    pub layers: Vec<Shape>,
    /// Weights, biases left out.
    pub weights: u64,
    pub arrays: usize,
    pub clock_ns: f64,
    pub activity: Activity,
    pub training: Step,
    pub inference: Step,
    pub area: Area,
    pub constants: Vec<Used>,
}

impl Estimate {
    /// Mean power of training in watts.
    pub fn power(&self) -> f64 {
        self.training.joules / self.training.seconds
    }
}

/// Where an activity is to come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    /// A golden run.
    Golden(GoldenRun),
    Assumed,
}

/// What `design` costs with the constants of `components`.
///
/// # Errors
/// An emulated array, data or devices that a golden run cannot use.
pub fn estimate(design: &Design, components: &Components, counting: Counting) -> Result<Estimate, CostError> {
    if design.array.backend.emulated() {
        return Err(CostError::Emulated);
    }
    let components = components.of_design(design)?;
    let activity = match counting {
        Counting::Golden(run) => Activity::golden(design, &components, run)?,
        Counting::Assumed => Activity::assumed(design, &components)?,
    };
    Ok(of_activity(design, &components, &activity, &design.shapes()))
}

/// The same of a known activity, that of one position of each layer but for its cycles; `components` with all that spec and device say.
pub(super) fn of_activity(design: &Design, components: &Components, activity: &Activity, layers: &[Shape]) -> Estimate {
    let model = Model { design, components };
    let (mut training, mut inference) = (Energies::default(), Energies::default());
    for energies in [&mut training, &mut inference] {
        model.load(energies);
        model.output(energies);
    }
    for (index, (layer, activity)) in design.layers.iter().zip(&activity.layers).enumerate() {
        let shape = layers.get(index).copied().unwrap_or(Shape::full(layer.inputs, layer.outputs));
        let positions = shape.positions as f64;
        // What goes on of a position: all, or its share in a pooled pixel.
        let share = shape.pixels as f64 / positions;
        // Decays and transfers come once per sample.
        let activity = LayerActivity { local: activity.local / positions, ..*activity };
        let (mut forward, mut rest) = (Energies::default(), Energies::default());
        model.forward(&mut forward, layer, &activity, share);
        model.errors(&mut rest, index, share);
        if index > 0 {
            model.transposed(&mut rest, layer, &activity);
        }
        model.update(&mut rest, layer, &activity);
        if positions > 1.0 {
            model.windows(&mut forward, Phase::Forward, layer);
            model.windows(&mut rest, Phase::Update, layer);
        }
        inference.merge(&forward, positions);
        training.merge(&forward, positions);
        training.merge(&rest, positions);
    }
    model.idle(&mut training, &activity.training);
    model.idle(&mut inference, &activity.inference);
    let clock = design.timing.clock_ns * 1e-9;
    Estimate {
        name: design.name.clone(),
        spec_hash: design.spec_hash.clone(),
        momentum_unit: design.training.momentum_unit,
        layers: layers.to_vec(),
        weights: layers.iter().map(Shape::weights).sum(),
        arrays: design.layers.iter().map(|l| l.tiling.count()).sum(),
        clock_ns: design.timing.clock_ns,
        activity: activity.clone(),
        training: step(&activity.training, training, clock),
        inference: step(&activity.inference, inference, clock),
        area: area(design, components, layers),
        constants: components.list(),
    }
}

fn step(counted: &Counted, energies: Energies, clock: f64) -> Step {
    let phases = || Phase::of(true).into_iter().filter(|phase| *phase != Phase::Idle);
    let by_phase = |value: &dyn Fn(Phase) -> f64| phases().map(|phase| (phase.name(), value(phase))).collect();
    let names = Component::ALL.iter().map(|c| (c.name(), energies.component(*c)));
    Step {
        seconds: counted.total() * clock,
        phase_seconds: by_phase(&|phase| counted.phase(phase) * clock),
        cycles: counted.total(),
        phase_cycles: by_phase(&|phase| counted.phase(phase)),
        array_busy: counted.busy(),
        joules: energies.total(),
        phase_joules: by_phase(&|phase| energies.phase(phase)),
        component_joules: names.collect(),
        energies,
    }
}
