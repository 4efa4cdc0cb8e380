//! Pictures to files, each as SVG and as PNG.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::{Chart, MARK, PlotError, outline};

/// Writes `chart` to `dir/file.svg`, and with `pixels` to `dir/file.png`; returns the paths. A file that memrtl has not drawn is
/// left alone; each file is written beside its place and then renamed.
///
/// # Errors
/// A chart without numbers, a foreign file, a file system error.
pub fn write(chart: &Chart, dir: &Path, file: &str, pixels: bool) -> Result<Vec<PathBuf>, PlotError> {
    let svg = chart.svg()?;
    let mut paths = vec![put(&dir.join(format!("{file}.svg")), svg.as_bytes())?];
    if pixels {
        paths.push(put(&dir.join(format!("{file}.png")), &outline::png(&svg)?)?);
    }
    Ok(paths)
}

/// Writes the SVG document `svg`, which carries the mark of memrtl, to `path`, or the same in pixels where that ends in `.png`. As
/// [`write()`].
///
/// # Errors
/// A foreign file, a file system error, a document that cannot be drawn.
pub fn put_picture(path: &Path, svg: &str) -> Result<(), PlotError> {
    match path.extension().is_some_and(|ending| ending == "png") {
        true => put(path, &outline::png(svg)?)?,
        false => put(path, svg.as_bytes())?,
    };
    Ok(())
}

/// Whether a picture may go to `path`: for those who want to know before the work that it shows.
///
/// # Errors
/// A foreign file, a file that cannot be read.
pub fn free_place(path: &Path) -> Result<(), PlotError> {
    match fs::read(path) {
        // The mark stands near the beginning of both kinds of file.
        Ok(old) if !old.windows(MARK.len()).take(600).any(|part| part == MARK.as_bytes()) => {
            Err(PlotError::Foreign { path: path.to_owned() })
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(PlotError::File { action: "cannot read", path: path.to_owned(), cause }),
    }
}

fn put(path: &Path, bytes: &[u8]) -> Result<PathBuf, PlotError> {
    let failed = |action: &'static str| move |cause| PlotError::File { action, path: path.to_owned(), cause };
    free_place(path)?;
    let dir = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir).map_err(failed("cannot make the folder of"))?;
    let mut builder = tempfile::Builder::new();
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut temporary = builder.tempfile_in(dir).map_err(failed("cannot write"))?;
    temporary.write_all(bytes).map_err(failed("cannot write"))?;
    temporary.persist(path).map_err(|error| failed("cannot write")(error.error))?;
    Ok(path.to_owned())
}
