//! From the material of a perpendicular junction to barrier, critical current and time constant.

use super::Mtj;

/// Permeability of the vacuum, H/m; elementary charge, C; reduced Planck constant, J s; Boltzmann constant, J/K; gyromagnetic
/// ratio of the electron, rad/(s T).
const MU_0: f64 = 1.256_637_062_12e-6;
const CHARGE: f64 = 1.602_176_634e-19;
const H_BAR: f64 = 1.054_571_817e-34;
const BOLTZMANN: f64 = 1.380_649e-23;
const GYROMAGNETIC: f64 = 1.760_859_63e11;

/// A free layer that turns as one spin. Defaults and formulas: ARM's mram_simulation_framework (`sllgs_solver.py`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Material {
    /// Diameter and thickness of the free layer, m.
    pub diameter: f64,
    pub thickness: f64,
    /// Interface anisotropy, J/m^2.
    pub interface_anisotropy: f64,
    /// Saturation magnetisation, A/m.
    pub magnetisation: f64,
    /// Demagnetisation factor across the layer; 0.96 for these sizes is assumed.
    pub demagnetisation: f64,
    /// Gilbert damping.
    pub damping: f64,
    /// Spin polarisation.
    pub polarisation: f64,
    /// Resistance of the parallel state, ohm.
    pub r_p: f64,
    /// K.
    pub temperature: f64,
}

impl Default for Material {
    fn default() -> Self {
        Material {
            diameter: 50e-9,
            thickness: 1e-9,
            interface_anisotropy: 1e-3,
            magnetisation: 0.97e6,
            demagnetisation: 0.96,
            damping: 0.005,
            polarisation: 0.35,
            r_p: 6e3,
            temperature: 300.0,
        }
    }
}

impl Material {
    /// Free layer's volume, m^3.
    pub fn volume(&self) -> f64 {
        std::f64::consts::PI / 4.0 * self.diameter * self.diameter * self.thickness
    }

    /// Effective anisotropy energy density, J/m^3: `K_i / t - mu_0 N M_s^2 / 2`.
    pub fn anisotropy(&self) -> f64 {
        self.interface_anisotropy / self.thickness
            - 0.5 * MU_0 * self.demagnetisation * self.magnetisation * self.magnetisation
    }

    /// Effective anisotropy field, T.
    pub fn field(&self) -> f64 {
        2.0 * self.anisotropy() / self.magnetisation
    }

    /// `K V / (k T)`.
    pub fn delta(&self) -> f64 {
        self.anisotropy() * self.volume() / (BOLTZMANN * self.temperature)
    }

    /// `2 alpha e mu_0 H_k M_s V / (hbar P)`, A: the torque's efficiency is half the polarisation where the layers are parallel.
    pub fn critical_current(&self) -> f64 {
        2.0 * self.damping * CHARGE * self.field() * self.magnetisation * self.volume() / (H_BAR * self.polarisation)
    }

    /// `(1 + alpha^2) / (alpha gamma_0 mu_0 H_k)`, s.
    pub fn tau_d(&self) -> f64 {
        (1.0 + self.damping * self.damping) / (self.damping * GYROMAGNETIC * self.field())
    }

    /// `2 P^2 / (1 - P^2)` (Julliere).
    pub fn tmr(&self) -> f64 {
        let square = self.polarisation * self.polarisation;
        2.0 * square / (1.0 - square)
    }

    /// The junction; what the material does not say is that of [`Mtj::default`].
    pub fn junction(&self) -> Mtj {
        let mtj = Mtj {
            critical_current: self.critical_current(),
            tau_d: self.tau_d(),
            r_p: self.r_p,
            tmr: self.tmr(),
            ..Mtj::default()
        };
        mtj.stable(self.delta())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: V = 1.9635e-24 m^3, K = 1e6 - 5.6750e5 J/m^3.
    #[test]
    fn the_default_is_a_stable_junction_of_some_ten_microamperes() {
        let material = Material::default();
        let near = |got: f64, want: f64| assert!((got / want - 1.0).abs() < 1e-3, "{got} {want}");
        near(material.volume(), 1.96350e-24);
        near(material.anisotropy(), 4.3247e5);
        near(material.field(), 0.89169);
        near(material.delta(), 205.02);
        near(material.tau_d(), 1.27382e-9);
        near(material.critical_current(), 7.3716e-5);
        near(material.tmr(), 0.27920);
    }
}
