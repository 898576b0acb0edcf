//! The services in Python: their packages in a virtual environment.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{capture, run_ok};
use crate::workspace;

/// Names a Python that has the packages of `tests/interop/requirements.txt`.
pub(super) const PYTHON: &str = "SPANBRIDGE_INTEROP_PYTHON";

/// The one named in the environment, else that of a virtual environment in the user's cache, made when needed.
pub(super) fn python() -> Result<PathBuf> {
    if let Some(python) = super::named(PYTHON) {
        return Ok(python.into());
    }
    let requirements = workspace::root().join("tests/interop/requirements.txt");
    let wanted = super::read(&requirements)?;
    let environment = workspace::cache_for("interop-python", &wanted)?;
    let python = environment.join("bin/python");
    let installed = environment.join("installed.txt");
    if std::fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) && works(&python) {
        return Ok(python);
    }
    eprintln!("xtask: making a Python environment in {}", environment.display());
    make(&environment, &requirements).context("failed to make a Python environment")?;
    // Written last: an environment that was not finished is made again.
    std::fs::write(&installed, wanted).with_context(|| format!("failed to write {}", installed.display()))?;
    Ok(python)
}

fn works(python: &Path) -> bool {
    let packages = "import pika, confluent_kafka, opentelemetry.instrumentation.pika, \
                    opentelemetry.instrumentation.confluent_kafka, awslambdaric, boto3, moto.server";
    capture(Command::new(python).args(["-c", packages])).is_ok()
}

fn make(environment: &Path, requirements: &Path) -> Result<()> {
    capture(Command::new("python3").args(["-m", "venv", "--clear"]).arg(environment))?;
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(requirements);
    run_ok(&mut pip)
}
