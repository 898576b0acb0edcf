//! `spanbridge doctor` against stores with gaps and without.

// The records are those of the store's own tests: it finds them, and here they are shown.
#[path = "../../spanbridge-store/tests/common/mod.rs"]
mod common;

use common::gaps::{clean, one_of_each};
use common::{MS, Recording, T0, deliver, place, run, span_id};
use serde_json::{Value, json};
use spanbridge::record::Record;
use spanbridge_cli::render::{self, Options};
use spanbridge_store::graph::{Checkup, Gap, GapKind};
use spanbridge_store::{RunFilter, Store, StoreSink};
use std::process::{Command, Output};
use unicode_width::UnicodeWidthStr;

/// Runs the binary on a store with these records, on a page of so many columns.
fn doctor(records: &[Record<'static>], columns: usize, args: &[&str]) -> Output {
    let (_dir, path) = place();
    let mut sink = StoreSink::open(&path).unwrap();
    (1..).zip(records.chunks(16)).for_each(|(number, chunk)| deliver(&mut sink, 7, number, chunk));
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    command.arg("doctor").args(args).arg("--db").arg(&path).env("COLUMNS", columns.to_string());
    command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").output().unwrap()
}

fn shown(output: &Output) -> (i32, String) {
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    (output.status.code().unwrap(), String::from_utf8(output.stdout.clone()).unwrap())
}

#[test]
fn each_gap_is_named_with_its_cause_and_what_to_change() {
    let (code, text) = shown(&doctor(&one_of_each(), 100, &[]));
    assert_eq!(code, 1);
    insta::assert_snapshot!(text, @r##"
19 gaps in 17 of 27 runs

! sent and never received
  33333332  publish events:order by shop, confirmed
  why  mailer takes messages from there, but no work on this one is recorded: it still waits in the
       queue, was dropped there (by its age, or by the length of the queue), or was taken without
       `observed()`
  fix  look into the queue; take every message through `observed()` and do its work in
       `job.run(..)`; give the queue a dead-letter exchange, so that what it drops turns up
       somewhere

! sent to where nobody listens
  44444445  publish events:refund by shop, confirmed
  why  nobody who was looked at takes messages from there: there is no consumer, it does not use
       `observed()`, or it records into another store
  fix  start the consumer, and let it take messages through `observed()` and record into this store
       (or bring in what it has recorded with `spanbridge import`); publish as `mandatory`, and
       RabbitMQ gives back what it has no queue for

! received, and its work is not recorded
  11111113  publish events:order by shop, confirmed
  why  further down the same run mailer recorded what hangs under a span that nobody recorded, so
       the message was received: the records of its work were lost, or lie in another store
  fix  let the consumer record into this store, or bring in what it recorded with `spanbridge
       import`; keep the recorder's handle until the end of `main`, and look at its report for what
       was dropped

! received and never settled
  55555554  process events:order:mail by mailer
  why  mailer settles messages from there, but not this one: a way through the handler (an early
       return, an error, a panic) leaves the job without ack, nack or commit, or the process ended
       first
  fix  settle on every way out: match on what `job.run(..)` gives and ack or nack in each arm, or
       leave it to the driver and its policy; the broker keeps an unsettled message and delivers it
       again later

! settled elsewhere, or never
  22222223  process events:audit:audits by mailer and 1 more
  why  mailer takes messages from there, and no ack, nack or reject of any is recorded, which its
       consumer owes: it is made without `no_ack`; they are settled by calls that are not recorded
       (lapin's own, on the delivery), or never
  fix  settle each by its job: match on what `job.run(..)` gives and ack or nack in each arm; or
       consume with `no_ack`, if a message may be lost; the broker keeps an unsettled message and
       delivers it again later

! context lost on the way
  66666667  process events:order:mail by mailer, without a context
  why  shop sends there with a context, so this message came from a producer without `observed()`,
       or something on the way (a plugin, a proxy, code that sends it again) dropped its headers
  fix  send through `observed()` everywhere, and keep the headers `traceparent`, `tracestate` and
       `baggage` where messages are copied

! context dropped for want of room
  77777776  publish events:order by shop: no room for baggage
  why  the context did not fit into the message beside what was there: baggage is left out first,
       then the tracestate of others, the run and `traceparent` last
  fix  carry less baggage, send smaller headers, or give the producer of shop a larger budget

! a call that cannot carry a context
  66666664  score by mailer: the payload is not a JSON object, so it carries no context
  why  what mailer sends has no place for a context: a payload that is not a JSON object, or a
       client context that is not one; what the call causes is known by X-Ray's header at most,
       without run and baggage, or begins a trace of its own
  fix  send a JSON object, and as client context an object in base64 whose `custom` is an object

! a header that cannot be read
  00000002  process events:order:mail by mailer: traceparent: not of 55 characters
  why  whoever sent this to mailer, or something on the way, wrote a header that is not W3C Trace
       Context; it was ignored
  fix  look at the headers of such a message, and correct what writes them

! a header of an event that was mended
  77777775  score by mailer: lambda-runtime-client-context: cannot be read as it is
  why  whoever calls mailer sends a client context that is not of its type (only texts are allowed
       under `custom`), or another header that lambda_runtime cannot read; what could not be read
       was left out
  fix  correct what the caller sends: a client context is JSON in base64, and the values under
       `custom` are texts

! a parent that nobody recorded
  11111113  render by mailer: the parent would be span a00006fc000006fc
  why  the service that caused this does not record into this store, ended before it had delivered,
       or leaves such spans out
  fix  let it record into this store, or bring in what it recorded with `spanbridge import`; keep
       the recorder's handle until the end of `main`, so that the last spans are delivered

! a clock that is behind
  22222220  process events:order:mail by mailer began 340 ms before publish events:order by shop
  why  the clock of mailer is behind that of shop, or that of shop is ahead; times between the two
       say nothing
  fix  let the machines of both take their time from one source (chrony, systemd-timesyncd), and
       look at its state

! records that contradict each other
  33333331  the run was ended twice: as an error by mailer (segment 00000000), as ok by shop
            (segment 00000000); the earliest is shown
  why  two processes went on with one saved run, or ended it differently, or records were changed
       between two imports; none was overwritten
  fix  resume a saved run once, and end it in one place; `spanbridge export` with the id of the run
       shows what was said

! begun and never ended
  44444446  run nightly import: nothing was heard since 2026-09-21T14:13:40Z
  why  the process was killed or has crashed, a way through the code does not end it, or it is at
       work still and says nothing
  fix  end a run on every way out (`run.end()`, `run.error(..)`), and `run.suspend(..)` it where it
       waits for long; a span ends by itself when it is wrapped around its work with `.run(..)` or
       `.in_scope(..)`

! stopped by its time limit
  22222221  score by mailer: 50 ms are left of the function's time, and the handler has not ended
  why  mailer was still at work when its time was over, and Lambda stopped it where it stood; the
       spans that are open show at what
  fix  give the function more time, or less work at once, or let the handler give up before
       (`context.deadline` says when); Lambda brings an event or a batch again, so the work must
       bear to be done twice

! an answer that did not arrive
  00000003  score by mailer: key must be a string
  why  the handler of mailer ended, and its answer did not come to Lambda: it cannot be written as
       JSON, or the connection broke; the caller was given an error
  fix  answer with what JSON can hold (the keys of a map are texts); the caller may try again, so
       the work must bear to be done twice

! records lost by the recorder
  mailer: records found no room in the recorder's memory and were dropped (×12)
  why  mailer recorded faster than a sink took it, or the sink was out of reach; what else is
       missing may be missing for this reason
  fix  give the recorder more memory or a faster sink, and look at the errors of its report; record
       fewer spans, or sample

! a flush that was given up
  11111112  score by mailer: the flush after the invocation before was given up
  why  the sink of mailer was slow or out of reach, or the function had no time left; what it had
       recorded came with a later flush, or is lost if the process was ended before
  fix  use a sink that is nearer or faster, end the work earlier, or give the flush more time with
       `Observe::flush_within`

! a payload not captured
  55555557  process events:order:mail by mailer: the hook panicked
  why  the redaction hook of mailer failed or panicked, so the payload was left out rather than
       shown
  fix  make the hook handle this payload; a test with one like it shows the error

spanbridge trace ID shows where in its run a gap is
"##);
}

#[test]
fn a_clean_store_is_well() {
    let (code, text) = shown(&doctor(&clean(), 100, &[]));
    assert_eq!((code, text.as_str()), (0, "nothing is missing in these 9 runs\n"));
    let (code, text) = shown(&doctor(&clean(), 100, &["--format", "json"]));
    assert_eq!(code, 0);
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json, json!({ "schemaVersion": 1, "runs": 9, "runsFound": 9, "gaps": [] }));
}

/// Nothing to look at is no sign of health: whoever waits for the exit code has named another store, or nobody records.
#[test]
fn nothing_to_look_at_is_not_well() {
    let asked = |records: &[Record<'static>], args: &[&str], why: &str| {
        let output = doctor(records, 100, args);
        let said = format!("spanbridge: failed to find a run to look at: {why}\n");
        assert_eq!((output.status.code(), &*String::from_utf8_lossy(&output.stderr)), (Some(1), &*said));
        assert_eq!(output.stdout, b"");
        let output = doctor(records, 100, &[args, &["--format", "json"]].concat());
        assert_eq!((output.status.code(), &*String::from_utf8_lossy(&output.stderr)), (Some(1), &*said));
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&json["runs"], &json["gaps"]), (&json!(0), &json!([])));
    };
    asked(&[], &[], "the store holds no runs");
    asked(&clean(), &["--since", "1h"], "of the 9 runs in the store none began since then");
    asked(&clean(), &["--limit", "0"], "of 9 runs the limit leaves none");
}

