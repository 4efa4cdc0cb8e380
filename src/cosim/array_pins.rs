//! An array macro on pins: answers the handshake with the Rust crossbar and measures the pulses that really come out.

use verilated::Model;

use super::cell_pins::CellPins;
use super::pins::{self, MacroPins};
use crate::array::Crossbar;
use crate::device::NotFinite;
use crate::spec::{Design, Tile};

/// Codes on `op_kind`.
const KIND_FORWARD: u64 = 0;
const KIND_BACK: u64 = 1;
const KIND_WRITE: u64 = 2;
const KIND_CELL: u64 = 3;
const KIND_READ_ROW: u64 = 4;
const KIND_DECAY: u64 = 5;
const KIND_WRITE_VELOCITY: u64 = 6;
const KIND_TRANSFER: u64 = 7;

/// Which read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    Forward,
    Back,
    /// A forward read of one row: of the second devices, or of a slice of the weights.
    Row,
}

impl Read {
    fn kind(self) -> u64 {
        match self {
            Read::Forward => KIND_FORWARD,
            Read::Back => KIND_BACK,
            Read::Row => KIND_READ_ROW,
        }
    }
}

/// What an array saw on its pins in one cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    None,
    /// A read has begun; the row codes of a forward read are in [`ArrayPins::x`], the column codes of a transposed one in
    /// [`ArrayPins::drive`].
    ReadStart(Read),
    /// The codes of this group have been taken, [`ArrayPins::codes`].
    Codes {
        read: Read,
        group: usize,
    },
    /// A write slot has begun, or a decay or transfer of the velocities, see [`ArrayPins::kind`]: row codes and column codes are on
    /// the pins.
    SlotStart,
    /// It is over: measured widths in [`ArrayPins::widths`], in cycles.
    SlotEnd {
        cycles: u64,
    },
    /// An operation on one cell has begun.
    CellStart,
    /// It is over; it is in [`ArrayPins::cell`].
    CellEnd {
        /// Width that the pins announced for a pulse.
        announced: u32,
    },
}

#[derive(Debug, Clone, Copy)]
enum Operation {
    Idle,
    Read { read: Read, countdown: u32 },
    Write { since: u64 },
    CellRead { countdown: u32 },
    CellPulse,
}

/// One array macro: that of a layer, or of one of its tiles.
pub struct ArrayPins {
    /// Number of its layer, and its place there.
    pub layer: usize,
    pub tile: Tile,
    pins: MacroPins,
    operation: Operation,
    /// Operations on single cells; none without a memory mode.
    pub cell: Option<CellPins>,
    /// The crossbar behind the pins; none when the design emulates the array itself.
    pub crossbar: Option<Crossbar>,
    dac_bits: u32,
    adc_bits: u32,
    mag_bits: u32,
    adcs: usize,
    settle: u32,
    convert: u32,
    pulse_lsb: u64,
    /// Several devices per weight, of which this macro has one.
    slices: bool,
    rows: usize,
    cols: usize,
    pub x: Vec<i32>,
    pub drive: Vec<i32>,
    pub codes: Vec<i32>,
    /// Signed pulse codes of a slot as they stand on `col_mag` and `col_neg`.
    pub pulses: Vec<i32>,
    /// Cycles that each column was on in a slot.
    pub widths: Vec<u32>,
    /// The running or last operation, as on `op_kind`.
    pub kind: u64,
    /// What a decay leaves, in units of `2^-16`, as on the pins.
    pub gamma: u32,
    /// First column that is switched on in a read, where none may be.
    pub stray_pulse: Option<usize>,
    /// The macro has changed what it offers in this cycle.
    pub offered: bool,
    /// A device of the crossbar whose state is no number any more.
    pub fault: Option<NotFinite>,
    all_codes: Vec<i32>,
    on: Vec<u32>,
    /// Bits of the driven lines at the operation's start: they must not move while it runs.
    held: Vec<u64>,
}

