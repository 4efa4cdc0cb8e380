//! From the drawing to files: text as outlines of the built-in font, and the same picture in pixels.

use std::io::Write as _;
use std::sync::{Arc, LazyLock};

use resvg::{tiny_skia, usvg};
use tiny_skia::{Color, Pixmap, Transform};

use super::{MARK, PlotError};

/// Glyphs of DejaVu Sans for ASCII and a few signs; `assets/font/LICENSE`.
const FONT: &[u8] = include_bytes!("../../../assets/font/sans.ttf");
/// Pixels of a PNG per pixel of the SVG.
const ZOOM: f32 = 2.0;

fn options() -> usvg::Options<'static> {
    static FONTS: LazyLock<Arc<usvg::fontdb::Database>> = LazyLock::new(|| {
        let mut fonts = usvg::fontdb::Database::new();
        fonts.load_font_data(FONT.to_vec());
        fonts.set_sans_serif_family("DejaVu Sans");
        Arc::new(fonts)
    });
    usvg::Options { fontdb: Arc::clone(&FONTS), font_family: "DejaVu Sans".to_owned(), ..usvg::Options::default() }
}

/// The drawing `svg`, `drawn` units wide and high, as a document of `size` pixels with its text as outlines.
pub(super) fn outlined(svg: &str, drawn: (u32, u32), size: (u32, u32), title: &str) -> Result<String, PlotError> {
    let tree = usvg::Tree::from_str(svg, &options())?;
    let settings = usvg::WriteOptions {
        preserve_text: false,
        // A unit is a tenth of a pixel.
        coordinates_precision: 0,
        transforms_precision: 3,
        indent: usvg::Indent::Spaces(1),
        ..usvg::WriteOptions::default()
    };
    let text = tree.to_string(&settings);
    let (head, rest) = text.split_once('>').ok_or(PlotError::Document)?;
    if !head.starts_with("<svg ") {
        return Err(PlotError::Document);
    }
    let title = title.replace('&', "&amp;").replace('<', "&lt;");
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" viewBox=\"0 0 {} {}\" role=\"img\">\n \
         <!-- {MARK} -->\n <title>{title}</title>{rest}",
        size.0, size.1, drawn.0, drawn.1
    ))
}

/// A document of [`outlined`] in pixels, twice as many as it has, as PNG.
pub(super) fn png(svg: &str) -> Result<Vec<u8>, PlotError> {
    let tree = usvg::Tree::from_str(svg, &options())?;
    let size = tree.size();
    let (width, height) = ((size.width() * ZOOM) as u32, (size.height() * ZOOM) as u32);
    let mut pixels = Pixmap::new(width, height).ok_or(PlotError::Document)?;
    pixels.fill(Color::WHITE);
    resvg::render(&tree, Transform::from_scale(ZOOM, ZOOM), &mut pixels.as_mut());
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.add_text_chunk("Software".to_owned(), MARK.to_owned())?;
    let mut writer = encoder.write_header()?;
    // White below everything: no pixel is transparent.
    let opaque: Vec<u8> = pixels.pixels().iter().flat_map(|p| [p.red(), p.green(), p.blue()]).collect();
    writer.write_image_data(&opaque)?;
    writer.finish()?;
    bytes.flush()?;
    Ok(bytes)
}
