//! A serial port, or a pseudo-terminal, as the line to a machine.

use std::io::{self, ErrorKind, Read, Write};
use std::time::Duration;

use serialport::{ClearBuffer, FlowControl, SerialPort, TTYPort};

use super::{HostError, Line};

/// An open port: 8 data bits, no parity, one stop bit, no flow control.
pub struct Port {
    name: String,
    baud: u32,
    tty: TTYPort,
}

impl Port {
    /// Opens `name` for this program alone, at `baud` bits per second.
    ///
    /// # Errors
    /// No such port, no right to use it, a rate that it does not know.
    pub fn open(name: &str, baud: u32) -> Result<Port, HostError> {
        let builder = serialport::new(name, baud).flow_control(FlowControl::None).timeout(Duration::from_millis(10));
        let tty = TTYPort::open(&builder).map_err(|error| {
            let why = match error.kind() {
                serialport::ErrorKind::Io(ErrorKind::PermissionDenied) => {
                    "no permission; on Debian and Ubuntu, `sudo adduser $USER dialout` and a new login give it"
                        .to_string()
                }
                _ => error.to_string(),
            };
            HostError::Open { port: name.to_string(), why }
        })?;
        // What an earlier program left unread is of no use.
        let _ = tty.clear(ClearBuffer::Input);
        Ok(Port { name: name.to_string(), baud, tty })
    }
}

impl Line for Port {
    fn name(&self) -> &str {
        &self.name
    }

    fn baud(&self) -> u32 {
        self.baud
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.tty.write_all(bytes)
    }

    fn receive(&mut self, buffer: &mut [u8], wait: Duration) -> io::Result<usize> {
        let _ = self.tty.set_timeout(wait);
        match self.tty.read(buffer) {
            // The other end of a pseudo-terminal, or an adapter, has gone.
            Ok(0) => Err(ErrorKind::BrokenPipe.into()),
            Ok(count) => Ok(count),
            Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Interrupted) => Ok(0),
            Err(error) => Err(error),
        }
    }
}