impl ArrayPins {
    pub fn new(
        model: &Model,
        design: &Design,
        index: usize,
        tile: Tile,
        crossbar: Option<Crossbar>,
    ) -> Result<Self, verilated::Error> {
        let layer = &design.layers[index];
        let cols = tile.cols;
        Ok(ArrayPins {
            layer: index,
            tile,
            pins: MacroPins::find(model, design, layer, &tile)?,
            operation: Operation::Idle,
            cell: CellPins::find(model, design, index, layer)?,
            crossbar,
            dac_bits: design.array.dac_bits,
            adc_bits: design.array.adc_bits,
            mag_bits: pins::mag_bits(design),
            adcs: design.array.adcs,
            settle: design.timing.read_settle,
            convert: design.timing.adc_conversion,
            pulse_lsb: u64::from(design.timing.pulse_lsb),
            slices: design.array.slices.is_some(),
            rows: tile.rows,
            cols,
            x: Vec::new(),
            drive: Vec::new(),
            codes: Vec::new(),
            pulses: Vec::new(),
            widths: vec![0; cols],
            kind: 0,
            gamma: 0,
            stray_pulse: None,
            offered: false,
            fault: None,
            all_codes: Vec::new(),
            held: Vec::new(),
            on: vec![0; cols.div_ceil(32)],
        })
    }

    /// Says that writes are taken at once, as this macro takes them.
    pub fn ready(&self, model: &mut Model) {
        if let Some(driven) = self.pins.driven {
            model.set(driven.op_ready, 1);
        }
    }

    /// Forgets an operation in progress: the design was reset.
    pub fn abort(&mut self) {
        self.operation = Operation::Idle;
    }

    /// Whether the pins show what drives the lines.
    pub fn lines_seen(&self) -> bool {
        self.pins.lines.is_some()
    }

    /// Whether an operation is in progress after this cycle's look.
    #[inline]
    pub fn active(&self) -> bool {
        !matches!(self.operation, Operation::Idle)
    }

    /// Cycles from the next one on in which, as long as the watched pins stay as they are, nothing is to do here; 0 when the
    /// next cycle must be looked at.
    #[inline]
    pub fn quiet(&self) -> u64 {
        match self.operation {
            // The bench's converters answer by their own clock, an emulated array's on its pins.
            Operation::Read { countdown: 1.., .. } | Operation::CellRead { .. } if self.pins.driven.is_some() => {
                u64::from(self.countdown().saturating_sub(1))
            }
            // A code on offer waits for `adc_ready`, which is watched.
            _ => u64::MAX,
        }
    }

    /// Lets `cycles` pass in which nothing happened on the pins.
    #[inline]
    pub fn pass(&mut self, cycles: u64) {
        if let Operation::Read { countdown, .. } | Operation::CellRead { countdown } = &mut self.operation
            && self.pins.driven.is_some()
        {
            *countdown = countdown.saturating_sub(cycles as u32);
        }
    }

    /// Cycles until the running conversion ends.
    fn countdown(&self) -> u32 {
        match self.operation {
            Operation::Read { countdown, .. } | Operation::CellRead { countdown } => countdown,
            _ => 0,
        }
    }

    /// The operation that the pins ask for, as on `op_kind`.
    pub fn operation(&self, model: &Model) -> Option<u64> {
        (model.get(self.pins.op_valid) == 1).then(|| model.get(self.pins.op_kind))
    }

    /// Adds the pins whose change is an event.
    pub fn watch(&self, watch: verilated::Watch) -> verilated::Watch {
        let watch = watch.changes(self.pins.op_valid).changes(self.pins.op_last);
        let watch = match self.pins.lines {
            Some(lines) => watch.changes(lines.col_on),
            None => watch,
        };
        let watch = match &self.cell {
            Some(cell) => cell.watch(watch),
            None => watch,
        };
        // A code on offer is taken when the design is ready for it, whoever offers it.
        let watch = watch.changes(self.pins.adc_ready);
        match self.pins.driven {
            Some(_) => watch,
            None => watch.changes(self.pins.adc_valid).changes(self.pins.op_ready),
        }
    }

