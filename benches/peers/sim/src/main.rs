//! Drives the digits design with marlin: `marlin-loop static|dynamic VERILATOR CXX FOLDER RTL_FOLDER STIMULUS PASSES`.
//!
//! Prints `build SECONDS`, then `CYCLES PROCESSOR_SECONDS SUM_OF_FIRST_PASS SUM_OF_ALL`. Without passes it only builds.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

use cpu_time::ProcessTime;
use marlin::verilator::dynamic::{AsDynamicVerilatedModel, DynamicVerilatedModel, VerilatorValue};
use marlin::verilator::{PortDirection, VerilatedModelConfig, VerilatorRuntime, VerilatorRuntimeOptions};
use marlin::verilog::prelude::*;

#[verilog(src = "../../../target/bench-sim/rtl/digits.v", name = "digits")]
pub struct Digits;

/// Cargo does not see that the attribute reads this file.
const _: &str = include_str!("../../../../target/bench-sim/rtl/digits.v");

/// Ports driven, by their numbers in the stimulus, and ports sampled after each rising edge, with their C++ types and widths.
macro_rules! ports {
    (in: $($number:literal $port:ident: $type:ident $kind:ident $width:literal,)* out: $($out:ident $out_width:literal,)*) => {
        const NAMES: &[&str] = &[$(stringify!($port)),*];
        const PORTS: &[(&str, usize, usize, PortDirection)] = &[
            ("aclk", 0, 0, PortDirection::Input),
            $((stringify!($port), $width - 1, 0, PortDirection::Input),)*
            $((stringify!($out), $out_width - 1, 0, PortDirection::Output),)*
        ];

        fn set(model: &mut Digits, port: u64, value: u64) {
            match port {
                $($number => model.$port = value as $type,)*
                _ => unreachable!("port {port}"),
            }
        }

        fn sample(model: &Digits, mut sum: u64) -> u64 {
            $(sum = sum.rotate_left(5) ^ u64::from(model.$out);)*
            sum
        }

        fn set_by_name(model: &mut DynamicVerilatedModel, port: u64, value: u64) {
            let result = match port {
                $($number => model.pin(stringify!($port), VerilatorValue::$kind(value as $type)),)*
                _ => unreachable!("port {port}"),
            };
            result.expect("a known port");
        }

        fn sample_by_name(model: &DynamicVerilatedModel, mut sum: u64) -> u64 {
            $(sum = sum.rotate_left(5) ^ number(model.read(stringify!($out)).expect("a known port"));)*
            sum
        }
    };
}

ports! {
    in:
    0 aresetn: u8 CData 1,
    1 s_axil_awaddr: u16 SData 12,
    2 s_axil_awvalid: u8 CData 1,
    3 s_axil_wdata: u32 IData 32,
    4 s_axil_wstrb: u8 CData 4,
    5 s_axil_wvalid: u8 CData 1,
    6 s_axil_bready: u8 CData 1,
    7 s_axil_araddr: u16 SData 12,
    8 s_axil_arvalid: u8 CData 1,
    9 s_axil_rready: u8 CData 1,
    10 s_axis_tdata: u64 QData 64,
    11 s_axis_tvalid: u8 CData 1,
    12 s_axis_tlast: u8 CData 1,
    13 m_axis_tready: u8 CData 1,
    14 l0_op_ready: u8 CData 1,
    15 l0_adc_valid: u8 CData 1,
    16 l0_adc_code: u64 QData 64,
    17 l1_op_ready: u8 CData 1,
    18 l1_adc_valid: u8 CData 1,
    19 l1_adc_code: u64 QData 64,
    out:
    s_axis_tready 1,
    m_axis_tvalid 1,
    m_axis_tdata 64,
    l0_op_valid 1,
    l0_adc_ready 1,
    l0_col_on 32,
    l1_op_valid 1,
    l1_adc_ready 1,
    l1_col_on 10,
}

