//! Installing a package of the system's, on Debian, Ubuntu and the like.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;

const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Installs a package where what is wanted of it is missing, and where we can: as root, with `apt-get`.
///
/// Returns whether it is there now. The installation starts no service.
pub(crate) fn ensure(package: &str, is_there: impl Fn() -> bool) -> Result<bool> {
    if is_there() {
        return Ok(true);
    }
    if !rustix::process::geteuid().is_root() || !on_path("apt-get") {
        return Ok(false);
    }
    eprintln!("xtask: installing {package} from the system's packages");
    let _policy = NoServices::declare()?;
    apt(&["update"])?;
    // Everything that takes long comes first: a Ctrl-C may end it, but never dpkg in the middle of its work.
    apt(&["install", "--download-only", "--no-install-recommends", package])?;
    let install = ["-o", "DPkg::Use-Pty=0", "install", "--no-install-recommends", package];
    let output = detached(&mut apt_get(&install))?;
    process::check()?;
    if !is_there() {
        bail!("failed to install {package}\n{output}");
    }
    Ok(true)
}

fn apt(arguments: &[&str]) -> Result<()> {
    process::capture(&mut apt_get(arguments)).map(drop)
}

fn apt_get(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    // Somebody else may be installing something right now.
    command
        .args(["-y", "-q", "-o", "DPkg::Lock::Timeout=300"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Runs a command that no signal reaches through us, in a session away from the terminal's.
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
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

/// Keeps Debian's package scripts from starting services, by the file they ask; one that exists stays as it is.
///
/// Should we be killed before the file is removed, it allows everything again: it looks whether we live.
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
            // It expires with us in any case.
            let _ = std::fs::remove_file(POLICY);
        }
    }
}
