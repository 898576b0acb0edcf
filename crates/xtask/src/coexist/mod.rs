//! `cargo xtask coexist`: checks that the store works in one program with the crates that applications use for databases.
//!
//! Only one package of a program may link a native library such as SQLite's. If the store linked it, cargo would refuse every
//! other version of it, even if the application only uses PostgreSQL and SQLite is an optional dependency of a
//! dependency. So for each neighbour, cargo resolves a package that depends on both.

mod native;
mod neighbours;
mod outcome;

use anyhow::{Result, bail};

use crate::process;
use crate::throwaway::Throwaway;
use neighbours::{NEIGHBOURS, Neighbour, ours};
use outcome::{Outcome, first_error};

/// The crate that must not conflict with others.
const STORE: &str = "spanbridge-store";

/// The package that links SQLite, for most of the neighbours.
const SQLITE: &str = "libsqlite3-sys";

/// Prints a table with a row for each neighbour.
pub(crate) fn run() -> Result<()> {
    let width = NEIGHBOURS.iter().map(|neighbour| neighbour.name.len()).max().unwrap_or_default();
    let (mut conflicts, mut shown) = (0, 0);
    for neighbour in NEIGHBOURS {
        let outcome = beside(neighbour, &ours(STORE))?;
        process::check()?;
        println!("{:width$}  {outcome}", neighbour.name);
        match outcome {
            Outcome::OneLockFile { .. } => shown += 1,
            Outcome::Conflict(_) => conflicts += 1,
            Outcome::NotShown(_) => {}
        }
    }
    let native = native::native(&Throwaway::new(&[ours(STORE)], &[])?, &[])?;
    let told = if native.is_empty() { "none".to_owned() } else { native.join(", ") };
    println!("\nnative libraries that {STORE} brings: {told}");
    match (conflicts, native.len(), shown) {
        (0, 0, 0) => bail!("failed to reach the registry: nothing is shown"),
        (0, 0, _) => Ok(()),
        (0, _, _) => bail!("{STORE} brings native libraries"),
        _ => bail!("{STORE} cannot be in one program with {conflicts} of {} neighbours", NEIGHBOURS.len()),
    }
}

/// Whether a package can depend on both. If a neighbour cannot be resolved even alone, that says nothing about the store.
fn beside(neighbour: &Neighbour, store: &str) -> Result<Outcome> {
    let wanted = neighbour.dependency.to_owned();
    let alone = Throwaway::new(std::slice::from_ref(&wanted), &[])?.resolve(neighbour.arguments)?;
    if !alone.status.success() {
        return Ok(Outcome::NotShown(first_error(&alone)));
    }
    let package = Throwaway::new(&[wanted, store.to_owned()], &[])?;
    let both = package.resolve(neighbour.arguments)?;
    if !both.status.success() {
        return Ok(Outcome::Conflict(first_error(&both)));
    }
    let version = |of: &str| package.locked(of).map(|versions| versions.join(" and "));
    Ok(Outcome::OneLockFile { version: version(neighbour.package)?, sqlite: version(SQLITE)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::cargo;

    /// A package that links the native library `sqlite3`, without a registry.
    fn linking(name: &str) -> Throwaway {
        let package = Throwaway::new(&[], &[]).unwrap();
        let manifest =
            format!("[package]\nname = {name:?}\nversion = \"1.0.0\"\nedition = \"2024\"\nlinks = \"sqlite3\"\n");
        package.write("Cargo.toml", &manifest).unwrap();
        package.write("build.rs", "fn main() {}").unwrap();
        package
    }

    fn on(name: &str, package: &Throwaway) -> String {
        format!("{name} = {{ path = {:?} }}", package.path(""))
    }

    #[test]
    fn a_conflict_is_found_and_no_other() {
        let (a, b, plain) = (linking("a"), linking("b"), Throwaway::new(&[], &[]).unwrap());
        let dependency: &'static str = on("a", &a).leak();
        let neighbour = Neighbour { name: "a", package: "a", dependency, arguments: &["--offline"] };
        let outcome = beside(&neighbour, &on("b", &b)).unwrap();
        assert!(matches!(&outcome, Outcome::Conflict(why) if why.contains("sqlite3")), "{outcome}");
        let outcome = beside(&neighbour, &on("throwaway-store", &renamed(&plain))).unwrap();
        assert!(matches!(&outcome, Outcome::OneLockFile { version, .. } if version == "1.0.0"), "{outcome}");
        let missing = Neighbour { dependency: "a = { path = \"/nowhere\" }", ..neighbour };
        let outcome = beside(&missing, &on("b", &b)).unwrap();
        assert!(matches!(&outcome, Outcome::NotShown(why) if why.contains("failed")), "{outcome}");
    }

    /// Two packages of one lock file have different names.
    fn renamed(package: &Throwaway) -> Throwaway {
        let other = Throwaway::new(&[], &[]).unwrap();
        let manifest = std::fs::read_to_string(package.path("Cargo.toml")).unwrap();
        other.write("Cargo.toml", &manifest.replace("\"throwaway\"", "\"throwaway-store\"")).unwrap();
        other
    }

    /// Runs offline, so only for this platform and with the versions of the workspace.
    #[test]
    fn the_store_brings_no_native_library() {
        let cargo = process::capture(&mut cargo(["-vV"])).unwrap();
        let host = cargo.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
        let package = Throwaway::new(&[ours(STORE)], &[]).unwrap().with_our_lock_file().unwrap();
        assert_eq!(native::native(&package, &["--offline", "--filter-platform", host]).unwrap(), [""; 0]);
    }

    #[test]
    fn native_libraries_are_found() {
        let a = linking("a");
        let package = Throwaway::new(&[on("a", &a)], &[]).unwrap();
        assert_eq!(native::native(&package, &["--offline"]).unwrap(), ["sqlite3 (a 1.0.0)"]);
        assert_eq!(native::native(&Throwaway::new(&[], &[]).unwrap(), &["--offline"]).unwrap(), [""; 0]);
    }
}
