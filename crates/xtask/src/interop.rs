//! `cargo xtask interop`: the tests that let us talk to instrumented services in Python and JavaScript, and to kcat.
//!
//! They have `interop` in their names, find Python in `SPANBRIDGE_INTEROP_PYTHON`, JavaScript's packages in
//! `SPANBRIDGE_INTEROP_JAVASCRIPT`, kcat in `SPANBRIDGE_INTEROP_KCAT`, and the programs in `tests/interop/`; without the
//! variables they say that they are skipped.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{capture, run_ok};
use crate::testing::Session;
use crate::{debian, workspace};

/// Names a Python that has the packages of `tests/interop/requirements.txt`.
const PYTHON: &str = "SPANBRIDGE_INTEROP_PYTHON";

/// Names the directory where npm has installed what `tests/interop/javascript/package.json` asks for.
const JAVASCRIPT: &str = "SPANBRIDGE_INTEROP_JAVASCRIPT";

/// Names kcat, Kafka's client for the command line.
const KCAT: &str = "SPANBRIDGE_INTEROP_KCAT";

/// Prepares Python, JavaScript and kcat, brings up the services and runs those tests alone.
pub(crate) fn run() -> Result<()> {
    let (python, javascript, kcat) = (python()?, javascript()?, kcat()?);
    let mut session = Session::begin()?;
    let javascript = javascript.as_deref().map(Path::as_os_str).unwrap_or_default();
    let variables = [(PYTHON, python.as_os_str()), (JAVASCRIPT, javascript), (KCAT, kcat.as_os_str())];
    session.matching("interop", &variables)?;
    if session.ran() == 0 {
        bail!("no test with `interop` in its name ran");
    }
    session.finish()
}

/// The one named in the environment, else that of a virtual environment in the user's cache, made when needed.
fn python() -> Result<PathBuf> {
    if let Some(python) = std::env::var_os(PYTHON).filter(|python| !python.is_empty()) {
        return Ok(python.into());
    }
    let requirements = workspace::root().join("tests/interop/requirements.txt");
    let wanted =
        std::fs::read_to_string(&requirements).with_context(|| format!("failed to read {}", requirements.display()))?;
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

/// The one named in the environment, else one in the user's cache, made when needed. `None` where there is no npm.
fn javascript() -> Result<Option<PathBuf>> {
    if let Some(packages) = std::env::var_os(JAVASCRIPT).filter(|packages| !packages.is_empty()) {
        return Ok(Some(packages.into()));
    }
    if capture(Command::new("npm").arg("--version")).is_err() {
        eprintln!("xtask: there is no npm, so the tests with JavaScript are skipped");
        return Ok(None);
    }
    let package = workspace::root().join("tests/interop/javascript/package.json");
    let wanted = std::fs::read_to_string(&package).with_context(|| format!("failed to read {}", package.display()))?;
    let directory = workspace::cache_for("interop-javascript", &wanted)?;
    let installed = directory.join("installed.json");
    if !std::fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        eprintln!("xtask: installing JavaScript packages in {}", directory.display());
        std::fs::create_dir_all(&directory).with_context(|| format!("failed to make {}", directory.display()))?;
        std::fs::write(directory.join("package.json"), &wanted).context("failed to write a package.json")?;
        let mut npm = Command::new("npm");
        run_ok(npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(&directory))?;
        // Written last, as above.
        std::fs::write(&installed, wanted).with_context(|| format!("failed to write {}", installed.display()))?;
    }
    Ok(Some(directory))
}

/// The one named in the environment, else that on the `PATH`, installed when it is missing and we may.
fn kcat() -> Result<OsString> {
    if let Some(kcat) = std::env::var_os(KCAT).filter(|kcat| !kcat.is_empty()) {
        return Ok(kcat);
    }
    if !debian::ensure("kcat", || debian::on_path("kcat"))? {
        bail!("failed to find kcat: apt-get install kcat (as root), or name it in {KCAT}");
    }
    Ok("kcat".into())
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
