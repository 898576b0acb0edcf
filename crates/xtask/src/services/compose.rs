//! Services from docker-compose.yml. Each start has its own project name and ports, so several can run at the same time.

use std::fmt::Write;
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::running::Running;
use crate::guardian::Guardian;
use crate::port::Port;
use crate::private::quote;
use crate::{process, workspace};

/// Every port variable of docker-compose.yml. Each is set to a free port.
const PORT_VARIABLES: [&str; 6] =
    ["AMQP_PORT", "RABBITMQ_MANAGEMENT_PORT", "KAFKA_PORT", "POSTGRES_PORT", "CLICKHOUSE_PORT", "CLICKHOUSE_PORT_2"];

/// What is in docker-compose.yml for one of our services.
pub(crate) struct Entry {
    /// Its nodes: the name of each in the file, and the variable for the port that clients use.
    pub(crate) nodes: &'static [(&'static str, &'static str)],
    /// Makes the address for clients from those ports.
    pub(crate) address: fn(&[u16]) -> String,
}

/// Can services be started from docker-compose.yml here?
pub(crate) enum Availability {
    Ready,
    /// No, for this reason.
    No(&'static str),
}

/// Asks Docker.
pub(crate) fn available() -> Availability {
    let works = |arguments: &[&str]| {
        process::try_capture(Command::new("docker").args(arguments)).is_ok_and(|output| output.status.success())
    };
    if !works(&["info"]) {
        Availability::No("no Docker engine answers")
    } else if !works(&["compose", "version"]) {
        Availability::No("Docker has no compose plugin")
    } else {
        Availability::Ready
    }
}

/// Does the docker client have compose? It checks a file without an engine.
pub(crate) fn client_has_compose() -> bool {
    process::try_capture(Command::new("docker").args(["compose", "version"])).is_ok_and(|out| out.status.success())
}

/// A running project. It is taken down when dropped.
pub(crate) struct Compose {
    // Dropped first: it needs the script in the directory.
    _guardian: Guardian,
    _directory: TempDir,
    _ports: Vec<Port>,
}

impl Compose {
    /// Starts a service and waits until it is healthy.
    pub(crate) fn up(entry: &Entry) -> Result<Running> {
        let directory = tempfile::Builder::new()
            .prefix("spanbridge-compose-")
            .tempdir()
            .context("failed to create a temporary directory")?;
        let reserved = PORT_VARIABLES.iter().map(|_| Port::reserve()).collect::<Result<Vec<_>>>()?;
        let ports: Vec<_> = PORT_VARIABLES.into_iter().zip(reserved.iter().map(Port::number)).collect();
        let project = format!("spanbridge-{}-{}", entry.nodes[0].0, std::process::id());
        let control = directory.path().join("control.sh");
        let call = |name: &str| format!("#!/bin/sh\nexec sh {} {name} \"$@\"\n", quote(&control));
        for (name, text) in [
            ("control.sh", script(entry, &project, &ports)),
            ("kill", call("kill")),
            ("start", call("start")),
            ("restart", call("restart")),
        ] {
            let path = directory.path().join(name);
            std::fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))?;
        }
        let port_of = |(_, name): &(&str, &str)| {
            let port = ports.iter().find(|(variable, _)| variable == name).map(|(_, port)| *port);
            port.with_context(|| format!("failed to find {name} among the ports of docker-compose.yml"))
        };
        let clients = entry.nodes.iter().map(port_of).collect::<Result<Vec<u16>>>()?;
        let (address, scripts) = ((entry.address)(&clients), directory.path().to_owned());
        let compose = Self { _guardian: Guardian::start(&control)?, _directory: directory, _ports: reserved };
        process::run_ok(Command::new("sh").arg(&control).arg("start"))?;
        Ok(Running::ours(address, scripts, compose))
    }
}

fn script(entry: &Entry, project: &str, ports: &[(&str, u16)]) -> String {
    let file = quote(&workspace::root().join("docker-compose.yml"));
    let mut exports = String::new();
    for (variable, port) in ports {
        let _ = writeln!(exports, "export {variable}={port}");
    }
    let nodes: Vec<_> = entry.nodes.iter().map(|(service, _)| *service).collect();
    let nodes = nodes.join(" ");
    format!(
        "{exports}nodes='{nodes}'
[ -z \"${{2:-}}\" ] || nodes=$(echo $nodes | cut -d' ' -f\"$2\")
compose() {{ docker compose -f {file} -p {project} \"$@\" </dev/null; }}
case $1 in
start) compose up -d --wait $nodes ;;
kill) compose kill $nodes ;;
restart) compose kill $nodes; compose up -d --wait $nodes ;;
guard)
    trap '' INT TERM HUP
    while read -r _; do :; done
    compose down --volumes --remove-orphans --timeout 1
    rm -rf \"$(dirname \"$0\")\"
    ;;
esac
exit
"
    )
}
