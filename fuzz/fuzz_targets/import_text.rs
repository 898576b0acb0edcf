//! Text of any kind, as lines, documents or the output of CloudWatch, is read to its end; and a record behind it, on a line of its own
//! or on the same one, is found.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spanbridge_cli::import::{Form, Part, Source, TextKind, TextReader, Texts};

const RECORD: &str = "{\"schemaVersion\":1,\"recordId\":\"0000000000000001-9\",\"type\":\"run:attributes\",\"runId\":\
    \"4bf92f3577b34da6a3ce929d0e0e4736\",\"traceId\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"segmentId\":\"0000000000000001\",\
    \"segmentSeq\":9,\"service\":\"orders\",\"attributes\":{\"order\":17}}";

fn has_record(input: &[u8]) -> bool {
    let Ok(source) = Source::new(input) else { return false };
    source.content();
    let (mut texts, mut reader, mut text) = (Texts::new(source), TextReader::new(Form::Any), String::new());
    let mut found = false;
    while let Ok(Some((line, kind))) = texts.next(&mut text) {
        assert!(line > 0);
        if let TextKind::Line | TextKind::Element = kind {
            reader.read(&text, &mut |part| match part {
                Part::Ours(record) => found |= record.to_json() == RECORD,
                Part::Broken(why) => assert!(!why.is_empty() && !why.contains('\n')),
                _ => {}
            });
        }
    }
    found
}

fuzz_target!(|bytes: &[u8]| {
    has_record(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // Behind a line of a log, and as its message, whatever the line says.
    let line = text.replace(['\n', '\r'], " ");
    let quoted = serde_json::Value::from(format!("{line}\n{RECORD}\n"));
    assert!(has_record(format!("2026-11-20T09:25:46 {line}\n2026-11-20T09:25:46 stream {RECORD}\n").as_bytes()));
    assert!(has_record(format!("{{\"events\":[{{\"message\":{quoted}}}]}}").as_bytes()));
    // On the same line, unless what stands before is an object, or a text, that goes on into the record.
    if !line.contains(['{', '"']) {
        assert!(has_record(format!("- {line}{RECORD}\n").as_bytes()));
    }
});
