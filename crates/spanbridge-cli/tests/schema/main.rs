//! The schemas in `docs/schema` against what the binary prints and the server answers.
#![cfg(feature = "serve")]

#[path = "../../../spanbridge-query/tests/common/mod.rs"]
mod common;
#[path = "../../../spanbridge-graph/tests/stories/planted.rs"]
mod planted;
#[path = "../replay/reports.rs"]
mod replayed;
#[path = "../../../spanbridge-graph/tests/stories/story.rs"]
mod story;
#[path = "../replay/support.rs"]
mod support;

mod binary;
mod changes;
mod large;
mod moved;
mod outputs;
mod pairs;
mod properties;
mod published;
mod relations;
mod replay;
mod rows;
mod state;
mod steps;
mod upkeep;
mod words;

use changes::Change;
use published::Published;

/// What the binary prints has the form that is published, and nothing else. The outputs have every property and every word of
/// the schemas, and what is optional is absent in some.
#[test]
fn outputs_and_schemas_say_the_same() {
    let strict = Published::read().strict();
    let outputs = outputs::all();
    let validator = strict.validator();
    for (file, output) in &outputs {
        validator.check(file, output).unwrap_or_else(|e| panic!("{e}\n{output:#}"));
    }
    let unseen = |change: &Change| {
        let changed = change.applied(&strict);
        let validator = changed.validator();
        let concerned = outputs.iter().filter(|(file, _)| change.file == "common.json" || change.file == *file);
        concerned.clone().all(|(file, output)| validator.check(file, output).is_ok())
    };
    let mut changes = Change::all(&strict);
    // Without the feature, there is no such output.
    changes.retain(|change| cfg!(feature = "kafka") || change.file != "collect.json");
    changes.retain(|change| !words::held().iter().any(|(file, at, _)| change.is_about_words(file, at)));
    let unseen: Vec<String> = changes.iter().filter(|change| unseen(change)).map(|c| c.words(&strict)).collect();
    let not_shown = words::NOT_SHOWN.map(|(file, what)| format!("{file}{what}"));
    assert_eq!(unseen, not_shown, "of {} changes", changes.len());
}

/// Editors and documentation show the descriptions.
#[test]
fn every_property_is_described() {
    fn check(file: &str, schema: &serde_json::Value, published: &Published) {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let target = property["$ref"].as_str().map(|to| {
                let (of, pointer) = to.split_once('#').unwrap();
                published.0[if of.is_empty() { file } else { of }].pointer(pointer).unwrap()
            });
            let described = [Some(property), target].into_iter().flatten().any(|s| s["description"].is_string());
            assert!(described, "{file}: {name}");
        }
        let below: Option<Vec<&serde_json::Value>> =
            schema.as_object().map(|s| s.values().collect()).or_else(|| schema.as_array().map(|s| s.iter().collect()));
        below.unwrap_or_default().into_iter().for_each(|below| check(file, below, published));
    }
    let published = Published::read();
    for (file, schema) in &published.0 {
        let id = format!("https://github.com/spanbridge/spanbridge/blob/main/docs/schema/{file}");
        assert_eq!(schema["$id"], *id);
        // Property lists under `if` have no descriptions, and need none.
        check(file, &without_conditions(schema), &published);
    }
}

fn without_conditions(schema: &serde_json::Value) -> serde_json::Value {
    match schema {
        serde_json::Value::Object(of) => {
            let kept = of.iter().filter(|(key, _)| *key != "if");
            kept.map(|(key, value)| (key.clone(), without_conditions(value))).collect()
        }
        serde_json::Value::Array(of) => of.iter().map(without_conditions).collect(),
        other => other.clone(),
    }
}
