//! Other programs for the same work, each a process that answers requests, so that all take turns.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The peers that are installed.
pub struct Peers {
    numpy: Option<Peer>,
    analog: Option<Peer>,
}

struct Peer {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Peers {
    /// Starts what `make peers-devices` has installed under `target`; the rest goes to `missing`.
    pub fn start(target: &Path, missing: &mut Vec<String>) -> Peers {
        let mut start = |name: &str, script: &str| {
            let python = target.join("peers").join(name).join("bin/python");
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/devices").join(script);
            let peer = Peer::start(&python, &script);
            if peer.is_none() {
                missing.push(format!("{name}: not installed, or it does not start (`make peers-devices` installs it)"));
            }
            peer
        };
        Peers { numpy: start("numpy", "momentum.py"), analog: start("aihwkit", "analog.py") }
    }

    /// Samples per second of a network in numpy: `inputs hidden outputs samples`.
    pub fn numpy(&mut self, request: &str) -> Option<f64> {
        self.numpy.as_mut().map(|peer| peer.ask(request))
    }

    /// `update DEVICE`: microseconds; `train DEVICE inputs hidden outputs samples`: samples per second.
    pub fn analog(&mut self, request: &str) -> Option<f64> {
        self.analog.as_mut().map(|peer| peer.ask(request))
    }
}

impl Peer {
    fn start(python: &Path, script: &Path) -> Option<Peer> {
        let mut child = Command::new(python)
            .arg(script)
            .envs([("OMP_NUM_THREADS", "1"), ("OPENBLAS_NUM_THREADS", "1"), ("MKL_NUM_THREADS", "1")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let (stdin, stdout) = (child.stdin.take()?, BufReader::new(child.stdout.take()?));
        let mut peer = Peer { child, stdin, stdout };
        // It says so when its imports have succeeded.
        (peer.line().as_deref() == Some("ready")).then_some(peer)
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.stdout.read_line(&mut line).ok().filter(|&read| read > 0)?;
        Some(line.trim().to_owned())
    }

    fn ask(&mut self, request: &str) -> f64 {
        writeln!(self.stdin, "{request}").unwrap_or_else(|error| panic!("{request}: {error}"));
        let answer = self.line().unwrap_or_default();
        answer.parse().unwrap_or_else(|_| panic!("{request}: the answer is `{answer}`"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It waits for requests only.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
