//! Registers of the memory controller. A field `memory_x` is the controller's port `x`.

use super::map::{bits_for, field, number, register};
use super::{Access, Field, Kind, Register};
use crate::phases::MemoryCounter;
use crate::spec::{AMPLITUDE_BITS, COUNT_BITS, Design, Inner, Memory, SETUP_BITS, WIDTH_BITS};

/// Address of the first register, and of the first counter.
const FIRST: u32 = 0x200;
const COUNTERS: u32 = 0x300;

/// Takes addresses in turn.
struct List {
    registers: Vec<Register>,
}

impl List {
    fn add(&mut self, name: &str, doc: impl Into<String>, fields: Vec<Field>) {
        let address = FIRST + 4 * self.registers.len() as u32;
        self.registers.push(register(name, address, doc, fields));
    }

    /// A number that does not change while the controller works.
    fn setting(&mut self, name: &str, field: Field) {
        self.add(name, "", vec![Field { locked: true, ..field }]);
    }
}

/// The registers of a design with a memory mode, in ascending order of addresses.
pub(super) fn registers(design: &Design, m: &Memory) -> Vec<Register> {
    let mut list = List { registers: Vec::new() };
    commands(&mut list, m);
    cells(&mut list, design, m);
    verify(&mut list, m);
    ramps(&mut list, m);
    if m.devices > 1 {
        refresh(&mut list, m);
    }
    list.registers.extend(counters(m));
    list.registers
}

fn commands(list: &mut List, m: &Memory) {
    use Access::{ClearOnOne, Input, PulseOnOne};
    let mut pulses = vec![
        field(
            "memory_program_row",
            0,
            1,
            PulseOnOne,
            "Program MEMORY_FIRST_COL to MEMORY_LAST_COL of a row to their targets.",
        ),
        field("memory_read_row", 1, 1, PulseOnOne, "Read these cells."),
    ];
    if m.devices > 1 {
        pulses.push(field("memory_refresh_now", 2, 1, PulseOnOne, "Refresh all pairs."));
    }
    list.add("MEMORY_COMMAND", "Requests to the memory controller, taken when no sample is in the machine.", pulses);
    list.add(
        "MEMORY_STATUS",
        "State of the memory controller.",
        vec![
            field("memory_busy", 0, 1, Input, "A command runs, or a refresh."),
            field(
                "memory_refused",
                1,
                1,
                ClearOnOne,
                "A command was not taken: the machine was at work, or there are no such cells.",
            ),
            field("memory_cell_failed", 2, 1, ClearOnOne, "A cell could not be programmed."),
        ],
    );
}

fn cells(list: &mut List, design: &Design, m: &Memory) {
    let layers = design.layers.len();
    let rows = design.layers.iter().map(|l| l.rows()).max().unwrap_or(1);
    let cols = design.layers.iter().map(|l| l.outputs).max().unwrap_or(1);
    let (layer_bits, row_bits, col_bits) = (bits_for(layers - 1), bits_for(rows - 1), bits_for(cols - 1));
    let up_to = |name, bits, last: usize, doc: &str| number(name, bits, 0, (0, last as u32), doc);
    list.setting("MEMORY_LAYER", up_to("memory_layer", layer_bits, layers - 1, "Layer of the cells of a command."));
    let doc = "Device of the cells: 0, or 1 for the negative one of a pair.";
    list.setting("MEMORY_DEVICE", up_to("memory_device", 1, m.devices - 1, doc));
    list.setting("MEMORY_ROW", up_to("memory_row", row_bits, rows - 1, "Row of the cells; the last is the bias."));
    list.setting("MEMORY_FIRST_COL", up_to("memory_first_col", col_bits, cols - 1, "First column of the cells."));
    list.setting("MEMORY_LAST_COL", up_to("memory_last_col", col_bits, cols - 1, "Last column of the cells."));
    let doc = "Column that MEMORY_TARGET stores and MEMORY_RESULT shows.";
    list.setting("MEMORY_COLUMN", up_to("memory_column", col_bits, cols - 1, doc));
    let target = number("memory_target", m.code_bits, 0, (0, m.max_code()), "Target code.");
    list.add(
        "MEMORY_TARGET",
        format!("Codes are in steps of {:e} S.", m.step()),
        vec![
            Field { locked: true, ..target },
            field("memory_store", 31, 1, Access::PulseOnOne, "Keep the target for column MEMORY_COLUMN."),
        ],
    );
    let input = |name, lsb, width, doc: &str| field(name, lsb, width, Access::Input, doc);
    list.add(
        "MEMORY_RESULT",
        "What the last command left for column MEMORY_COLUMN.",
        vec![
            input("memory_result", 0, m.code_bits, "Last code of the cell."),
            input("memory_result_failed", 31, 1, "It could not be programmed."),
        ],
    );
    list.add(
        "MEMORY_FAILED_ARRAY",
        "Last cell that could not be programmed.",
        vec![
            input("memory_failed_layer", 0, layer_bits, "Its layer."),
            input("memory_failed_device", 31, 1, "Its device."),
        ],
    );
    list.add(
        "MEMORY_FAILED_CELL",
        "Last cell that could not be programmed.",
        vec![
            input("memory_failed_row", 0, row_bits, "Its row."),
            input("memory_failed_col", 16, col_bits, "Its column."),
        ],
    );
}