    /// Looks at the pins of the running cycle and, as the macro, answers in it. `extra` cycles are added to a conversion that
    /// begins now.
    #[inline]
    pub fn cycle(&mut self, model: &mut Model, now: u64, extra: u32) -> Event {
        self.offered = false;
        if model.get(self.pins.op_valid) == 0 {
            self.operation = Operation::Idle;
            return Event::None;
        }
        match self.operation {
            Operation::Idle => self.begin(model, now, extra),
            Operation::Read { .. } => {
                self.offer(model);
                Event::None
            }
            Operation::Write { since } => self.write(model, now, since),
            Operation::CellRead { .. } | Operation::CellPulse => self.cell_cycle(model, now),
        }
    }

    /// A cycle of an operation on one cell.
    fn cell_cycle(&mut self, model: &mut Model, now: u64) -> Event {
        let Some(cell) = &mut self.cell else { return Event::None };
        cell.look(model, now);
        let ended = match &mut self.operation {
            Operation::CellRead { countdown } => {
                *countdown = countdown.saturating_sub(1);
                let offer = *countdown == 0;
                if let Some(driven) = self.pins.driven {
                    model.set(driven.adc_valid, u64::from(offer));
                    if offer {
                        pins::pack(model, driven.adc_code, self.adc_bits, &[cell.op.code]);
                    }
                }
                offer && model.get(self.pins.adc_ready) == 1
            }
            Operation::CellPulse => model.get(self.pins.op_ready) == 1,
            _ => false,
        };
        if !ended || model.get(self.pins.op_last) == 0 {
            return Event::None;
        }
        let announced = cell.announced(model);
        cell.end(model, now, self.crossbar.as_mut());
        self.operation = Operation::Idle;
        self.stray_pulse = self.first_on(model);
        Event::CellEnd { announced }
    }

    /// First cycle of an operation.
    fn begin(&mut self, model: &mut Model, now: u64, extra: u32) -> Event {
        let kind = model.get(self.pins.op_kind);
        if let (KIND_CELL, Some(cell)) = (kind, &mut self.cell) {
            let begun = cell.begin(model, now, self.crossbar.as_mut());
            self.fault = self.fault.or(begun.err());
            self.operation = match cell.op.kind {
                crate::golden::memory::CellKind::Read => {
                    Operation::CellRead { countdown: self.settle + self.convert + extra }
                }
                _ => Operation::CellPulse,
            };
            self.ready(model);
            return Event::CellStart;
        }
        self.read_lines(model, kind);
        self.kind = kind;
        if matches!(kind, KIND_WRITE | KIND_DECAY | KIND_WRITE_VELOCITY | KIND_TRANSFER) {
            self.widths.fill(0);
            self.on.fill(0);
            self.operation = Operation::Write { since: now };
            self.ready(model);
            self.watch_pulses(model, now, now);
            return Event::SlotStart;
        }
        let read = match kind {
            KIND_BACK => Read::Back,
            KIND_READ_ROW => Read::Row,
            _ => Read::Forward,
        };
        if let Some(crossbar) = &mut self.crossbar {
            let done = match read {
                Read::Forward => crossbar.read_forward(&self.x, &mut self.all_codes),
                Read::Back => crossbar.read_transposed(&self.drive, &mut self.all_codes),
                Read::Row if self.slices => crossbar.read_row(&self.x, &mut self.all_codes),
                Read::Row => crossbar.read_velocity(&self.x, &mut self.all_codes),
            };
            self.fault = self.fault.or(done.err());
        }
        self.stray_pulse = self.first_on(model);
        let countdown = self.settle + self.convert + extra;
        self.operation = Operation::Read { read, countdown };
        Event::ReadStart(read)
    }