fn number(value: VerilatorValue) -> u64 {
    match value {
        VerilatorValue::CData(v) => v.into(),
        VerilatorValue::SData(v) => v.into(),
        VerilatorValue::IData(v) => v.into(),
        VerilatorValue::QData(v) => v,
        _ => unreachable!("no wide port is sampled"),
    }
}

/// The words of a stimulus: number of cycles, then per cycle the number of changes and each as port and value.
fn load(path: &Path) -> Result<Vec<u64>, Box<dyn Error>> {
    let bytes = std::fs::read(path)?;
    let end = bytes.iter().position(|&b| b == b'\n').ok_or("no line of names")?;
    let names: Vec<&str> = std::str::from_utf8(&bytes[..end])?.split(' ').collect();
    if names != NAMES {
        return Err(format!("the stimulus drives {names:?}").into());
    }
    let words = bytes[end + 1..].chunks_exact(8);
    Ok(words.map(|w| u64::from_le_bytes(w.try_into().expect("eight bytes"))).collect())
}

/// Runs all passes; `set`, `clock` (sets the clock and evaluates) and `sample` are those of one of the two interfaces.
fn drive<M>(
    model: &mut M,
    words: &[u64],
    passes: u64,
    set: impl Fn(&mut M, u64, u64),
    clock: impl Fn(&mut M, u8),
    sample: impl Fn(&M, u64) -> u64,
) {
    let (mut sum, mut first) = (0, 0);
    clock(model, 0);
    let started = ProcessTime::now();
    for pass in 0..passes {
        let mut at = 1;
        for _ in 0..words[0] {
            let changes = words[at] as usize;
            for change in words[at + 1..at + 1 + 2 * changes].chunks_exact(2) {
                set(model, change[0], change[1]);
            }
            at += 1 + 2 * changes;
            clock(model, 1);
            sum = sample(model, sum);
            clock(model, 0);
        }
        if pass == 0 {
            first = sum;
        }
    }
    println!("{} {} {first:016x} {sum:016x}", passes * words[0], started.elapsed().as_secs_f64());
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [interface, verilator, cxx, folder, rtl, stimulus, passes] = &arguments[..] else {
        return Err("arguments: static|dynamic VERILATOR CXX FOLDER RTL_FOLDER STIMULUS PASSES".into());
    };
    let passes: u64 = passes.parse()?;
    let mut sources: Vec<PathBuf> = std::fs::read_dir(rtl)?.flatten().map(|entry| entry.path()).collect();
    sources.retain(|path| path.extension().is_some_and(|e| e == "v"));
    // The top is named by the same path as in the attribute.
    let top = Path::new(rtl).join("digits.v").display().to_string();
    sources.sort();
    let started = Instant::now();
    let options = VerilatorRuntimeOptions::default().verilator_executable(verilator.into());
    let runtime = VerilatorRuntime::new2(folder, &sources, &[] as &[&Path], [], options)?;
    let config = VerilatedModelConfig::default().verilator_optimization(3).cxx_executable(cxx.clone());
    // Only then is the model built.
    let words = if passes > 0 { load(Path::new(stimulus))? } else { Vec::new() };
    match interface.as_str() {
        "static" => {
            let mut model = runtime.create_model::<Digits>(&config)?;
            println!("build {}", started.elapsed().as_secs_f64());
            if passes > 0 {
                let clock = |model: &mut Digits, level| {
                    model.aclk = level;
                    model.eval();
                };
                drive(&mut model, &words, passes, set, clock, sample);
            }
        }
        "dynamic" => {
            let mut model = runtime.create_dyn_model("digits", &top, PORTS, config)?;
            println!("build {}", started.elapsed().as_secs_f64());
            if passes > 0 {
                let clock = |model: &mut DynamicVerilatedModel, level| {
                    model.pin("aclk", level).expect("a known port");
                    model.eval();
                };
                drive(&mut model, &words, passes, set_by_name, clock, sample_by_name);
            }
        }
        other => return Err(format!("`{other}`: static or dynamic").into()),
    }
    Ok(())
}
