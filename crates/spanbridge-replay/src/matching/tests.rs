//! Matching, without anything that runs: spans that begin and calls that they make.

use super::*;
use crate::case::{Artifact, Run, Span};
use crate::values::VALUE;
use proptest::prelude::*;
use spanbridge::RunId;

fn id(n: u64) -> SpanId {
    SpanId::new(n).unwrap()
}

/// A case that is written line by line.
struct Written {
    case: Case,
    next: u64,
}

const ENTRY: u64 = 1;

impl Written {
    fn new() -> Self {
        let entry = Span::new(id(ENTRY), "process", "messaging.process");
        Written { case: Case::new(Run::new(RunId::new(1).unwrap(), "order"), entry), next: 100 }
    }

    fn span(&mut self, parent: u64, name: &str, primitive: &str) -> u64 {
        self.next += 1;
        let mut span = Span::new(id(self.next), name, primitive);
        span.parent_span_id = Some(id(parent));
        if primitive == "http.client" {
            let (method, url) = name.split_once(' ').unwrap();
            span.attributes.insert("http.request.method".to_owned(), method.into());
            span.attributes.insert("url.full".to_owned(), url.into());
            span.name = method.to_owned()
        }
        self.case.add(span);
        self.next
    }

    fn step(&mut self, parent: u64, name: &str) -> u64 {
        self.span(parent, name, "custom.operation")
    }

    fn get(&mut self, parent: u64, url: &str) -> u64 {
        self.span(parent, &format!("GET {url}"), "http.client")
    }

    fn post(&mut self, parent: u64, url: &str, body: &str) -> u64 {
        let span = self.span(parent, &format!("POST {url}"), "http.client");
        self.case.artifacts.push(Artifact::whole(id(span), "input", "application/json", body));
        span
    }

    fn replay(&self) -> Replay<'_> {
        let mut matcher = Matcher::new(&self.case);
        assert!(matcher.began(id(ENTRY), None, "process", "messaging.process").unwrap().is_entry);
        Replay { case: &self.case, matcher, next: 100_000 }
    }
}

/// A replay of it. The entry has begun, with the same id.
struct Replay<'c> {
    case: &'c Case,
    matcher: Matcher,
    next: u64,
}

impl Replay<'_> {
    fn step(&mut self, parent: u64, name: &str) -> u64 {
        self.next += 1;
        self.matcher.began(id(self.next), Some(id(parent)), name, "custom.operation");
        self.next
    }

    fn call(&mut self, parent: u64, target: &str, body: Option<&[u8]>, headers: &[(&str, &str)]) -> Match {
        self.next += 1;
        let method = target.split_once(' ').map_or(target, |(method, _)| method);
        self.matcher.began(id(self.next), Some(id(parent)), method, "http.client");
        let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let named = Some((method, "http.client"));
        let (operation, content_type) = ("http.client", Some("application/json"));
        self.matcher.call(&Call {
            parent: Some(id(parent)),
            named,
            operation,
            target,
            content_type,
            body,
            headers: &headers,
        })
    }

    /// The recorded span that answers, 0 if there is none, and how it agrees.
    fn made(&mut self, parent: u64, target: &str, body: &str) -> (u64, Found) {
        let found = self.call(parent, target, Some(body.as_bytes()), &[]);
        (self.recorded(&found), found.found)
    }

    fn get(&mut self, parent: u64, url: &str) -> (u64, Found) {
        self.made(parent, &format!("GET {url}"), "")
    }

    fn recorded(&self, found: &Match) -> u64 {
        found.recorded.map_or(0, |place| self.at(place))
    }

    fn at(&self, place: RecordedPlace) -> u64 {
        let (RecordedPlace::Span(span) | RecordedPlace::Value { span, .. }) = place;
        self.case.spans()[span].span_id.get()
    }

    fn left(&self) -> Vec<u64> {
        self.matcher.left().map(|place| self.at(place)).collect()
    }
}

/// A, B, C were made side by side; that they come as C, A, B is no difference.
#[test]
fn the_order_of_other_calls_does_not_count() {
    let mut written = Written::new();
    let [a, b, c] = ["/a", "/b", "/c"].map(|url| written.get(ENTRY, url));
    let mut replay = written.replay();
    assert_eq!(["/c", "/a", "/b"].map(|url| replay.get(ENTRY, url)), [c, a, b].map(|call| (call, Found::Same)));
    assert_eq!(replay.left(), [0; 0]);
}

