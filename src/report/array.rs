//! Pictures and tables of what is not ideal about a design's arrays.

use super::plots::{Axis, BLUE, Chart, GREEN, GREY, Mark, ORANGE, PURPLE, Panel};
use super::{table, trimmed};
use crate::array::{Converters, Crossbar, Drivers, Grid};
use crate::device::{CellAddress, DeviceError, Noise};
use crate::effects::Effect;
use crate::fixed::max_code;
use crate::spec::Design;

const SIZE: (u32, u32) = (760, 330);
/// Reads from which the noise is drawn.
const READS: usize = 400;
/// Layers whose faults are drawn.
const LAYERS: usize = 3;

/// Accuracy with each imperfection.
pub fn effects_table(effects: &[Effect]) -> String {
    let percent = |v: f64| format!("{:.1} %", 100.0 * v);
    let mut rows = table(&["imperfection", "test accuracy", "standard deviation"]);
    for effect in effects {
        let deviation = effect.accuracy.deviation.map_or(String::new(), percent);
        rows.add_row([effect.name.clone(), percent(effect.accuracy.mean), deviation]);
    }
    trimmed(&rows) + "\n"
}

/// Stuck devices of each layer by what they conduct.
///
/// # Errors
/// See [`Crossbar::new`].
pub fn faults_table(design: &Design) -> Result<String, DeviceError> {
    let mut rows = table(&["layer", "memristors", "stuck", "of these open", "share"]);
    let devices = design.cell()?.map_or(1, |cell| cell.devices);
    for (index, layer) in design.layers.iter().enumerate() {
        let array = Grid::new(design, index, layer)?;
        let (all, stuck) = (layer.rows() * layer.outputs * devices, array.stuck());
        rows.add_row([
            layer.name.clone(),
            all.to_string(),
            stuck.len().to_string(),
            stuck.iter().filter(|(_, siemens)| *siemens == 0.0).count().to_string(),
            format!("{:.2} %", 100.0 * stuck.len() as f64 / all as f64),
        ]);
    }
    Ok(trimmed(&rows) + "\n")
}

/// The pictures of all imperfections that the design has, with their file names.
///
/// # Errors
/// See [`Crossbar::new`].
pub fn charts(design: &Design) -> Result<Vec<(&'static str, Chart)>, DeviceError> {
    let mut charts = Vec::new();
    let n = &design.nonideal;
    if n.has_faults() {
        charts.push(("faults", faults(design)?));
    }
    if n.dac_inl != 0.0 || n.dac_bow != 0.0 || n.adc_offset > 0.0 || n.adc_gain > 0.0 {
        charts.push(("converters", converters(design)));
    }
    if n.read_noise > 0.0 {
        charts.push(("read-noise", read_noise(design)?));
    }
    if n.age > 0.0 {
        charts.push(("retention", retention(design)?));
    }
    Ok(charts)
}

fn chart(title: &str, panels: Vec<Panel>) -> Chart {
    Chart { title: title.to_owned(), panels, width: SIZE.0, height: SIZE.1 }
}

fn line(points: Vec<(f64, f64)>, color: plotters::style::RGBColor, dashed: bool) -> Mark {
    Mark::Line { points, color, width: 2.0, dashed }
}

fn faults(design: &Design) -> Result<Chart, DeviceError> {
    let mut panels = Vec::new();
    for (index, layer) in design.layers.iter().enumerate().take(LAYERS) {
        let array = Grid::new(design, index, layer)?;
        let (low, high) = array.tile(0).conductance_range().unwrap_or_default();
        let middle = 0.5 * (low + high);
        let kind = |pick: &dyn Fn(f64) -> bool| -> Vec<(f64, f64)> {
            let stuck = array.stuck().into_iter().filter(|(_, siemens)| pick(*siemens));
            stuck.map(|(at, _)| (at.col as f64, at.row as f64)).collect()
        };
        let kinds = [
            (ORANGE, "low resistance", kind(&|g| g > middle)),
            (BLUE, "high resistance", kind(&|g| g > 0.0 && g <= middle)),
            (GREY, "open", kind(&|g| g == 0.0)),
        ];
        // The corners give the axes the size of the array.
        let corner = |col: usize, row: usize| (col as f64, row as f64);
        let frame = vec![
            corner(0, 0),
            corner(layer.outputs - 1, 0),
            corner(layer.outputs - 1, layer.rows() - 1),
            corner(0, layer.rows() - 1),
            corner(0, 0),
        ];
        let mut marks = vec![Mark::Line { points: frame, color: GREY, width: 0.5, dashed: false }];
        let mut legend = Vec::new();
        for (color, name, points) in kinds {
            legend.push((color, name.to_owned()));
            if !points.is_empty() {
                marks.push(Mark::Dots { points, color });
            }
        }
        panels.push(Panel {
            title: format!("stuck devices of layer {}", layer.name),
            x: Axis::linear("column"),
            y: Axis::linear("row"),
            marks,
            legend,
        });
    }
    Ok(chart("Stuck devices by address", panels))
}

