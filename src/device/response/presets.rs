//! Parameter sets of published devices.
//!
//! aihwkit gives weights without conductances: its presets here assume 1 to 10 uS (ReRAM), 0.1 to 1 uS (capacitor, ECRAM), and
//! unit pulses of 1 V. NeuroSim gives resistance, ratio, volts and seconds; one value of a pair missing there is assumed and
//! says so.

use super::parameters::{CycleNoise, Law, Parameters, Spread, UnitPulse};

/// A published device.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    pub name: &'static str,
    pub law: Law,
    /// Where the numbers are from.
    pub source: &'static str,
    change: fn(&mut Parameters),
}

impl Preset {
    pub const ALL: &[Preset] = &[
        GOKMEN_VLASOV,
        IDEALIZED,
        RERAM_ES,
        RERAM_SB,
        RERAM_ARRAY_OM,
        RERAM_ARRAY_HFO2,
        CAPACITOR,
        ECRAM,
        ECRAM_MO,
        AG_SI,
        TAOX_TIOX,
        TAOX_HFOX,
        PCMO,
        ALOX_HFO2,
        GST_PCM,
        EPIRAM,
        FEFET,
    ];

    pub fn parameters(&self) -> Parameters {
        let mut parameters = Parameters::of(self.law);
        (self.change)(&mut parameters);
        parameters
    }
}

const GOKMEN_VLASOV: Preset = Preset {
    name: "GokmenVlasov",
    law: Law::ConstantStep,
    source: "aihwkit GokmenVlasovPresetDevice, after Gokmen and Vlasov, Front. Neurosci. 10:333 (2016)",
    change: |_| {},
};

const IDEALIZED: Preset = Preset {
    name: "Idealized",
    law: Law::ConstantStep,
    source: "aihwkit IdealizedPresetDevice, after Rasch, Gokmen and Haensch, IEEE Design & Test (2019)",
    change: |p| {
        p.dw_min = 0.0002;
        p.up_down_dtod = 0.0;
    },
};

const RERAM_ES: Preset = Preset {
    name: "ReRamES",
    law: Law::ExpStep,
    source: "aihwkit ReRamESPresetDevice, fit to Gong et al., Nat. Commun. 9:2102 (2018)",
    change: |p| {
        p.dw_min = 0.00135;
        p.up_down = 0.259359;
        p.dw_min_dtod = 0.2;
        p.up_down_dtod = 0.05;
        p.dw_min_std = 5.0;
        p.write_noise_std = 75.0;
    },
};

const RERAM_SB: Preset = Preset {
    name: "ReRamSB",
    law: Law::SoftBounds,
    source: "aihwkit ReRamSBPresetDevice, loose fit to Gong et al., Nat. Commun. 9:2102 (2018)",
    change: |p| {
        p.dw_min = 0.002;
        p.w_max = 1.25;
        p.w_min = -0.75;
        p.w_max_dtod = 0.24;
        p.w_min_dtod = 0.4;
        p.dw_min_std = 3.75;
        p.write_noise_std = 56.0;
    },
};

/// What the two measured arrays have in common.
fn reram_array(p: &mut Parameters) {
    p.spread = Spread::LogNormal;
    p.reference_std = 0.05;
}

const RERAM_ARRAY_OM: Preset = Preset {
    name: "ReRamArrayOM",
    law: Law::SoftBoundsReference,
    source: "aihwkit ReRamArrayOMPresetDevice, fit to Gong, Rasch et al., IEDM (2022)",
    change: |p| {
        reram_array(p);
        p.dw_min = 0.0949;
        p.dw_min_dtod = 0.7829;
        p.w_max_dtod = 0.3499;
        p.w_min_dtod = 0.5695;
        p.dw_min_std = 0.4158;
        p.write_noise_std = 1.4113;
    },
};

const RERAM_ARRAY_HFO2: Preset = Preset {
    name: "ReRamArrayHfO2",
    law: Law::SoftBoundsReference,
    source: "aihwkit ReRamArrayHfO2PresetDevice, fit to Gong, Rasch et al., IEDM (2022)",
    change: |p| {
        reram_array(p);
        p.dw_min = 0.4622;
        p.dw_min_dtod = 0.7125;
        p.w_max_dtod = 0.4295;
        p.w_min_dtod = 0.5990;
        p.dw_min_std = 0.2174;
        p.write_noise_std = 0.5841;
    },
};

/// Devices whose channel conducts little.
fn channel(p: &mut Parameters) {
    p.g_min = 0.1e-6;
    p.g_max = 1e-6;
}

const CAPACITOR: Preset = Preset {
    name: "Capacitor",
    law: Law::LinearStep,
    source: "aihwkit CapacitorPresetDevice, fit to Li et al., VLSI (2018)",
    change: |p| {
        channel(p);
        p.dw_min = 0.005;
        p.dw_min_dtod = 0.1;
        p.up_down_dtod = 0.06;
        p.w_max_dtod = 0.07;
        p.w_min_dtod = 0.07;
        p.gamma_up = 0.05;
        p.gamma_down = 0.05;
        p.gamma_up_dtod = 0.01;
        p.gamma_down_dtod = 0.01;
    },
};

/// What the two electrochemical devices have in common.
fn ecram(p: &mut Parameters) {
    channel(p);
    p.cycle_noise = CycleNoise::Multiplicative;
    p.dw_min_dtod = 0.1;
    p.w_max_dtod = 0.05;
    p.w_min_dtod = 0.05;
}

