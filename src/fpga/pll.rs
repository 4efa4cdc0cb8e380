//! Dividers of the PLLs that make a design's clock from the board's oscillator.

use super::target::Family;

/// Settings of a PLL.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pll {
    /// Divider of the reference.
    pub reference: u32,
    /// Multiplier: divider in the feedback path.
    pub feedback: u32,
    /// Divider of the output. iCE40: 2 to this power.
    pub output: u32,
    /// MHz of the output.
    pub mhz: f64,
    /// MHz of the phase detector.
    pub detector: f64,
}

/// Ranges of a family's PLL.
struct Limits {
    reference: std::ops::RangeInclusive<u32>,
    feedback: std::ops::RangeInclusive<u32>,
    output: std::ops::RangeInclusive<u32>,
    /// MHz.
    detector: std::ops::RangeInclusive<f64>,
    oscillator: std::ops::RangeInclusive<f64>,
}

impl Family {
    /// iCE40: Lattice FPGA-TN-02052, feedback SIMPLE (DIVR and DIVF are one less than the dividers here, DIVQ is the power of two).
    /// ECP5: Lattice FPGA-TN-02200, output and feedback on CLKOP. 7 series: AMD UG472, PLLE2, speed grade -1.
    fn limits(self) -> Limits {
        match self {
            Family::Ice40 => Limits {
                reference: 1..=16,
                feedback: 1..=128,
                output: 1..=6,
                detector: 10.0..=133.0,
                oscillator: 533.0..=1066.0,
            },
            Family::Ecp5 => Limits {
                reference: 1..=128,
                feedback: 1..=80,
                output: 1..=128,
                detector: 3.125..=400.0,
                oscillator: 400.0..=800.0,
            },
            Family::Xc7 => Limits {
                reference: 1..=56,
                feedback: 2..=64,
                output: 1..=128,
                detector: 19.0..=450.0,
                oscillator: 800.0..=1600.0,
            },
        }
    }

    /// Dividers for the output nearest to `wanted` MHz, not above it; of equal ones those with the fastest phase detector (least
    /// jitter). `None` when the PLL cannot come within a tenth of it.
    pub fn pll(self, reference: f64, wanted: f64) -> Option<Pll> {
        let limits = self.limits();
        let mut best: Option<Pll> = None;
        for divider in limits.reference {
            let detector = reference / f64::from(divider);
            if !limits.detector.contains(&detector) {
                continue;
            }
            for output in limits.output.clone() {
                for feedback in limits.feedback.clone() {
                    // The ECP5's feedback is taken behind the output divider.
                    let (oscillator, mhz) = match self {
                        Family::Ice40 => {
                            let oscillator = detector * f64::from(feedback);
                            (oscillator, oscillator / f64::from(1u32 << output))
                        }
                        Family::Ecp5 => {
                            let mhz = detector * f64::from(feedback);
                            (mhz * f64::from(output), mhz)
                        }
                        Family::Xc7 => {
                            let oscillator = detector * f64::from(feedback);
                            (oscillator, oscillator / f64::from(output))
                        }
                    };
                    if !limits.oscillator.contains(&oscillator) || mhz > wanted * (1.0 + 1e-9) {
                        continue;
                    }
                    if best.is_none_or(|b| mhz > b.mhz * (1.0 + 1e-9)) {
                        best = Some(Pll { reference: divider, feedback, output, mhz, detector });
                    }
                }
            }
        }
        best.filter(|pll| pll.mhz >= 0.9 * wanted)
    }
}

impl Pll {
    /// FILTER_RANGE of an iCE40's PLL, by the frequency of its phase detector (Lattice FPGA-TN-02052).
    pub fn filter_range(&self) -> u32 {
        match self.detector {
            f if f < 17.0 => 1,
            f if f < 26.0 => 2,
            f if f < 44.0 => 3,
            f if f < 66.0 => 4,
            f if f < 101.0 => 5,
            _ => 6,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_near_and_never_above() {
        for (family, reference) in [(Family::Ice40, 12.0), (Family::Ecp5, 25.0), (Family::Xc7, 100.0)] {
            for wanted in [20.0, 33.0, 48.0, 50.0, 77.7, 100.0, 133.0] {
                let pll = family.pll(reference, wanted).unwrap_or_else(|| panic!("{family:?} {wanted}"));
                assert!(pll.mhz <= wanted * 1.000001 && pll.mhz > 0.95 * wanted, "{family:?} {wanted}: {pll:?}");
            }
        }
    }

    /// Frequencies that the families' own tools reach with the same dividers.
    #[test]
    fn known_settings() {
        let pll = Family::Ecp5.pll(25.0, 100.0).unwrap();
        assert_eq!((pll.reference, pll.feedback, pll.mhz), (1, 4, 100.0));
        let pll = Family::Ice40.pll(12.0, 48.0).unwrap();
        assert_eq!((pll.reference, pll.feedback, pll.output, pll.mhz), (1, 64, 4, 48.0));
        assert_eq!(pll.filter_range(), 1);
        assert!(Family::Ice40.pll(12.0, 1.0).is_none());
    }
}
