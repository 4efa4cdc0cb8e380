//! Bindings of what a convolution adds: the walk over the image, the errors of its map, and its pooling.

use askama::Template;

use super::{bits_for, max_beat_bits, momentum};
use crate::spec::{Conv, Design, Layer, Pooling};

#[derive(Template)]
#[template(path = "conv_walk.v", escape = "none")]
pub(super) struct ConvWalk<'a> {
    pub name: &'a str,
    pub lanes: usize,
    /// How counts of words compare in width with their numbers.
    pub count_wider: bool,
    pub count_same: bool,
}

#[derive(Template)]
#[template(path = "conv_errors.v", escape = "none")]
pub(super) struct ConvErrors<'a> {
    pub name: &'a str,
    pub winners: bool,
}

#[derive(Template)]
#[template(path = "pool.v", escape = "none")]
pub(super) struct Pool<'a> {
    name: &'a str,
    pixels: usize,
    pixel_bits: u32,
    elements: usize,
    element_bits: u32,
    beats: usize,
    beat_bits: u32,
    max: bool,
    /// Bits beside a code in what a window has come to.
    held_bits: u32,
    mean_bits: u32,
    half: String,
}

/// Numbers of the top's convolution.
pub(super) struct ConvSizes {
    pub gradients: usize,
    /// Bits by which the number of pairs is wider than the depth in batches.
    pub deeper: bool,
    pub depth_spare: u32,
    pub lane_bits: u32,
    pub word_bits: u32,
    pub window: usize,
    pub run: usize,
    pub count_bits: u32,
    pub line_gap: usize,
    pub pool: usize,
    pub pool_bits: u32,
    pub across: usize,
    pub across_bits: u32,
    pub down: usize,
    pub down_bits: u32,
    pub place_step: usize,
    pub place_line_step: usize,
    pub pixel_step: usize,
    pub map_line_step: usize,
    pub map_beats: usize,
    pub map_beat_bits: u32,
    pub element_bits: u32,
    /// The read path's beat numbers are wider.
    pub wider: bool,
    /// The largest of a pooling window is looked for.
    pub winners: bool,
    /// Which marks of its pairs the momentum unit looks at.
    pub begins: bool,
    pub first: bool,
    pub last: bool,
}

/// What the read path has to know of the pooling.
pub(super) struct PoolUse {
    pub max: bool,
    pub element_bits: u32,
}

/// The convolution of a design that has one.
pub(super) fn of(design: &Design) -> Option<(&Layer, Conv)> {
    let first = design.layers.first()?;
    Some((first, first.conv?))
}

/// Bits of a beat number of the image.
pub(super) fn image_beat_bits(design: &Design) -> u32 {
    bits_for(design.inputs.div_ceil(design.array.lanes) - 1)
}

fn winners(conv: &Conv) -> bool {
    conv.pooling == Pooling::Max && conv.elements() > 1
}

impl ConvSizes {
    pub fn new(design: &Design) -> Option<ConvSizes> {
        let (layer, conv) = of(design)?;
        let lanes = design.array.lanes;
        let (down, across) = conv.pooled();
        let word_bits = image_beat_bits(design) + lanes.ilog2();
        let first = |position: usize| conv.first_word(position) as i64;
        // From the last place of one kind of group to the first of the next; a step back is one around the numbers of words.
        let step = |from: usize, to: usize| (first(to) - first(from)).rem_euclid(1 << word_bits) as usize;
        let (pool, elements) = (conv.pool, conv.elements());
        let run = conv.kernel * conv.input.channels;
        let map_beats = layer.words().div_ceil(lanes);
        let training = &design.training;
        let depth_spare = bits_for(layer.pairs(training)).saturating_sub(bits_for(training.history));
        Some(ConvSizes {
            gradients: layer.gradients(training),
            deeper: depth_spare > 0,
            depth_spare,
            lane_bits: lanes.ilog2().max(1),
            word_bits,
            window: conv.window(),
            run,
            count_bits: bits_for(conv.window().max(lanes)),
            line_gap: (conv.input.width * conv.input.channels - run) % (1 << word_bits),
            pool,
            pool_bits: bits_for(pool - 1),
            across,
            across_bits: bits_for(across - 1),
            down,
            down_bits: bits_for(down - 1),
            place_step: if pool > 1 { step(0, 1) } else { 0 },
            place_line_step: if pool > 1 { step(pool - 1, pool) } else { 0 },
            pixel_step: if across > 1 { step(elements - 1, elements) } else { 0 },
            map_line_step: if down > 1 { step(across * elements - 1, across * elements) } else { 0 },
            map_beats,
            map_beat_bits: bits_for(map_beats - 1),
            element_bits: bits_for(elements - 1),
            wider: max_beat_bits(design) > bits_for(map_beats - 1),
            winners: winners(&conv),
            begins: training.ring(),
            first: momentum::batch_first(training, momentum::batch(training, layer)),
            last: momentum::batch(training, layer) > 1,
        })
    }
}

impl<'a> Pool<'a> {
    pub fn new(design: &'a Design) -> Option<Pool<'a>> {
        let (layer, conv) = of(design)?;
        let beats = layer.outputs / design.array.lanes;
        let (max, mean_bits) = (winners(&conv), conv.mean_bits());
        let element_bits = bits_for(conv.elements() - 1);
        Some(Pool {
            name: &design.name,
            pixels: conv.pixels(),
            pixel_bits: bits_for(conv.pixels() - 1),
            elements: conv.elements(),
            element_bits,
            beats,
            beat_bits: bits_for(beats - 1),
            max,
            held_bits: if max { element_bits } else { mean_bits },
            mean_bits,
            half: format!("{}", (1u32 << mean_bits) / 2),
        })
    }
}

impl PoolUse {
    pub fn new(design: &Design) -> Option<PoolUse> {
        let (_, conv) = of(design)?;
        Some(PoolUse { max: winners(&conv), element_bits: bits_for(conv.elements() - 1) })
    }
}