const ECRAM: Preset = Preset {
    name: "EcRam",
    law: Law::LinearStep,
    source: "aihwkit EcRamPresetDevice, fit to Tang et al., IEDM (2018)",
    change: |p| {
        ecram(p);
        p.dw_min = 0.002;
        p.w_max = 1.1724;
        p.w_min = -0.8276;
        p.gamma_up = 0.1153;
        p.gamma_down = 0.5085;
    },
};

const ECRAM_MO: Preset = Preset {
    name: "EcRamMO",
    law: Law::LinearStep,
    source: "aihwkit EcRamMOPresetDevice, after Kim et al., IEDM (2019)",
    change: |p| {
        ecram(p);
        p.dw_min = 2.8214e-4;
        p.w_max = 1.1714;
        p.w_min = -0.8286;
        p.gamma_up = 0.4152;
        p.gamma_down = 0.7342;
        p.dw_min_std = 2.0;
    },
};

/// A column of NeuroSim's table: pulses up and down, nonlinearity up and down, noise of a pulse as a share of the range.
fn neurosim(p: &mut Parameters, pulses: (f64, f64), nl: (f64, f64), sigma: f64) {
    (p.pulses_up, p.pulses_down) = pulses;
    (p.nl_up, p.nl_down) = nl;
    p.cycle_sigma = sigma;
}

/// Resistance in the state of high conductance, and the ratio of the two.
fn resistance(p: &mut Parameters, ohms: f64, ratio: f64) {
    p.g_max = 1.0 / ohms;
    p.g_min = p.g_max / ratio;
}

fn pulses(p: &mut Parameters, up: (f64, f64), down: (f64, f64)) {
    p.up = UnitPulse { volts: up.0, seconds: up.1 };
    p.down = UnitPulse { volts: down.0, seconds: down.1 };
}

const MANUAL: &str = "MLP+NeuroSim V3.0 manual, tables I and II";

const AG_SI: Preset = Preset {
    name: "AgSi",
    law: Law::NeuroSim,
    source: MANUAL,
    change: |p| {
        neurosim(p, (97.0, 100.0), (2.4, 4.88), 0.035);
        resistance(p, 26e6, 12.5);
        pulses(p, (3.2, 300e-6), (2.8, 300e-6));
    },
};

/// "below 1 %" in the table: half of it is assumed.
const TAOX_TIOX: Preset = Preset {
    name: "TaOxTiOx",
    law: Law::NeuroSim,
    source: MANUAL,
    change: |p| {
        neurosim(p, (102.0, 102.0), (1.85, 1.79), 0.005);
        resistance(p, 5e6, 2.0);
        pulses(p, (3.0, 40e-3), (3.0, 10e-3));
    },
};

const TAOX_HFOX: Preset = Preset {
    name: "TaOxHfOx",
    law: Law::NeuroSim,
    source: MANUAL,
    change: |p| {
        neurosim(p, (128.0, 128.0), (0.04, 0.63), 0.037);
        resistance(p, 100e3, 10.0);
        pulses(p, (1.6, 50e-9), (1.6, 50e-9));
    },
};

/// "below 1 %" in the table: half of it is assumed.
const PCMO: Preset = Preset {
    name: "PCMO",
    law: Law::NeuroSim,
    source: MANUAL,
    change: |p| {
        neurosim(p, (50.0, 50.0), (3.68, 6.76), 0.005);
        resistance(p, 23e6, 6.84);
        pulses(p, (2.0, 1e-3), (2.0, 1e-3));
    },
};

const ALOX_HFO2: Preset = Preset {
    name: "AlOxHfO2",
    law: Law::NeuroSim,
    source: MANUAL,
    change: |p| {
        neurosim(p, (40.0, 40.0), (1.94, 0.61), 0.05);
        resistance(p, 16.9e3, 4.43);
        pulses(p, (0.9, 100e-6), (1.0, 100e-6));
    },
};

/// 100 pulses up and 120 down: the table says "100 to 120".
const GST_PCM: Preset = Preset {
    name: "GST_PCM",
    law: Law::NeuroSim,
    source: "MLP+NeuroSim V3.0 manual, tables I and II, after Kuzum et al., Nano Lett. 12 (2012)",
    change: |p| {
        neurosim(p, (100.0, 120.0), (0.105, 2.4), 0.015);
        resistance(p, 4.71e3, 19.8);
        pulses(p, (0.7, 6e-6), (3.0, 125e-9));
    },
};

const EPIRAM: Preset = Preset {
    name: "EpiRAM",
    law: Law::NeuroSim,
    source: MANUAL,
    change: |p| {
        neurosim(p, (64.0, 64.0), (0.5, 0.5), 0.02);
        resistance(p, 81e3, 50.2);
        pulses(p, (5.0, 5e-6), (3.0, 5e-6));
    },
};

/// "below 0.5 %" in the table: half of it is assumed.
const FEFET: Preset = Preset {
    name: "FeFET",
    law: Law::NeuroSim,
    source: MANUAL,
    change: |p| {
        neurosim(p, (32.0, 32.0), (1.75, 1.46), 0.0025);
        resistance(p, 559.28e3, 45.0);
        pulses(p, (3.65, 75e-9), (2.95, 75e-9));
    },
};
