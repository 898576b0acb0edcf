//! A Kafka of one's own: real, private, gone afterwards; of one broker or of several.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! let kafka = xtask::kafka::Private::start(1)?;      // about five seconds
//! // … clients of kafka.brokers() …
//! kafka.kill(1)?;                                    // SIGKILL: connections break, nothing is said
//! kafka.restart(1)?;                                 // same port, same topics, groups and messages
//! # Ok(()) }
//! ```
//!
//! Any number of them run side by side. It is Apache Kafka in KRaft mode, each broker also a controller, of a fixed version
//! from Maven Central, whose jars are kept in the user's cache. The brokers listen on loopback ports outside the range that
//! the system gives to others, and take no setting from the environment. When the value is dropped, or its process ends in
//! whatever way, they and their directory are removed.
//!
//! Linux only: elsewhere, point `KAFKA_BROKERS` at a cluster or use docker-compose.yml.

mod settings;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::private::{Place, Range, quote, somewhere};
use crate::{java, maven, net};

const NAME: &str = "kafka";
const POM: &str = include_str!("pom.xml");
const SCRIPT: &str = include_str!("control.sh");

/// The most brokers that a cluster can have: so many ports of a block are theirs, and as many the controllers'.
const MAX_BROKERS: u16 = 4;

const PORTS: Range = Range { name: NAME, first: 10_200, end: 21_000, block: 2 * MAX_BROKERS };

/// What a private Kafka is started from.
#[derive(Debug, Clone)]
pub struct Installed {
    java: PathBuf,
    jars: PathBuf,
}

/// What is there already; nothing is installed and nothing downloaded.
pub fn installed() -> Option<Installed> {
    Some(Installed { jars: maven::cached(NAME, POM)?, java: java::installed()? })
}

/// Java, and Kafka's jars; installed and downloaded where they are missing and where we can.
///
/// # Errors
///
/// When something is missing and cannot be had: no Java or Maven, and no right to install them; no way to Maven Central.
/// That takes seconds.
pub fn ensure_installed() -> Result<Installed> {
    if let Some(installed) = installed() {
        return Ok(installed);
    }
    Ok(Installed { java: java::ensure()?, jars: maven::jars(NAME, POM)? })
}

/// A running private cluster, removed when dropped.
///
/// The methods block. Calls that change the state (`kill`, `restart`) are meant for one thread at a time.
#[derive(Debug)]
pub struct Private {
    place: Place,
    count: u16,
}

impl Private {
    /// Starts so many brokers (one to four) on free ports and waits until they are ready.
    ///
    /// # Errors
    ///
    /// When Kafka is not installed (see [`installed`] and [`ensure_installed`]) or does not start; the end of its log is in
    /// the message.
    pub fn start(count: u16) -> Result<Self> {
        let installed = installed().context("Kafka is not installed: `cargo xtask kafka` does that")?;
        Self::of(&installed, count)
    }

    pub(crate) fn of(installed: &Installed, count: u16) -> Result<Self> {
        assert!((1..=MAX_BROKERS).contains(&count), "a private Kafka has one to {MAX_BROKERS} brokers");
        somewhere("Address already in use", || {
            let reservation = PORTS.take()?;
            let port = reservation.port;
            let nodes: Vec<_> = (1..=count).map(|node| node.to_string()).collect();
            let assignments = format!(
                "java={}\njars={}\ncluster={}\nnodes='{}'\nport={port}\n",
                quote(&installed.java),
                quote(&installed.jars),
                settings::cluster_id(port),
                nodes.join(" "),
            );
            let others = (1..=count).map(|node| {
                let text = settings::properties(&reservation.directory, port, node, count);
                (format!("node{node}.properties"), text)
            });
            let others = others.collect();
            let kafka = Self { place: Place::furnish(reservation, &assignments, SCRIPT, others)?, count };
            kafka.place.control(&["start"]).context("failed to start a private Kafka")?;
            kafka.answer()?;
            Ok(kafka)
        })
    }

    /// The addresses of all its brokers, as clients take them.
    pub fn brokers(&self) -> String {
        (1..=self.count).map(|node| format!("127.0.0.1:{}", self.port(node))).collect::<Vec<_>>().join(",")
    }

    /// The port of a broker, from 1; the same after every restart.
    pub fn port(&self, node: u16) -> u16 {
        self.place.port() + node - 1
    }

    /// Where its data lives, beside the scripts `kill`, `start` and `restart` (run them with `sh`, and the number of a
    /// broker, else they mean all): what this value can do, for a process that does not have it.
    pub fn directory(&self) -> &Path {
        self.place.directory()
    }

    /// The pid of a broker, while it runs.
    pub fn pid(&self, node: u16) -> Option<u32> {
        self.place.noted_pid(&format!("node{node}.group"))
    }

    /// Ends a broker with SIGKILL, as a crash does, and waits until its port is closed. Does nothing when it is not running.
    ///
    /// What it has acknowledged is there after a restart: the system keeps what the process had written.
    pub fn kill(&self, node: u16) -> Result<()> {
        self.place.control(&["kill", &node.to_string()]).context("failed to kill a broker").map(drop)
    }

    /// Starts a broker again on the same directory and port, and waits until it is ready: some seconds, as the controller
    /// believes for so long that the one that was killed is alive. One that still runs is killed first.
    pub fn restart(&self, node: u16) -> Result<()> {
        self.kill(node)?;
        self.place.control(&["start", &node.to_string()]).context("failed to start a broker")?;
        self.answer()
    }

    fn answer(&self) -> Result<()> {
        net::probe_kafka(&self.brokers()).context("failed to reach the private Kafka that says it is ready")
    }
}
