//! The services as data, and how one is brought up.

use anyhow::{Context, Result, bail};

use super::compose::{self, Availability, Compose};
use super::running::Running;
use crate::{clickhouse, kafka, net, postgres, process, rabbitmq};

/// One service.
pub(crate) struct Service {
    /// Its name in messages.
    pub(crate) name: &'static str,
    /// The environment variable with its address, for us and for the tests.
    pub(crate) variable: &'static str,
    /// The environment variable with the directory of its scripts `kill`, `start` and `restart`, for the tests.
    pub(crate) scripts_variable: &'static str,
    /// Fails unless the service answers at this address.
    probe: fn(&str) -> Result<()>,
    /// Its entry in docker-compose.yml, if it has one.
    compose: Option<compose::Entry>,
    /// Starts one without Docker.
    private: fn() -> Result<Private>,
    missing: Missing,
}

/// A private service, or why this machine cannot have one.
enum Private {
    Running(Running),
    Impossible(String),
}

/// What happens when the service cannot be brought up.
enum Missing {
    /// The run fails. The text says what you can do.
    Fails(&'static str),
    /// The tests run with less. The text says what they do not show.
    ShowsLess(&'static str),
}

/// Every service, in the order in which they are started.
pub(crate) const SERVICES: [Service; 5] = [RABBITMQ, KAFKA, POSTGRES, CLICKHOUSE, CLICKHOUSE_MODERN];

const RABBITMQ: Service = Service {
    name: "RabbitMQ",
    variable: "AMQP_URL",
    scripts_variable: "SPANBRIDGE_TEST_RABBITMQ_DIR",
    probe: net::probe_amqp,
    compose: Some(compose::Entry {
        nodes: &[("rabbitmq", "AMQP_PORT")],
        address: |ports| format!("amqp://guest:guest@127.0.0.1:{}", ports[0]),
    }),
    private: || {
        if !rabbitmq::ensure_installed()? {
            return Ok(Private::Impossible("it is not installed".to_owned()));
        }
        let broker = rabbitmq::Broker::start()?;
        Ok(Private::Running(Running::ours(broker.url().to_owned(), broker.directory().to_owned(), broker)))
    },
    missing: Missing::Fails(
        "failed to find RabbitMQ, which the tests need. Do one of these, then run the command again:\n  \
         - set AMQP_URL to a broker in which the tests may create queues\n  \
         - start Docker (with its compose plugin)\n  \
         - install the package, from which a private broker is started: sudo apt-get install rabbitmq-server",
    ),
};

pub(crate) const KAFKA: Service = Service {
    name: "Kafka",
    variable: "KAFKA_BROKERS",
    scripts_variable: "SPANBRIDGE_TEST_KAFKA_DIR",
    probe: net::probe_kafka,
    compose: Some(compose::Entry {
        nodes: &[("kafka", "KAFKA_PORT")],
        address: |ports| format!("127.0.0.1:{}", ports[0]),
    }),
    private: || {
        let installed = match kafka::ensure_installed() {
            Ok(installed) => installed,
            Err(error) => {
                process::check()?;
                return Ok(Private::Impossible(format!("{error:#}")));
            }
        };
        let cluster = kafka::Cluster::of(&installed, 1)?;
        Ok(Private::Running(Running::ours(cluster.brokers(), cluster.directory().to_owned(), cluster)))
    },
    missing: Missing::ShowsLess(
        "its tests run on librdkafka's in-process broker, which has no transactions, no compaction, no timestamps of its \
         own and no topic limits, and cannot be killed",
    ),
};

pub(crate) const POSTGRES: Service = Service {
    name: "PostgreSQL",
    variable: postgres::VARIABLE,
    scripts_variable: "SPANBRIDGE_TEST_POSTGRES_DIR",
    probe: net::probe_postgres,
    compose: Some(compose::Entry {
        nodes: &[("postgres", "POSTGRES_PORT")],
        address: |ports| format!("postgres://postgres:postgres@127.0.0.1:{}/postgres", ports[0]),
    }),
    private: || {
        if let Err(error) = postgres::ensure_installed() {
            process::check()?;
            return Ok(Private::Impossible(format!("{error:#}")));
        }
        let server = postgres::Server::start()?;
        Ok(Private::Running(Running::ours(server.url().to_owned(), server.directory().to_owned(), server)))
    },
    missing: Missing::ShowsLess("its tests are skipped"),
};

pub(crate) const CLICKHOUSE: Service = Service {
    name: "ClickHouse",
    variable: clickhouse::VARIABLE,
    scripts_variable: "SPANBRIDGE_TEST_CLICKHOUSE_DIR",
    probe: net::probe_clickhouse,
    compose: Some(compose::Entry {
        nodes: &[("clickhouse1", "CLICKHOUSE_PORT"), ("clickhouse2", "CLICKHOUSE_PORT_2")],
        address: |ports| clickhouse::url_of("default:clickhouse", ports),
    }),
    private: || {
        if let Err(error) = clickhouse::ensure_installed() {
            process::check()?;
            return Ok(Private::Impossible(format!("{error:#}")));
        }
        let cluster = clickhouse::Cluster::start()?;
        Ok(Private::Running(Running::ours(cluster.url(), cluster.directory().to_owned(), cluster)))
    },
    missing: Missing::ShowsLess("its tests are skipped"),
};

pub(crate) const CLICKHOUSE_MODERN: Service = Service {
    name: "today's ClickHouse",
    variable: clickhouse::MODERN_VARIABLE,
    scripts_variable: "SPANBRIDGE_TEST_CLICKHOUSE_MODERN_DIR",
    probe: net::probe_clickhouse,
    compose: None,
    private: || {
        let python = match clickhouse::modern_engine() {
            Ok(python) => python,
            Err(error) => {
                process::check()?;
                return Ok(Private::Impossible(format!("{error:#}")));
            }
        };
        let modern = clickhouse::Modern::start(&python)?;
        Ok(Private::Running(Running::ours(modern.url(), modern.directory().to_owned(), modern)))
    },
    missing: Missing::ShowsLess("today's dialect is not shown"),
};

/// How the service was brought up, and the service; or why it is missing, and what the tests do not show without it.
type BroughtUp = std::result::Result<(&'static str, Running), String>;

impl Service {
    pub(super) fn bring_up(&self, docker: &Availability) -> Result<BroughtUp> {
        if let Some(address) = std::env::var(self.variable).ok().filter(|address| !address.is_empty()) {
            return self.given(address).map(Ok);
        }
        match (docker, &self.compose) {
            (Availability::Ready, Some(entry)) => {
                let running = Compose::up(entry)
                    .with_context(|| format!("failed to start {} with docker-compose.yml", self.name))?;
                return Ok(Ok(("from docker-compose.yml", running)));
            }
            (_, None) => eprintln!("xtask: {}: {} is not set", self.name, self.variable),
            (Availability::No(reason), _) => {
                eprintln!("xtask: {}: {} is not set, and {reason}", self.name, self.variable);
            }
        }
        match ((self.private)()?, &self.missing) {
            (Private::Running(running), _) => Ok(Ok(("private", running))),
            (Private::Impossible(_), Missing::Fails(advice)) => bail!("{advice}"),
            (Private::Impossible(why), Missing::ShowsLess(less)) => {
                Ok(Err(format!("{}: none ({why}): {less}", self.name)))
            }
        }
    }

    fn given(&self, address: String) -> Result<(&'static str, Running)> {
        (self.probe)(&address).with_context(|| {
            let shown = net::without_password(&address);
            format!("failed to reach {} at {}={shown}", self.name, self.variable)
        })?;
        Ok(("from the environment", Running::foreign(address)))
    }
}
