//! Convolutions: the image that they read, their kernel, and the pooling of their map.

use serde::Serialize;

use super::build::MAX_WORDS;
use super::error::{Code, Problem, Span};
use super::reader::{Entry, Found, Reader, Section};
use super::{Array, Design};

/// Keys of `image`.
pub(super) const IMAGE: &[&str] = &["height", "width", "channels"];
/// Keys of a layer that only convolutions have.
pub(super) const KEYS: [&str; 4] = ["kernel", "stride", "pool", "pooling"];
/// Most lines, pixels of a line and channels of an image.
const MOST: i64 = 1024;
/// Largest side of a pooling window.
const MOST_POOL: i64 = 8;

/// A map of `height` lines of `width` pixels. Its words stand pixel by pixel, line by line; those of a pixel are its channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Map {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
}

impl Map {
    pub fn words(&self) -> usize {
        self.height * self.width * self.channels
    }
}

/// What becomes of the reads of a pooling window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// The largest goes on, the first of equal ones.
    Max,
    /// Their mean goes on.
    Average,
}

impl Pooling {
    /// Name as in the spec.
    pub fn name(self) -> &'static str {
        match self {
            Pooling::Max => "max",
            Pooling::Average => "average",
        }
    }
}

/// A two-dimensional convolution without padding, whose map is pooled before the activation: for the largest the order makes no
/// difference, for the mean it is that of LeNet-5 (LeCun et al. 1998).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Conv {
    /// What it reads.
    pub input: Map,
    /// Side of the square kernel, and its step.
    pub kernel: usize,
    pub stride: usize,
    /// Side of the square pooling window, whose step is the same; 1: none.
    pub pool: usize,
    pub pooling: Pooling,
}

impl Conv {
    /// Lines and pixels of a line before pooling.
    fn read(&self) -> (usize, usize) {
        let side = |size: usize| (size - self.kernel) / self.stride + 1;
        (side(self.input.height), side(self.input.width))
    }

    /// Lines and pixels of a line of the pooled map.
    pub fn pooled(&self) -> (usize, usize) {
        let (height, width) = self.read();
        (height / self.pool, width / self.pool)
    }

    /// Words of a kernel's window: rows of the array without the bias.
    pub fn window(&self) -> usize {
        self.kernel * self.kernel * self.input.channels
    }

    /// Places of the kernel in a pooling window.
    pub fn elements(&self) -> usize {
        self.pool * self.pool
    }

    /// Pixels of the pooled map.
    pub fn pixels(&self) -> usize {
        self.pooled().0 * self.pooled().1
    }

    /// Places of the kernel: reads of a sample.
    pub fn positions(&self) -> usize {
        self.pixels() * self.elements()
    }

    /// The mean over a pooling window divides by `2^mean_bits`; 0 for other pooling.
    pub fn mean_bits(&self) -> u32 {
        if self.pooling == Pooling::Average { self.elements().ilog2() } else { 0 }
    }

    /// First word of the kernel's window at a position. Positions go pixel by pixel of the pooled map and, within a pixel's window,
    /// line by line.
    pub fn first_word(&self, position: usize) -> usize {
        let (pixel, element) = (position / self.elements(), position % self.elements());
        let across = self.pooled().1;
        let y = (pixel / across * self.pool + element / self.pool) * self.stride;
        let x = (pixel % across * self.pool + element % self.pool) * self.stride;
        (y * self.input.width + x) * self.input.channels
    }

    /// The words of the kernel's window at a position, in the order of the array's rows: line by line.
    pub fn words(&self, position: usize) -> impl Iterator<Item = usize> {
        let (first, run) = (self.first_word(position), self.kernel * self.input.channels);
        let line = self.input.width * self.input.channels;
        (0..self.kernel).flat_map(move |y| (0..run).map(move |word| first + y * line + word))
    }
}

