//! Names of a netlist in the user's terms: instances become parts of the design, cells the signals they stand for.

use crate::spec::Design;

/// Instances inside a layer or beside the layers, and what they are.
const INSTANCES: [(&str, &str); 25] = [
    ("u_csr", "registers"),
    ("u_perf", "performance counters"),
    ("u_sequencer", "sequencer"),
    ("u_sample_in", "sample input"),
    ("u_sample_out", "sample output"),
    ("u_read_path", "read path"),
    ("u_shift_add", "shift and add"),
    ("u_factors", "momentum factors"),
    ("u_decay", "factors of earlier gradients"),
    ("u_momentum", "momentum unit"),
    ("u_port", "array port"),
    ("u_rows", "rows"),
    ("u_cols", "columns"),
    ("u_gear", "gear"),
    ("u_slopes", "slopes"),
    ("u_softmax", "softmax"),
    ("u_sigmoid", "table of sigmoid"),
    ("u_tanh", "table of tanh"),
    ("u_relu", "table of relu"),
    ("u_linear", "table of linear"),
    ("u_states", "states"),
    ("u_x_ring", "ring of x"),
    ("u_y_ring", "ring of y"),
    ("u_link", "host link"),
    ("u_bridge", "host link"),
];
/// Instances around the design that say nothing about a place in it.
const AROUND: [&str; 3] = ["u_link", "u_core", "u_design"];
/// Parts of layers that are worth a line of their own.
const OF_LAYER: [&str; 4] = ["u_momentum", "u_port", "u_rows", "u_cols"];

/// The part of the design that an instance belongs to, coarse enough for a table: `u_link.u_core.u_l0.u_momentum.u_x_ring` is
/// `layer l0: momentum unit`.
pub fn part(instance: &str, design: &Design) -> String {
    let mut levels = instance.split('.').filter(|level| !level.is_empty()).peekable();
    let mut around = None;
    while let Some(level) = levels.next_if(|level| AROUND.contains(level)) {
        around = Some(level);
    }
    let Some(first) = levels.next() else {
        return match around {
            Some("u_link") => "host link".to_string(),
            Some(_) => "top".to_string(),
            None => "board".to_string(),
        };
    };
    match layer(first, design) {
        Some((layer, None)) => match levels.next() {
            Some(inner) if OF_LAYER.contains(&inner) => format!("layer {layer}: {}", word(inner)),
            _ => format!("layer {layer}"),
        },
        Some((layer, Some(inner))) => format!("layer {layer}: {inner}"),
        None if around == Some("u_link") && !INSTANCES.iter().any(|(known, _)| *known == first) => {
            "host link".to_string()
        }
        None => word(first),
    }
}

/// A signal with its place: `u_core.u_l0.u_rows.stage_q_SB_DFFE_Q_3_D_SB_LUT4_O` is `layer l0, rows: stage_q`.
pub fn signal(path: &str, design: &Design) -> String {
    let mut levels: Vec<&str> = path.split('.').filter(|level| !level.is_empty()).collect();
    let signal = levels.pop().map_or("", plain);
    let mut places: Vec<String> = Vec::new();
    for (depth, level) in levels.iter().enumerate() {
        // A generate block says nothing that its instance does not.
        let block = level.starts_with("gen_");
        if (block || AROUND.contains(level)) && depth + 1 < levels.len() {
            continue;
        }
        match layer(level, design) {
            Some((layer, None)) => places.push(format!("layer {layer}")),
            Some((layer, Some(inner))) => places.push(format!("layer {layer}, {inner}")),
            None => places.push(word(level)),
        }
    }
    if places.is_empty() { signal.to_string() } else { format!("{}: {signal}", places.join(", ")) }
}

/// The layer that an instance of the top belongs to, and what else it is than the layer's own logic.
fn layer<'a>(instance: &str, design: &'a Design) -> Option<(&'a str, Option<String>)> {
    let instance = instance.strip_prefix("u_")?;
    for layer in &design.layers {
        let Some(rest) = instance.strip_prefix(layer.name.as_str()) else { continue };
        match rest {
            "" => return Some((&layer.name, None)),
            "_tiles" => return Some((&layer.name, Some("tiles".to_string()))),
            "_array" => return Some((&layer.name, Some("emulated array".to_string()))),
            _ => {}
        }
        // Arrays of a grid: `_r0c1_array` or the like.
        if let Some(tile) = rest.strip_prefix('_').and_then(|r| r.strip_suffix("_array")) {
            return Some((&layer.name, Some(format!("emulated array {tile}"))));
        }
    }
    None
}

fn word(instance: &str) -> String {
    let known = INSTANCES.iter().find(|(name, _)| *name == instance).map(|(_, word)| (*word).to_string());
    known.unwrap_or_else(|| instance.strip_prefix("u_").unwrap_or(instance).replace('_', " "))
}

/// A cell's or net's own name without what Yosys and nextpnr have put behind it.
fn plain(name: &str) -> &str {
    const SUFFIXES: [&str; 9] =
        ["_SB_", "_LUT4_", "_TRELLIS_", "_CCU2C_", "_PFUMX_", "_L6MUX21_", "_MULT18X18D_", "_DP16KD_", "$"];
    let end = SUFFIXES.iter().filter_map(|suffix| name.find(suffix)).filter(|&at| at > 0).min().unwrap_or(name.len());
    &name[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec;

    #[test]
    fn parts_and_signals_are_named() {
        let design = spec::parse(spec::preset("digits").unwrap(), "digits", std::path::Path::new("")).unwrap();
        for (instance, expected) in [
            ("", "board"),
            ("u_link", "host link"),
            ("u_link.u_rx", "host link"),
            ("u_link.u_core", "top"),
            ("u_link.u_core.u_csr", "registers"),
            ("u_csr", "registers"),
            ("u_link.u_core.u_l0.u_momentum.u_x_ring", "layer l0: momentum unit"),
            ("u_link.u_core.u_l1", "layer l1"),
            ("u_link.u_core.u_l1_array.gen_states[3].u_states", "layer l1: emulated array"),
            ("u_read_path.u_sigmoid", "read path"),
        ] {
            assert_eq!(part(instance, &design), expected, "{instance}");
        }
        for (path, expected) in [
            ("u_link.u_core.u_l0.u_rows.stage_q_SB_DFFE_Q_3_D_SB_LUT4_O_I1", "layer l0, rows: stage_q"),
            ("u_link.u_core.u_l1_array.s1_neg_q_SB_LUT4_I3_39_O", "layer l1, emulated array: s1_neg_q"),
            ("u_link.u_core.u_read_path.gen_sigmoid[2].u_sigmoid.code[3]", "read path, table of sigmoid: code[3]"),
            ("u_csr.wr_data[15]", "registers: wr_data[15]"),
            ("u_link.bit_q_LUT4_Z", "host link: bit_q"),
            ("rst_q", "rst_q"),
        ] {
            assert_eq!(signal(path, &design), expected, "{path}");
        }
    }
}
