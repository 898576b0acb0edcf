//! A RabbitMQ of one's own: real, private, gone afterwards.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! let broker = xtask::rabbitmq::Private::start()?;   // about five seconds
//! // … connect to broker.url(), publish …
//! broker.kill()?;                                    // SIGKILL: connections break, nothing is said
//! broker.restart()?;                                 // same port, same durable queues and messages
//! # Ok(()) }
//! ```
//!
//! Any number of them run side by side. Each listens on loopback ports outside the range that the system
//! gives to others, has its own `epmd`, Erlang cookie and directory, and takes no setting from the
//! environment or from `/etc/rabbitmq`. When the value is dropped, or its process ends in whatever way, the
//! node, its `epmd` and the directory are removed. (A value in a `static` is never dropped; that is fine too.)
//!
//! Linux only: elsewhere, point `AMQP_URL` at a broker or use docker-compose.yml.

mod install;

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::net;
use crate::private::{Place, Range, quote, somewhere};
pub use install::{ensure_installed, installed};

/// Of each block: for clients, for other nodes, for `epmd`.
const PORTS: Range = Range { name: "rabbitmq", first: 21_000, end: 31_800, block: 4 };

const SCRIPT: &str = include_str!("control.sh");

/// A running private broker, removed when dropped.
///
/// The methods block. Calls that change the state (`kill`, `restart`) are meant for one thread at a time.
#[derive(Debug)]
pub struct Private {
    place: Place,
    url: String,
}

impl Private {
    /// Starts a broker on free ports and waits until it is ready.
    ///
    /// # Errors
    ///
    /// When RabbitMQ is not installed (see [`installed`] and [`ensure_installed`]) or does not start; the end
    /// of its log is in the message.
    pub fn start() -> Result<Self> {
        let Some(bin) = installed() else {
            bail!("RabbitMQ is not installed: {}", install::ADVICE);
        };
        somewhere("eaddrinuse", || Self::start_somewhere(&bin))
    }

    fn start_somewhere(bin: &Path) -> Result<Self> {
        let ports = PORTS.take()?;
        let port = ports.port;
        let assignments = format!("bin={}\nport={port}\ndist_port={}\nepmd_port={}\n", quote(bin), port + 1, port + 2);
        let others = vec![
            ("rabbitmq.conf".into(), format!("listeners.tcp.1 = 127.0.0.1:{port}\nloopback_users = none\n")),
            ("enabled_plugins".into(), "[].\n".into()),
        ];
        let place = Place::furnish(ports, &assignments, SCRIPT, others)?;
        let broker = Self { place, url: format!("amqp://guest:guest@127.0.0.1:{port}") };
        broker.begin()?;
        Ok(broker)
    }

    /// The broker's address for clients, with its only user and the default virtual host.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The port it listens on; the same after every restart.
    pub fn port(&self) -> u16 {
        self.place.port()
    }

    /// Where its data lives, beside the scripts `kill`, `start` and `restart` (run them with `sh`): what
    /// this value can do, for a process that does not have it.
    pub fn directory(&self) -> &Path {
        self.place.directory()
    }

    /// The pid of the node, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.place.noted_pid("node.pid")
    }

    /// The pid of its `epmd`.
    pub fn epmd_pid(&self) -> Option<u32> {
        self.place.noted_pid("epmd.group")
    }

    /// Ends the node with SIGKILL, as a crash does, and waits until its port is closed.
    ///
    /// Does nothing when it is not running. What a confirm promised is there after a restart, with one trap of
    /// RabbitMQ's own: a quorum queue that was declared only a moment ago never finds a leader again (seen with
    /// 3.10, which notes new ones on disk with a delay). Use a durable classic queue, or one that is some seconds old.
    pub fn kill(&self) -> Result<()> {
        self.place.control(&["kill"]).context("failed to kill the private RabbitMQ").map(drop)
    }

    /// Starts the node again on the same directory and ports, and waits until it is ready.
    ///
    /// A node that still runs is killed first.
    pub fn restart(&self) -> Result<()> {
        self.kill()?;
        self.begin()
    }

    /// Runs `rabbitmqctl` against this node (`&["list_queues", "name", "messages"]`) and returns what it printed.
    ///
    /// Takes a second or more: an Erlang machine starts for it.
    pub fn ctl(&self, arguments: &[&str]) -> Result<String> {
        self.place.control(&[&["ctl"], arguments].concat())
    }

    fn begin(&self) -> Result<()> {
        self.place.control(&["start"]).context("failed to start a private RabbitMQ")?;
        net::probe_amqp(&self.url).context("failed to reach the private RabbitMQ that says it is ready")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn can_be_shared_between_threads() {
        fn shared<T: Send + Sync + 'static>() {}
        shared::<Private>();
    }
}
