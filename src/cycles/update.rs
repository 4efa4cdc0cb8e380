//! What a layer's momentum unit and its array do after y is there, one function per unit.
//!
//! Times are cycles of the sample. `y_last` is the cycle of the last beat of y; `port_free` the last cycle of the array's operation
//! before: the next may be taken in it.

use super::{CycleModel, LayerTiming, Reads};
use crate::golden::LayerTrace;
use crate::golden::momentum::{Kind, Slot};
use crate::spec::MomentumUnit;

/// What a momentum unit makes of one pair (x, y).
#[derive(Debug, Clone, Copy)]
pub(super) struct Step<'t> {
    slots: &'t [Slot],
    skipped: usize,
    /// Rows of the array, bias included.
    rows: u64,
}

impl<'t> Step<'t> {
    /// That of a layer with a single pair.
    pub fn of(layer: LayerTiming, trace: &'t LayerTrace) -> Step<'t> {
        Step { slots: &trace.slots, skipped: trace.skipped, rows: layer.rows }
    }

    /// What the momentum unit does, and the carry that follows; an empty one where none is due.
    fn carry(self) -> (Step<'t>, &'t [Slot]) {
        let first = self.slots.iter().position(|slot| matches!(slot.kind, Kind::ReadSlice { .. }));
        let (slots, carry) = self.slots.split_at(first.unwrap_or(self.slots.len()));
        // A row without a whole carry was passed over.
        let skipped = self.skipped - usize::from(carry.len() == 1);
        (Step { slots, skipped, ..self }, carry)
    }

    /// Those of a convolution's places, in order.
    pub fn positions(layer: LayerTiming, trace: &'t LayerTrace) -> impl Iterator<Item = Step<'t>> {
        let mut rest = &trace.slots[..];
        trace.positions.iter().map(move |share| {
            let (slots, after) = rest.split_at(share.slots.min(rest.len()));
            rest = after;
            Step { slots, skipped: share.skipped, rows: layer.rows }
        })
    }
}

/// Ends of one layer's update within a sample.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct UpdateTimes {
    /// First cycle in which the unit has nothing left to do.
    pub unit_idle: u64,
    /// First cycle in which the array is idle.
    pub port_idle: u64,
}

impl CycleModel {
    pub(super) fn update(&mut self, layer: LayerTiming, trace: Step<'_>, y_last: u64, reads: Reads) -> UpdateTimes {
        let (unit, carry) = trace.carry();
        let times = match self.unit {
            // A ring of one pair: the current one.
            MomentumUnit::None | MomentumUnit::History => self.history(layer, unit, y_last, reads),
            MomentumUnit::InArray => self.in_array(layer, unit, y_last, reads.end),
            MomentumUnit::Sram => self.sram(layer, unit, y_last, reads.end),
            MomentumUnit::TikiTaka => self.tiki_taka(layer, unit, y_last, reads.end),
        };
        if self.sliced { self.carry(layer, carry, times) } else { times }
    }

    /// The read of a slice's row, the pulses up while codes come, and those down; nothing but a cycle's look where none is due.
    fn carry(&mut self, layer: LayerTiming, slots: &[Slot], unit: UpdateTimes) -> UpdateTimes {
        let UpdateTimes { unit_idle, port_idle } = unit;
        if slots.is_empty() {
            return UpdateTimes { unit_idle: unit_idle + 1, port_idle };
        }
        // The last cycle of the operation before, in which the next may be taken.
        let mut port_free = port_idle - 1;
        let taken = (unit_idle + 1).max(port_free);
        port_free = self.read_row(layer, taken);
        // Beats of the last group, and the counts behind them.
        let staged = port_free + layer.fwd_tail + 1;
        let [_, up, down] = slots else {
            return UpdateTimes { unit_idle: staged + 1, port_idle: port_free + 1 };
        };
        let taken = staged + 1;
        port_free = taken + self.length(layer, up);
        self.busy.push((taken + 1, port_free));
        // Memory, stage.
        let taken = (taken + layer.y_beats + 2).max(port_free);
        port_free = taken + self.length(layer, down);
        self.busy.push((taken + 1, port_free));
        UpdateTimes { unit_idle: taken + 1, port_idle: port_free + 1 }
    }

