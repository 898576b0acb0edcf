//! Setting recording up by the environment, in processes of their own: it is theirs.

use spanbridge::observe;
use spanbridge_query::{RunFilter, Store};
use spanbridge_store::{ErrorKind, install_from_env, try_install_from_env};
use std::path::Path;
use std::process::{Command, Output};

/// A service that sets itself up, works and returns. Started by the tests.
#[test]
#[ignore = "started by the other tests"]
fn service() {
    let recording = install_from_env("orders");
    observe::run("nightly").in_scope(|| observe::span("work").in_scope(|| ()));
    let kind = recording.error().map(|e| e.kind());
    println!("served: recorder {} error {kind:?}", recording.recorder().is_some());
}

/// The same, which insists on being recorded.
#[test]
#[ignore = "started by the other tests"]
fn strict_service() {
    println!("strict: {:?}", try_install_from_env("orders").map(|_| ()).map_err(|e| e.kind()));
}

/// One that was set up already.
#[test]
#[ignore = "started by the other tests"]
fn service_set_up_twice() {
    let (_first, second) = (install_from_env("orders"), install_from_env("orders"));
    observe::run("nightly").in_scope(|| ());
    assert_eq!(second.error().map(|e| e.kind()), Some(ErrorKind::NotInstalled));
    println!("served: {}", second.error().unwrap());
}

fn start(service: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", service, "--nocapture"]);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OTEL_") {
            command.env_remove(name);
        }
    }
    let output = command.envs(variables.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output
}

fn said(output: &[u8]) -> String {
    String::from_utf8(output.to_vec()).unwrap()
}

/// The services and the number of runs in the store.
fn stored(path: &Path) -> Vec<String> {
    let runs = Store::open(path).unwrap().runs(&RunFilter::default(), 100).unwrap();
    runs.iter().flat_map(|run| run.services.iter().cloned()).collect()
}

#[test]
fn the_environment_says_where_and_as_what() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sub").join("a.db");
    let db = ("SPANBRIDGE_DB", path.to_str().unwrap());
    let output = start("service", &[db]);
    assert!(said(&output.stdout).contains("served: recorder true error None"), "{output:?}");
    assert_eq!(stored(&path), ["orders"]);
    start("service", &[db, ("OTEL_SERVICE_NAME", "billing")]);
    let mut services = stored(&path);
    services.sort();
    assert_eq!(services, ["billing", "orders"]);
    start("service", &[db, ("OTEL_TRACES_SAMPLER", "always_off")]);
    assert_eq!(stored(&path).len(), 2);
}

#[test]
fn disabled_makes_no_store() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let output = start("service", &[("SPANBRIDGE_DB", path.to_str().unwrap()), ("OTEL_SDK_DISABLED", "true")]);
    assert!(said(&output.stdout).contains("served: recorder false error None"), "{output:?}");
    assert!(!path.exists() && !said(&output.stderr).contains("spanbridge:"), "{output:?}");
}

/// One line says why, and the service works.
#[test]
fn a_store_that_cannot_be_used_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("not-a-store");
    std::fs::write(&path, "something else entirely, and longer than any header").unwrap();
    for (path, kind) in [(path.as_path(), "NotAStore"), (&path.join("below"), "NotAStore")] {
        let db = ("SPANBRIDGE_DB", path.to_str().unwrap());
        let output = start("service", &[db]);
        let (out, err) = (said(&output.stdout), said(&output.stderr));
        assert!(out.contains(&format!("served: recorder false error Some({kind})")), "{out}");
        assert_eq!(err.matches("spanbridge: recording is not set up here: failed to ").count(), 1, "{err}");
        assert!(said(&start("strict_service", &[db]).stdout).contains(&format!("strict: Err({kind})")));
    }
}

#[test]
fn variables_not_understood_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let output = start(
        "service",
        &[
            ("SPANBRIDGE_DB", path.to_str().unwrap()),
            ("SPANBRIDGE_MAX_BYTES", "plenty"),
            ("SPANBRIDGE_MAX_AGE", "30"),
            ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
            ("OTEL_RESOURCE_ATTRIBUTES", "no pairs"),
            ("OTEL_SDK_DISABLED", "maybe"),
        ],
    );
    let err = said(&output.stderr);
    let limits = ["SPANBRIDGE_MAX_BYTES", "SPANBRIDGE_MAX_AGE"];
    for name in ["OTEL_TRACES_SAMPLER", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_SDK_DISABLED"].iter().chain(&limits) {
        assert_eq!(err.matches(&format!("spanbridge: {name} is ignored: ")).count(), 1, "{err}");
    }
    assert_eq!(stored(&path), ["orders"]);
}

#[test]
fn a_second_set_up_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let output = start("service_set_up_twice", &[("SPANBRIDGE_DB", path.to_str().unwrap())]);
    let out = said(&output.stdout);
    assert!(out.contains("served: install the recorder: a recorder is already installed"), "{out}");
    // The first goes on, and nobody says otherwise.
    assert_eq!(stored(&path), ["orders"]);
    let err = said(&output.stderr);
    assert!(err.contains("recording is not set up here: ") && !err.contains("nothing is recorded"), "{err}");
}
