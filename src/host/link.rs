//! Requests over a line that may lose or break bytes: each is repeated until its reply is there, and done once.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use super::HostError;
use super::frame::{MAX_FRAME, Reply, Request, Status};

/// Bytes to and from a machine.
pub trait Line {
    /// What messages call it.
    fn name(&self) -> &str;
    /// Bits per second.
    fn baud(&self) -> u32;
    /// Sends all bytes.
    ///
    /// # Errors
    /// The line is closed or does not work.
    fn send(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Waits for bytes, at most as long as told; 0 if none came.
    ///
    /// # Errors
    /// The line is closed or does not work.
    fn receive(&mut self, buffer: &mut [u8], wait: Duration) -> io::Result<usize>;
}

/// How long to wait for replies.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Time for a reply, beyond the bytes' own.
    pub wait: Duration,
    /// Times that a request is sent before the host gives up.
    pub attempts: u32,
}

impl Default for Patience {
    /// A USB adapter keeps bytes back for 16 ms and more; a busy host is late by more than that.
    fn default() -> Self {
        Patience { wait: Duration::from_millis(500), attempts: 8 }
    }
}

/// A line with what its protocol needs to know.
pub struct Link {
    line: Box<dyn Line>,
    patience: Patience,
    /// Requests so far.
    requests: u64,
    /// Requests that had to be sent again.
    pub retries: u64,
    received: Vec<u8>,
}

impl Link {
    /// A new session over `line`. Its first request is executed whatever an earlier session's last one was called.
    pub fn new(line: Box<dyn Line>, patience: Patience) -> Link {
        Link { line, patience, requests: 0, retries: 0, received: Vec::new() }
    }

    /// The line's name.
    pub fn name(&self) -> &str {
        self.line.name()
    }

    /// Executes `request`; `what` says in messages what it was for: `read STATUS`.
    ///
    /// # Errors
    /// No answer, a closed line, or a status other than done.
    pub fn request(&mut self, request: &Request, what: impl Fn() -> String) -> Result<Vec<u32>, HostError> {
        let reply = self.exchange(request)?;
        match reply.status {
            Status::Done => Ok(reply.words),
            Status::Refused => Err(HostError::Refused { what: what() }),
            Status::Timeout => Err(HostError::Stalled { what: what() }),
            Status::Unknown => Err(HostError::Unknown { what: what() }),
        }
    }

    fn exchange(&mut self, request: &Request) -> Result<Reply, HostError> {
        let frame = request.frame(self.next_number());
        let bits = 10 * (frame.len() + request.reply_len()) as u32;
        let wait = self.patience.wait + Duration::from_secs(1) * bits / self.line.baud().max(1);
        self.received.clear();
        for attempt in 0..self.patience.attempts {
            // A parser that takes the frame for the rest of a broken one needs no more bytes than these to look for a start
            // again. So does one in an unknown state at the begin of a session.
            let flush = if attempt > 0 || self.requests == 1 { MAX_FRAME } else { 0 };
            let bytes = [&vec![0; flush][..], &frame].concat();
            self.line.send(&bytes).map_err(|error| self.failed(error))?;
            self.retries += u64::from(attempt > 0);
            let flushing = Duration::from_secs(1) * (10 * flush as u32) / self.line.baud().max(1);
            if let Some(reply) = self.wait(request, &frame, wait + flushing)? {
                return Ok(reply);
            }
        }
        let (port, baud) = (self.line.name().to_string(), self.line.baud());
        Err(HostError::Silent { port, attempts: self.patience.attempts, baud })
    }

    /// Sequence numbers: 0 for the first request of a session, which is always executed; then all others whose low four bits
    /// are not 0, by which the machine knows a repetition. The upper bits tell a late reply from this one's.
    fn next_number(&mut self) -> u8 {
        let number = match self.requests.checked_sub(1) {
            None => 0,
            Some(count) => (1 + count % 15) as u8 | (((count / 15) % 16) as u8) << 4,
        };
        self.requests += 1;
        number
    }

    fn wait(&mut self, request: &Request, frame: &[u8], wait: Duration) -> Result<Option<Reply>, HostError> {
        let end = Instant::now() + wait;
        let mut buffer = [0; 512];
        loop {
            if let Some(reply) = request.find_reply(frame, &self.received) {
                return Ok(Some(reply));
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            let count = self.line.receive(&mut buffer, left).map_err(|error| self.failed(error))?;
            self.received.extend_from_slice(&buffer[..count]);
            // A line that talks all the time must not fill the memory.
            let excess = self.received.len().saturating_sub(4 * MAX_FRAME);
            self.received.drain(..excess);
        }
    }

    fn failed(&self, source: io::Error) -> HostError {
        let port = self.line.name().to_string();
        // What a closed pseudo-terminal answers has no kind of its own in the standard library: EIO, ENXIO or ENODEV.
        let gone = matches!(source.raw_os_error(), Some(5 | 6 | 19)) || source.kind() == ErrorKind::BrokenPipe;
        if gone { HostError::Closed { port } } else { HostError::Line { port, source } }
    }
}
