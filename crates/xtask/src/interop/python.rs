//! The services in Python. Their packages are in a virtual environment.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::cache;
use crate::process::{capture, run_ok};
use crate::workspace;

/// The variable with the path of a Python that has the packages of `tests/interop/requirements.txt`.
pub(super) const PYTHON: &str = "SPANBRIDGE_INTEROP_PYTHON";

/// The Python named in the environment, else that of a virtual environment in the user's cache, which is created when needed.
pub(super) fn python() -> Result<PathBuf> {
    if let Some(python) = cache::named(PYTHON) {
        return Ok(python.into());
    }
    let requirements = workspace::root().join("tests/interop/requirements.txt");
    let wanted = cache::read(&requirements)?;
    let environment = workspace::cache_for("interop-python", &wanted)?;
    let python = environment.join("bin/python");
    let installed = environment.join("installed.txt");
    if std::fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) && works(&python) {
        return Ok(python);
    }
    eprintln!("xtask: creating a Python environment in {}", environment.display());
    make(&environment, &requirements).context("failed to create a Python environment")?;
    // Written last, so an environment that was not finished is created again.
    std::fs::write(&installed, wanted).with_context(|| format!("failed to write {}", installed.display()))?;
    Ok(python)
}

fn works(python: &Path) -> bool {
    let packages = "import pika, confluent_kafka, opentelemetry.instrumentation.pika, \
                    opentelemetry.instrumentation.confluent_kafka, awslambdaric, boto3, moto.server, aiohttp";
    capture(Command::new(python).args(["-c", packages])).is_ok()
}

fn make(environment: &Path, requirements: &Path) -> Result<()> {
    capture(Command::new("python3").args(["-m", "venv", "--clear"]).arg(environment))?;
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(requirements);
    run_ok(&mut pip)
}
