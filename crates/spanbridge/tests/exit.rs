//! A process that ends in the midst of its work.
#![cfg(all(feature = "record", unix, not(miri)))]

use spanbridge::{JsonLines, Recorder, observe};
use std::fs::File;
use std::process::Command;
use std::time::Duration;

/// This test runs itself once more, as the process that ends.
#[test]
fn exit_waits_for_what_was_recorded() {
    const FILE: &str = "SPANBRIDGE_TEST_EXIT";
    if let Some(file) = std::env::var_os(FILE) {
        let sink = JsonLines::new(File::create(file).unwrap());
        let recorder = Recorder::builder("exit").sink(sink).on_flush_only().install().unwrap();
        spanbridge::flush_at_exit(Duration::ZERO);
        spanbridge::flush_at_exit(Duration::from_secs(60));
        let span = observe::span("open").open();
        std::thread::spawn(|| observe::span("elsewhere").in_scope(|| ())).join().unwrap();
        std::process::exit(if span.id().is_some() && recorder.report().complete { 7 } else { 1 })
    }
    let file = std::env::temp_dir().join(format!("spanbridge-exit-{}", std::process::id()));
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "exit_waits_for_what_was_recorded"]).env(FILE, &file);
    let output = child.output().unwrap();
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    let lines = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(lines.contains("\"name\":\"open\"") && lines.contains("\"name\":\"elsewhere\""), "{lines}");
}
