//! The example `existing_tracing_app`: what its spans and its log lines are, by the store and by what it prints.

use spanbridge::RunId;
use spanbridge_tests::{Program, example, graph, outline};
use std::process::Command;

/// The run of a line of text: the trace's own.
fn run(line: &str) -> Option<RunId> {
    line.split_once("trace_id=")?.1.get(..32)?.parse().ok()
}

#[tokio::test]
async fn a_service_that_only_knows_tracing() {
    let directory = tempfile::tempdir().unwrap();
    let db = directory.path().join("records");
    let mut service = Command::new(example("existing_tracing_app"));
    service.env("SPANBRIDGE_DB", &db).env("NO_COLOR", "1").env_remove("RUST_LOG");
    let output = Program::start(&mut service).output().await;

    let lines: Vec<_> = output.lines().filter(|line| line.contains(" existing_tracing_app: ")).collect();
    let mut runs: Vec<_> = lines.iter().filter_map(|line| run(line)).collect();
    assert_eq!((lines.len(), runs.len()), (6, 5), "the last line is outside of the order: {output}");
    runs.dedup();
    let [placed, failed] = runs[..] else { panic!("two orders: {output}") };
    let shown = |run| outline(&graph(&db, run).expect("the run is in the store"), &["order", "item", "left"]);
    assert_eq!(
        shown(placed),
        "shop Ok place_order order=1 item=\"apples\"\n\
         \x20 shop Ok reserve item=\"apples\" left=1\n\
         \x20   shop Ok SELECT stock item=\"apples\"\n\
         \x20 shop Ok send_receipt order=1\n"
    );
    assert_eq!(
        shown(failed),
        "shop Error place_order order=2 item=\"pears\"\n\
         \x20 shop Ok reserve item=\"pears\" left=0\n\
         \x20   shop Ok SELECT stock item=\"pears\"\n"
    );
}
