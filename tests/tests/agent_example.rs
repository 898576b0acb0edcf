//! The example of an agent: its tree, and that content is in the store only where it was asked for.

use spanbridge_tests::{example, graph, outline, runs};
use std::path::Path;
use std::process::Command;

/// Runs the example, and returns what it printed.
fn run(db: &Path, more: &[&str]) -> String {
    let output = Command::new(example("agent")).arg("--db").arg(db).args(more).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The tree names what was called, and each call says what it cost.
#[test]
fn an_agent_as_a_tree() {
    let place = tempfile::tempdir().unwrap();
    let db = place.path().join("store");
    let printed = run(&db, &[]);
    assert!(printed.starts_with("Take an umbrella: it will rain in Lisbon.\nrun "), "{printed}");
    let graph = graph(&db, runs(&printed)[0]).expect("the run");
    assert_eq!(graph.run.name, "question");
    let keys =
        ["gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "spanbridge.cost.amount", "gen_ai.tool.call.id"];
    assert_eq!(
        outline(&graph, &keys),
        "\
assistant Ok invoke_agent travel assistant
  assistant Ok retrieval handbook
    assistant Ok embeddings letters
  assistant Ok chat parrot-1 input_tokens=160 output_tokens=18 amount=0.000464
  assistant Ok execute_tool weather id=\"call-1\"
  assistant Ok chat parrot-1 input_tokens=212 output_tokens=11 amount=0.000512
  assistant Ok judge relevance
  assistant Ok cost report
  assistant Ok generate_content voice-1
"
    );
}

/// Of the conversation nothing is in the store, unless the program was told to record content.
#[test]
fn content_is_stored_on_request() {
    let place = tempfile::tempdir().unwrap();
    for (arguments, recorded) in [(&[][..], false), (&["--content"], true)] {
        let db = place.path().join(format!("store-{recorded}"));
        let printed = run(&db, arguments);
        let graph = graph(&db, runs(&printed)[0]).expect("the run");
        let told = format!("{graph:?}");
        for text in ["umbrella", "Lisbon", "Ask the weather service"] {
            assert_eq!(told.contains(text), recorded, "{text}: {told}");
        }
        assert!(told.contains("parrot-1"), "names are always there");
        let mut names = graph.spans.iter().flat_map(|span| span.attributes.iter().map(|(key, _)| key));
        assert_eq!(names.any(|key| key == "gen_ai.input.messages"), recorded);
    }
}