#[test]
fn equal_calls_come_in_recorded_order() {
    let mut written = Written::new();
    let all: Vec<u64> = (0..3).map(|_| written.post(ENTRY, "/a", r#"{"n": 1}"#)).collect();
    let mut replay = written.replay();
    for call in all {
        assert_eq!(replay.made(ENTRY, "POST /a", r#"{ "n": 1.0 }"#), (call, Found::Same));
    }
    assert_eq!(replay.made(ENTRY, "POST /a", r#"{"n":1}"#), (0, Found::Nothing));
}

/// Two items, one after the other when it was recorded, interleaved now: each is answered below what it stands for, by the
/// call that tells them apart.
#[test]
fn parents_are_told_apart_by_their_calls() {
    let mut written = Written::new();
    let [one, two] = ["/1", "/2"].map(|own| {
        let item = written.step(ENTRY, "item");
        [written.get(item, "/token"), written.get(item, own)]
    });
    let mut replay = written.replay();
    let (second, first) = (replay.step(ENTRY, "item"), replay.step(ENTRY, "item"));
    assert_eq!(replay.get(second, "/token"), (one[0], Found::Same)); // nobody can know yet
    assert_eq!(replay.get(first, "/token"), (two[0], Found::Same));
    assert_eq!(replay.get(second, "/2"), (two[1], Found::Same));
    assert_eq!(replay.get(first, "/1"), (one[1], Found::Same));
    assert_eq!(replay.left(), [0; 0]);
    assert_eq!(replay.matcher.counterpart(id(second)), Some(4));
}

/// A parent that is bound moves to one that nobody is bound to.
#[test]
fn a_parent_moves_to_a_free_one() {
    let mut written = Written::new();
    let items = ["/1", "/2"].map(|own| {
        let item = written.step(ENTRY, "item");
        [written.get(item, "/token"), written.get(item, own)]
    });
    let mut replay = written.replay();
    let second = replay.step(ENTRY, "item");
    assert_eq!(replay.get(second, "/token").1, Found::Same);
    assert_eq!(replay.get(second, "/2"), (items[1][1], Found::Same));
    let first = replay.step(ENTRY, "item");
    assert_eq!(replay.get(first, "/token"), (items[0][0], Found::Same));
    assert_eq!(replay.get(first, "/1"), (items[0][1], Found::Same));
}

/// Equal calls below spans of other names are not mixed up, however they come.
#[test]
fn equal_calls_below_different_parents() {
    let mut written = Written::new();
    let (reserve, charge) = (written.step(ENTRY, "reserve"), written.step(ENTRY, "charge"));
    let (in_reserve, in_charge) = (written.get(reserve, "/x"), written.get(charge, "/x"));
    let mut replay = written.replay();
    let (charge, reserve) = (replay.step(ENTRY, "charge"), replay.step(ENTRY, "reserve"));
    assert_eq!(replay.get(charge, "/x"), (in_charge, Found::Same));
    assert_eq!(replay.get(reserve, "/x"), (in_reserve, Found::Same));
}

/// Among equal ones, children of what their parent stands for come first.
#[test]
fn children_follow_their_parents() {
    let mut written = Written::new();
    let orders = ["/1", "/2"].map(|own| {
        let order = written.step(ENTRY, "order");
        written.get(order, own);
        let ship = written.step(order, "ship");
        written.get(ship, "/ship")
    });
    let mut replay = written.replay();
    let second = replay.step(ENTRY, "order");
    replay.get(second, "/2");
    let ship = replay.step(second, "ship");
    assert_eq!(replay.get(ship, "/ship"), (orders[1], Found::Same));
}

#[test]
fn a_changed_body_is_told_by_field() {
    let mut written = Written::new();
    let far = written.post(ENTRY, "/a", r#"{"id": 1, "to": {"city": "Ulm"}, "n": 1}"#);
    let near = written.post(ENTRY, "/a", r#"{"id": 2, "to": {"city": "Ulm"}, "n": 1}"#);
    let mut replay = written.replay();
    let found = replay.call(ENTRY, "POST /a", Some(br#"{"id":2,"to":{"city":"Bonn"},"n":1}"#), &[]);
    assert_eq!(replay.recorded(&found), near);
    let Found::Changed(differences) = found.found else { panic!("{found:?}") };
    let [difference] = differences.as_slice() else { panic!("{differences:?}") };
    assert_eq!(difference.field, "body:/to/city");
    assert_eq!((difference.expected.as_deref(), difference.actual.as_deref()), (Some("\"Ulm\""), Some("\"Bonn\"")));
    assert_eq!(replay.left(), [far]);
}

#[test]
fn added_and_missing_calls() {
    let mut written = Written::new();
    let call = written.get(ENTRY, "/a");
    let mut replay = written.replay();
    assert_eq!(replay.made(ENTRY, "POST /new", "{}"), (0, Found::Nothing));
    assert_eq!(replay.get(ENTRY, "/b"), (0, Found::Nothing));
    assert_eq!(replay.left(), [call]);
}

/// The code was reordered: the same call stands below another span now. It is answered, and told.
#[test]
fn a_call_that_moved_is_answered() {
    let mut written = Written::new();
    let old = written.step(ENTRY, "old");
    let call = written.post(old, "/a", "{}");
    let mut replay = written.replay();
    let new = replay.step(ENTRY, "new");
    assert_eq!(replay.made(new, "POST /a", "{}"), (call, Found::Moved));
    assert_eq!(replay.made(new, "POST /a", "{}"), (0, Found::Nothing));
    // Nobody knows where a call without a span stands.
    let call = Call {
        parent: None,
        named: None,
        operation: "http.client",
        target: "POST /a",
        content_type: None,
        body: None,
        headers: &[],
    };
    assert_eq!(replay.matcher.call(&call).found, Found::Nothing);
}

/// Of a payload that was recorded by reference, the hash tells.
#[test]
fn a_hash_is_compared() {
    let mut written = Written::new();
    let call = written.post(ENTRY, "/a", "{}");
    let artifact = &mut written.case.artifacts[0];
    artifact.content.text = None;
    artifact.hash = Some(format!("xxh3:{:032x}", xxhash_rust::xxh3::xxh3_128(b"{}")));
    assert_eq!(written.replay().made(ENTRY, "POST /a", "{}"), (call, Found::Same));
    let (answered, found) = written.replay().made(ENTRY, "POST /a", "{\"a\":1}");
    assert_eq!(answered, call);
    assert!(matches!(found, Found::Changed(differences) if differences[0].field == "body:"));
}

#[test]
fn what_is_not_known_is_not_compared() {
    let mut written = Written::new();
    let cut = written.post(ENTRY, "/a", "{}");
    written.case.artifacts[0].size_bytes = 5_000;
    let whole = written.post(ENTRY, "/b", "{}");
    let without = written.span(ENTRY, "PUT /c", "http.client");
    let mut replay = written.replay();
    assert_eq!(replay.made(ENTRY, "POST /a", "[1]"), (cut, Found::NotCompared));
    let stream = replay.call(ENTRY, "POST /b", None, &[]);
    assert_eq!((replay.recorded(&stream), stream.found), (whole, Found::NotCompared));
    assert_eq!(replay.made(ENTRY, "PUT /c", "x"), (without, Found::NotCompared));
}

#[test]
fn headers_of_the_moment_do_not_count() {
    let mut written = Written::new();
    let call = written.post(ENTRY, "/a", "{}");
    let headers = r#"{"Date": "then", "traceparent": "00-1", "X-Tenant": "acme"}"#;
    written.case.artifacts.push(Artifact::whole(id(call), "input.headers", "application/json", headers));
    let ask = |headers: &[(&str, &str)]| written.replay().call(ENTRY, "POST /a", Some(b"{}"), headers).found;
    assert_eq!(ask(&[("date", "now"), ("baggage", "a=b"), ("content-length", "2"), ("x-tenant", "acme")]), Found::Same);
    let Found::Changed(differences) = ask(&[("X-TENANT", "other"), ("x-new", "1")]) else { panic!("the same") };
    let fields: Vec<_> = differences.iter().map(|difference| difference.field.as_str()).collect();
    assert_eq!(fields, ["header:x-tenant", "header:x-new"]);
}

/// Answers with errors are answers: what a call ended with does not matter here.
#[test]
fn calls_that_failed_are_found() {
    let mut written = Written::new();
    let failed = written.get(ENTRY, "/a");
    let again = written.get(ENTRY, "/a");
    let mut replay = written.replay();
    assert_eq!(replay.get(ENTRY, "/a"), (failed, Found::Same));
    assert_eq!(replay.get(ENTRY, "/a"), (again, Found::Same));
}

/// Thousands of equal calls, below one span and below as many: this would take minutes if each looked at all.
#[test]
fn many_equal_calls_are_found_fast() {
    const MANY: usize = 10_000;
    let mut written = Written::new();
    (0..MANY).for_each(|_| _ = written.get(ENTRY, "/a"));
    for _ in 0..MANY {
        let item = written.step(ENTRY, "item");
        written.get(item, "/b");
        written.get(item, "/c");
    }
    let mut replay = written.replay();
    let items: Vec<_> = (0..MANY).map(|_| replay.step(ENTRY, "item")).collect();
    for item in &items {
        assert_eq!(replay.get(ENTRY, "/a").1, Found::Same);
        assert_eq!(replay.get(*item, "/b").1, Found::Same);
    }
    for item in items.iter().rev() {
        assert_eq!(replay.get(*item, "/c").1, Found::Same);
    }
    assert_eq!(replay.left().len(), 0);
    for item in items {
        assert_eq!(replay.get(item, "/c").1, Found::Nothing);
    }
}

/// Values come back below the span that asked for them, in order and by name.
#[test]
fn values_come_back_per_parent() {
    let mut written = Written::new();
    let mut steps = vec![];
    for (step, names) in [("a", ["clock", "clock", "id"]), ("b", ["id", "clock", "clock"])] {
        let mut span = Span::new(id(50 + steps.len() as u64), step, "custom.operation");
        span.parent_span_id = Some(id(ENTRY));
        for name in names {
            let mut event = crate::case::Event::new(spanbridge::semconv::VALUE);
            event.attributes.insert(spanbridge::semconv::VALUE_NAME.to_owned(), name.into());
            span.events.push(event)
        }
        written.case.add(span);
        steps.push(step)
    }
    let mut replay = written.replay();
    let [b, a] = ["b", "a"].map(|step| replay.step(ENTRY, step));
    let mut ask = |parent: u64, target: &str| {
        let call = Call {
            parent: Some(id(parent)),
            named: None,
            operation: VALUE,
            target,
            content_type: None,
            body: Some(b""),
            headers: &[],
        };
        replay.matcher.call(&call).recorded
    };
    let value = |span: usize, event: usize| Some(RecordedPlace::Value { span, event });
    assert_eq!(ask(b, "clock"), value(2, 1));
    assert_eq!([ask(a, "id"), ask(a, "clock"), ask(a, "clock")], [value(1, 2), value(1, 0), value(1, 1)]);
    assert_eq!([ask(b, "clock"), ask(b, "seed")], [value(2, 2), None]);
    assert_eq!(replay.left(), [51]);
}

#[test]
fn what_is_kept_is_bounded() {
    let mut written = Written::new();
    written.get(ENTRY, "/a");
    let mut replay = written.replay();
    (1..MAX_SPANS).for_each(|_| _ = replay.step(ENTRY, "step"));
    let more = replay.step(ENTRY, "step");
    assert_eq!(replay.get(more, "/a"), (0, Found::Nothing));
    assert_eq!(replay.matcher.parent_of(id(more)), None);
}

proptest! {
    /// Whatever tree was recorded, its calls in any order are no difference, and nothing is left.
    #[test]
    fn any_order_of_the_same_calls_agrees(
        steps in prop::collection::vec((0..4usize, 0..2usize), 0..6),
        calls in prop::collection::vec((0..7usize, 0..3usize, 0..2usize), 0..20),
        order in any::<u64>(),
    ) {
        let mut written = Written::new();
        let mut recorded = vec![ENTRY];
        for (parent, name) in &steps {
            recorded.push(written.step(recorded[parent % recorded.len()], ["x", "y"][*name]))
        }
        for (parent, url, body) in &calls {
            written.post(recorded[parent % recorded.len()], ["/a", "/b", "/c"][*url], ["{}", "[]"][*body]);
        }
        let mut replay = written.replay();
        let mut replayed = vec![ENTRY];
        for (parent, name) in &steps {
            replayed.push(replay.step(replayed[parent % replayed.len()], ["x", "y"][*name]))
        }
        let mut shuffled = calls.clone();
        let mut random = order | 1;
        for place in (1..shuffled.len()).rev() {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            shuffled.swap(place, (random >> 33) as usize % (place + 1))
        }
        let mut elsewhere = 0;
        for (parent, url, body) in &shuffled {
            let target = ["POST /a", "POST /b", "POST /c"][*url];
            let (_, found) = replay.made(replayed[parent % replayed.len()], target, ["{}", "[]"][*body]);
            elsewhere += usize::from(found != Found::Same)
        }
        // Spans of the same path cannot always be told apart in time; with one of each path there is nothing to tell apart.
        let paths: std::collections::HashSet<_> =
            replayed.iter().map(|span| replay.matcher.replayed.get(id(*span)).unwrap().path).collect();
        if paths.len() == replayed.len() {
            prop_assert_eq!(elsewhere, 0);
            prop_assert_eq!(replay.left().len(), 0);
        }
    }
}
