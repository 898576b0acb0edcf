//! A private RabbitMQ broker for a test. It is a real broker, and is removed afterwards.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! let broker = xtask::rabbitmq::Broker::start()?;   // about five seconds
//! // … connect to broker.url(), publish …
//! broker.kill()?;                                    // SIGKILL: connections break without a close
//! broker.restart()?;                                 // same port, same durable queues and messages
//! # Ok(()) }
//! ```
//!
//! Any number of brokers run side by side. Each listens on loopback ports outside the system's ephemeral range, has its own
//! `epmd`, Erlang cookie and directory, and takes no setting from the environment or from `/etc/rabbitmq`. When the value is
//! dropped, or its process ends in any way, the node, its `epmd` and the directory are removed. (A value in a `static` is
//! never dropped; it is removed with its process.)
//!
//! Linux only. On other systems, set `AMQP_URL` to a broker, or use docker-compose.yml.

mod install;

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::net;
use crate::private::{Place, Range, quote, somewhere};
pub use install::{ensure_installed, installed};

/// The ports of a block, in order: for clients, for other nodes, for `epmd`.
const PORTS: Range = Range { name: "rabbitmq", first: 21_000, end: 31_800, block: 4 };

const SCRIPT: &str = include_str!("control.sh");

/// A running private broker. It is removed when dropped.
///
/// The methods block. Call `kill` and `restart` from one thread at a time.
#[derive(Debug)]
pub struct Broker {
    place: Place,
    url: String,
}

impl Broker {
    /// Starts a broker on free ports and waits until it is ready.
    ///
    /// # Errors
    ///
    /// RabbitMQ is not installed (see [`installed`] and [`ensure_installed`]), or it does not start. The message has the end of
    /// its log.
    pub fn start() -> Result<Self> {
        let Some(bin) = installed() else {
            bail!("failed to find RabbitMQ: {}", install::ADVICE);
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

    /// The URL for clients, with the default user and the default virtual host.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The port that it listens on. It stays the same after a restart.
    pub fn port(&self) -> u16 {
        self.place.port()
    }

    /// The directory of its data, with the scripts `kill`, `start` and `restart` for other processes. Run them with `sh`.
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
    /// Does nothing if it is not running. Confirmed messages survive a restart, with one exception: a quorum queue
    /// that was declared a moment before the kill never finds a leader again (seen with RabbitMQ 3.10, which writes new queues
    /// to disk with a delay). Use a durable classic queue, or one that is some seconds old.
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
    /// Takes a second or more, because it starts an Erlang VM.
    pub fn ctl(&self, arguments: &[&str]) -> Result<String> {
        self.place.control(&[&["ctl"], arguments].concat())
    }

    fn begin(&self) -> Result<()> {
        self.place.control(&["start"]).context("failed to start a private RabbitMQ")?;
        net::probe_amqp(&self.url).context("failed to reach the private RabbitMQ, which had reported that it is ready")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn can_be_shared_between_threads() {
        fn shared<T: Send + Sync + 'static>() {}
        shared::<Broker>();
    }
}
