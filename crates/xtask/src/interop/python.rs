//! The services in Python. Their packages are in virtual environments.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::cache;
use crate::process::{capture, run_ok};
use crate::workspace;

/// A virtual environment.
pub(super) struct Environment {
    /// The variable with the path of its Python.
    pub(super) variable: &'static str,
    /// The list of its packages, in `tests/interop`.
    requirements: &'static str,
    /// The directory in the user's cache.
    name: &'static str,
    /// Modules that can be imported if it is whole.
    modules: &'static str,
}

/// What all programs need. Its exporter of OTLP writes protobuf.
pub(super) const PYTHON: Environment = Environment {
    variable: "SPANBRIDGE_INTEROP_PYTHON",
    requirements: "requirements.txt",
    name: "interop-python",
    modules: "pika, confluent_kafka, opentelemetry.instrumentation.pika, \
              opentelemetry.instrumentation.confluent_kafka, awslambdaric, boto3, moto.server, aiohttp, flask, rotel, \
              opentelemetry.exporter.otlp.proto.http",
};

/// The exporter that writes JSON, which cannot be installed beside the other one.
pub(super) const JSON: Environment = Environment {
    variable: "SPANBRIDGE_INTEROP_PYTHON_JSON",
    requirements: "requirements-json.txt",
    name: "interop-python-json",
    modules: "flask, requests, opentelemetry.exporter.otlp.json.http",
};

impl Environment {
    /// The Python named in the environment, else that of a virtual environment in the user's cache, which is created when
    /// needed.
    pub(super) fn prepare(&self) -> Result<PathBuf> {
        if let Some(python) = cache::named(self.variable) {
            return Ok(python.into());
        }
        let requirements = workspace::root().join("tests/interop").join(self.requirements);
        let wanted = cache::read(&requirements)?;
        let environment = workspace::cache_for(self.name, &wanted)?;
        let python = environment.join("bin/python");
        let installed = environment.join("installed.txt");
        if std::fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) && self.works(&python) {
            return Ok(python);
        }
        eprintln!("xtask: creating a Python environment in {}", environment.display());
        make(&environment, &requirements).context("failed to create a Python environment")?;
        // Written last, so an environment that was not finished is created again.
        std::fs::write(&installed, wanted).with_context(|| format!("failed to write {}", installed.display()))?;
        Ok(python)
    }

    fn works(&self, python: &Path) -> bool {
        capture(Command::new(python).args(["-c", &format!("import {}", self.modules)])).is_ok()
    }
}

fn make(environment: &Path, requirements: &Path) -> Result<()> {
    capture(Command::new("python3").args(["-m", "venv", "--clear"]).arg(environment))?;
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(requirements);
    run_ok(&mut pip)
}
