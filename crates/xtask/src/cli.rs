//! The command line of `cargo xtask`.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};

use crate::process::{self, Interrupted};
use crate::rabbitmq::Broker;
use crate::services::{CLICKHOUSE, CLICKHOUSE_MODERN, KAFKA, POSTGRES, Service, Services};
use crate::workspace::cargo;
use crate::{browser, ci, coexist, interop, size, testing};

/// Tasks for contributors to spanbridge.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Run all tests, with the brokers they need
    ///
    /// RabbitMQ: set AMQP_URL to use a broker of yours. Otherwise one is started from docker-compose.yml if a Docker engine
    /// answers, else from the system's package, which is installed if it is missing (as root on Debian or Ubuntu).
    ///
    /// Kafka: set KAFKA_BROKERS to use a cluster of yours. Otherwise one is started from docker-compose.yml if a Docker engine
    /// answers, else from Maven Central; Java and Maven are installed if they are missing. If none of this is possible, the
    /// tests use the in-process broker of Kafka's client, and the summary says what they do not show.
    ///
    /// PostgreSQL: set POSTGRES_URL to use a server of yours, in which the tests may create databases. Otherwise one is started
    /// from docker-compose.yml if a Docker engine answers, else from the system's package, which is installed if it is missing
    /// (as root on Debian or Ubuntu). If none of this is possible, its tests are skipped, and the summary says so.
    ///
    /// ClickHouse: the same, with CLICKHOUSE_URL and two nodes. And today's: set CLICKHOUSE_MODERN_URL to use a server of yours.
    /// Otherwise its engine is downloaded from PyPI once. If that is not possible, the summary says that today's dialect was not
    /// shown.
    ///
    /// Whatever was started is removed at the end.
    Test {
        /// Arguments for the test runner: cargo nextest run if it is installed, else cargo test
        #[arg(last = true, value_name = "RUNNER ARGUMENTS")]
        arguments: Vec<OsString>,
    },
    /// Check everything that must hold before a change is merged
    ///
    /// Formatting, lints (with fewer features, too), docker-compose.yml, examples, documentation, and all tests; among them are
    /// those for the structure of the code and for the public API files. Builds in a target directory in the user's cache,
    /// unless CARGO_TARGET_DIR is set. Stops at the first step that fails.
    ///
    /// If CI is set, a test that fails is run once more, alone. If it passes then, the step passes, and the summary names the test
    /// as UNSTEADY, with what it said when it failed. It fails by chance and has to be mended.
    Ci,
    /// Write the public API files
    ///
    /// They are in docs/api and list what each library exports, so that a change is seen in review. A test compares them with
    /// the source.
    Api,
    /// Show that the store can be in one program with other crates for databases
    ///
    /// For sqlx, sea-orm, diesel, rusqlite and others, asks cargo for a lock file with both, and lists the native libraries that
    /// the store brings. Needs the registry; what cannot be had from there is "not shown". Fails on a conflict.
    Coexist,
    /// Show what the store adds to the program of a Lambda function
    ///
    /// Builds a function without spanbridge, with it, and with the store, as a user would, in the user's cache directory. Fails
    /// if the store adds more than 500 KiB.
    Size,
    /// Run the tests against services in other languages and against kcat
    ///
    /// The languages are Python, JavaScript, Java and Go, each with its own client libraries under OpenTelemetry. Python 3 with
    /// venv is required. If npm, a JDK with Maven, or Go is missing, its tests are skipped. The first run downloads packages
    /// from each language's registry into the user's cache directory. kcat, the JDK and Maven are installed from the system's
    /// packages if they are missing (as root on Debian or Ubuntu).
    Interop,
    /// Run the tests of the page of spanbridge serve in a real browser
    ///
    /// Uses the Chromium at CHROMIUM if that is set, else one on the PATH. Node.js with npm and Chromium are installed from the
    /// system's packages if they are missing (as root on Debian or Ubuntu); playwright-core comes from npm into the user's cache
    /// directory. The tests are in crates/spanbridge-cli/page-tests. cargo xtask test runs them, too, or says that they were
    /// skipped.
    Browser {
        /// Write the pictures of docs/guide/devtools.md instead
        #[arg(long)]
        pictures: bool,
        /// A regular expression: only the tests whose names match it
        #[arg(last = true, value_name = "PATTERN", conflicts_with = "pictures")]
        pattern: Vec<OsString>,
    },
    /// Run a private RabbitMQ until stdin ends, or while a command runs
    ///
    /// When it is ready, prints AMQP_URL=… and the directory with the scripts kill, start and restart.
    Rabbitmq {
        /// A command to run with these variables set, instead of waiting for the end of stdin
        #[arg(last = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
    /// Run an Apache Kafka until stdin ends, or while a command runs
    ///
    /// Uses the cluster at KAFKA_BROKERS if that is set. Otherwise one is started from docker-compose.yml if a Docker engine
    /// answers, else from Maven Central; Java and Maven are installed if they are missing (as root on Debian or Ubuntu). If
    /// none of this is possible, a command runs without Kafka, and tests use the in-process broker of Kafka's client.
    ///
    /// When it is ready, prints KAFKA_BROKERS=… and the directory with the scripts kill, start and restart.
    Kafka {
        /// A command to run with these variables set, instead of waiting for the end of stdin
        #[arg(last = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
    /// Run a PostgreSQL until stdin ends, or while a command runs
    ///
    /// Uses the server at POSTGRES_URL if that is set. Otherwise one is started from docker-compose.yml if a Docker engine
    /// answers, else from the system's package, which is installed if it is missing (as root on Debian or Ubuntu). If none of
    /// this is possible, a command runs without PostgreSQL, and its tests are skipped.
    ///
    /// When it is ready, prints POSTGRES_URL=… and the directory with the scripts kill, start and restart.
    Postgres {
        /// A command to run with these variables set, instead of waiting for the end of stdin
        #[arg(last = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
    /// Run a ClickHouse of two nodes until stdin ends, or while a command runs
    ///
    /// Uses the cluster at CLICKHOUSE_URL if that is set. Otherwise one is started from docker-compose.yml if a Docker engine
    /// answers, else from the system's package, which is installed if it is missing (as root on Debian or Ubuntu). If none of
    /// this is possible, a command runs without ClickHouse, and its tests are skipped. Each node is a shard of the cluster
    /// spanbridge.
    ///
    /// When it is ready, prints CLICKHOUSE_URL=… and the directory with the scripts kill, start and restart, which take the
    /// number of a node.
    Clickhouse {
        /// Today's ClickHouse beside it, with CLICKHOUSE_MODERN_URL: its engine (PyPI's chdb-core, 200 MB) behind a small server
        /// of ours, without a cluster. Needs Python 3 with venv
        #[arg(long)]
        modern: bool,
        /// A command to run with these variables set, instead of waiting for the end of stdin
        #[arg(last = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
}

/// Runs the task of the command line. Exit codes: 0 done, 1 failed, 2 wrong usage, 128 + signal when interrupted; of a command
/// that was run, its own.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match process::listen_for_signals().and_then(|()| run(cli.task)) {
        Ok(code) => code,
        Err(error) => match error.downcast_ref::<Interrupted>() {
            Some(interrupted) => {
                eprintln!("xtask: {interrupted}");
                ExitCode::from(128 + interrupted.0 as u8)
            }
            None => {
                eprintln!("xtask: {error:#}");
                ExitCode::FAILURE
            }
        },
    }
}

fn run(task: Task) -> Result<ExitCode> {
    match task {
        Task::Test { arguments } => testing::run(&arguments)?,
        Task::Ci => ci::run()?,
        Task::Api => api()?,
        Task::Coexist => coexist::run()?,
        Task::Size => size::run()?,
        Task::Interop => interop::run()?,
        Task::Browser { pictures: true, .. } => browser::pictures()?,
        Task::Browser { pattern, .. } => browser::run(&pattern)?,
        Task::Rabbitmq { command } => return rabbitmq(&command),
        Task::Kafka { command } => return while_running(&[KAFKA], &command),
        Task::Postgres { command } => return while_running(&[POSTGRES], &command),
        Task::Clickhouse { modern: true, command } => {
            return while_running(&[CLICKHOUSE, CLICKHOUSE_MODERN], &command);
        }
        Task::Clickhouse { command, .. } => return while_running(&[CLICKHOUSE], &command),
    }
    Ok(ExitCode::SUCCESS)
}

/// The test that compares the files writes them instead if `SPANBRIDGE_WRITE_API` is set.
fn api() -> Result<()> {
    let mut test = cargo(["test", "--quiet", "--package", "xtask", "--test", "structure", "api::public_api"]);
    process::run_ok(test.env("SPANBRIDGE_WRITE_API", "1"))
}

fn rabbitmq(command: &[OsString]) -> Result<ExitCode> {
    crate::rabbitmq::ensure_installed()?;
    let broker = Broker::start()?;
    let directory = broker.directory().display().to_string();
    with(&[("AMQP_URL", broker.url().to_owned()), ("SPANBRIDGE_TEST_RABBITMQ_DIR", directory)], command)
}

fn while_running(services: &[Service], command: &[OsString]) -> Result<ExitCode> {
    let services = Services::bring_up(services)?;
    if let ([missing, ..], true) = (services.missing(), command.is_empty()) {
        bail!("failed to start {missing}");
    }
    let code = with(services.variables(), command)?;
    for missing in services.missing() {
        eprintln!("xtask: not shown: {missing}");
    }
    Ok(code)
}

/// Runs a command with these variables set. Without a command, prints them and waits for the end of stdin.
fn with(variables: &[(&str, String)], command: &[OsString]) -> Result<ExitCode> {
    if let [program, arguments @ ..] = command {
        let mut command = Command::new(program);
        command.args(arguments).envs(variables.iter().map(|(name, value)| (name, value)));
        let status = process::run(&mut command)?;
        return Ok(status.code().map_or(ExitCode::FAILURE, |code| ExitCode::from(code as u8)));
    }
    for (name, value) in variables {
        println!("{name}={value}");
    }
    let (stdin_ended, ended) = process::until_signal();
    std::thread::spawn(move || {
        // An error is an end too.
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = stdin_ended.send(());
    });
    // An error means that every sender is gone, which is the end as well.
    let _ = ended.recv();
    process::check()?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn arguments_after_two_dashes_go_to_the_runner() {
        let cli = Cli::try_parse_from(["cargo xtask", "test", "--", "-p", "spanbridge", "wire"]).unwrap();
        insta::assert_compact_debug_snapshot!(cli.task, @r#"Test { arguments: ["-p", "spanbridge", "wire"] }"#);
        let error = Cli::try_parse_from(["cargo xtask", "test", "wire"]).unwrap_err();
        assert_eq!(error.exit_code(), 2);
    }

    #[test]
    fn the_help_names_every_task() {
        insta::assert_snapshot!(Cli::command().term_width(120).render_help(), @r"
        Tasks for contributors to spanbridge

        Usage: cargo xtask <COMMAND>

        Commands:
          test        Run all tests, with the brokers they need
          ci          Check everything that must hold before a change is merged
          api         Write the public API files
          coexist     Show that the store can be in one program with other crates for databases
          size        Show what the store adds to the program of a Lambda function
          interop     Run the tests against services in other languages and against kcat
          browser     Run the tests of the page of spanbridge serve in a real browser
          rabbitmq    Run a private RabbitMQ until stdin ends, or while a command runs
          kafka       Run an Apache Kafka until stdin ends, or while a command runs
          postgres    Run a PostgreSQL until stdin ends, or while a command runs
          clickhouse  Run a ClickHouse of two nodes until stdin ends, or while a command runs
          help        Print this message or the help of the given subcommand(s)

        Options:
          -h, --help  Print help
        ");
    }
}
