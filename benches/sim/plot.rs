//! Picture of the growth: build time and speed over the number of rows, both scales logarithmic.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;

/// One size of array.
pub struct Point {
    /// Rows, and columns.
    pub size: usize,
    /// Seconds.
    pub build: f64,
    /// Co-simulated cycles per second.
    pub speed: f64,
}

/// Writes an SVG.
pub fn write(path: &Path, points: &[Point]) -> Result<(), Box<dyn Error>> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (760, 320)).into_drawing_area();
        area.fill(&WHITE)?;
        let (left, right) = area.split_horizontally(380);
        let builds: Vec<_> = points.iter().map(|p| (p.size as f64, p.build)).collect();
        let speeds: Vec<_> = points.iter().map(|p| (p.size as f64, p.speed)).collect();
        draw(&left, "build time, s", &builds, true)?;
        draw(&right, "co-simulated cycles per second", &speeds, false)?;
        area.present()?;
    }
    let part = path.with_extension("svg.part");
    std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    std::fs::write(&part, text + "\n")?;
    std::fs::rename(part, path)?;
    Ok(())
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn draw(area: &Area, title: &str, points: &[(f64, f64)], linear: bool) -> Result<(), Box<dyn Error>> {
    let sizes = points.iter().map(|p| p.0);
    let (first, last) = (sizes.clone().fold(f64::MAX, f64::min), sizes.fold(0.0, f64::max));
    let values = points.iter().map(|p| p.1);
    let (least, most) = (values.clone().fold(f64::MAX, f64::min), values.fold(0.0, f64::max));
    let range = 10f64.powf(least.log10().floor())..10f64.powf(most.log10().ceil());
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 15))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d((first * 0.8..last * 1.25).log_scale().base(2.0), range.clone().log_scale())?;
    chart
        .configure_mesh()
        .x_desc("rows and columns of the array")
        .light_line_style(WHITE.mix(0.0))
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| if *y >= 1e4 { format!("{y:.0e}") } else { format!("{y}") })
        .draw()?;
    if linear {
        // What growth in proportion to the cells would be, from the first point on.
        let line = points.iter().map(|p| (p.0, points[0].1 * (p.0 / first).powi(2))).filter(|p| range.contains(&p.1));
        chart.draw_series(LineSeries::new(line, BLACK.mix(0.35)))?;
    }
    chart.draw_series(LineSeries::new(points.iter().copied(), BLUE.stroke_width(2)))?;
    chart.draw_series(points.iter().map(|p| Circle::new(*p, 3, BLUE.filled())))?;
    Ok(())
}