/// However many runs there are, each is looked at, the oldest too; and it says how many where only some are.
#[test]
fn no_run_is_left_out_in_silence() {
    let newer = (0..300u64).map(|n| {
        let mut recording = Recording::of(run(0x1000 + u128::from(n)), 0x1000 + n, "cron");
        recording.span(0x1000 + n, 0, "tick", 1_000_000 + n, 1_000_001 + n)
    });
    let records: Vec<_> = one_of_each().into_iter().chain(newer).collect();
    let (code, text) = shown(&doctor(&records, 100, &[]));
    assert_eq!((code, text.lines().next()), (1, Some("19 gaps in 17 of 327 runs")));
    let (code, text) = shown(&doctor(&records, 100, &["--limit", "310"]));
    assert_eq!(
        (code, text.lines().next()),
        (1, Some("10 gaps in 9 of the newest 310 runs; 17 more were not looked at"))
    );
    let (code, text) = shown(&doctor(&records, 100, &["--limit", "100"]));
    assert_eq!((code, &*text), (0, "nothing is missing in the newest 100 runs; 227 more were not looked at\n"));
    let (_, text) = shown(&doctor(&records, 100, &["--limit", "100", "--format", "json"]));
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&json["runs"], &json["runsFound"]), (&json!(100), &json!(327)));
}

