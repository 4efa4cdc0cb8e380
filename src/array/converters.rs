//! Errors of the converters: the drivers' nonlinearity, the ADCs' offset and gain.

use crate::device::{Noise, Stream};
use crate::fixed;
use crate::spec::{Array, NonIdeal};

/// Voltage of each driver code in LSB; all drivers are alike.
#[derive(Clone)]
pub struct Drivers {
    max: i32,
    levels: Vec<f32>,
}

impl Drivers {
    /// `None` for drivers without an error.
    ///
    /// With `u = code / max`: `inl * 3 sqrt(3) / 2 * (u - u^3) + bow * 4 * (|u| - u^2)` LSB beside the code. Both are 0 at 0 and at full
    /// scale (the end-point fit), and `inl` and `bow` are their largest values.
    pub fn new(array: &Array, nonideal: &NonIdeal) -> Option<Drivers> {
        if nonideal.dac_inl == 0.0 && nonideal.dac_bow == 0.0 {
            return None;
        }
        let max = fixed::max_code(array.dac_bits) as i32;
        let level = |code: i32| {
            let u = f64::from(code) / f64::from(max);
            let odd = 1.5 * 3f64.sqrt() * (u - u * u * u);
            let even = 4.0 * (u.abs() - u * u);
            (f64::from(code) + nonideal.dac_inl * odd + nonideal.dac_bow * even) as f32
        };
        Some(Drivers { max, levels: (-max..=max).map(level).collect() })
    }

    /// Level of a code.
    pub fn level(&self, code: i32) -> f32 {
        self.levels[(code.clamp(-self.max, self.max) + self.max) as usize]
    }
}

/// Gain and offset of every ADC of an array. Line n of either direction is converted by ADC n modulo their number.
#[derive(Clone)]
pub struct Converters {
    gain: Vec<f32>,
    /// In codes.
    offset: Vec<f32>,
}

impl Converters {
    /// Draws the converters; `None` for ones without an error.
    pub fn new(array: &Array, nonideal: &NonIdeal, noise: Noise) -> Option<Converters> {
        if nonideal.adc_offset == 0.0 && nonideal.adc_gain == 0.0 {
            return None;
        }
        let (mut gain, mut offset) = (vec![0.0; array.adcs], vec![0.0; array.adcs]);
        noise.normals(Stream::Converter, 0, 0, &mut offset);
        noise.normals(Stream::Converter, 1, 0, &mut gain);
        let full_scale = 2f64.powi(array.adc_bits as i32 - 1);
        offset.iter_mut().for_each(|xi| *xi *= (nonideal.adc_offset * full_scale) as f32);
        gain.iter_mut().for_each(|xi| *xi = 1.0 + nonideal.adc_gain as f32 * *xi);
        Some(Converters { gain, offset })
    }

    /// What ADC `line` makes of a value in codes, before it is rounded.
    pub fn shift(&self, line: usize, value: f32) -> f32 {
        let adc = line % self.gain.len();
        value * self.gain[adc] + self.offset[adc]
    }
}