/// `image`, where it is given: `None` where it is wrong.
pub(super) fn image(network: &Section<'_>) -> Option<Option<Found<Map>>> {
    let Some(span) = network.place("image") else { return Some(None) };
    let section = network.section("image", IMAGE);
    let side = |key: &str| match section.int(key, 1..=MOST) {
        Entry::Absent if key == "channels" => Some(1),
        Entry::Absent => {
            section.missing(key, "write it as `image = { height = 28, width = 28 }`");
            None
        }
        entry => entry.or(1).map(|n| n.value as usize),
    };
    let (height, width, channels) = (side("height"), side("width"), side("channels"));
    let map = Map { height: height?, width: width?, channels: channels? };
    if map.words() as i64 > MAX_WORDS {
        let message = format!("an image of {} words", map.words());
        let problem =
            Problem::new(Code::OutOfRange, message).at(Some(span), format!("allowed: at most {MAX_WORDS} words"));
        network.reader.report(problem.help("height times width times channels is what a sample has"));
        return None;
    }
    Some(Some(Found { value: map, span: Some(span) }))
}

/// The convolution of a layer with a `kernel`; `Some(None)` for other layers, `None` where a key is wrong. `image`: what the layer reads,
/// `None` where it is wrong; `first`: it is the network's first layer, `last`: its last.
pub(super) fn read(
    reader: &Reader<'_>,
    layer: &Section<'_>,
    image: Option<&Option<Found<Map>>>,
    first: bool,
    last: bool,
) -> Option<Option<Conv>> {
    let Some(kernel_span) = layer.place("kernel") else {
        for key in KEYS {
            if let Some(span) = layer.place(key) {
                let message = format!("`{key}` says nothing in a layer without `kernel`");
                let help = "remove it, or give the side of the kernel, for example `kernel = 3`";
                reader.report(Problem::new(Code::Convolution, message).at(Some(span), "").help(help));
            }
        }
        return Some(None);
    };
    let refuse = |span: Option<Span>, message: String, label: &str, help: &str| {
        reader.report(Problem::new(Code::Convolution, message).at(span, label).help(help));
    };
    let kernel = layer.int("kernel", 1..=MOST);
    let stride = layer.int("stride", 1..=MOST);
    let pool = layer.int("pool", 1..=MOST_POOL);
    let pooling = layer.choice("pooling", &[("max", Pooling::Max), ("average", Pooling::Average)]);
    if !first || last {
        let place = if first { "the only layer" } else { "a later layer" };
        let help = "only the first layer may have a `kernel`, with at least one layer after it";
        refuse(Some(kernel_span), format!("a convolution as {place}"), "", help);
        return None;
    }
    // A wrong image was reported where it stands.
    let Some(image) = image? else {
        let help = "say how the sample's words make an image: `image = { height = 8, width = 8 }` in `[network]`";
        refuse(Some(kernel_span), "a convolution of no image".to_owned(), "", help);
        return None;
    };
    let spans = (stride.span(), pool.span());
    let pooling_span = pooling.span();
    let number = |entry: Entry<i64>| entry.or(1).map(|n| n.value as usize);
    let (kernel, stride, pool) = (number(kernel)?, number(stride)?, number(pool)?);
    let pooling = pooling.or(Pooling::Max)?.value;
    let map = image.value;
    let side = map.height.min(map.width);
    if kernel > side {
        let message =
            format!("the kernel of {kernel} x {kernel} is larger than its input of {} x {}", map.height, map.width);
        let problem = Problem::new(Code::Convolution, message).at(Some(kernel_span), format!("allowed: 1 to {side}"));
        reader.report(problem.also(image.span.clone(), "").help(format!("nearest: `kernel = {side}`")));
        return None;
    }
    for (what, size) in [("lines", map.height), ("columns", map.width)] {
        let rest = size - kernel;
        if !rest.is_multiple_of(stride) {
            let fitting: Vec<String> =
                (1..=rest).filter(|step| rest.is_multiple_of(*step)).map(|step| step.to_string()).collect();
            let message = format!("a stride of {stride} does not divide the {rest} {what} that the kernel goes over");
            let label = format!("allowed: {}", fitting.join(", "));
            let note = format!("{size} {what} of the image less {kernel} of the kernel");
            let problem = Problem::new(Code::Convolution, message).at(spans.0.clone(), label);
            reader.report(problem.also(image.span.clone(), "").note(note).help("or change `kernel`"));
            return None;
        }
        let read = rest / stride + 1;
        if !read.is_multiple_of(pool) {
            let fitting: Vec<String> = (1..=(MOST_POOL as usize).min(read))
                .filter(|pool| read.is_multiple_of(*pool))
                .map(|pool| pool.to_string())
                .collect();
            let message = format!("a pooling window of {pool} does not divide the map's {read} {what}");
            let label = format!("allowed: {}", fitting.join(", "));
            reader.report(
                Problem::new(Code::Convolution, message)
                    .at(spans.1.clone(), label)
                    .help("or change `kernel` or `stride`"),
            );
            return None;
        }
    }
    if pool == 1 && pooling_span.is_some() {
        let message = "`pooling` says nothing without a pooling window".to_owned();
        refuse(pooling_span, message, "", "remove it, or give the window's side, for example `pool = 2`");
        return None;
    }
    if pooling == Pooling::Average && !pool.is_power_of_two() {
        let message = format!("a mean over windows of {pool} x {pool}");
        refuse(spans.1, message, "allowed: 1, 2, 4, 8", "the hardware divides by shifting");
        return None;
    }
    Some(Some(Conv { input: map, kernel, stride, pool, pooling }))
}