    /// Last cycle of the read of one row, at half of full scale: one step even where inputs are bit-serial.
    fn read_row(&mut self, layer: LayerTiming, taken: u64) -> u64 {
        let end = taken + layer.array.fwd_first + layer.fwd_groups.span(layer.array.fwd_next, self.group_beats);
        self.busy.push((taken + 1, end));
        end
    }

    /// Selector, fetcher and port, from the layer's last read on.
    fn history(&mut self, layer: LayerTiming, trace: Step<'_>, y_last: u64, reads: Reads) -> UpdateTimes {
        let mut port_free = reads.end;
        // A look at a pair takes two cycles, one more where its peak and factor come out of memories into registers.
        let read = if layer.history { self.deep } else { 0 };
        let look = 2 + read;
        // First cycle in which the selector looks at a pair.
        let mut select = reads.taken + 1;
        // Cycle of the last slot's take: the stages are free for the next pair in it.
        let mut taken = 0;
        let mut write = |select: u64, silent: u64, beats: u64, longest: u32| {
            let offer = select + look * silent + look;
            let fetch = offer.max(taken);
            let staged = fetch + beats + 3 + 2 * self.deep;
            taken = staged.max(port_free);
            let length = (u64::from(longest) * self.pulse_lsb).max(layer.array.write_min);
            port_free = taken + length;
            self.busy.push((taken + 1, port_free));
            (fetch + 1, taken)
        };
        let (own, earlier) = match trace.slots.split_last() {
            Some((last, before)) if last.age == 0 => (Some(last), before),
            _ => (None, trace.slots),
        };
        let whole = layer.x_beats.max(layer.y_beats);
        let mut next_age = 1;
        let mut last_take = 0;
        for slot in earlier {
            let silent = (slot.age - next_age) as u64;
            next_age = slot.age + 1;
            (select, last_take) = write(select, silent, whole, slot.longest);
        }
        // The sample's own pair is looked at in the cycle after its y is there, and its largest |y| found.
        let pairs = trace.slots.len() + trace.skipped;
        let waits = select + look * pairs.saturating_sub(next_age) as u64;
        let found = y_last + self.peak;
        select = if layer.history { waits.max(found) + 1 } else { found + 1 };
        let unit_idle = match own {
            Some(slot) => {
                // The rows still hold its x when nothing was written before it.
                let beats = if earlier.is_empty() { layer.y_beats } else { whole };
                write(select, 0, beats, slot.longest).1 + 1
            }
            // Within a batch the pair is only stored.
            None if pairs == 0 => select + 1 + read,
            None => (select + look).max(if earlier.is_empty() { 0 } else { last_take + 1 }),
        };
        UpdateTimes { unit_idle, port_idle: port_free + 1 }
    }

    /// Decay, write, transfer, one after the other, or write, write, decay, transfer; y is fetched meanwhile.
    fn in_array(&mut self, layer: LayerTiming, trace: Step<'_>, y_last: u64, mut port_free: u64) -> UpdateTimes {
        let staged = y_last + layer.y_beats + 6;
        // First cycle in which the next operation can be taken.
        let mut ready = y_last + 1;
        // Without a write a cycle passes in which the sequence sees so, not before the selector has.
        let silent = trace.skipped > 0;
        let no_write = |ready: u64| ready.max(y_last + 3) + 1;
        let count = trace.slots.len();
        for (index, slot) in trace.slots.iter().enumerate() {
            ready = match slot.kind {
                Kind::WriteVelocity => ready.max(staged),
                Kind::Transfer if silent && !self.kind.nesterov() => no_write(ready),
                // Nesterov's decay comes after the write.
                Kind::Decay { .. } if silent && self.kind.nesterov() && index + 2 == count => no_write(ready),
                _ => ready,
            };
            let taken = ready.max(port_free);
            port_free = taken + self.length(layer, slot);
            self.busy.push((taken + 1, port_free));
            ready = taken + 1;
        }
        // A sample within its batch has no transfer.
        if silent && trace.slots.last().is_none_or(|slot| slot.kind != Kind::Transfer) {
            ready = no_write(ready);
        }
        UpdateTimes { unit_idle: ready, port_idle: port_free + 1 }
    }

