//! `cargo xtask size`: what the store adds to the program of a Lambda function.

use anyhow::{Context, Result, bail};

use crate::process;
use crate::throwaway::Throwaway;
use crate::workspace::{self, root};

/// The same function without spanbridge, with it, and with the store as its sink: examples of `spanbridge-lambda`.
const FUNCTIONS: [&str; 3] = ["bare", "observed", "stored"];

/// Maximum size in KiB that the store may add.
const BUDGET: u64 = 500;

/// The ways to build a function: a name, and cargo's settings.
const SETTINGS: [(&str, &[&str]); 2] = [
    ("cargo build --release, stripped", &["profile.release.strip=true"]),
    // https://www.cargo-lambda.info/guide/release-optimizations.html
    (
        "cargo lambda build --release",
        &[
            "profile.release.strip=\"symbols\"",
            "profile.release.lto=\"thin\"",
            "profile.release.codegen-units=1",
            "profile.release.panic=\"abort\"",
        ],
    ),
];

/// Prints a table with a row for each way to build. Fails if the store adds more than the limit.
pub(crate) fn run() -> Result<()> {
    let mut lines =
        vec![format!("{:32} {:>11} {:>11} {:>11} {:>15}", "KiB", "bare", "observed", "stored", "by the store")];
    let mut most = 0;
    for (name, settings) in SETTINGS {
        let [bare, observed, stored] = sizes(settings)?.map(|bytes| bytes.div_ceil(1024));
        let added = stored.saturating_sub(observed);
        most = most.max(added);
        lines.push(format!("{name:32} {bare:>11} {observed:>11} {stored:>11} {added:>15}"));
    }
    println!("{}", lines.join("\n"));
    if most > BUDGET {
        bail!("the store adds {most} KiB to a function; the budget is {BUDGET} KiB");
    }
    Ok(())
}

/// The sizes of the programs in bytes, built outside this workspace as a user builds them.
fn sizes(settings: &[&str]) -> Result<[u64; 3]> {
    let ours = |name: &str, more: &str| format!("{name} = {{ path = {:?}{more} }}", root().join("crates").join(name));
    let dependencies = [
        ours("spanbridge", ", features = [\"record\"]"),
        ours("spanbridge-lambda", ""),
        ours("spanbridge-store", ""),
        "lambda_runtime = \"1\"".to_owned(),
        "serde_json = \"1\"".to_owned(),
        "tokio = { version = \"1\", features = [\"macros\", \"rt-multi-thread\"] }".to_owned(),
    ];
    let example = |name: &str| root().join(format!("crates/spanbridge-lambda/examples/{name}.rs"));
    let programs = FUNCTIONS.map(|name| (name, example(name)));
    let package = Throwaway::new(&dependencies, &programs)?.with_our_lock_file()?;
    let target = workspace::cache()?.join("size");
    let mut build = package.cargo(&["build", "--release", "--bins"]);
    build.arg("--target-dir").arg(&target);
    for setting in settings {
        build.args(["--config", setting]);
    }
    process::run_ok(&mut build)?;
    let mut sizes = [0; 3];
    for (name, size) in FUNCTIONS.iter().zip(&mut sizes) {
        let program = target.join("release").join(name);
        let file = std::fs::metadata(&program).with_context(|| format!("failed to find {}", program.display()))?;
        *size = file.len();
    }
    Ok(sizes)
}
