//! What a library takes on board that depends on the core: little, and no async runtime.
#![cfg(not(miri))]

use std::collections::BTreeSet;
use std::process::Command;

/// The names of all crates that a build with these features needs.
fn tree(features: &str, edges: &str) -> Vec<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let out = Command::new(cargo)
        .args(["tree", "--package", "spanbridge", "--edges", edges, "--prefix", "none"])
        .args(["--target", "x86_64-unknown-linux-gnu", "--format", "{p}", "--offline", "--features", features])
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let lines = String::from_utf8(out.stdout).unwrap();
    let names: BTreeSet<_> = lines.lines().filter_map(|l| l.split(' ').next()).map(str::to_owned).collect();
    names.into_iter().filter(|n| n != "spanbridge").collect()
}

const LINKED: &str = "normal,no-proc-macro";

#[test]
fn to_carry_contexts() {
    let names = ["futures-core", "futures-sink", "pin-project-lite", "serde", "serde_core"];
    assert_eq!(tree("", LINKED), names);
    assert_eq!(tree("", "normal"), names, "nothing to compile and run on the way either");
}

#[test]
fn to_record() {
    let names = [
        "cfg-if",
        "futures-core",
        "futures-sink",
        "getrandom",
        "itoa",
        "libc",
        "memchr",
        "pin-project-lite",
        "serde",
        "serde_core",
        "serde_json",
        "xxhash-rust",
        "zmij",
    ];
    assert_eq!(tree("record", LINKED), names);
    let all = tree("record", "normal");
    let on_the_way: Vec<_> = all.iter().filter(|n| !names.contains(&n.as_str())).collect();
    assert_eq!(on_the_way, ["proc-macro2", "quote", "serde_derive", "syn", "unicode-ident"]);
}
