//! Chapters about headers that are not as they should be.

use super::stage::{SPAN, Stage, TRACE, number, numbered, parent};
use super::transport::{Abilities, RawHeader};
use super::{ChapterResult, TestMessage, Transport};
use crate::{Primitive, Status, observe, w3c};

/// What comes, and what is expected of it.
struct Case {
    what: &'static str,
    headers: Vec<RawHeader>,
    /// The sender's context is taken.
    continued: bool,
    /// The headers that a diagnostic is about.
    told: &'static [&'static str],
}

impl Case {
    /// Whether the transport can carry it.
    fn fits(&self, abilities: &Abilities) -> bool {
        let text = |bytes: &[u8]| std::str::from_utf8(bytes).is_ok();
        let twice = |(at, (name, _)): (usize, &RawHeader)| self.headers[..at].iter().any(|(other, _)| other == name);
        let ours = |name: &[u8]| w3c::HEADERS.iter().any(|o| o.as_bytes() == name);
        let size: usize = self.headers.iter().map(|(n, v)| n.len() + v.as_ref().map_or(0, Vec::len) + 16).sum();
        let all = |holds: &dyn Fn(&RawHeader) -> bool| self.headers.iter().all(holds);
        (abilities.null_values || all(&|(_, value)| value.is_some()))
            && (abilities.binary_values || all(&|(_, value)| value.as_deref().is_none_or(text)))
            && (abilities.binary_names || all(&|(name, _)| text(name)))
            && (abilities.own_headers || all(&|(name, _)| ours(name)))
            && (abilities.duplicate_headers || !self.headers.iter().enumerate().any(twice))
            && abilities.header_limit.is_none_or(|limit| size <= limit)
    }
}

fn header(name: &[u8], value: impl Into<Vec<u8>>) -> RawHeader {
    (name.to_vec(), Some(value.into()))
}

fn null(name: &[u8]) -> RawHeader {
    (name.to_vec(), None)
}

/// A `traceparent` that must not be taken. The tracestate that comes with it is not looked at.
fn bad(what: &'static str, value: impl Into<Vec<u8>>) -> Case {
    let headers = vec![header(b"traceparent", value), header(b"tracestate", "a=1"), header(b"baggage", "tier=gold")];
    Case { what, headers, continued: false, told: &["traceparent"] }
}

