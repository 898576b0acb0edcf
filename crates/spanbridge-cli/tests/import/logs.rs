//! Lines, documents, and what logs make of lines.

use super::support::{Place, line, span};
use serde_json::json;

/// Lines, a document in one line, a pretty-printed one, and a list say the same.
#[test]
fn documents_are_as_lines() {
    let spans = [span(1), span(2), span(3)];
    let lines = spans.iter().map(|span| format!("{span}\n")).collect::<String>();
    let place = Place::new();
    assert_eq!(place.import(&["-"], &lines), (0, "3 records read: 3 new\n".into(), String::new()));
    let document = json!({"exportedAt": "2026-11-20", "records": spans, "more": [1]});
    let pretty = serde_json::to_string_pretty(&document).unwrap();
    let list = json!(spans).to_string();
    let with_mark = format!("\u{feff}{lines}");
    let windows = lines.replace('\n', "\r\n");
    let documents = format!("{document}\n{document}");
    for (text, n) in [(document.to_string(), 3), (pretty, 3), (list, 3), (with_mark, 3), (windows, 3), (documents, 6)] {
        let expected = format!("{n} records read: 0 new, {n} already stored\n");
        assert_eq!(place.import(&[], &text), (0, expected.clone(), String::new()), "{text}");
        assert_eq!(place.import(&["--from", "lines"], &text).1, expected);
    }
}

/// What broke a line is named by its number, and costs no other record: also not the one behind it on the same line.
#[test]
fn broken_lines_cost_nothing_else() {
    let (one, two, three, four) = (line(1), line(2), line(3), line(4));
    let text = format!("{}{two}\nwarning: slow disk {one}\n{}\n{three}{four}\n[1]\n", &one[..150], &one[..90]);
    let place = Place::new();
    let (code, out, err) = place.import(&["-"], &text);
    assert_eq!((code, &*out), (1, "4 records read: 4 new, 3 bad lines\n"), "{err}");
    let expected = [
        "spanbridge: line 1 of standard input: failed to read a record: it is cut off",
        "spanbridge: line 3 of standard input: failed to read a record: it is cut off",
        "spanbridge: line 5 of standard input: there is no record in it",
        "spanbridge: failed to read 3 lines as records; the other lines were imported",
    ];
    assert_eq!(err.lines().collect::<Vec<_>>(), expected);
}

/// An element of a document that is broken, and a document that has no end.
#[test]
fn a_broken_document_gives_what_is_whole() {
    let text = format!("{{\"records\": [\n{},\n{{\"name\": \"cut\n,\n{},\n7\n,{{\"a\":1}},\n{{\"b\"", span(1), span(2));
    let place = Place::new();
    let (code, out, err) = place.import(&["-"], &text);
    assert_eq!((code, &*out), (1, "2 records read: 2 new, 4 bad lines\n"), "{err}");
    let named: Vec<&str> = err.lines().filter_map(|line| line.strip_prefix("spanbridge: line ")).collect();
    assert_eq!(named.iter().map(|line| &line[..1]).collect::<Vec<_>>(), ["3", "6", "7", "8"]);
}

/// `aws logs tail`: the time and the stream before each line, other lines between, messages over several lines.
#[test]
fn the_output_of_logs_tail() {
    let lines = [
        "2026-11-20T09:25:46.100000+00:00 2026/11/20/[$LATEST]8f2a START RequestId: 4a6b Version: $LATEST".to_owned(),
        format!("2026-11-20T09:25:46.200000+00:00 2026/11/20/[$LATEST]8f2a {}", span(1)),
        "2026-11-20T09:25:46.300000+00:00 2026/11/20/[$LATEST]8f2a {\"level\":\"info\",\"msg\":\"{not json\"}"
            .to_owned(),
        "    at Object.<anonymous> (/var/task/index.js:1:7) {".to_owned(),
        format!("2026-11-20T09:25:47 {}", span(2)),
        format!("2026-11-20T09:25:47 {}", &line(3)[..120]),
        "2026-11-20T09:25:48.300000+00:00 2026/11/20/[$LATEST]8f2a REPORT RequestId: 4a6b {".to_owned(),
    ];
    let place = Place::new();
    let (code, out, err) = place.import(&["-"], lines.join("\n"));
    assert_eq!((code, &*out), (1, "2 records read: 2 new, 4 other lines of a log, 1 bad line\n"), "{err}");
    assert!(err.starts_with("spanbridge: line 6 of standard input: failed to read a record: it is cut off\n"), "{err}");
    let whole = lines[..5].join("\n");
    assert_eq!(place.import(&["-"], whole).0, 0);
}

