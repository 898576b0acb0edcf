//! The services in Java: their clients and OpenTelemetry's agent come from Maven Central, and the programs are compiled against
//! them.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::cache;
use crate::process::run_ok;
use crate::{maven, workspace};

/// The variable with the path of a directory that holds `java`, its `jars`, and the programs' `classes`.
pub(super) const JAVA: &str = "SPANBRIDGE_INTEROP_JAVA";

const PROGRAMS: [&str; 4] = ["HttpPeer.java", "KafkaPeer.java", "RabbitPeer.java", "Report.java"];

/// The directory named in the environment, else the one in the user's cache, which is built when needed. `None` if there is no
/// Java.
pub(super) fn java() -> Result<Option<PathBuf>> {
    if let Some(home) = cache::named(JAVA) {
        return Ok(Some(home.into()));
    }
    let java = match crate::java::ensure() {
        Ok(java) => java,
        Err(error) => {
            eprintln!("xtask: {error:#}: the tests with Java are skipped");
            return Ok(None);
        }
    };
    let sources = workspace::root().join("tests/interop/java");
    let (pom, programs) = (cache::read(&sources.join("pom.xml"))?, PROGRAMS.map(|name| sources.join(name)));
    let jars = maven::jars("interop", &pom)?;
    let mut wanted = format!("{}\n{pom}", java.display());
    for program in &programs {
        wanted += &cache::read(program)?;
    }
    let home = workspace::cache_for("interop-java", &wanted)?;
    if home.is_dir() {
        return Ok(Some(home));
    }
    eprintln!("xtask: compiling Java programs in {}", home.display());
    let partial = cache::partial(&home)?;
    let classes = partial.path().join("classes");
    std::fs::create_dir(&classes).with_context(|| format!("failed to create {}", classes.display()))?;
    let mut javac = Command::new(java.with_file_name("javac"));
    javac.arg("-d").arg(&classes).arg("-cp").arg(jars.join("*")).args(programs);
    run_ok(&mut javac)?;
    for (target, name) in [(&jars, "jars"), (&java, "java")] {
        std::os::unix::fs::symlink(target, partial.path().join(name)).context("failed to link to Java")?;
    }
    cache::keep(partial, home).map(Some)
}