fn converters(design: &Design) -> Chart {
    let (array, n) = (&design.array, &design.nonideal);
    let max = max_code(array.dac_bits) as i32;
    let drivers = Drivers::new(array, n);
    let beside = |code: i32| drivers.as_ref().map_or(0.0, |d| f64::from(d.level(code)) - f64::from(code));
    let dac = Panel {
        title: "drivers".to_owned(),
        x: Axis::linear("code"),
        y: Axis::linear("level less code (LSB)"),
        marks: vec![line((-max..=max).map(|code| (code.into(), beside(code))).collect(), BLUE, false)],
        legend: Vec::new(),
    };
    let limit = max_code(array.adc_bits) as i32;
    let adcs = Converters::new(array, n, Noise::new(design.training.seed, 0));
    let colors = [BLUE, ORANGE, GREEN, PURPLE];
    let one = |adc: usize| {
        let error = |code: i32| {
            let value = adcs.as_ref().map_or(code as f32, |adcs| adcs.shift(adc, code as f32));
            (f64::from(code), f64::from(value) - f64::from(code))
        };
        line(vec![error(-limit), error(limit)], colors[adc % colors.len()], false)
    };
    let adc = Panel {
        title: format!("the {} ADCs of the first array", array.adcs),
        x: Axis::linear("code of a perfect ADC"),
        y: Axis::linear("error (codes)"),
        marks: (0..array.adcs).map(one).collect(),
        legend: Vec::new(),
    };
    chart("Errors of drivers and converters", vec![dac, adc])
}

/// Counts of the distances of many reads from their mean, with the normal curve of the spec's deviation.
fn read_noise(design: &Design) -> Result<Chart, DeviceError> {
    let layer = &design.layers[0];
    let mut array = Crossbar::new(design, 0, layer)?;
    let (x, mut codes) = (vec![0; layer.rows()], Vec::new());
    let mut reads = Vec::with_capacity(READS);
    for _ in 0..READS {
        // A drawn array that holds no number has nothing to draw.
        if array.read_forward(&x, &mut codes).is_ok() {
            reads.push(codes.clone());
        }
    }
    let sigma = design.nonideal.read_noise * 2f64.powi(design.array.adc_bits as i32 - 1);
    let width = (sigma / 4.0).max(1.0);
    let reach = (4.0 * sigma / width).ceil() as i32;
    let mut counts = vec![0usize; (2 * reach + 1) as usize];
    for col in 0..layer.outputs {
        let mean = reads.iter().map(|r| f64::from(r[col])).sum::<f64>() / reads.len().max(1) as f64;
        for read in &reads {
            let bin = ((f64::from(read[col]) - mean) / width).round() as i32 + reach;
            if let Some(count) = usize::try_from(bin).ok().and_then(|bin| counts.get_mut(bin)) {
                *count += 1;
            }
        }
    }
    let all = (reads.len() * layer.outputs).max(1) as f64;
    let at = |bin: i32| f64::from(bin) * width;
    let seen = (-reach..=reach).map(|bin| (at(bin), counts[(bin + reach) as usize] as f64 / all / width)).collect();
    let normal = |v: f64| {
        let variance = sigma * sigma + 1.0 / 12.0;
        libm::exp(-0.5 * v * v / variance) / (std::f64::consts::TAU * variance).sqrt()
    };
    let panel = Panel {
        title: format!("{} reads of nothing on {} columns", READS, layer.outputs),
        x: Axis::linear("distance from the column's mean (codes)"),
        y: Axis::linear("density"),
        marks: vec![
            line((-reach..=reach).map(|bin| (at(bin), normal(at(bin)))).collect(), GREY, true),
            Mark::Dots { points: seen, color: BLUE },
        ],
        legend: vec![(BLUE, "reads".to_owned()), (GREY, "normal curve of the spec".to_owned())],
    };
    Ok(chart("Noise of reads", vec![panel]))
}

/// Conductances over time of devices that were programmed to weights between -0.8 and 0.8.
fn retention(design: &Design) -> Result<Chart, DeviceError> {
    const POINTS: i32 = 24;
    const DEVICES: usize = 8;
    let layer = &design.layers[0];
    let mut marks = Vec::new();
    let mut array = Crossbar::new(design, 0, layer)?;
    let cells: Vec<usize> = (0..DEVICES.min(layer.outputs * layer.inputs)).collect();
    let mut states = vec![0; layer.rows() * layer.outputs];
    for &cell in &cells {
        let weight = 0.8 * (2.0 * cell as f64 / (DEVICES - 1) as f64 - 1.0);
        states[cell] = (weight * max_code(design.device.state_bits) as f64) as i32;
    }
    array.load(&states);
    let micro = |array: &Crossbar, cell: usize| {
        let at = CellAddress { device: 0, row: cell / layer.outputs, col: cell % layer.outputs };
        1e6 * array.conductance(at).unwrap_or(0.0)
    };
    let mut curves = vec![Vec::new(); cells.len()];
    let mut passed = 0.0;
    for point in 0..=POINTS {
        // Three decades up to three times the age of the spec.
        let seconds = 3.0 * design.nonideal.age * 10f64.powf(f64::from(point - POINTS) / 8.0);
        array.age(seconds - passed);
        passed = seconds;
        curves.iter_mut().zip(&cells).for_each(|(curve, &cell)| curve.push((seconds, micro(&array, cell))));
    }
    let colors = [BLUE, ORANGE, GREEN, PURPLE];
    marks.extend(curves.into_iter().enumerate().map(|(i, points)| line(points, colors[i % colors.len()], false)));
    let panel = Panel {
        title: "devices of the first array, programmed to weights from -0.8 to 0.8".to_owned(),
        x: Axis::log("seconds"),
        y: Axis::linear("conductance (\u{b5}S)"),
        marks,
        legend: Vec::new(),
    };
    Ok(chart("Conductance over time", vec![panel]))
}
