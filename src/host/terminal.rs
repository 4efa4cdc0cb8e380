//! A pseudo-terminal: what a simulated board has in place of a serial adapter.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

/// The board's end. Dropped, it is a cable that is cut: hosts get errors.
pub struct Terminal {
    /// What hosts open.
    pub name: String,
    end: File,
    /// The hosts' end. Were it not open here, too, the first host that leaves would close the board's.
    _hosts: File,
}

impl Terminal {
    /// A new one, whose hosts' end passes bytes on as they are.
    ///
    /// # Errors
    /// The system has none left.
    pub fn open() -> io::Result<Terminal> {
        let end = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&end)?;
        unlockpt(&end)?;
        let name = ptsname(&end, Vec::new())?.to_string_lossy().into_owned();
        let hosts = File::options().read(true).write(true).custom_flags(OFlags::NOCTTY.bits() as i32).open(&name)?;
        let mut raw = tcgetattr(&hosts)?;
        raw.make_raw();
        tcsetattr(&hosts, OptionalActions::Now, &raw)?;
        Ok(Terminal { name, end: end.into(), _hosts: hosts })
    }

    /// Waits for bytes from a host, at most as long as told; 0 if none came.
    ///
    /// # Errors
    /// The terminal does not work.
    pub fn receive(&mut self, buffer: &mut [u8], wait: Duration) -> io::Result<usize> {
        let wait = Timespec::try_from(wait).ok();
        match poll(&mut [PollFd::new(&self.end, PollFlags::IN)], wait.as_ref()) {
            Ok(0) | Err(rustix::io::Errno::INTR) => Ok(0),
            Ok(_) => self.end.read(buffer),
            Err(error) => Err(error.into()),
        }
    }

    /// Sends bytes to the host. A host that takes none makes the board wait, as flow control would.
    ///
    /// # Errors
    /// The terminal does not work.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.end.write_all(bytes)
    }
}
