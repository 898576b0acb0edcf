//! Installs system packages on Debian, Ubuntu and their derivatives.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};

use crate::process;

const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Installs a package if `is_there` returns `false` and it is possible: as root, with `apt-get`. Starts no service.
///
/// Returns whether it is there now.
pub(crate) fn ensure(package: &str, is_there: impl Fn() -> bool) -> Result<bool> {
    install(&[&[package]], PATIENT, is_there)
}

/// Installs the first of several sets of packages that this system has. Without a network it gives up within seconds.
pub(crate) fn ensure_any(sets: &[&[&str]], is_there: impl Fn() -> bool) -> Result<bool> {
    install(sets, HASTY, is_there)
}

const PATIENT: &[&str] = &[];
const HASTY: &[&str] =
    &["-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=5", "-o", "Acquire::https::Timeout=5"];

fn install(sets: &[&[&str]], patience: &[&str], is_there: impl Fn() -> bool) -> Result<bool> {
    if is_there() {
        return Ok(true);
    }
    if !rustix::process::geteuid().is_root() || !on_path("apt-get") {
        return Ok(false);
    }
    let apt = |arguments: &[&str]| apt_get(&[patience, arguments].concat());
    let _policy = NoServices::declare()?;
    process::capture(&mut apt(&["update"]))?;
    let mut failure = anyhow!("failed to find a package to install");
    for packages in sets {
        eprintln!("xtask: installing {} from the system's packages", packages.join(" and "));
        // The download, which takes long, comes first: Ctrl-C may end it, but must not end dpkg in the middle of its work.
        let download = [&["install", "--download-only", "--no-install-recommends"], *packages].concat();
        if let Err(error) = process::capture(&mut apt(&download)) {
            process::check()?;
            failure = error;
            continue;
        }
        let install = [&["-o", "DPkg::Use-Pty=0", "install", "--no-install-recommends"], *packages].concat();
        let output = detached(&mut apt(&install))?;
        process::check()?;
        if !is_there() {
            bail!("failed to install {}\n{output}", packages.join(" and "));
        }
        return Ok(true);
    }
    Err(failure)
}

fn apt_get(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    // Another process may be installing something right now.
    command
        .args(["-y", "-q", "-o", "DPkg::Lock::Timeout=300"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Runs a command in its own process group, so that a signal to this process does not end it.
fn detached(command: &mut Command) -> Result<String> {
    use std::os::unix::process::CommandExt;
    let shown = process::show(command);
    let output = command.process_group(0).stdin(std::process::Stdio::null()).output();
    let output = output.with_context(|| format!("failed to run {shown}"))?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    if !output.status.success() {
        bail!("{shown} ended with {}\n{text}", output.status);
    }
    Ok(text)
}

pub(crate) fn on_path(program: &str) -> bool {
    find(program).is_some()
}

/// A program on the `PATH`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|directory| directory.join(program)).find(|file| file.is_file())
}

/// Prevents Debian's package scripts from starting services, with the file `policy-rc.d` that they consult. An existing file is
/// kept.
///
/// If this process is killed before the file is removed, the file has no effect: it checks whether the process is alive.
struct NoServices {
    ours: bool,
}

impl NoServices {
    fn declare() -> Result<Self> {
        if Path::new(POLICY).exists() {
            return Ok(Self { ours: false });
        }
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        let script = format!("#!/bin/sh\nkill -0 {} 2>/dev/null && exit 101\nexit 0\n", std::process::id());
        std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o755)
            .open(POLICY)
            .and_then(|mut file| file.write_all(script.as_bytes()))
            .with_context(|| format!("failed to write {POLICY}"))?;
        Ok(Self { ours: true })
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.ours {
            // If this fails, the file has no effect after this process has ended.
            let _ = std::fs::remove_file(POLICY);
        }
    }
}
