//! The services that tests talk to. To add one, add an entry to [`SERVICES`].
//!
//! Each is brought up the first way that is possible:
//!
//! 1. Its variable is set in the environment: the service at that address.
//! 2. A Docker engine answers: the service of docker-compose.yml.
//! 3. Otherwise a private one, from the system's packages or from Maven Central.
//!
//! If no way is possible, a required service fails the run and says what to do. Without an optional one, its tests run with
//! less, and the summary says what they do not show.

pub(crate) mod compose;
mod running;
mod service;

use std::process::Command;

use anyhow::Result;

use crate::net;
use running::Running;
pub(crate) use service::Service;
pub(crate) use service::{CLICKHOUSE, CLICKHOUSE_MODERN, KAFKA, POSTGRES, SERVICES};

/// All services that could be brought up. When it is dropped, those that we started end.
pub(crate) struct Services {
    variables: Vec<(&'static str, String)>,
    missing: Vec<String>,
    _running: Vec<Running>,
}

impl Services {
    /// Brings up each of `services`, and prints to stderr where it is.
    pub(crate) fn bring_up(services: &[Service]) -> Result<Self> {
        let docker = compose::available();
        let mut all = Self { variables: Vec::new(), missing: Vec::new(), _running: Vec::new() };
        for service in services {
            let (source, running) = match service.bring_up(&docker)? {
                Ok(up) => up,
                Err(missing) => {
                    eprintln!("xtask: {missing}");
                    all.missing.push(missing);
                    continue;
                }
            };
            eprintln!("xtask: {}: {source}, {}", service.name, net::without_password(running.address()));
            all.variables.push((service.variable, running.address().to_owned()));
            if let Some(scripts) = running.scripts() {
                all.variables.push((service.scripts_variable, scripts.display().to_string()));
            }
            all._running.push(running);
        }
        Ok(all)
    }

    /// What to set in the environment of a command that uses the services.
    pub(crate) fn variables(&self) -> &[(&'static str, String)] {
        &self.variables
    }

    /// The services that could not be brought up, a sentence each: why, and what the tests do not show without it.
    pub(crate) fn missing(&self) -> &[String] {
        &self.missing
    }

    /// Adds the variables to a command's environment.
    pub(crate) fn set(&self, command: &mut Command) {
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
    }
}