fn verify(list: &mut List, m: &Memory) {
    let mode = |name, lsb, on: bool, doc: &str| Field {
        locked: true,
        reset: u32::from(on),
        ..field(name, lsb, 1, Access::ReadWrite, doc)
    };
    list.add(
        "MEMORY_MODE",
        "",
        vec![
            mode("memory_width_inner", 0, m.inner == Inner::Width, "The width is the inner loop, else the amplitude."),
            mode("memory_skip_failed", 1, m.skip_on_failure, "Go on with the next cell after a failure, else stop."),
        ],
    );
    let doc = "Accepted distance from the target in codes.";
    list.setting(
        "MEMORY_TOLERANCE",
        number("memory_tolerance", m.code_bits, m.tolerance_codes, (0, m.max_code()), doc),
    );
    let range = (1, (1 << COUNT_BITS) - 1);
    list.setting("MEMORY_ATTEMPTS", number("memory_attempts", COUNT_BITS, m.attempts, range, "Most pulses on a cell."));
    let doc = "Cycles from a cell's address to its pulse.";
    list.setting("MEMORY_SETUP", number("memory_setup", SETUP_BITS, m.setup, (0, (1 << SETUP_BITS) - 1), doc));
}

fn ramps(list: &mut List, m: &Memory) {
    let (amps, widths) = ((1 << AMPLITUDE_BITS) - 1, (1 << WIDTH_BITS) - 1);
    let volts = format!("in steps of {} V", m.amplitude_lsb);
    let mut sweep = |names: [(&str, &'static str, &str); 3], sweep: &crate::spec::Sweep, bits, max, unit: &str| {
        for ((register, name, what), reset) in names.into_iter().zip([sweep.start, sweep.stop, sweep.step]) {
            list.setting(register, number(name, bits, reset, (1, max), format!("{what}, {unit}.")));
        }
    };
    sweep(
        [
            ("MEMORY_SET_AMP_START", "memory_set_amp_start", "Amplitude of the first SET pulse"),
            ("MEMORY_SET_AMP_STOP", "memory_set_amp_stop", "Largest amplitude of a SET pulse"),
            ("MEMORY_SET_AMP_STEP", "memory_set_amp_step", "Growth of the amplitude of SET pulses"),
        ],
        &m.set.amplitude,
        AMPLITUDE_BITS,
        amps,
        &volts,
    );
    sweep(
        [
            ("MEMORY_SET_WIDTH_START", "memory_set_width_start", "Width of the first SET pulse"),
            ("MEMORY_SET_WIDTH_STOP", "memory_set_width_stop", "Largest width of a SET pulse"),
            ("MEMORY_SET_WIDTH_STEP", "memory_set_width_step", "Growth of the width of SET pulses"),
        ],
        &m.set.width,
        WIDTH_BITS,
        widths,
        "in cycles",
    );
    sweep(
        [
            ("MEMORY_RESET_AMP_START", "memory_reset_amp_start", "Amplitude of the first RESET pulse"),
            ("MEMORY_RESET_AMP_STOP", "memory_reset_amp_stop", "Largest amplitude of a RESET pulse"),
            ("MEMORY_RESET_AMP_STEP", "memory_reset_amp_step", "Growth of the amplitude of RESET pulses"),
        ],
        &m.reset.amplitude,
        AMPLITUDE_BITS,
        amps,
        &volts,
    );
    sweep(
        [
            ("MEMORY_RESET_WIDTH_START", "memory_reset_width_start", "Width of the first RESET pulse"),
            ("MEMORY_RESET_WIDTH_STOP", "memory_reset_width_stop", "Largest width of a RESET pulse"),
            ("MEMORY_RESET_WIDTH_STEP", "memory_reset_width_step", "Growth of the width of RESET pulses"),
        ],
        &m.reset.width,
        WIDTH_BITS,
        widths,
        "in cycles",
    );
}

fn refresh(list: &mut List, m: &Memory) {
    let codes = m.refresh_codes();
    let every = (0, (1 << COUNT_BITS) - 1);
    let doc = "Training samples between two refreshes, 0 for none.";
    list.setting("MEMORY_REFRESH_EVERY", number("memory_refresh_every", COUNT_BITS, m.refresh_every, every, doc));
    let mut code = |register: &str, name, reset, doc: &str| {
        list.setting(register, number(name, m.code_bits, reset, (0, m.max_code()), doc));
    };
    code("MEMORY_UPPER", "memory_upper", codes.upper, "A pair is refreshed when its larger code is above this");
    code("MEMORY_LOWER", "memory_lower", codes.lower, "and its smaller code above this.");
    code("MEMORY_FLOOR", "memory_floor", codes.floor, "Code that a RESET device reaches at least.");
}

fn counters(m: &Memory) -> Vec<Register> {
    let half = |counter: MemoryCounter, address, suffix: &str, kind, doc: &str| Register {
        kind,
        ..register(
            &format!("{}_{suffix}", counter.name().to_uppercase()),
            address,
            doc,
            vec![field("value", 0, 32, Access::Input, "")],
        )
    };
    let mut registers = Vec::new();
    for (address, &counter) in (COUNTERS..).step_by(8).zip(MemoryCounter::of(m.devices)) {
        let low = format!("{}; low half.", counter.doc());
        registers.push(half(counter, address, "LO", Kind::CounterLow, &low));
        let high = "High half, as of the last read of the low one.";
        registers.push(half(counter, address + 4, "HI", Kind::CounterHigh, high));
    }
    registers
}
