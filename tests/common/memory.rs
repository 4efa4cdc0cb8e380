//! The small design with the memory mode.

use memrtl::spec::Backend;

use super::small::{Rig, Small};

/// Constant steps without noise between the same bounds; a pulse of one cycle and 1 V is one unit pulse.
pub const CALM: &str = "model = \"constant_step\"\ndw_min_std = 0.0\nw_max_dtod = 0.0\nw_min_dtod = 0.0\n\
                      up_seconds = 2e-9\ndown_seconds = 2e-9";

/// Timing of the small design, then the section `[memory]` with these lines.
pub fn memory_timing(memory: &str) -> String {
    format!("{}\n[memory]\n{memory}", Small::default().timing)
}

pub fn memory_rig(device: &str, memory: &str) -> Rig {
    Small { device, timing: &memory_timing(memory), ..Small::default() }.rig(Backend::External)
}