/// Words of the pooled map, which the next layer reads; `None` where they are too many.
pub(super) fn words(reader: &Reader<'_>, layer: &Section<'_>, conv: &Conv, channels: usize) -> Option<usize> {
    let words = channels * conv.pixels();
    if words as i64 <= MAX_WORDS {
        return Some(words);
    }
    let message = format!("a map of {} pixels of {channels} channels has {words} words", conv.pixels());
    let problem = Problem::new(Code::Convolution, message)
        .at(layer.place("outputs"), format!("allowed: at most {MAX_WORDS} words"))
        .also(layer.place("kernel"), "");
    reader.report(
        problem
            .help(format!("take `outputs = {}`, or a larger `stride` or `pool`", MAX_WORDS as usize / conv.pixels())),
    );
    None
}

/// An image without a use, or that contradicts the number of words.
pub(super) fn image_fits(reader: &Reader<'_>, image: Option<&Found<Map>>, inputs: Option<&Found<usize>>, used: bool) {
    let Some(image) = image else { return };
    if let Some(inputs) = inputs
        && inputs.value != image.value.words()
    {
        let Map { height, width, channels } = image.value;
        let message = format!("the image has {} words, and `inputs` is {}", image.value.words(), inputs.value);
        let problem = Problem::new(Code::Convolution, message)
            .at(image.span.clone(), format!("{height} x {width} x {channels}"))
            .also(inputs.span.clone(), "");
        reader.report(problem.help(format!("write `inputs = {}`", image.value.words())));
    } else if !used {
        let problem = Problem::new(Code::Convolution, "`image` says nothing without a convolution");
        reader.report(problem.at(image.span.clone(), "").help("give the first layer a `kernel`, or remove it"));
    }
}

/// What a convolution asks of the array: whole beats of channels, and arrays that can do it.
pub(super) fn check(
    reader: &Reader<'_>,
    design: &Design,
    layer: Option<Span>,
    lanes: Option<Span>,
    backend: Option<Span>,
) {
    let Some(first) = design.layers.first().filter(|first| first.conv.is_some()) else { return };
    let Array { lanes: words, .. } = design.array;
    if !first.outputs.is_multiple_of(words) {
        let message =
            format!("the {} channels of layer `{}` are no whole beats of {words} words", first.outputs, first.name);
        let near = first.outputs.next_multiple_of(words);
        let fits = 1usize << first.outputs.trailing_zeros();
        let problem = Problem::new(Code::Convolution, message)
            .at(layer, format!("allowed: multiples of `lanes = {words}`"))
            .also(lanes, "");
        reader.report(problem.help(format!("nearest: `outputs = {near}`, or `lanes = {fits}`")));
    }
    if design.array.backend.lines_in_memory() {
        let message = "the array for an FPGA has no convolutions: its lines are loaded once per sample";
        let help = "set `backend = \"emulated\"` or `backend = \"external\"`";
        reader.report(Problem::new(Code::Convolution, message).at(backend, "").help(help));
    }
}
