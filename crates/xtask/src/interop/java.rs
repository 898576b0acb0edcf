//! The services in Java: their clients and OpenTelemetry's agent from Maven Central, and the programs compiled against them.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::run_ok;
use crate::{maven, workspace};

/// Names a directory with `java`, its `jars` and the programs' `classes`.
pub(super) const JAVA: &str = "SPANBRIDGE_INTEROP_JAVA";

const PROGRAMS: [&str; 3] = ["KafkaPeer.java", "RabbitPeer.java", "Report.java"];

/// The one named in the environment, else one in the user's cache, made when needed. `None` where there is no Java.
pub(super) fn java() -> Result<Option<PathBuf>> {
    if let Some(home) = super::named(JAVA) {
        return Ok(Some(home.into()));
    }
    let java = match crate::java::ensure() {
        Ok(java) => java,
        Err(error) => {
            eprintln!("xtask: {error:#}, so the tests with Java are skipped");
            return Ok(None);
        }
    };
    let sources = workspace::root().join("tests/interop/java");
    let (pom, programs) = (super::read(&sources.join("pom.xml"))?, PROGRAMS.map(|name| sources.join(name)));
    let jars = maven::jars("interop", &pom)?;
    let mut wanted = format!("{}\n{pom}", java.display());
    for program in &programs {
        wanted += &super::read(program)?;
    }
    let home = workspace::cache_for("interop-java", &wanted)?;
    if home.is_dir() {
        return Ok(Some(home));
    }
    eprintln!("xtask: compiling Java programs in {}", home.display());
    let partial = super::partial(&home)?;
    let classes = partial.path().join("classes");
    std::fs::create_dir(&classes).with_context(|| format!("failed to make {}", classes.display()))?;
    let mut javac = Command::new(java.with_file_name("javac"));
    javac.arg("-d").arg(&classes).arg("-cp").arg(jars.join("*")).args(programs);
    run_ok(&mut javac)?;
    for (target, name) in [(&jars, "jars"), (&java, "java")] {
        std::os::unix::fs::symlink(target, partial.path().join(name)).context("failed to link to Java")?;
    }
    super::keep(partial, home).map(Some)
}
