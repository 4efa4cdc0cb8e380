//! Keys of bit-serial inputs: full scales of bit planes, and where they say nothing.

use super::InputCoding;
use super::checks::Places;
use super::derive::Params;
use super::error::{Code, Problem};
use super::reader::{Reader, Section};

/// Keys of a layer that only bit planes have.
const KEYS: [&str; 2] = ["read_plane_range", "back_plane_range"];
/// The ADC's full scale of a plane is at least that of the read over `2^FINEST`: beyond it a code of two bits more than the result's
/// would be cut off again.
const FINEST: i32 = 2;

/// Reports full scales of bit planes where there are none.
pub(super) fn unused(reader: &Reader<'_>, layer: &Section<'_>, coding: Option<InputCoding>) {
    if coding != Some(InputCoding::Amplitude) {
        return;
    }
    for key in KEYS {
        if let Some(span) = layer.place(key) {
            let message = format!("`{key}` says nothing with `input_coding = \"amplitude\"`");
            let help = "remove it, or set `input_coding = \"bit_serial\"` in `[array]`";
            reader.report(Problem::new(Code::Coding, message).at(Some(span), "").help(help));
        }
    }
}

/// Full scales of bit planes from which no sum gives the code of the read.
pub(super) fn planes(params: &Params, places: &Places) -> Vec<Problem> {
    if !params.array.input_coding.bit_serial() {
        return Vec::new();
    }
    let coarsest = params.array.dac_bits as i32 - 1;
    let mut problems = Vec::new();
    for (ranges, (name, span)) in params.ranges().iter().zip(&places.layers) {
        let pairs = [("read_range", ranges.read, ranges.read_plane), ("back_range", ranges.back, ranges.back_plane)];
        for (key, (of, range, plane)) in KEYS.into_iter().zip(pairs) {
            let allowed = range - FINEST..=range + coarsest;
            if allowed.contains(&plane) {
                continue;
            }
            let scale = |exponent: i32| 2f64.powi(exponent);
            let (low, high) = (scale(*allowed.start()), scale(*allowed.end()));
            let message =
                format!("`{key} = {:?}` of layer `{name}` does not fit its `{of} = {:?}`", scale(plane), scale(range));
            problems.push(
                Problem::new(Code::Coding, message)
                    .at(span.clone(), format!("allowed: {low:?} to {high:?}"))
                    .also(places.dac_bits.clone(), "")
                    .note("the lowest of the planes counts 2^-(dac_bits - 1) of the highest")
                    .help(format!("nearest: `{key} = {:?}`", scale(plane.clamp(*allowed.start(), *allowed.end())))),
            );
        }
    }
    problems
}
