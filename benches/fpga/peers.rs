//! The same training in other programs on one core of this machine.

use std::path::Path;
use std::process::Command;

/// Samples of a run.
const SAMPLES: usize = 500;

/// Microseconds per training sample of the digits in `library`, "numpy" or "torch".
///
/// # Errors
/// It is not installed, or fails.
pub fn microseconds(library: &str, target: &Path) -> Result<f64, String> {
    let python = target.join("peers/fpga/bin/python");
    if !python.exists() {
        return Err("not installed (`make peers-fpga` installs it)".to_string());
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/fpga/training.py");
    let output = Command::new(python)
        .arg(script)
        .args([library, "64", "32", "10", &SAMPLES.to_string()])
        .envs([("OMP_NUM_THREADS", "1"), ("OPENBLAS_NUM_THREADS", "1"), ("MKL_NUM_THREADS", "1")])
        .output()
        .map_err(|e| e.to_string())?;
    let last = |text: &[u8]| String::from_utf8_lossy(text).trim().lines().last().unwrap_or_default().to_string();
    if !output.status.success() {
        return Err(last(&output.stderr));
    }
    let answer = last(&output.stdout);
    answer.parse().map_err(|_| format!("the answer is `{answer}`"))
}
