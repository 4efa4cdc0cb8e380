//! Simulated boards behind pseudo-terminals whose cable breaks bytes, is cut, or has a reset button beside it.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use memrtl::host::{Board, Terminal};
use memrtl::rtl::Rtl;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use verilated::{Library, Profile};

/// What happens on the way. Counts are in bytes from the host.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cable {
    /// Probability that a byte, in either direction, is broken, lost, or followed by one that nobody sent.
    pub noise: f64,
    pub seed: u64,
    pub cut_after: Option<usize>,
    pub reset_after: Option<usize>,
}

/// A board on a terminal.
pub struct Plugged {
    /// What `--port` takes.
    pub port: String,
    stop: Arc<AtomicBool>,
    /// Bytes from the host so far.
    bytes: Arc<AtomicUsize>,
    thread: JoinHandle<Board>,
}

pub fn library(rtl: &Rtl) -> Library {
    Board::build(rtl, Profile::QuickBuild, Some(crate::common::model_cache())).unwrap_or_else(|e| panic!("{e}"))
}

/// Plugs a board in. A board that was unplugged is as it was then.
pub fn plug(board: Board, cable: Cable) -> Plugged {
    let terminal = Terminal::open().unwrap();
    let (stop, bytes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (flag, count, port) = (Arc::clone(&stop), Arc::clone(&bytes), terminal.name.clone());
    let thread = std::thread::spawn(move || serve(board, terminal, cable, &flag, &count));
    Plugged { port, stop, bytes, thread }
}

/// A board that has just been switched on.
pub fn plug_new(library: &Library, cable: Cable) -> Plugged {
    plug(Board::new(library, 1).unwrap(), cable)
}

fn serve(mut board: Board, mut terminal: Terminal, mut cable: Cable, stop: &AtomicBool, bytes: &AtomicUsize) -> Board {
    let mut rng = ChaCha8Rng::seed_from_u64(cable.seed);
    let mut buffer = [0; 1024];
    while !stop.load(Ordering::Relaxed) {
        let wait = Duration::from_millis(if board.is_quiet() { 5 } else { 0 });
        let count = terminal.receive(&mut buffer, wait).unwrap();
        let total = bytes.fetch_add(count, Ordering::Relaxed) + count;
        if cable.cut_after.is_some_and(|after| total > after) {
            break;
        }
        if cable.reset_after.is_some_and(|after| total > after) {
            cable.reset_after = None;
            board.reset().unwrap();
        }
        let reply = board.exchange(&disturbed(&buffer[..count], cable.noise, &mut rng)).unwrap();
        terminal.send(&disturbed(&reply, cable.noise, &mut rng)).unwrap();
    }
    board
}

fn disturbed(bytes: &[u8], noise: f64, rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut out = Vec::new();
    for &byte in bytes {
        if noise == 0.0 || !rng.random_bool(noise) {
            out.push(byte);
            continue;
        }
        match rng.random_range(0..3) {
            0 => out.push(byte ^ 1 << rng.random_range(0..8)),
            1 => {}
            _ => out.extend([byte, rng.random()]),
        }
    }
    out
}

impl Plugged {
    /// Pulls the plug, or waits until the cable is cut.
    pub fn unplug(self) -> Board {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }

    /// Waits until the host has sent so many bytes.
    pub fn wait_bytes(&self, count: usize) {
        let started = Instant::now();
        while self.bytes.load(Ordering::Relaxed) < count {
            assert!(started.elapsed() < Duration::from_secs(120), "the host sends nothing");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// The host program.
pub fn host(port: &str, config: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_memrtl"));
    command.args(["host", "--port", port, "--config"]).arg(config).args(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Waits for a program; one that hangs is killed.
pub fn wait(mut child: Child) -> Output {
    let (send, done) = mpsc::channel::<()>();
    let id = child.id().to_string();
    let watch = std::thread::spawn(move || {
        if done.recv_timeout(Duration::from_secs(300)) == Err(mpsc::RecvTimeoutError::Timeout) {
            let _ = Command::new("kill").args(["-KILL", &id]).status();
        }
    });
    let (mut out, mut err) = (Vec::new(), Vec::new());
    child.stdout.take().unwrap().read_to_end(&mut out).unwrap();
    child.stderr.take().unwrap().read_to_end(&mut err).unwrap();
    let status = child.wait().unwrap();
    drop(send);
    watch.join().unwrap();
    Output { status, stdout: out, stderr: err }
}

/// Output of a run that must succeed.
pub fn succeeds(command: &mut Command) -> String {
    let output = wait(command.spawn().unwrap());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}\n{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// Error message of a run that must fail.
pub fn fails(command: &mut Command) -> String {
    let output = wait(command.spawn().unwrap());
    assert_eq!(output.status.code(), Some(1), "{command:?}\n{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A folder below the repository, as a path.
pub fn preset(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("presets").join(format!("{name}.toml"))
}
