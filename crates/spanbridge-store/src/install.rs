//! Setting recording up in one line, by what the environment says.

use crate::error::{Error, ErrorKind, Result};
use crate::log::Limits;
use crate::sink::StoreSink;
use spanbridge::{Environment, InstallError, Recorder};
use std::fmt;
use std::io::{self, Write};

/// Records this process into the store, as the environment says. Call it first in `main`, and keep what it returns:
///
/// ```no_run
/// let _recording = spanbridge_store::install_from_env("orders");
/// ```
///
/// `service` is the service's name where the environment does not say it. The variables are those of [`Environment`], and
/// `SPANBRIDGE_DB` for the store ([`default_path`](crate::default_path)), and those of [`Limits::from_env`].
///
/// It cannot stop your service from starting: if recording cannot be set up, one line on stderr says why,
/// [`error`](Recording::error) returns it, and nothing is recorded. If that is because another recorder is installed, the
/// other one goes on. A variable that is not understood gets a line, too, and is ignored. To fail instead, use
/// [`try_install_from_env`].
pub fn install_from_env(service: &str) -> Recording {
    let environment = Environment::read();
    report(&environment);
    set_up(&environment, service).unwrap_or_else(|error| {
        // Not "nothing is recorded": a recorder that was installed before goes on.
        say(format_args!("recording is not set up here: failed to {error}"));
        Recording { recorder: None, error: Some(error), environment }
    })
}

/// As [`install_from_env`], for services that should not run without being recorded.
///
/// # Errors
/// If the store cannot be opened, or no recorder can be installed. A variable that is not understood is no error.
pub fn try_install_from_env(service: &str) -> Result<Recording> {
    let environment = Environment::read();
    report(&environment);
    set_up(&environment, service)
}

fn set_up(environment: &Environment, service: &str) -> Result<Recording> {
    let recorder = match environment.is_disabled() {
        true => None,
        false => {
            let builder = environment.builder(service).sink(StoreSink::open_default()?);
            Some(builder.install().map_err(not_installed)?)
        }
    };
    Ok(Recording { recorder, error: None, environment: environment.clone() })
}

fn not_installed(error: InstallError) -> Error {
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
    Error::new(ErrorKind::NotInstalled, format!("install the recorder: {error}{cause}"))
}

fn report(environment: &Environment) {
    let (_, of_limits) = Limits::from_env();
    environment.problems().iter().chain(&of_limits).for_each(|problem| say(format_args!("{problem}")))
}

/// A closed stderr is no reason to panic.
fn say(what: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "spanbridge: {what}");
}

/// What [`install_from_env`] set up. When it is dropped, it flushes for at most five seconds and shuts down: keep it for as
/// long as you record.
#[must_use = "dropped at once it shuts down, and nothing is recorded: keep it, as in `let _recording = …`"]
#[derive(Debug)]
pub struct Recording {
    recorder: Option<Recorder>,
    error: Option<Error>,
    environment: Environment,
}

impl Recording {
    /// The recorder. `None` if the environment disabled recording, or there was an [`error`](Recording::error).
    pub fn recorder(&self) -> Option<&Recorder> {
        self.recorder.as_ref()
    }

    /// Why this has no recorder, if that was not asked for.
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// What the environment said, and which variables were not understood.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }
}
