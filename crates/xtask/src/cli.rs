//! The command line of `cargo xtask`.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};

use crate::process::{self, Interrupted};
use crate::rabbitmq::Private;
use crate::service::{KAFKA, Services};
use crate::{ci, interop, testing};

/// What a contributor to spanbridge runs.
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
    /// RabbitMQ is the one at AMQP_URL; else one from docker-compose.yml where a Docker engine answers; else a
    /// private one from the system's package, which is installed when it is missing (as root on Debian or Ubuntu).
    /// Kafka is the one at KAFKA_BROKERS; else one from docker-compose.yml; else a private one from Maven Central, for which
    /// Java and Maven are installed likewise; else its client's in-process broker, and the end says what that leaves out.
    /// Whatever was started is removed.
    Test {
        /// Arguments for the runner: cargo nextest run where it is installed, else cargo test
        #[arg(last = true, value_name = "RUNNER ARGUMENTS")]
        arguments: Vec<OsString>,
    },
    /// Run everything that must hold before a change is merged
    ///
    /// Formatting, lints, the features of the core, docker-compose.yml, examples, documentation, all tests. Builds
    /// in a target directory in the user's cache, unless CARGO_TARGET_DIR is set. Stops at the first failure.
    Ci,
    /// Run the tests that talk to instrumented services in other languages, and to kcat
    ///
    /// Python, JavaScript, Java and Go, each with its own client libraries under OpenTelemetry. Needs python3 with venv;
    /// what is missing of npm, a JDK with Maven, or Go is said, and its tests are skipped. Packages come from each
    /// language's registry the first time and go to the user's cache directory. kcat, the JDK and Maven are installed
    /// from the system's packages when they are missing (as root on Debian or Ubuntu).
    Interop,
    /// Run a private RabbitMQ until stdin ends, or for as long as a command runs
    ///
    /// Prints AMQP_URL=… when it is ready, and the directory that holds the scripts kill, start and restart.
    Rabbitmq {
        /// A command to run with these in its environment, instead of waiting for the end of stdin
        #[arg(last = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
    /// Run an Apache Kafka until stdin ends, or for as long as a command runs
    ///
    /// It is the one at KAFKA_BROKERS; else one from docker-compose.yml where a Docker engine answers; else a private one
    /// from Maven Central. Java and Maven are installed when they are missing (as root on Debian or Ubuntu). Where none of
    /// this is possible, a command runs without, and tests use the in-process broker of Kafka's client.
    ///
    /// Prints KAFKA_BROKERS=… when it is ready, and the directory that holds the scripts kill, start and restart.
    Kafka {
        /// A command to run with these in its environment, instead of waiting for the end of stdin
        #[arg(last = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
}

/// Runs the task of the command line. The exit code is the one of the failing command's convention: 0 done,
/// 1 failed, 2 wrong usage, 128 + signal when interrupted.
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
        Task::Interop => interop::run()?,
        Task::Rabbitmq { command } => return rabbitmq(&command),
        Task::Kafka { command } => return kafka(&command),
    }
    Ok(ExitCode::SUCCESS)
}

fn rabbitmq(command: &[OsString]) -> Result<ExitCode> {
    crate::rabbitmq::ensure_installed()?;
    let broker = Private::start()?;
    let directory = broker.directory().display().to_string();
    with(&[("AMQP_URL", broker.url().to_owned()), ("SPANBRIDGE_TEST_RABBITMQ_DIR", directory)], command)
}

fn kafka(command: &[OsString]) -> Result<ExitCode> {
    let services = Services::bring_up(&[KAFKA])?;
    if let ([not_shown, ..], true) = (services.not_shown(), command.is_empty()) {
        bail!("there is nothing to run: {not_shown}");
    }
    let code = with(services.variables(), command)?;
    for not_shown in services.not_shown() {
        eprintln!("xtask: not shown: {not_shown}");
    }
    Ok(code)
}

/// Runs a command with these in its environment; without one, prints them and waits for the end of stdin.
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
        What a contributor to spanbridge runs

        Usage: cargo xtask <COMMAND>

        Commands:
          test      Run all tests, with the brokers they need
          ci        Run everything that must hold before a change is merged
          interop   Run the tests that talk to instrumented services in other languages, and to kcat
          rabbitmq  Run a private RabbitMQ until stdin ends, or for as long as a command runs
          kafka     Run an Apache Kafka until stdin ends, or for as long as a command runs
          help      Print this message or the help of the given subcommand(s)

        Options:
          -h, --help  Print help
        ");
    }
}
