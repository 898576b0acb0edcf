//! What an application takes on board that exports.

use std::collections::BTreeSet;
use std::process::Command;

/// The names of all crates that a build of a package with these features needs.
fn tree(package: &str, features: &str) -> BTreeSet<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let out = Command::new(cargo)
        .args(["tree", "--package", package, "--edges", "normal", "--prefix", "none", "--offline"])
        .args([
            "--target",
            "x86_64-unknown-linux-gnu",
            "--format",
            "{p}",
            "--no-default-features",
            "--features",
            features,
        ])
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let lines = String::from_utf8(out.stdout).unwrap();
    lines.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

/// Beyond what records already.
fn added(features: &str) -> BTreeSet<String> {
    let core = tree("spanbridge", "record");
    tree("spanbridge-otel", features).into_iter().filter(|name| !core.contains(name)).collect()
}

#[test]
fn export_with_tls_takes_few_crates() {
    let with_tls = added("export,tls");
    assert!(with_tls.contains("rustls") && with_tls.contains("ureq"));
    assert!(with_tls.len() <= 25, "{}: {with_tls:?}", with_tls.len());
    let without = added("export");
    assert!(without.len() <= 12, "{}: {without:?}", without.len());
    for heavy in ["tokio", "hyper", "prost", "opentelemetry", "opentelemetry_sdk", "reqwest", "openssl"] {
        assert!(!with_tls.contains(heavy), "{heavy}");
    }
}

#[test]
fn reading_takes_next_to_nothing() {
    let names: Vec<_> = added("").into_iter().collect();
    assert_eq!(names, ["flate2", "spanbridge-otel", "zlib-rs"]);
}

/// By default, neither the SDK nor the API of OpenTelemetry. With the SDK, no client for HTTP.
#[test]
fn the_sdk_comes_only_if_asked_for() {
    let by_default = added("default");
    assert!(by_default.contains("ureq"), "{by_default:?}");
    for name in ["opentelemetry", "opentelemetry_sdk", "futures-util", "tokio"] {
        assert!(!by_default.contains(name), "{name}");
    }
    let with_sdk = added("sdk");
    assert!(with_sdk.contains("opentelemetry_sdk"));
    for name in ["ureq", "rustls", "serde_json", "tokio", "reqwest", "prost"] {
        assert!(!with_sdk.contains(name), "{name}");
    }
}
