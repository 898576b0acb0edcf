//! The default path of the store.

use crate::error::{Error, ErrorKind, Result};
use std::env;
use std::path::PathBuf;

/// The default store: `$SPANBRIDGE_DB`, or `spanbridge/store` in the user's data directory (`$XDG_DATA_HOME` or
/// `~/.local/share`; on macOS `~/Library/Application Support`; on Windows `%LOCALAPPDATA%`).
///
/// # Errors
/// [`ErrorKind::NoDefaultPath`] if `SPANBRIDGE_DB` is not set and the user has no home directory.
pub fn default_path() -> Result<PathBuf> {
    choose(variable, env::home_dir())
}

/// The default without `SPANBRIDGE_DB`. For the command line.
#[doc(hidden)]
pub fn default_directory() -> Result<PathBuf> {
    choose(|name| variable(name).filter(|_| name != "SPANBRIDGE_DB"), env::home_dir())
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The choice itself, without the environment of the process.
fn choose(var: impl Fn(&str) -> Option<PathBuf>, home: Option<PathBuf>) -> Result<PathBuf> {
    if let Some(path) = var("SPANBRIDGE_DB") {
        return Ok(path);
    }
    // The XDG specification says to ignore relative paths.
    let named = var(if cfg!(windows) { "LOCALAPPDATA" } else { "XDG_DATA_HOME" }).filter(|p| p.is_absolute());
    let usual = if cfg!(windows) {
        "AppData/Local"
    } else if cfg!(target_os = "macos") {
        "Library/Application Support"
    } else {
        ".local/share"
    };
    match named.or_else(|| home.filter(|h| h.is_absolute()).map(|h| h.join(usual))) {
        Some(data) => Ok(data.join("spanbridge").join("store")),
        None => Err(Error::new(
            ErrorKind::NoDefaultPath,
            "find the default store: SPANBRIDGE_DB is not set, and this user has no home directory",
        )),
    }
}

#[cfg(all(test, unix, not(target_os = "macos")))]
mod tests {
    use super::*;

    #[test]
    fn the_variable_comes_before_the_data_directory() {
        let none = |_: &str| None;
        let xdg = |at: &'static str| move |name: &str| (name == "XDG_DATA_HOME").then(|| PathBuf::from(at));
        let home = || Some(PathBuf::from("/home/u"));
        let all = |name: &str| Some(PathBuf::from(if name == "SPANBRIDGE_DB" { "x.db" } else { "/data" }));
        assert_eq!(choose(all, home()).unwrap(), PathBuf::from("x.db"));
        assert_eq!(choose(xdg("/data"), home()).unwrap(), PathBuf::from("/data/spanbridge/store"));
        let at_home = PathBuf::from("/home/u/.local/share/spanbridge/store");
        assert_eq!(choose(xdg("relative"), home()).unwrap(), at_home);
        assert_eq!(choose(none, home()).unwrap(), at_home);
        assert_eq!(choose(none, None).unwrap_err().kind(), ErrorKind::NoDefaultPath);
    }
}
