//! What the attributes make of a function trips no lint that the function itself does not trip.
//!
//! The shapes of `lints/shapes.rs` are looked at by clippy twice, as they stand and with the attributes, with every group of its
//! lints switched on. (Many of them contradict each other, so there is a lot to be said of the plain ones, too.)

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

const MANIFEST: &str = r#"
[package]
name = "shapes"
version = "0.0.0"
edition = "2024"

[workspace]

[lib]
path = "shapes.rs"

[dependencies]
spanbridge = { path = "@CRATES@/spanbridge", features = ["macros"] }
spanbridge-macros = { path = "@CRATES@/spanbridge-macros" }

[lints.rust]
unexpected_cfgs = { level = "warn", check-cfg = ["cfg(observed)"] }
"#;

/// The lints that clippy names, each with the line that it is about.
fn lints(package: &Path, observed: bool) -> BTreeSet<(String, u64)> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut clippy = Command::new(cargo);
    clippy.args(["clippy", "--offline", "--message-format=json", "--target-dir"]);
    clippy.arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("lints")).args(["--", "--cap-lints=warn"]);
    clippy.args(observed.then_some("--cfg=observed"));
    // What the outer build was told is no concern of this one, such as a wrapper or flags for coverage.
    for inherited in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER", "CLIPPY_ARGS"]
    {
        clippy.env_remove(inherited);
    }
    let output = clippy.current_dir(package).output().expect("cargo clippy, a component of the toolchain");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout).expect("JSON");
    let messages = messages.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a message"));
    let ours = messages.filter(|m| m["reason"] == "compiler-message" && m["target"]["name"] == "shapes");
    ours.flat_map(|m| {
        let lint = m["message"]["code"]["code"].as_str().unwrap_or_default().to_owned();
        let spans = m["message"]["spans"].as_array().cloned().unwrap_or_default();
        // Of what a macro has written: where it was called.
        let line = |span: &serde_json::Value| {
            let mut span = span;
            while span["file_name"] != "shapes.rs" && span["expansion"].is_object() {
                span = &span["expansion"]["span"];
            }
            span["line_start"].as_u64().unwrap_or_default()
        };
        let lines: Vec<_> = spans.iter().filter(|span| span["is_primary"] == true).map(line).collect();
        lines.into_iter().map(move |line| (lint.clone(), line))
    })
    .collect()
}

#[test]
fn the_attributes_trip_no_lint() {
    let package = tempfile::tempdir().expect("a directory");
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the directory of the crates");
    let manifest = MANIFEST.replace("@CRATES@", &crates.display().to_string());
    std::fs::write(package.path().join("Cargo.toml"), manifest).expect("a manifest");
    let lock = crates.parent().expect("the workspace").join("Cargo.lock");
    std::fs::copy(lock, package.path().join("Cargo.lock")).expect("the versions of the workspace");
    let shapes = include_str!("lints/shapes.rs");
    std::fs::write(package.path().join("shapes.rs"), shapes).expect("the shapes");

    let (plain, observed) = (lints(package.path(), false), lints(package.path(), true));
    assert!(plain.iter().any(|(lint, _)| lint == "clippy::implicit_return"), "nothing was looked at: {plain:?}");
    // What is said of our own import and of the stand-in for Lambda is said of no function.
    let about = |line: &u64| shapes.lines().nth(*line as usize - 1).unwrap_or_default();
    let first =
        shapes.lines().position(|line| line.contains("What a handler is given")).expect("the first shape") as u64;
    let more: Vec<_> = observed.difference(&plain).filter(|(_, line)| *line > first).collect();
    let more: Vec<_> = more.iter().map(|(lint, line)| format!("{lint} at {line}: {}", about(line))).collect();
    assert!(more.is_empty(), "the attributes trip these lints:\n{}", more.join("\n"));
}
