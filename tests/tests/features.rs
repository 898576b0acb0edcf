//! Whether anything is recorded is for the application to say: it switches on the feature `record`, and no adapter does.

use serde_json::Value;
use std::process::Command;

const ADAPTERS: [&str; 5] =
    ["spanbridge-amqp", "spanbridge-http", "spanbridge-kafka", "spanbridge-lambda", "spanbridge-tracing"];
/// Features of the core that record; `conformance` brings the other.
const RECORDING: [&str; 2] = ["record", "conformance"];

#[test]
fn adapters_leave_recording_to_applications() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let arguments = ["metadata", "--no-deps", "--offline", "--format-version", "1"];
    let output = Command::new(cargo).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    for name in ADAPTERS {
        let package = packages.iter().find(|package| package["name"] == name).unwrap();
        // Tests may: what they need is switched on for nobody else.
        let core: Vec<_> = package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|on| on["name"] == "spanbridge" && on["kind"].is_null())
            .collect();
        assert!(!core.is_empty(), "{name} depends on the core");
        for feature in core.iter().flat_map(|on| on["features"].as_array().unwrap()) {
            assert!(!RECORDING.contains(&feature.as_str().unwrap()), "{name} switches on {feature}");
        }
        let features = package["features"].as_object().unwrap();
        for (own, switched_on) in features {
            for feature in switched_on.as_array().unwrap() {
                let of_core = feature.as_str().unwrap().strip_prefix("spanbridge/");
                assert!(!of_core.is_some_and(|of| RECORDING.contains(&of)), "{name}/{own} switches on {feature}");
            }
        }
    }
}