/// Something beside a good `traceparent`.
fn beside(what: &'static str, headers: impl IntoIterator<Item = RawHeader>, told: &'static [&'static str]) -> Case {
    let headers = std::iter::once(header(b"traceparent", parent("01"))).chain(headers).collect();
    Case { what, headers, continued: true, told }
}

fn good(what: &'static str, value: impl Into<Vec<u8>>) -> Case {
    Case { what, headers: vec![header(b"traceparent", value)], continued: true, told: &[] }
}

fn members(count: usize) -> String {
    (0..count).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join(",")
}

fn table() -> Vec<Case> {
    let long = "x".repeat(64 << 10);
    vec![
        good("a good one", parent("01")),
        good("flags 03", parent("03")),
        good("a version to come", format!("cc-{TRACE}-{SPAN}-01-what.the-future")),
        good("white space around it", format!(" {}\t", parent("01"))),
        bad("no context at all", "junk"),
        bad("white space alone", " "),
        bad("version ff", format!("ff-{TRACE}-{SPAN}-01")),
        bad("a zero trace", format!("00-{}-{SPAN}-01", "0".repeat(32))),
        bad("a zero span", format!("00-{TRACE}-{}-01", "0".repeat(16))),
        bad("upper case", parent("01").to_uppercase()),
        bad("too short", &parent("01")[..54]),
        bad("too long", format!("{}-what", parent("01"))),
        bad("flags that are none", parent("zz")),
        bad("two in one", format!("{0},{0}", parent("01"))),
        bad("64 KiB", long.clone()),
        bad("not UTF-8", [0xff; 55]),
        bad("a null byte", b"\xff\xfe\0".as_slice()),
        Case { what: "null", headers: vec![null(b"traceparent")], continued: false, told: &["traceparent"] },
        beside("33 members of tracestate", [header(b"tracestate", members(33))], &["tracestate"]),
        beside("tracestate of 64 KiB", [header(b"tracestate", format!("a={long}"))], &["tracestate"]),
        beside("tracestate not UTF-8", [header(b"tracestate", b"\xff=\0".as_slice())], &["tracestate"]),
        beside("a run that is none", [header(b"tracestate", "sb=r:xyz,b=3")], &["tracestate"]),
        beside("the same key twice", [header(b"tracestate", "a=1,a=2,,b=3")], &[]),
        beside("200 members of baggage", [header(b"baggage", members(200))], &["baggage"]),
        beside("baggage of 64 KiB", [header(b"baggage", format!("a={long}"))], &["baggage"]),
        beside("baggage not UTF-8", [header(b"baggage", b"a=1,b=\xff".as_slice())], &["baggage"]),
        beside("no members of baggage", [header(b"baggage", ",,;=,=")], &["baggage"]),
        beside("an empty tracestate and baggage", [header(b"tracestate", ""), header(b"baggage", " ")], &[]),
        beside("another traceparent in other case", [header(b"Traceparent", "junk")], &[]),
        beside("tracestate in other case", [header(b"TraceState", "a=1")], &["tracestate"]),
        Case {
            what: "traceparent in other case",
            headers: vec![header(b"TRACEPARENT", parent("01"))],
            continued: true,
            told: &["traceparent"],
        },
        Case {
            what: "junk in other case",
            headers: vec![header(b"Traceparent", "junk")],
            continued: false,
            told: &["traceparent", "traceparent"],
        },
        Case { what: "baggage alone", headers: vec![header(b"baggage", "tier=gold")], continued: false, told: &[] },
        Case {
            what: "malformed baggage alone",
            headers: vec![header(b"baggage", "=,=")],
            continued: false,
            told: &["baggage"],
        },
        beside("both null", [null(b"tracestate"), null(b"baggage")], &["tracestate", "baggage"]),
        beside("values of others that are not text", [header(b"x", b"\0\xff".as_slice()), null(b"y")], &[]),
        beside(
            "names of others that are not text",
            [header(b"bad\xff", "x"), null(b"\xc3\x28"), header(b"", ""), null(b"\0")],
            &[],
        ),
    ]
}

/// A table of malformed headers: each message is processed all the same, under the part of its context that is valid, and
/// a diagnostic with the process span says what was wrong.
///
/// # Panics
/// When that does not hold.
pub async fn hostile_headers_are_survived(transport: &impl Transport) -> ChapterResult {
    let abilities = transport.abilities();
    let cases: Vec<_> = table().into_iter().filter(|case| case.fits(&abilities)).collect();
    tell(transport, &cases).await;
    ChapterResult::Passed
}

/// Of several values under one name the last counts, whatever the others are.
///
/// # Panics
/// When that does not hold.
pub async fn of_duplicates_the_last_counts(transport: &impl Transport) -> ChapterResult {
    let abilities = transport.abilities();
    if !abilities.duplicate_headers {
        return ChapterResult::NotApplicable("hold a header twice");
    }
    let twice = |first: String, last: String| vec![header(b"traceparent", first), header(b"traceparent", last)];
    let other = format!("00-{}-{}-01", "1".repeat(32), "2".repeat(16));
    let cases = [
        Case { what: "junk first", headers: twice("junk".into(), parent("01")), continued: true, told: &[] },
        Case { what: "another first", headers: twice(other, parent("01")), continued: true, told: &[] },
        Case {
            what: "junk last",
            headers: twice(parent("01"), "junk".into()),
            continued: false,
            told: &["traceparent"],
        },
        beside("baggage twice", [header(b"baggage", "=,="), header(b"baggage", "tier=gold")], &[]),
    ];
    tell(transport, &cases).await;
    ChapterResult::Passed
}

async fn tell(transport: &impl Transport, cases: &[Case]) {
    let stage = Stage::new();
    for (n, case) in cases.iter().enumerate() {
        let message = TestMessage { headers: case.headers.clone(), ..numbered(n) };
        transport.send_raw(message).await.unwrap_or_else(|e| panic!("send {}: {e}", case.what));
    }
    for _ in cases {
        let work = |message: TestMessage| {
            let n = number(&message);
            async move {
                if let Some(span) = observe::active_span() {
                    span.attribute("n", n)
                }
                Ok(())
            }
        };
        stage.receiver(|| transport.receive(work)).await.expect("receive");
    }
    let told = stage.recorded().await;
    for (n, case) in cases.iter().enumerate() {
        let name = n.to_string();
        let what = case.what;
        let found = told.spans.iter().find(|s| s.get("n") == name);
        let Some(span) = found else { told.fail(format_args!("{what}: the message was not processed")) };
        told.same(what, (&*span.primitive, span.status), (Primitive::MESSAGING_PROCESS.name(), Some(Status::Ok)));
        let expected = case.continued.then(|| (SPAN.to_owned(), TRACE.to_owned()));
        let above = span.parent.zip(span.trace).map(|(p, t)| (p.to_string(), t.to_string()));
        told.same(&format!("{what}: the parent"), above, expected);
        let about: Vec<_> = span.diagnostics.iter().map(|(_, m)| m.split(':').next().unwrap_or("")).collect();
        told.same(&format!("{what}: what the diagnostics are about"), &about[..], case.told);
        let codes = span.diagnostics.iter().all(|(code, _)| code == "header.malformed");
        told.check(codes, format_args!("{what}: {:?}", span.diagnostics));
    }
}
