//! The services that tests talk to. A new one is one more entry in [`SERVICES`].
//!
//! Each is brought up the same way, the first that is possible: the address given in the environment;
//! docker-compose.yml where a Docker engine answers; a private one from the system's packages. Where none
//! is, a required service ends the run with what to do, and another one leaves its tests to say `skipped`.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::compose::Compose;
use crate::rabbitmq::{self, Private};
use crate::{compose, net};

/// One service: what differs between them, as data.
pub(crate) struct Service {
    /// As a person calls it.
    pub(crate) name: &'static str,
    /// The environment variable that holds its address, for us and for the tests.
    pub(crate) variable: &'static str,
    /// Names the directory of scripts that `kill` and `start` it, for the tests.
    pub(crate) scripts_variable: &'static str,
    /// Fails when nobody answers at such an address.
    pub(crate) probe: fn(&str) -> Result<()>,
    /// How docker-compose.yml provides it.
    pub(crate) compose: compose::Entry,
    /// Starts one without Docker; `None` where that is not possible on this machine.
    pub(crate) private: fn() -> Result<Option<Running>>,
    /// What to do when nothing was possible: printed, and the run fails. Without it the service is optional.
    pub(crate) required: Option<&'static str>,
}

/// Every service, in the order in which they are started.
pub(crate) const SERVICES: [Service; 2] = [
    Service {
        name: "RabbitMQ",
        variable: "AMQP_URL",
        scripts_variable: "SPANBRIDGE_TEST_RABBITMQ_DIR",
        probe: net::probe_amqp,
        compose: compose::Entry {
            service: "rabbitmq",
            port_variable: "AMQP_PORT",
            address: |port| format!("amqp://guest:guest@127.0.0.1:{port}"),
        },
        private: || {
            if !rabbitmq::ensure_installed()? {
                return Ok(None);
            }
            Ok(Some(private(Private::start()?)))
        },
        required: Some(
            "The tests need RabbitMQ, and there is none here. One of these, and run the command again:\n  \
             set AMQP_URL to a broker that they may fill with queues, or start Docker (with its compose plugin);\n  \
             or install the package, from which a private one is started: sudo apt-get install rabbitmq-server",
        ),
    },
    Service {
        name: "Kafka",
        variable: "KAFKA_BROKERS",
        scripts_variable: "SPANBRIDGE_TEST_KAFKA_DIR",
        probe: net::probe_any,
        compose: compose::Entry {
            service: "kafka",
            port_variable: "KAFKA_PORT",
            address: |port| format!("127.0.0.1:{port}"),
        },
        // Its client brings a broker along inside the test process.
        private: || Ok(None),
        required: None,
    },
];

/// A service that is there: what the tests must know of it, and what ends it.
pub(crate) struct Running {
    address: String,
    scripts: Option<std::path::PathBuf>,
    _keeps_it_up: Option<Box<dyn std::any::Any>>,
}

impl Running {
    pub(crate) fn new(address: String, scripts: std::path::PathBuf, keeps_it_up: impl std::any::Any) -> Self {
        Self { address, scripts: Some(scripts), _keeps_it_up: Some(Box::new(keeps_it_up)) }
    }
}

fn private(broker: Private) -> Running {
    Running::new(broker.url().to_owned(), broker.directory().to_owned(), broker)
}

/// All services that could be brought up. Dropping it ends those that we started.
pub(crate) struct Services {
    variables: Vec<(&'static str, String)>,
    _running: Vec<Running>,
}

impl Services {
    /// Brings up each of `services`, and says on stderr where it is.
    pub(crate) fn bring_up(services: &[Service]) -> Result<Self> {
        let docker = compose::available();
        let mut all = Self { variables: Vec::new(), _running: Vec::new() };
        for service in services {
            let Some((how, running)) = service.bring_up(&docker)? else {
                eprintln!("xtask: {}: none, its tests are skipped unless they bring their own", service.name);
                continue;
            };
            eprintln!("xtask: {}: {how}, {}", service.name, net::without_password(&running.address));
            all.variables.push((service.variable, running.address.clone()));
            if let Some(scripts) = &running.scripts {
                all.variables.push((service.scripts_variable, scripts.display().to_string()));
            }
            all._running.push(running);
        }
        Ok(all)
    }

    /// Adds the variables to a command's environment.
    pub(crate) fn tell(&self, command: &mut Command) {
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
    }
}

impl Service {
    fn bring_up(&self, docker: &compose::Availability) -> Result<Option<(&'static str, Running)>> {
        if let Some(address) = std::env::var(self.variable).ok().filter(|address| !address.is_empty()) {
            return self.given(address).map(Some);
        }
        match docker {
            compose::Availability::Ready => {
                let running = Compose::up(&self.compose)
                    .with_context(|| format!("failed to start {} with docker-compose.yml", self.name))?;
                return Ok(Some(("from docker-compose.yml", running)));
            }
            compose::Availability::No(reason) => {
                if self.required.is_some() {
                    eprintln!("xtask: {}: no {}, and {reason}", self.name, self.variable);
                }
            }
        }
        match ((self.private)()?, self.required) {
            (Some(running), _) => Ok(Some(("private", running))),
            (None, Some(advice)) => bail!("{advice}"),
            (None, None) => Ok(None),
        }
    }

    fn given(&self, address: String) -> Result<(&'static str, Running)> {
        (self.probe)(&address).with_context(|| {
            format!(
                "{} was asked for by {}={}, and cannot be reached",
                self.name,
                self.variable,
                net::without_password(&address)
            )
        })?;
        Ok(("given in the environment", Running { address, scripts: None, _keeps_it_up: None }))
    }
}
