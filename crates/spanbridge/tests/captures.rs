//! What services in other languages wrote is read, and passed on as they wrote it.

use spanbridge::carrier::{extract, inject};
use std::collections::BTreeMap;

const CAPTURES: &str = include_str!("captures.txt");

/// The headers of each message, with who wrote it.
fn messages() -> Vec<(&'static str, BTreeMap<&'static str, &'static str>)> {
    let blocks = CAPTURES.split("\n\n").filter_map(|block| block.split_once('\n'));
    let titled = blocks.filter(|(title, _)| title.starts_with('['));
    titled.map(|(title, lines)| (title, lines.lines().filter_map(|line| line.split_once(": ")).collect())).collect()
}

#[test]
fn peers_are_read_and_passed_on() {
    let messages = messages();
    assert!(messages.len() >= 8, "{messages:?}");
    for (peer, headers) in messages {
        let carrier: BTreeMap<String, String> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let found = extract(&carrier);
        assert_eq!(found.problems, [], "{peer}");
        let context = found.context;
        let expected = headers["traceparent"];
        let ids = format!("{}-{}", context.trace_id().expect(peer), context.span_id().expect(peer));
        assert_eq!(ids, expected[3..52], "{peer}");
        let mut onward = BTreeMap::<String, String>::new();
        inject(&context, &mut onward);
        let passed_on = |name: &str| onward.get(name).map(String::as_str);
        assert_eq!(passed_on("traceparent"), Some(expected), "{peer}");
        assert_eq!(passed_on("tracestate"), headers.get("tracestate").copied(), "{peer}");
        assert_eq!(passed_on("baggage"), headers.get("baggage").copied(), "{peer}");
    }
}
