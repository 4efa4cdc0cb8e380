//! All compact models by name, with their parameter sets and their numbers: what specs and listings need to know of them.

use serde::Serialize;

use super::{CompactModel, IonDrift, ParameterSet, StanfordPku, Status, Team, Vteam, Window, Yakopcic};

/// Which compact model the memristors follow.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    Vteam(Vteam),
    Team(Team),
    IonDrift(IonDrift),
    Yakopcic(Yakopcic),
    StanfordPku(StanfordPku),
}

/// A compact model without its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Vteam,
    Team,
    IonDrift,
    Yakopcic,
    StanfordPku,
}

/// A named parameter set of any model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Set {
    pub name: &'static str,
    pub source: &'static str,
    pub status: Status,
    pub model: Model,
}

/// One number of a model.
pub struct Number<'m> {
    /// Key in specs.
    pub name: &'static str,
    pub value: &'m mut f64,
}

fn sets<M: Copy>(sets: &[ParameterSet<M>], wrap: fn(M) -> Model) -> Vec<Set> {
    let set = |s: &ParameterSet<M>| Set { name: s.name, source: s.source, status: s.status, model: wrap(s.model) };
    sets.iter().map(set).collect()
}

/// Fields of `$model` under their own names.
macro_rules! numbers {
    ($model:expr, $($field:ident),+) => { vec![$(Number { name: stringify!($field), value: &mut $model.$field }),+] };
}

impl Kind {
    pub const ALL: [Kind; 5] = [Kind::Vteam, Kind::Team, Kind::IonDrift, Kind::Yakopcic, Kind::StanfordPku];

    /// Name in specs.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Vteam => "vteam",
            Kind::Team => "team",
            Kind::IonDrift => "ion_drift",
            Kind::Yakopcic => "yakopcic",
            Kind::StanfordPku => "stanford_pku",
        }
    }

    /// Parameter sets; the first is the model's default.
    pub fn sets(self) -> Vec<Set> {
        match self {
            Kind::Vteam => sets(Vteam::sets(), Model::Vteam),
            Kind::Team => sets(Team::sets(), Model::Team),
            Kind::IonDrift => sets(IonDrift::sets(), Model::IonDrift),
            Kind::Yakopcic => sets(Yakopcic::sets(), Model::Yakopcic),
            Kind::StanfordPku => sets(StanfordPku::sets(), Model::StanfordPku),
        }
    }

    /// The model with its default numbers.
    pub fn model(self) -> Model {
        match self {
            Kind::Vteam => Model::Vteam(Vteam::default()),
            Kind::Team => Model::Team(Team::default()),
            Kind::IonDrift => Model::IonDrift(IonDrift::default()),
            Kind::Yakopcic => Model::Yakopcic(Yakopcic::default()),
            Kind::StanfordPku => Model::StanfordPku(StanfordPku::default()),
        }
    }
}

impl Model {
    /// The model behind its trait.
    pub fn as_dyn(&self) -> &dyn CompactModel {
        match self {
            Model::Vteam(model) => model,
            Model::Team(model) => model,
            Model::IonDrift(model) => model,
            Model::Yakopcic(model) => model,
            Model::StanfordPku(model) => model,
        }
    }

    pub fn kind(&self) -> Kind {
        match self {
            Model::Vteam(_) => Kind::Vteam,
            Model::Team(_) => Kind::Team,
            Model::IonDrift(_) => Kind::IonDrift,
            Model::Yakopcic(_) => Kind::Yakopcic,
            Model::StanfordPku(_) => Kind::StanfordPku,
        }
    }

    /// All numbers but those of the window, in the order of a listing.
    pub fn numbers(&mut self) -> Vec<Number<'_>> {
        match self {
            Model::Vteam(m) => {
                numbers!(m, r_on, r_off, w_on, w_off, v_on, v_off, k_on, k_off, alpha_on, alpha_off)
            }
            Model::Team(m) => {
                numbers!(m, r_on, r_off, w_on, w_off, i_on, i_off, k_on, k_off, alpha_on, alpha_off)
            }
            Model::IonDrift(m) => numbers!(m, r_on, r_off, thickness, mobility, v_negative, v_positive),
            Model::Yakopcic(m) => {
                numbers!(m, a1, a2, b, v_p, v_n, a_p, a_n, x_p, x_n, alpha_p, alpha_n, eta)
            }
            // The random velocity of the source is left out: cells take their spread from the array.
            Model::StanfordPku(m) => numbers!(
                m, gap_min, gap_max, g0, v0, i0, t_ambient, r_th, gamma0, beta, t_ox, f_min, velocity0, e_a, a0
            ),
        }
    }

    /// The window, and whether one that sticks at the bounds is accepted; `None` for models without one.
    pub fn window(&mut self) -> Option<(&mut Window, &mut bool)> {
        match self {
            Model::Vteam(m) => Some((&mut m.window, &mut m.accept_sticking)),
            Model::Team(m) => Some((&mut m.window, &mut m.accept_sticking)),
            Model::IonDrift(m) => Some((&mut m.window, &mut m.accept_sticking)),
            Model::Yakopcic(_) | Model::StanfordPku(_) => None,
        }
    }

    /// Positions of weight -1 and 1 when nothing else is asked for, at a read of `v_read`: where the step changes least with
    /// the state, as far as each model has such a place.
    pub fn default_range(&self, v_read: f64) -> (f64, f64) {
        /// Shares of the conductance range, well inside.
        const LOW: f64 = 0.35;
        const HIGH: f64 = 0.65;
        let model = self.as_dyn();
        match self {
            // Its conductance range lies within a thousandth of the way: shares of the way instead.
            Model::Team(_) => {
                let at = |position| model.conductance(model.state_at(position), v_read);
                (at(LOW), at(HIGH))
            }
            _ => {
                let (low, high) = model.conductance_range(v_read);
                (low + LOW * (high - low), low + HIGH * (high - low))
            }
        }
    }
}
