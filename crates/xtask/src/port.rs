//! A port for a test's server that cannot bind port 0, or that comes back at its address.
//!
//! A port that was free a moment ago may be another's when it is bound: the system gives free ports to whoever asks for any.
//! These lie below those, and a directory keeps other tests away.

use anyhow::Result;

use crate::private::{Range, Reservation};

const PORTS: Range = Range { name: "port", first: 7_000, end: 8_000, block: 1 };

/// A loopback port that is this test's until the value is dropped.
///
/// ```no_run
/// # fn main() -> anyhow::Result<()> {
/// let port = xtask::Port::reserve()?;
/// // … start a server at 127.0.0.1:port.number() …
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Port(Reservation);

impl Port {
    /// Reserves a port on which nobody listens.
    ///
    /// # Errors
    ///
    /// The temporary directory cannot be written, or there is no such port.
    pub fn reserve() -> Result<Self> {
        PORTS.take().map(Self)
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.0.port
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        // If this fails, or the test is killed, one port fewer is usable.
        let _ = std::fs::remove_dir(&self.0.directory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_port_is_free_until_it_is_used() {
        let (one, other) = (Port::reserve().unwrap(), Port::reserve().unwrap());
        assert_ne!(one.number(), other.number());
        for _ in 0..2 {
            TcpListener::bind(("127.0.0.1", one.number())).unwrap();
        }
    }
}
