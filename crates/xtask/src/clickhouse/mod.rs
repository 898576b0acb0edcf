//! A private ClickHouse for a test: two real nodes, each a shard of the cluster `spanbridge`. It is removed afterwards.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! let cluster = xtask::clickhouse::Cluster::start()?;   // about one second
//! // … connect to cluster.url() …
//! cluster.kill(2)?;                                      // SIGKILL: connections break without a close
//! cluster.restart(2)?;                                   // same ports, same tables
//! # Ok(()) }
//! ```
//!
//! Any number of clusters run side by side. The nodes listen on loopback ports outside the system's ephemeral range, and take no
//! setting from the environment or from `/etc/clickhouse-server`. The user is `default`, without a password. Each node has the
//! macros `shard` and `replica`. When the value is dropped, or its process ends in any way, the nodes and their directory are
//! removed.
//!
//! A third server is of today, to show that both dialects work: see [`modern_url`].
//!
//! Linux only. On other systems, set `CLICKHOUSE_URL` to a cluster, or use docker-compose.yml.

mod control;
mod install;
mod modern;
mod settings;

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::net;
use crate::private::{Place, Range, quote, somewhere};
pub use install::{ensure_installed, installed};
pub use modern::modern_url;
pub(crate) use modern::{Modern, VARIABLE as MODERN_VARIABLE, engine as modern_engine};
use settings::{NODES, PORTS_OF_A_NODE};

const PORTS: Range = Range { name: "clickhouse", first: 8_000, end: 9_000, block: NODES * PORTS_OF_A_NODE };

/// The variable with the URL of the cluster that tests use.
pub(crate) const VARIABLE: &str = "CLICKHOUSE_URL";

/// The cluster that tests use: the value of `CLICKHOUSE_URL`. If it is not set, returns `None` and reports the test as skipped.
///
/// ```no_run
/// let Some(url) = xtask::clickhouse::url() else { return };
/// ```
///
/// The user of the URL may create databases. Tests run side by side, so create one for each.
pub fn url() -> Option<String> {
    let url = std::env::var(VARIABLE).ok().filter(|url| !url.is_empty());
    if url.is_none() {
        crate::skip("CLICKHOUSE_URL is not set; `cargo xtask clickhouse` starts a cluster");
    }
    url
}

/// The URL of a cluster of two nodes with these ports for HTTP.
pub(crate) fn url_of(user: &str, ports: &[u16]) -> String {
    let nodes: Vec<_> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    format!("clickhouse://{user}@{}/default?cluster=spanbridge", nodes.join(","))
}

/// A running private cluster. It is removed when dropped.
///
/// The methods block. Call `kill` and `restart` from one thread at a time.
#[derive(Debug)]
pub struct Cluster {
    place: Place,
}

impl Cluster {
    /// Starts two nodes on free ports and waits until both answer.
    ///
    /// # Errors
    ///
    /// ClickHouse is not installed (see [`installed`] and [`ensure_installed`]), or it does not start. The message has the end
    /// of its log.
    pub fn start() -> Result<Self> {
        let Some(server) = installed() else {
            bail!("failed to find ClickHouse: {}", install::ADVICE);
        };
        somewhere("Address already in use", || Self::start_somewhere(&server))
    }

    fn start_somewhere(server: &Path) -> Result<Self> {
        let reservation = PORTS.take()?;
        let port = reservation.port;
        let command = format!("{} --config-file=\"$dir/node$1.xml\"", quote(server));
        let assignments = control::assignments(&command, NODES, port, PORTS_OF_A_NODE);
        let mut others = vec![("users.xml".to_owned(), settings::users())];
        for node in 1..=NODES {
            others.push((format!("node{node}.xml"), settings::config(&reservation.directory, port, node)));
        }
        let cluster = Self { place: Place::furnish(reservation, &assignments, control::SCRIPT, others)? };
        cluster.place.control(&["start"]).context("failed to start a private ClickHouse")?;
        cluster.answer()?;
        Ok(cluster)
    }

    /// The URL for clients, with both nodes, the user `default` and the database `default`.
    pub fn url(&self) -> String {
        url_of("default", &[1, 2].map(|node| self.port(node)))
    }

    /// The port of a node for HTTP. Nodes are counted from 1, and keep their ports after a restart.
    pub fn port(&self, node: u16) -> u16 {
        settings::http_port(self.place.port(), node)
    }

    /// The directory of its data, with the scripts `kill`, `start` and `restart` for other processes. Run them with `sh`; the
    /// argument is the number of a node, and without one they act on both.
    pub fn directory(&self) -> &Path {
        self.place.directory()
    }

    /// The pid of a node, while it runs.
    pub fn pid(&self, node: u16) -> Option<u32> {
        self.place.noted_pid(&format!("node{node}.group"))
    }

    /// Ends a node with SIGKILL, as a crash does, and waits until its port is closed. Does nothing if it is not running.
    ///
    /// What was inserted survives a restart, because the operating system keeps what the process has written.
    pub fn kill(&self, node: u16) -> Result<()> {
        self.place.control(&["kill", &node.to_string()]).context("failed to kill a node").map(drop)
    }

    /// Starts a node again on the same directory and ports, and waits until it is ready. A node that still runs is killed first.
    pub fn restart(&self, node: u16) -> Result<()> {
        self.kill(node)?;
        self.place.control(&["start", &node.to_string()]).context("failed to start a node")?;
        self.answer()
    }

    fn answer(&self) -> Result<()> {
        net::probe_clickhouse(&self.url())
            .context("failed to reach the private ClickHouse, which had reported that it is ready")
    }
}