    /// Rows in order, a beat a cycle; a row waits while the slot of the row before it is still in the column stage.
    fn sram(&mut self, layer: LayerTiming, trace: Step<'_>, y_last: u64, mut port_free: u64) -> UpdateTimes {
        // Last cycle of the last beat so far, and the take of the last slot.
        let stages = if self.kind.nesterov() { 5 } else { 4 };
        let (mut done, mut taken) = (y_last + stages, 0);
        let mut rows = 0;
        for slot in trace.slots {
            let row = slot.age as u64 + 1;
            // The first beat after a slot may come with its take.
            let first = (done + 1).max(taken);
            done = first + (row - rows) * layer.y_beats - 1;
            rows = row;
            taken = (done + 1).max(port_free);
            port_free = taken + self.length(layer, slot);
            self.busy.push((taken + 1, port_free));
        }
        // Whether they give a pulse or not, and within a batch none does.
        let all = trace.rows;
        if all > rows {
            done = (done + 1).max(taken) + (all - rows) * layer.y_beats - 1;
        }
        UpdateTimes { unit_idle: done.max(taken) + 1, port_idle: port_free + 1 }
    }

    /// The sample's pair; then, when a row's transfer is due, its read, the pulses for W while codes come, and those for the fast array.
    fn tiki_taka(&mut self, layer: LayerTiming, trace: Step<'_>, y_last: u64, mut port_free: u64) -> UpdateTimes {
        let mut slots = trace.slots.iter().peekable();
        let mut ready = y_last + 4;
        if let Some(pair) = slots.next_if(|slot| slot.kind == Kind::WriteVelocity) {
            let taken = (y_last + layer.y_beats + 6).max(port_free);
            port_free = taken + self.length(layer, pair);
            self.busy.push((taken + 1, port_free));
            ready = taken + 1;
        }
        if slots.next_if(|slot| slot.kind == Kind::ReadVelocity).is_none() {
            return UpdateTimes { unit_idle: ready, port_idle: port_free + 1 };
        }
        let taken = ready.max(port_free);
        port_free = self.read_row(layer, taken);
        // Beats of the last group, and the residues behind them.
        let mut staged = port_free + layer.fwd_tail + 1;
        if let Some(weights) = slots.next_if(|slot| slot.kind == Kind::Write) {
            staged += 1;
            port_free = staged + self.length(layer, weights);
            self.busy.push((staged + 1, port_free));
        }
        // Memory, product, stage.
        let mut idle = staged + layer.y_beats + 3;
        if let Some(back) = slots.next() {
            let taken = idle.max(port_free);
            port_free = taken + self.length(layer, back);
            self.busy.push((taken + 1, port_free));
            idle = taken + 1;
        }
        UpdateTimes { unit_idle: idle, port_idle: port_free + 1 }
    }

    /// Cycles of an operation.
    fn length(&self, layer: LayerTiming, slot: &Slot) -> u64 {
        match (slot.kind, self.local) {
            (Kind::Decay { .. }, Some(local)) => u64::from(local.decay),
            (Kind::Transfer, Some(local)) => u64::from(local.transfer),
            _ => (u64::from(slot.longest) * self.pulse_lsb).max(layer.array.write_min),
        }
    }
}
