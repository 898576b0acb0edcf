//! Virtual environments of Python, with packages from PyPI, in the user's cache.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::cache;
use crate::process::{capture, run_ok};
use crate::workspace;

/// A virtual environment.
pub(crate) struct Environment {
    /// The variable with the path of its Python.
    pub(crate) variable: &'static str,
    /// The list of its packages. The path is relative to the repository.
    pub(crate) requirements: &'static str,
    /// Whether the list is whole, so that the packages that they ask for are not installed.
    pub(crate) only_these: bool,
    /// The directory in the user's cache.
    pub(crate) name: &'static str,
    /// Modules that can be imported if it is whole.
    pub(crate) modules: &'static str,
}

impl Environment {
    /// The Python named in the environment, else that of a virtual environment in the user's cache, which is created when
    /// needed.
    pub(crate) fn prepare(&self) -> Result<PathBuf> {
        if let Some(python) = cache::named(self.variable) {
            return Ok(python.into());
        }
        let requirements = workspace::root().join(self.requirements);
        let wanted = cache::read(&requirements)?;
        let environment = workspace::cache_for(self.name, &wanted)?;
        let python = environment.join("bin/python");
        let installed = environment.join("installed.txt");
        if std::fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) && self.works(&python) {
            return Ok(python);
        }
        eprintln!("xtask: creating a Python environment in {}", environment.display());
        self.make(&environment, &requirements).context("failed to create a Python environment")?;
        // Written last, so an environment that was not finished is created again.
        std::fs::write(&installed, wanted).with_context(|| format!("failed to write {}", installed.display()))?;
        Ok(python)
    }

    fn works(&self, python: &Path) -> bool {
        capture(Command::new(python).args(["-c", &format!("import {}", self.modules)])).is_ok()
    }

    fn make(&self, environment: &Path, requirements: &Path) -> Result<()> {
        capture(Command::new("python3").args(["-m", "venv", "--clear"]).arg(environment))?;
        let mut pip = Command::new(environment.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        if self.only_these {
            pip.arg("--no-deps");
        }
        run_ok(pip.arg("--requirement").arg(requirements))
    }
}
