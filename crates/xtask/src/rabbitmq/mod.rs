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
mod reservation;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::guardian::Guardian;
use crate::{net, process};
pub use install::{ensure_installed, installed};
use reservation::Reservation;

/// How often other ports are tried when somebody took ours between the look and the start.
const ATTEMPTS: usize = 3;

const SCRIPT: &str = include_str!("control.sh");

/// A running private broker, removed when dropped.
///
/// The methods block. Calls that change the state (`kill`, `restart`) are meant for one thread at a time.
#[derive(Debug)]
pub struct Private {
    // Dropped first, and with it everything is removed.
    _guardian: Guardian,
    ports: Reservation,
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
        let mut attempt = 1;
        loop {
            match Self::start_somewhere(&bin) {
                Err(error) if attempt < ATTEMPTS && format!("{error:#}").contains("eaddrinuse") => attempt += 1,
                result => return result,
            }
        }
    }

    fn start_somewhere(bin: &Path) -> Result<Self> {
        let ports = Reservation::take()?;
        write_scripts(&ports, bin)?;
        let url = format!("amqp://guest:guest@127.0.0.1:{}", ports.amqp);
        let broker = Self { _guardian: Guardian::start(&ports.directory.join("control.sh"))?, ports, url };
        broker.begin()?;
        Ok(broker)
    }

    /// The broker's address for clients, with its only user and the default virtual host.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The port it listens on; the same after every restart.
    pub fn port(&self) -> u16 {
        self.ports.amqp
    }

    /// Where its data lives, beside the scripts `kill`, `start` and `restart` (run them with `sh`): what
    /// this value can do, for a process that does not have it.
    pub fn directory(&self) -> &Path {
        &self.ports.directory
    }

    /// The pid of the node, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.noted_pid("node.pid")
    }

    /// The pid of its `epmd`.
    pub fn epmd_pid(&self) -> Option<u32> {
        self.noted_pid("epmd.group")
    }

    /// Ends the node with SIGKILL, as a crash does, and waits until its port is closed.
    ///
    /// Does nothing when it is not running. What a confirm promised is there after a restart, with one trap of
    /// RabbitMQ's own: a quorum queue that was declared only a moment ago never finds a leader again (seen with
    /// 3.10, which notes new ones on disk with a delay). Use a durable classic queue, or one that is some seconds old.
    pub fn kill(&self) -> Result<()> {
        self.control(&["kill"]).context("failed to kill the private RabbitMQ").map(drop)
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
        self.control(&[&["ctl"], arguments].concat())
    }

    fn begin(&self) -> Result<()> {
        self.control(&["start"]).context("failed to start a private RabbitMQ")?;
        net::probe_amqp(&self.url).context("failed to reach the private RabbitMQ that says it is ready")
    }

    fn control(&self, arguments: &[&str]) -> Result<String> {
        process::capture(Command::new("sh").arg(self.directory().join("control.sh")).args(arguments))
    }

    fn noted_pid(&self, file: &str) -> Option<u32> {
        let pid = std::fs::read_to_string(self.directory().join(file)).ok()?.trim().parse().ok()?;
        // A number that is somebody else's by now does not count, nor does what is left of a process that ended.
        let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
        let mark = format!("SPANBRIDGE_BROKER={}", self.directory().display());
        environment.split(|&byte| byte == 0).any(|variable| variable == mark.as_bytes()).then_some(pid)
    }
}

fn write_scripts(ports: &Reservation, bin: &Path) -> Result<()> {
    let Reservation { directory, amqp, dist, epmd } = ports;
    let assignments =
        format!("dir={}\nbin={}\nport={amqp}\ndist_port={dist}\nepmd_port={epmd}\n", quote(directory), quote(bin));
    let mut files: Vec<(PathBuf, String)> = vec![
        ("control.sh".into(), assignments + SCRIPT),
        ("rabbitmq.conf".into(), format!("listeners.tcp.1 = 127.0.0.1:{amqp}\nloopback_users = none\n")),
        ("enabled_plugins".into(), "[].\n".into()),
    ];
    for name in ["kill", "start", "restart"] {
        files.push((name.into(), format!("#!/bin/sh\nexec sh {} {name}\n", quote(&directory.join("control.sh")))));
    }
    for (name, text) in files {
        let path = directory.join(name);
        std::fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(())
}

/// A path as one word of a shell script.
pub(crate) fn quote(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_paths_are_one_word() {
        let output =
            Command::new("sh").arg("-c").arg(format!("printf %s {}", quote(Path::new("/a b/it's $x")))).output();
        assert_eq!(output.unwrap().stdout, b"/a b/it's $x");
    }

    #[test]
    fn can_be_shared_between_threads() {
        fn shared<T: Send + Sync + 'static>() {}
        shared::<Private>();
    }
}