    /// The first part of a read's cycle: counts down and offers the codes.
    fn offer(&mut self, model: &mut Model) {
        let Operation::Read { read, countdown } = self.operation else { return };
        let left = countdown.saturating_sub(1);
        self.operation = Operation::Read { read, countdown: left };
        let Some(driven) = self.pins.driven else { return };
        let valid = u64::from(left == 0);
        self.offered = model.get(self.pins.adc_valid) != valid;
        model.set(driven.adc_valid, valid);
    }

    /// The second part of a read's cycle: sees the codes taken. A conversion that begins then takes `extra` cycles more.
    pub fn take(&mut self, model: &mut Model, extra: u32) -> Event {
        let Operation::Read { read, .. } = self.operation else { return Event::None };
        if model.get(self.pins.adc_valid) == 0 {
            return Event::None;
        }
        // The group that the pins ask for; whether it is the right one is the scoreboard's business.
        let group = model.get(self.pins.adc_group) as usize;
        let lines = if read == Read::Back { self.tile.inputs } else { self.cols };
        let first = (group * self.adcs).min(lines);
        let count = self.adcs.min(lines - first);
        if let Some(driven) = self.pins.driven {
            pins::pack(model, driven.adc_code, self.adc_bits, &self.all_codes[first..first + count]);
        }
        if model.get(self.pins.adc_ready) == 0 {
            return Event::None;
        }
        pins::unpack_signed(model, self.pins.adc_code, self.adc_bits, count, &mut self.codes);
        self.operation = if model.get(self.pins.op_last) == 1 {
            Operation::Idle
        } else {
            Operation::Read { read, countdown: self.convert + extra }
        };
        self.read_moved_lines(model, read.kind());
        self.stray_pulse = self.stray_pulse.or_else(|| self.first_on(model));
        Event::Codes { read, group }
    }

    /// A write's cycle after its first.
    fn write(&mut self, model: &mut Model, now: u64, since: u64) -> Event {
        self.watch_pulses(model, now, since);
        self.slot_end(model, now, since)
    }

    /// Notes the columns that went off; those still on have lasted up to now.
    fn watch_pulses(&mut self, model: &Model, now: u64, since: u64) {
        let Some(pins::LinePins { col_on, .. }) = self.pins.lines else { return };
        for (index, previous) in self.on.iter_mut().enumerate() {
            let bits = (self.cols - index * 32).min(32) as u32;
            let on = if bits == 32 && col_on.width() > 64 {
                model.words(col_on)[index]
            } else {
                low_bits(model, col_on, index, bits)
            };
            let mut fallen = *previous & !on;
            while fallen != 0 {
                let bit = fallen.trailing_zeros() as usize;
                self.widths[index * 32 + bit] += (now - since) as u32;
                fallen &= fallen - 1;
            }
            // A column that rises after the slot's start would get too long a width here: it shows as a mismatch.
            *previous = on;
        }
    }

    /// Whether the slot ends with this cycle; applies it to the crossbar.
    pub fn slot_end(&mut self, model: &mut Model, now: u64, since: u64) -> Event {
        if model.get(self.pins.op_last) == 0 || model.get(self.pins.op_ready) == 0 {
            return Event::None;
        }
        let cycles = now + 1 - since;
        for (index, on) in self.on.iter().enumerate() {
            let mut on = *on;
            while on != 0 {
                let bit = on.trailing_zeros() as usize;
                self.widths[index * 32 + bit] += cycles as u32;
                on &= on - 1;
            }
        }
        self.operation = Operation::Idle;
        self.read_moved_lines(model, KIND_WRITE);
        self.gamma = self.pins.gamma.map_or(0, |gamma| model.get(gamma) as u32);
        if let Some(crossbar) = &mut self.crossbar {
            match self.kind {
                KIND_DECAY => crossbar.decay(self.gamma),
                KIND_TRANSFER => crossbar.transfer(),
                _ => {}
            }
        }
        if let (Some(crossbar), KIND_WRITE | KIND_WRITE_VELOCITY) = (&mut self.crossbar, self.kind) {
            // The array integrates what the pins did, not what the codes promise.
            let lsb = self.pulse_lsb as i32;
            let measured = self.widths.iter().zip(&self.pulses).map(|(&w, &p)| {
                let units = w as i32 / lsb;
                if p < 0 { -units } else { units }
            });
            self.drive.clear();
            self.drive.extend(measured);
            if self.kind == KIND_WRITE {
                crossbar.write(&self.x, &self.drive);
            } else {
                crossbar.write_velocity(&self.x, &self.drive);
            }
        }
        Event::SlotEnd { cycles }
    }