/// `aws logs filter-log-events`: a document whose messages are lines.
#[test]
fn the_output_of_filter_log_events() {
    let event =
        |message: String| json!({"logStreamName": "2026/11/20/[$LATEST]8f2a", "timestamp": 1, "message": message});
    let envelope = json!({"level": "INFO", "message": span(3).to_string()}).to_string();
    let events = [
        event("START RequestId: 4a6b\n".into()),
        event(format!("{}\n", span(1))),
        event(format!("2026-11-20T09:25:46Z {}\n{}\n", span(2), &line(4)[..80])),
        event(envelope),
    ];
    let document = json!({"events": events, "searchedLogStreams": [], "nextToken": "e30="});
    for text in
        [document.to_string(), serde_json::to_string_pretty(&document).unwrap(), format!("\n{document}\n{document}")]
    {
        let place = Place::new();
        let (code, out, err) = place.import(&["-"], &text);
        let n = text.matches("START RequestId").count();
        let expected = match n {
            1 => "3 records read: 3 new, 1 other line of a log, 1 bad line\n",
            _ => "6 records read: 3 new, 3 already stored, 2 other lines of a log, 2 bad lines\n",
        };
        assert_eq!((code, &*out), (1, expected), "{err}");
    }
    // `--query events[].message` leaves a list of texts.
    let messages = json!([span(1).to_string(), "END RequestId: 4a6b"]).to_string();
    assert_eq!(Place::new().import(&[], messages).1, "1 record read: 1 new, 1 other line of a log\n");
}

/// What is neither text nor OTLP is said, and stops no other file.
#[test]
fn other_files_are_told_apart() {
    let place = Place::new();
    let image = place.file("image.png", b"\x89PNG\r\n\x1a\n\0\0");
    let lines = place.file("lines.jsonl", span(1).to_string());
    let files = [image.to_str().unwrap(), lines.to_str().unwrap()];
    let (code, out, err) = place.run(&[&["import"], &files[..]].concat());
    assert_eq!((code, &*out), (1, "1 record read: 1 new\n"));
    assert_eq!(err, format!("spanbridge: failed to read {}: it is neither text nor OTLP\n", files[0]));
}

/// Types and fields of later releases: counted, ignored. Standard output as JSON has the same counts.
#[test]
fn unknown_types_and_fields_are_counted() {
    let (mut known, mut unknown) = (span(1), span(2));
    known["newField"] = json!({"deep": [1]});
    known["schemaVersion"] = json!(7);
    unknown["type"] = json!("weather");
    let mut other = unknown.clone();
    other["type"] = json!("tide");
    let (mut same, mut conflict) = (span(1), span(1));
    same["newField"] = json!("other");
    conflict["name"] = json!("another");
    let text = [known, unknown.clone(), unknown, other, same, conflict].map(|record| record.to_string()).join("\n");
    let place = Place::new();
    let (code, out, err) = place.import(&["--format", "json"], &text);
    assert_eq!(code, 1);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    let counts = ["read", "stored", "repeated", "conflicts", "unknown", "bad", "other"].map(|key| report[key].as_u64());
    assert_eq!(counts, [6, 2, 1, 1, 3, 0, 0].map(Some));
    assert_eq!(report["unknownTypes"], json!({"tide": 1, "weather": 2}));
    assert!(err.contains("line 6 of standard input: a record with this id and other content is stored"), "{err}");
    assert!(err.ends_with("failed to read 3 records of unknown type; everything else was imported\n"), "{err}");
    let again = place.import(&[], &text);
    assert_eq!(again.1, "6 records read: 0 new, 3 already stored, 3 of unknown type (tide 1, weather 2)\n");
}

/// Objects in objects that have no end are searched for records, but not from each of them to the end of the text: that would
/// take hours. What is before them goes in, and that there may be more is said.
#[test]
fn objects_without_end_take_no_hours() {
    let nested = r#"{"a":"#.repeat(100_000);
    let text = format!("{}\n2026-11-20T09:25:46 {} {nested}\n{}\n", span(1), span(2), span(3));
    let place = Place::new();
    let (code, out, err) = place.import(&[], &text);
    assert_eq!((code, &*out), (1, "3 records read: 3 new, 1 bad line\n"));
    assert!(
        err.starts_with("spanbridge: line 2 of standard input: failed to search it for records: too many objects in it have no end\n"),
        "{err}"
    );
    // A few are searched to the end, and that what is around the record is cut off is said.
    let few = format!("{}{}", r#"{"a":"#.repeat(50), span(4));
    let (code, out, _) = place.import(&[], &few);
    assert_eq!((code, &*out), (1, "1 record read: 1 new, 1 bad line\n"));
}

/// `aws logs tail --format json` puts objects over several lines. What stands between and behind them is lost to none.
#[test]
fn objects_over_several_lines_of_a_log() {
    let pretty = |n: u64| serde_json::to_string_pretty(&span(n)).unwrap().replace("  ", "    ");
    let at = "2026-11-20T09:25:46.200000+00:00 2026/11/20/[$LATEST]8f2a";
    let text = format!(
        "{at} START RequestId: 4a6b\n{at} {}\n{at} {}\n{at} {{\n    \"level\": \"info\"\n}}\n{at} {{\n{at} {}\n{}\n",
        pretty(1),
        pretty(2),
        span(3),
        span(4),
    );
    let (code, out, err) = Place::new().import(&["-"], text);
    assert_eq!((code, &*out), (0, "4 records read: 4 new, 3 other lines of a log\n"), "{err}");
}

/// A byte that is no text breaks its line alone, wherever it stands.
#[test]
fn a_nul_breaks_its_line_alone() {
    let broken = format!("{}\0{}", &line(2)[..40], &line(2)[40..]);
    for lines in [[line(1), broken.clone(), line(3)], [line(1), line(3), "\0\0\0".to_owned()]] {
        let (code, out, err) = Place::new().import(&["-"], lines.join("\n"));
        assert_eq!((code, &*out), (1, "2 records read: 2 new, 1 bad line\n"), "{err}");
    }
}
