//! One rank-1 write of 785 x 256 cells (784 inputs and the bias), all row codes and pulses different from zero. Processor time of one
//! thread, as aihwkit's is.

use std::path::Path;
use std::time::Duration;

use cpu_time::ThreadTime;
use memrtl::array::Crossbar;
use memrtl::report::figures::{Bar, Figure};

use super::{Peers, Results, large, median};

const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_millis(10);

struct Contestant {
    figure: &'static str,
    /// Name of the same device in aihwkit, where it has one.
    peer: Option<&'static str>,
    bar: Bar,
    crossbar: Crossbar,
    times: Vec<f64>,
    peer_times: Vec<f64>,
}

pub fn measure(folder: &Path, peers: &mut Peers, results: &mut Results) {
    let rows = [
        ("ideal", "model = \"ideal\"", Some("ideal"), Bar::AtMost(40.0)),
        ("constant step with noise", "model = \"constant_step\"", Some("constant_step"), Bar::AtMost(300.0)),
        ("soft bounds with noise", "model = \"soft_bounds\"", Some("soft_bounds"), Bar::AtMost(350.0)),
        (
            "soft bounds with noise and write noise, ReRamSB",
            "model = \"soft_bounds\"\npreset = \"ReRamSB\"",
            Some("reram_sb"),
            Bar::None,
        ),
        ("PCM pair", "model = \"pcm\"", Some("pcm"), Bar::AtMost(2000.0)),
        ("MTJ pair", "model = \"mtj\"\nwrite_current = 0.82", None, Bar::None),
    ];
    let mut contestants = Vec::new();
    for (figure, device, peer, bar) in rows {
        // Junctions switch as seldom as these ask for.
        let training = if peer.is_none() { "learning_rate = 0.02" } else { "" };
        match large(folder, training, device) {
            Ok(design) => {
                let crossbar = Crossbar::new(&design, 0, &design.layers[0]).expect("a usable device");
                let (times, peer_times) = (Vec::new(), Vec::new());
                contestants.push(Contestant { figure, peer, bar, crossbar, times, peer_times });
            }
            Err(error) => results.missing.push(format!("785 x 256 rank-1 update, {figure}: {}", first_line(&error))),
        }
    }
    let x: Vec<i32> = (0..785).map(|m| code(m, 127)).collect();
    let up: Vec<i32> = (0..256).map(|n| code(n, 255)).collect();
    let down: Vec<i32> = up.iter().map(|p| -p).collect();
    for _ in 0..ROUNDS {
        for c in &mut contestants {
            let (started, mut writes) = (ThreadTime::now(), 0);
            // Forth and back, so that no state ends at a bound.
            while started.elapsed() < ROUND {
                c.crossbar.write(&x, &up);
                c.crossbar.write(&x, &down);
                writes += 2;
            }
            c.times.push(1e6 * started.elapsed().as_secs_f64() / f64::from(writes));
            c.peer_times.extend(c.peer.and_then(|peer| peers.analog(&format!("update {peer}"))));
        }
    }
    for c in contestants {
        let (name, time) = (format!("785 x 256 rank-1 update, {}", c.figure), median(c.times));
        results.figures.push(if c.peer_times.is_empty() {
            Figure::new(&name, time, "us", c.bar)
        } else {
            Figure::beside(&(name + " (aihwkit)"), time, "us", median(c.peer_times), c.bar)
        });
    }
}

/// Irregular, never zero, between plus and minus `max`.
fn code(index: usize, max: i32) -> i32 {
    let magnitude = (index as i32 * 37) % max + 1;
    if index.is_multiple_of(3) { -magnitude } else { magnitude }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
