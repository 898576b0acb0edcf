//! The services that tests talk to. A new one is one more entry in [`SERVICES`].
//!
//! Each is brought up the same way, the first that is possible: the address given in the environment;
//! docker-compose.yml where a Docker engine answers; a private one, of the system's packages or from Maven Central. Where
//! none is, a required service ends the run with what to do, and without another one some tests say `skipped`.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::compose::Compose;
use crate::{compose, kafka, net, process, rabbitmq};

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
    /// Starts one without Docker.
    pub(crate) private: fn() -> Result<Private>,
    pub(crate) without: Without,
}

/// A private service, or why there can be none on this machine.
pub(crate) enum Private {
    Running(Running),
    Impossible(String),
}

/// Where nothing was possible.
pub(crate) enum Without {
    /// The run fails; what to do.
    Fail(&'static str),
    /// The tests go on; what they do not show.
    GoOn(&'static str),
}

/// Every service, in the order in which they are started.
pub(crate) const SERVICES: [Service; 2] = [RABBITMQ, KAFKA];

const RABBITMQ: Service = Service {
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
            return Ok(Private::Impossible("it is not installed".to_owned()));
        }
        let broker = rabbitmq::Private::start()?;
        Ok(Private::Running(Running::new(broker.url().to_owned(), broker.directory().to_owned(), broker)))
    },
    without: Without::Fail(
        "The tests need RabbitMQ, and there is none here. One of these, and run the command again:\n  \
         set AMQP_URL to a broker that they may fill with queues, or start Docker (with its compose plugin);\n  \
         or install the package, from which a private one is started: sudo apt-get install rabbitmq-server",
    ),
};

pub(crate) const KAFKA: Service = Service {
    name: "Kafka",
    variable: "KAFKA_BROKERS",
    scripts_variable: "SPANBRIDGE_TEST_KAFKA_DIR",
    probe: net::probe_kafka,
    compose: compose::Entry {
        service: "kafka",
        port_variable: "KAFKA_PORT",
        address: |port| format!("127.0.0.1:{port}"),
    },
    private: || {
        let installed = match kafka::ensure_installed() {
            Ok(installed) => installed,
            Err(error) => {
                process::check()?;
                return Ok(Private::Impossible(format!("{error:#}")));
            }
        };
        let cluster = kafka::Private::of(&installed, 1)?;
        Ok(Private::Running(Running::new(cluster.brokers(), cluster.directory().to_owned(), cluster)))
    },
    without: Without::GoOn(
        "its tests run on librdkafka's in-process broker, which has no transactions, no compaction, no timestamps of its \
         own, no limits of topics, and cannot be killed",
    ),
};

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

/// All services that could be brought up. Dropping it ends those that we started.
pub(crate) struct Services {
    variables: Vec<(&'static str, String)>,
    not_shown: Vec<String>,
    _running: Vec<Running>,
}

impl Services {
    /// Brings up each of `services`, and says on stderr where it is.
    pub(crate) fn bring_up(services: &[Service]) -> Result<Self> {
        let docker = compose::available();
        let mut all = Self { variables: Vec::new(), not_shown: Vec::new(), _running: Vec::new() };
        for service in services {
            let (how, running) = match service.bring_up(&docker)? {
                Ok(up) => up,
                Err(not_shown) => {
                    eprintln!("xtask: {not_shown}");
                    all.not_shown.push(not_shown);
                    continue;
                }
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

    /// What there is, for a command's environment.
    pub(crate) fn variables(&self) -> &[(&'static str, String)] {
        &self.variables
    }

    /// What there is not, a sentence each: why, and what that leaves out.
    pub(crate) fn not_shown(&self) -> &[String] {
        &self.not_shown
    }

    /// Adds the variables to a command's environment.
    pub(crate) fn tell(&self, command: &mut Command) {
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
    }
}

/// How it was brought up, and what is there; else why not, and what that leaves out.
type BroughtUp = std::result::Result<(&'static str, Running), String>;

impl Service {
    fn bring_up(&self, docker: &compose::Availability) -> Result<BroughtUp> {
        if let Some(address) = std::env::var(self.variable).ok().filter(|address| !address.is_empty()) {
            return self.given(address).map(Ok);
        }
        match docker {
            compose::Availability::Ready => {
                let running = Compose::up(&self.compose)
                    .with_context(|| format!("failed to start {} with docker-compose.yml", self.name))?;
                return Ok(Ok(("from docker-compose.yml", running)));
            }
            compose::Availability::No(reason) => {
                eprintln!("xtask: {}: no {}, and {reason}", self.name, self.variable);
            }
        }
        match ((self.private)()?, &self.without) {
            (Private::Running(running), _) => Ok(Ok(("private", running))),
            (Private::Impossible(_), Without::Fail(advice)) => bail!("{advice}"),
            (Private::Impossible(why), Without::GoOn(not_shown)) => {
                Ok(Err(format!("{}: none ({why}): {not_shown}", self.name)))
            }
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
