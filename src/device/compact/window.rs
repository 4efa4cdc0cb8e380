//! Window functions: how the rate falls off towards the bounds of the state.

use serde::Serialize;

use super::parameters::{Checker, Severity};

/// Factor on the rate of VTEAM and of linear ion drift, as a function of the position x = (w - w_on) / (w_off - w_on) in 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// 1 inside, 0 at the bound that the state moves to: the asymmetric rectangular window. The state can leave both bounds.
    Clip,
    /// `1 - (2x - 1)^(2p)` (Joglekar, Wolf 2009). Vanishes at both bounds whichever way the state moves.
    Joglekar { p: f64 },
    /// `j (1 - ((x - 0.5)^2 + 0.75)^p)` (Prodromakis et al. 2011). Vanishes at both bounds whichever way the state moves.
    Prodromakis { p: f64, j: f64 },
    /// `1 - x^(2p)` upwards, `1 - (1 - x)^(2p)` downwards (Biolek et al. 2009).
    Biolek { p: f64 },
    /// The window of the TEAM model (Kvatinsky et al. 2013), `exp(-exp((w - a_off) / w_c))` upwards and
    /// `exp(-exp(-(w - a_on) / w_c))` downwards, with a_off, a_on and w_c in metres.
    Kvatinsky { a_on: f64, a_off: f64, w_c: f64 },
}

impl Window {
    /// Factor at position `x`, state `w` (metres; the Kvatinsky window alone needs it), for a state that moves `up` or down.
    pub(super) fn factor(&self, x: f64, w: f64, up: bool) -> f64 {
        let leaves = if up { x < 1.0 } else { x > 0.0 };
        if !leaves {
            return 0.0;
        }
        match *self {
            Window::Clip => 1.0,
            Window::Joglekar { p } => complement(2.0 * p, 2.0 * x.min(1.0 - x)),
            // (x - 1/2)^2 + 3/4 = 1 - x (1 - x)
            Window::Prodromakis { p, j } => j * complement(p, x * (1.0 - x)),
            Window::Biolek { p } => complement(2.0 * p, if up { 1.0 - x } else { x }),
            Window::Kvatinsky { a_off, w_c, .. } if up => libm::exp(-libm::exp((w - a_off) / w_c)),
            Window::Kvatinsky { a_on, w_c, .. } => libm::exp(-libm::exp(-(w - a_on) / w_c)),
        }
    }

    /// Position after `path`, the integral of the rate over time without the window, signed, in units of the range.
    /// `None` where no closed form exists.
    pub(super) fn advance(&self, x: f64, path: f64) -> Option<f64> {
        let (from, length) = if path >= 0.0 { (x, path) } else { (1.0 - x, -path) };
        let to = match *self {
            Window::Clip => (from + length).min(1.0),
            Window::Joglekar { p: 1.0 } => logistic(from, 4.0 * length),
            Window::Prodromakis { p: 1.0, j } => logistic(from, j * length),
            Window::Biolek { p: 1.0 } => {
                let t = libm::tanh(length);
                (from + t) / (1.0 + from * t)
            }
            _ => return None,
        };
        Some(if path >= 0.0 { to } else { 1.0 - to })
    }

    /// Whether a state at a bound cannot leave it.
    pub fn sticks(&self) -> bool {
        matches!(self, Window::Joglekar { .. } | Window::Prodromakis { .. })
    }

    pub(super) fn check(&self, accept_sticking: bool, check: &mut Checker) {
        match *self {
            Window::Clip => {}
            Window::Joglekar { p } | Window::Biolek { p } => {
                check.within("window.p", p, 0.5, 100.0, "");
            }
            Window::Prodromakis { p, j } => {
                check.within("window.p", p, 0.1, 100.0, "");
                check.above("window.j", j, 0.0, "");
            }
            Window::Kvatinsky { a_on, a_off, w_c } => {
                check.finite("window.a_on", a_on, "m");
                check.finite("window.a_off", a_off, "m");
                check.above("window.w_c", w_c, 0.0, "m");
            }
        }
        if self.sticks() {
            let severity = if accept_sticking { Severity::Warning } else { Severity::Error };
            let consent = if accept_sticking { "" } else { ", or accept_sticking = true" };
            check.push(
                severity,
                "window",
                self.name(),
                format!("clip, biolek or kvatinsky{consent}"),
                "it vanishes at both bounds whichever way the state moves: a state at a bound stays there for ever",
            );
        }
    }

    /// Word for the window.
    pub fn name(&self) -> &'static str {
        match self {
            Window::Clip => "clip",
            Window::Joglekar { .. } => "joglekar",
            Window::Prodromakis { .. } => "prodromakis",
            Window::Biolek { .. } => "biolek",
            Window::Kvatinsky { .. } => "kvatinsky",
        }
    }
}

/// `1 - (1 - z)^p` without cancellation for small z, which stands for a state close to a bound.
fn complement(p: f64, z: f64) -> f64 {
    -libm::expm1(p * libm::log1p(-z))
}

/// Solution of dx/ds = x (1 - x) after `s`.
fn logistic(x: f64, s: f64) -> f64 {
    if x <= 0.0 { 0.0 } else { x / (x + (1.0 - x) * libm::exp(-s)) }
}
