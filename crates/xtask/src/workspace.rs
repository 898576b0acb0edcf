//! The paths of the repository and of the user's cache, and `cargo` in them.

use std::ffi::OsString;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let here = PathBuf::from(here);
    here.ancestors().nth(2).map(Path::to_owned).unwrap_or(here)
}

/// Our directory in the user's cache: `$XDG_CACHE_HOME/spanbridge`, else `~/.cache/spanbridge`.
pub(crate) fn cache() -> Result<PathBuf> {
    let from = |variable: &str| std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = from("XDG_CACHE_HOME").or_else(|| from("HOME").map(|home| home.join(".cache")));
    Ok(cache.context("failed to find a cache directory: neither XDG_CACHE_HOME nor HOME is set")?.join("spanbridge"))
}

/// The cache directory for this list of packages. Checkouts with different lists have different directories, so they do not
/// replace each other's packages while they are in use.
pub(crate) fn cache_for(name: &str, wanted: &str) -> Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    wanted.hash(&mut hasher);
    Ok(cache()?.join(format!("{name}-{:016x}", hasher.finish())))
}

static TARGET: OnceLock<PathBuf> = OnceLock::new();

/// Makes [`cargo`] build in the user's cache, unless `CARGO_TARGET_DIR` is set. So a fresh clone builds only what has changed
/// since the last one.
pub(crate) fn share_target_directory() -> Result<()> {
    if std::env::var_os("CARGO_TARGET_DIR").is_none() {
        let _ = TARGET.set(cache()?.join("target"));
    }
    Ok(())
}

/// `cargo` with these arguments, in the root of the repository. It is the cargo that runs this process, if one does.
pub(crate) fn cargo<S: Into<OsString>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments.into_iter().map(Into::into)).current_dir(root());
    if std::io::IsTerminal::is_terminal(&std::io::stderr()) && std::env::var_os("CARGO_TERM_COLOR").is_none() {
        // Its output passes through us, so it cannot see the terminal.
        command.env("CARGO_TERM_COLOR", "always");
    }
    if let Some(target) = TARGET.get() {
        command.env("CARGO_TARGET_DIR", target);
    }
    // The `cargo run` that started us set these. A test must not take our package for its own.
    for variable in ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_PKG_NAME", "CARGO_PKG_VERSION"] {
        command.env_remove(variable);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_list_of_packages_has_its_place() {
        let place = |wanted| cache_for("interop-python", wanted).unwrap();
        assert_eq!(place("pika==1.3.2"), place("pika==1.3.2"));
        assert_ne!(place("pika==1.3.2"), place("pika==1.3.1"));
    }
}