#[test]
fn as_json() {
    let (code, text) = shown(&doctor(&one_of_each(), 100, &["--format", "json", "--color", "always"]));
    assert_eq!(code, 1);
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&json["schemaVersion"], &json["runs"]), (&json!(1), &json!(27)));
    let gaps = json["gaps"].as_array().unwrap();
    let codes: Vec<_> = gaps.iter().map(|g| g["kind"].as_str().unwrap()).collect();
    assert_eq!(codes, GapKind::all().map(GapKind::code).collect::<Vec<_>>());
    assert_eq!(
        gaps[1],
        json!({
            "kind": "no_consumer",
            "what": "publish events:refund by shop, confirmed",
            "likelyCause": "nobody who was looked at takes messages from there: there is no consumer, it does \
                            not use `observed()`, or it records into another store",
            "fix": "start the consumer, and let it take messages through `observed()` and record into this store (or \
                    bring in what it has recorded with `spanbridge import`); publish as `mandatory`, and RabbitMQ gives \
                    back what it has no queue for",
            "runId": run(12).to_string(),
            "runName": "publish events:refund",
            "spanId": span_id(1201).to_string(),
        })
    );
    assert!(gaps[16].get("runId").is_none() && gaps[16].get("spanId").is_none(), "a process, not a run");
}

#[test]
fn one_run_or_the_run_of_a_span() {
    let id = run(12).to_string();
    for id in [&id, &id[..8], &span_id(1201).to_string()] {
        let (code, text) = shown(&doctor(&one_of_each(), 100, &[id]));
        assert_eq!(code, 1);
        assert!(
            text.starts_with("1 gap\n\n! sent to where nobody listens\n  44444445  publish events:refund"),
            "{text}"
        );
    }
    let (code, text) = shown(&doctor(&one_of_each(), 100, &[&run(1).to_string()]));
    assert_eq!((code, text.as_str()), (0, "nothing is missing in this run\n"));
    // The trace of a run with a child is that of both.
    let (code, text) = shown(&doctor(&one_of_each(), 100, &[&run(6).to_string()]));
    assert_eq!((code, text.as_str()), (0, "nothing is missing in these 2 runs\n"));
}

