//! IDX, the container of MNIST: two zero bytes, element type, number of dimensions, big-endian 32-bit sizes, elements.

use std::path::Path;

use super::{DataError, Dataset, file, read};
use crate::spec::DataSource;

/// Element type "unsigned byte", the only one in use for images and labels.
const UNSIGNED_BYTE: u8 = 0x08;

/// Reads images (2 to 4 dimensions, the first counts the images) and labels (1 dimension). Pixels are scaled by 255.
pub(super) fn load(images: &Path, labels: &Path) -> Result<Dataset, DataError> {
    let image_file = parse(images, &read(images)?, 2..=4, "2 to 4 (images, rows, columns)")?;
    let label_file = parse(labels, &read(labels)?, 1..=1, "1 (labels)")?;

    let count = image_file.sizes[0];
    if count != label_file.sizes[0] {
        return Err(DataError::IdxCounts {
            images: images.to_owned(),
            labels: labels.to_owned(),
            image_count: count,
            label_count: label_file.sizes[0],
        });
    }
    let source = DataSource::Idx { images: images.to_owned(), labels: labels.to_owned() };
    let features = image_file.sizes[1..].iter().product();
    if image_file.elements.is_empty() {
        return Err(DataError::Empty { file: file(&source) });
    }
    let samples = image_file.elements.iter().map(|&pixel| f32::from(pixel) / 255.0).collect();
    let labels = label_file.elements.iter().map(|&label| u16::from(label)).collect();
    Ok(Dataset::new(source, features, samples, labels, (0..count as u32).collect()))
}

struct Idx {
    sizes: Vec<usize>,
    elements: Vec<u8>,
}

fn parse(
    path: &Path,
    bytes: &[u8],
    dimensions: std::ops::RangeInclusive<u8>,
    expected: &'static str,
) -> Result<Idx, DataError> {
    let path = path.to_owned();
    let &[0, 0, UNSIGNED_BYTE, count, ref rest @ ..] = bytes else {
        let found = match bytes {
            [] => "nothing (it is empty)".to_owned(),
            bytes => bytes.iter().take(4).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" "),
        };
        return Err(DataError::IdxMagic { path, found });
    };
    if !dimensions.contains(&count) {
        return Err(DataError::IdxDimensions { path, found: count, expected });
    }
    let header = 4 * usize::from(count);
    let Some((sizes, elements)) = rest.split_at_checked(header) else {
        return Err(DataError::IdxTruncated { path, expected: 4 + header as u128, found: bytes.len() });
    };
    let sizes: Vec<u32> = sizes.as_chunks().0.iter().map(|size| u32::from_be_bytes(*size)).collect();
    // Four sizes of 32 bits fit in 128, so a corrupt header cannot wrap round to a plausible length.
    let announced = (4 + header) as u128 + sizes.iter().map(|&size| u128::from(size)).product::<u128>();
    let found = bytes.len();
    match (found as u128).cmp(&announced) {
        std::cmp::Ordering::Less => Err(DataError::IdxTruncated { path, expected: announced, found }),
        std::cmp::Ordering::Greater => Err(DataError::IdxTrailing { path, expected: announced, found }),
        std::cmp::Ordering::Equal => {
            Ok(Idx { sizes: sizes.iter().map(|&size| size as usize).collect(), elements: elements.to_vec() })
        }
    }
}
