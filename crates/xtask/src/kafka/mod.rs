//! A private Kafka cluster for a test, with one or several real brokers. It is removed afterwards.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! let kafka = xtask::kafka::Cluster::start(1)?;      // about five seconds
//! // … clients of kafka.brokers() …
//! kafka.kill(1)?;                                    // SIGKILL: connections break without a close
//! kafka.restart(1)?;                                 // same port, same topics, groups and messages
//! # Ok(()) }
//! ```
//!
//! Any number of clusters run side by side. A cluster is Apache Kafka in KRaft mode, and each broker is also a controller. The
//! version is fixed; its jars come from Maven Central and stay in the user's cache. The brokers listen on loopback ports
//! outside the system's ephemeral range and take no setting from the environment. When the value is dropped, or its process
//! ends in any way, the brokers and their directory are removed.
//!
//! Linux only. On other systems, set `KAFKA_BROKERS` to a cluster, or use docker-compose.yml.

mod settings;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::private::{Place, Range, quote, somewhere};
use crate::{java, maven, net};
use settings::MAX_BROKERS;

const NAME: &str = "kafka";
const POM: &str = include_str!("pom.xml");
const SCRIPT: &str = include_str!("control.sh");

const PORTS: Range = Range { name: NAME, first: 10_200, end: 21_000, block: 2 * MAX_BROKERS };

/// The files that a private cluster is started from.
#[derive(Debug, Clone)]
pub struct Installed {
    java: PathBuf,
    jars: PathBuf,
}

/// The files, if they exist already. Installs and downloads nothing.
pub fn installed() -> Option<Installed> {
    Some(Installed { jars: maven::cached(NAME, POM)?, java: java::installed()? })
}

/// The files. If they are missing and it is possible, installs Java and downloads the jars.
///
/// # Errors
///
/// Java or Maven is missing and we may not install it, or Maven Central cannot be reached. This takes seconds.
pub fn ensure_installed() -> Result<Installed> {
    if let Some(installed) = installed() {
        return Ok(installed);
    }
    Ok(Installed { java: java::ensure()?, jars: maven::jars(NAME, POM)? })
}

/// A running private cluster. It is removed when dropped.
///
/// The methods block. Call `kill` and `restart` from one thread at a time.
#[derive(Debug)]
pub struct Cluster {
    place: Place,
    count: u16,
}

impl Cluster {
    /// Starts `count` brokers (one to four) on free ports and waits until they are ready.
    ///
    /// # Errors
    ///
    /// Kafka is not installed (see [`installed`] and [`ensure_installed`]), or it does not start. The message has the end of its
    /// log.
    pub fn start(count: u16) -> Result<Self> {
        let installed = installed().context("failed to find Kafka, which `cargo xtask kafka` installs")?;
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

    /// The addresses of all brokers, for `bootstrap.servers`.
    pub fn brokers(&self) -> String {
        (1..=self.count).map(|node| format!("127.0.0.1:{}", self.port(node))).collect::<Vec<_>>().join(",")
    }

    /// The port of a broker. Brokers are counted from 1, and keep their port after a restart.
    pub fn port(&self, node: u16) -> u16 {
        self.place.port() + node - 1
    }

    /// The directory of its data, with the scripts `kill`, `start` and `restart` for other processes. Run them with `sh`; the
    /// argument is the number of a broker, and without one they act on all.
    pub fn directory(&self) -> &Path {
        self.place.directory()
    }

    /// The pid of a broker, while it runs.
    pub fn pid(&self, node: u16) -> Option<u32> {
        self.place.noted_pid(&format!("node{node}.group"))
    }

    /// Ends a broker with SIGKILL, as a crash does, and waits until its port is closed. Does nothing if it is not running.
    ///
    /// Acknowledged messages survive a restart, because the operating system keeps what the process has written.
    pub fn kill(&self, node: u16) -> Result<()> {
        self.place.control(&["kill", &node.to_string()]).context("failed to kill a broker").map(drop)
    }

    /// Starts a broker again on the same directory and port, and waits until it is ready. This takes seconds, because the
    /// controller first has to notice that the old broker is gone. A broker that still runs is killed first.
    pub fn restart(&self, node: u16) -> Result<()> {
        self.kill(node)?;
        self.place.control(&["start", &node.to_string()]).context("failed to start a broker")?;
        self.answer()
    }

    fn answer(&self) -> Result<()> {
        net::probe_kafka(&self.brokers())
            .context("failed to reach the private Kafka, which had reported that it is ready")
    }
}