    /// The second look at a cycle that began an operation: it may also be its last.
    #[inline]
    pub fn same_cycle(&mut self, model: &mut Model, now: u64) -> Event {
        match self.operation {
            Operation::Idle => Event::None,
            Operation::Read { .. } => {
                self.offer(model);
                Event::None
            }
            Operation::Write { since } => self.slot_end(model, now, since),
            Operation::CellRead { .. } | Operation::CellPulse => self.cell_cycle(model, now),
        }
    }

    /// Reads the lines that an operation of this kind drives: row codes into `x`, column codes into `drive` or `pulses`.
    fn read_lines(&mut self, model: &Model, kind: u64) {
        let Some(lines) = self.pins.lines else { return };
        let reads = matches!(kind, KIND_FORWARD | KIND_BACK | KIND_READ_ROW);
        if let (Some(bits), true) = (self.pins.bits, reads) {
            self.driven_bits(model, bits, lines.col_neg);
        } else {
            if kind != KIND_BACK {
                pins::unpack_signed(model, lines.row_code, self.dac_bits, self.rows, &mut self.x);
            }
            if kind != KIND_FORWARD {
                self.column_codes(model, lines);
            }
            if kind == KIND_BACK {
                std::mem::swap(&mut self.drive, &mut self.pulses);
            }
        }
        self.held.clear();
        self.held.extend(self.pins.lines().flat_map(|line| pins::raw(model, line)));
    }

    /// Reads the lines again when they moved since the operation's start; what moved then differs from what golden expects.
    fn read_moved_lines(&mut self, model: &Model, kind: u64) {
        let now = self.pins.lines().flat_map(|line| pins::raw(model, line));
        if !now.eq(self.held.iter().copied()) {
            self.read_lines(model, kind);
        }
    }

    /// First column that is switched on.
    fn first_on(&self, model: &Model) -> Option<usize> {
        let pins::LinePins { col_on, .. } = self.pins.lines?;
        if pins::raw(model, col_on).all(|bits| bits == 0) {
            return None;
        }
        (0..self.cols).find(|&col| pins::bits(model, col_on, col, 1) == 1)
    }

    /// What drives the lines in a step of a bit-serial read: rows into `x`, columns with their polarity into `drive`.
    fn driven_bits(&mut self, model: &Model, lines: pins::BitPins, col_neg: verilated::Output) {
        self.x.clear();
        self.x.extend((0..self.rows).map(|row| pins::bits(model, lines.row, row, 1) as i32));
        self.drive.clear();
        for col in 0..self.cols {
            let on = pins::bits(model, lines.col, col, 1) as i32;
            let neg = pins::bits(model, col_neg, col, 1) == 1;
            self.drive.push(if neg { -on } else { on });
        }
    }

    /// Signed column codes on the pins, into `pulses`.
    fn column_codes(&mut self, model: &Model, lines: pins::LinePins) {
        self.pulses.clear();
        for col in 0..self.cols {
            let mag = pins::bits(model, lines.col_mag, col * self.mag_bits as usize, self.mag_bits) as i32;
            let neg = pins::bits(model, lines.col_neg, col, 1) == 1;
            self.pulses.push(if neg { -mag } else { mag });
        }
    }
}

#[inline]
fn low_bits(model: &Model, signal: verilated::Output, index: usize, bits: u32) -> u32 {
    pins::bits(model, signal, index * 32, bits)
}