#[test]
fn only_so_many_and_only_since() {
    let newest = |args: &[&str]| {
        let (code, text) = shown(&doctor(&one_of_each(), 100, &[args, &["--format", "json"]].concat()));
        let json: Value = serde_json::from_str(&text).unwrap();
        (code, json["runs"].as_u64().unwrap(), json["gaps"].as_array().unwrap().len())
    };
    assert_eq!(newest(&["--limit", "7"]), (1, 7, 7), "one each of the last, and what a process says");
    assert_eq!(newest(&["--since", "2026-09-21T14:13:40Z"]), (1, 8, 8));
    // Whoever waits for longer than that finds no message missing.
    assert_eq!(newest(&["--grace", "20000w"]).2, 13);
}

#[test]
fn what_cannot_be_asked() {
    let code = |args: &[&str]| {
        let output = doctor(&clean(), 100, args);
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{args:?}");
        output.status.code().unwrap()
    };
    assert_eq!(code(&["ffff"]), 1);
    for args in
        [&["xyz!"][..], &["--grace", "soon"], &["--limit", "-1"], &["1111", "--limit", "3"], &["1111", "--since", "1h"]]
    {
        assert_eq!(code(args), 2, "{args:?}");
    }
    let nowhere = ["doctor", "--db", "/nowhere/at/all.db"];
    let output = Command::new(env!("CARGO_BIN_EXE_spanbridge")).args(nowhere).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
}

fn gaps(records: &[Record<'static>]) -> Vec<Gap> {
    let (_dir, path) = place();
    deliver(&mut StoreSink::open(&path).unwrap(), 7, 1, records);
    let store = Store::open(&path).unwrap();
    let runs: Vec<_> = store.runs(&RunFilter::default(), 1000).unwrap().iter().map(|r| r.run_id).collect();
    store.gaps(&runs, Checkup::new(T0 + 86_400_000 * MS)).unwrap()
}

#[test]
fn what_has_one_cause_is_said_once() {
    let one = gaps(&one_of_each()).into_iter().find(|g| g.kind == GapKind::NoConsumer).unwrap();
    // Seven messages to one place, and one to each of twelve.
    let to_one = (1..=7).map(|n| Gap { run_id: Some(run(n)), ..one.clone() });
    let elsewhere = (1..=12).map(|n| Gap { what: format!("publish shop {n:02} by shop, sent"), ..one.clone() });
    let many: Vec<Gap> = to_one.chain(elsewhere).collect();
    let text = render::gaps(&many, 9, 9, 8, &Options { width: 80, color: false });
    insta::assert_snapshot!(text, @r##"
19 gaps in 8 of 9 runs

! sent to where nobody listens ×19
  11111111  publish events:refund by shop, confirmed ×7
  44444445  publish shop 01 by shop, sent
  44444445  publish shop 02 by shop, sent
  44444445  publish shop 03 by shop, sent
  44444445  publish shop 04 by shop, sent
  44444445  publish shop 05 by shop, sent
  44444445  publish shop 06 by shop, sent
  44444445  publish shop 07 by shop, sent
  44444445  publish shop 08 by shop, sent
  44444445  publish shop 09 by shop, sent
            … 3 more
  why  nobody who was looked at takes messages from there: there is no consumer,
       it does not use `observed()`, or it records into another store
  fix  start the consumer, and let it take messages through `observed()` and
       record into this store (or bring in what it has recorded with `spanbridge
       import`); publish as `mandatory`, and RabbitMQ gives back what it has no
       queue for

spanbridge trace ID shows where in its run a gap is
"##);
}

#[test]
fn it_fits_the_page_and_colour_is_only_colour() {
    let mut gaps = gaps(&one_of_each());
    gaps[0].what = "注文を処理する\x1b[31m \u{202e}evil ".repeat(20);
    for width in 40..150 {
        let text = render::gaps(&gaps, 18, 18, 8, &Options { width, color: false });
        for line in text.lines() {
            assert!(line.width() <= width, "at {width}: {line:?}");
            assert!(!line.ends_with(' '), "at {width}: {line:?}");
        }
        let colored = render::gaps(&gaps, 18, 18, 8, &Options { width, color: true });
        assert_eq!(anstream::adapter::strip_str(&colored).to_string(), text);
        assert!(text.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'), "{text}");
    }
}
