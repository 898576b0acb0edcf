//! Events as AWS services write them, and awkward ones. `events/expected.txt` has the expected result of each.

#[path = "support/hidden.rs"]
mod hidden;

use hidden::without_hidden;
use spanbridge::carrier::Extraction;
use spanbridge_lambda::{Event, InvocationMetadata, Record};
use std::fmt::Write;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

#[test]
fn every_event_gives_what_it_carries() {
    let mut got = String::new();
    for path in events() {
        let (event, _) = Event::read(&std::fs::read(&path).unwrap(), InvocationMetadata::new());
        writeln!(got, "{}", path.file_stem().unwrap().to_str().unwrap()).unwrap();
        show(&event, &mut got);
    }
    let expected = std::fs::read_to_string(folder().join("expected.txt")).unwrap_or_default();
    for (line, (got, expected)) in got.lines().zip(expected.lines().chain(std::iter::repeat(""))).enumerate() {
        assert_eq!(got, expected, "line {} of expected.txt", line + 1);
    }
    assert_eq!(got.lines().count(), expected.lines().count());
}

#[test]
fn the_handler_never_sees_the_hidden_field() {
    for path in events() {
        let bytes = std::fs::read(&path).unwrap();
        let sent: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let (event, payload) = Event::read(&bytes, InvocationMetadata::new());
        let sent = without_hidden(sent, event.source());
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&payload).unwrap(), sent, "{}", path.display());
    }
}

fn folder() -> PathBuf {
    PathBuf::from("tests/events")
}

fn events() -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut events: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
    events.sort();
    events
}

fn show(event: &Event, out: &mut String) {
    let source = event.source();
    write!(out, "  {source:?} ({})", source.trigger()).unwrap();
    if let Some(route) = event.route() {
        write!(out, " {route}").unwrap();
    }
    writeln!(out, ":{}", carried(event.carried())).unwrap();
    for (name, value) in event.attributes() {
        writeln!(out, "    {name} = {}", value.as_str().unwrap_or("?")).unwrap();
    }
    event.records().iter().for_each(|record| writeln!(out, "  -{}", show_record(record)).unwrap());
}

fn show_record(record: &Record) -> String {
    let mut out = String::new();
    let texts = [
        ("", Some(&record.id)),
        (" from ", Some(&record.destination)),
        (" partition ", record.partition.as_ref()),
        (" group ", record.group.as_ref()),
        (" message ", record.message_id.as_ref().filter(|id| **id != record.id)),
        (" conversation ", record.conversation_id.as_ref()),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            let text = if text.is_empty() { "?" } else { text };
            write!(out, "{}{text}", if name.is_empty() { " " } else { name }).unwrap();
        }
    }
    let sent = record.sent.map(|sent| sent.duration_since(UNIX_EPOCH).unwrap().as_millis().to_string());
    let numbers = [
        ("offset", record.offset.map(|n| n.to_string())),
        ("attempt", record.attempt.map(|n| n.to_string())),
        ("sent", sent),
        ("size", record.size.map(|n| n.to_string())),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            write!(out, " {name} {number}").unwrap();
        }
    }
    if record.redelivered {
        out.push_str(" redelivered")
    }
    out + ":" + &carried(&record.carried)
}

fn carried(found: &Extraction) -> String {
    let context = &found.context;
    let mut out = match context.trace_parent() {
        None => " no context".to_owned(),
        Some(parent) => {
            let trace =
                if parent.trace_id.to_string() == "4bf92f3577b34da6a3ce929d0e0e4736" { "trace" } else { "other" };
            let parent = if parent.span_id == context.run_id().unwrap().as_parent() {
                "root".to_owned()
            } else {
                format!("{:x}", parent.span_id.get())
            };
            format!(" {trace}/{parent}/{:02x}", context.flags())
        }
    };
    if context.run_id().map(|run| run.get()) != context.trace_id().map(|trace| trace.get()) {
        out.push_str(" own run")
    }
    for (name, text) in [("state", context.trace_state().as_str()), ("baggage", context.baggage().as_str())] {
        if !text.is_empty() {
            write!(out, " {name} {text}").unwrap();
        }
    }
    for problem in &found.problems {
        write!(out, " ({problem})").unwrap();
    }
    out
}
