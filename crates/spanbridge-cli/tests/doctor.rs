//! `spanbridge doctor` with stores with and without gaps.

// The records of the store's own tests: those find the gaps, these show them.
#[path = "../../spanbridge-query/tests/common/mod.rs"]
mod common;

use common::gaps::{clean, one_of_each};
use common::{MS, Recording, T0, deliver, place, run, span_id, text};
use serde_json::{Value, json};
use spanbridge::record::{Body, Record};
use spanbridge::{Kind, semconv};
use spanbridge_cli::render::{self, Options};
use spanbridge_graph::{Checkup, Gap, GapKind, NotJudgedReason};
use spanbridge_query::{RunFilter, Store};
use spanbridge_store::StoreSink;
use std::process::{Command, Output};
use unicode_width::UnicodeWidthStr;

/// Runs the binary on a store with these records, on a page with this many columns.
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
fn each_gap_has_its_cause_and_its_fix() {
    let (code, text) = shown(&doctor(&one_of_each(), 100, &[]));
    assert_eq!(code, 1);
    insta::assert_snapshot!(text, @r##"
23 gaps in 21 of 31 runs

! sent but never received
  33333332  publish events:order by shop, confirmed
  why  Messages sent there are received by mailer, but no work on this one is recorded. It is still
       in the queue, was dropped there (by its TTL or the queue's length limit), or was received
       without `observed()`.
  fix  Look at the queue. Receive every message through `observed()` and do the work in
       `job.run(..)`. Give the queue a dead-letter exchange, so that dropped messages turn up
       somewhere.

! sent, but there is no consumer
  44444445  publish events:refund by shop, confirmed
  why  None of the runs that were checked receives messages from this destination. There is no
       consumer, it does not use `observed()`, or it records into another store.
  fix  Start the consumer, and let it receive through `observed()` and record into this store, or
       import what it recorded with `spanbridge import`. Publish with `mandatory`: RabbitMQ then
       returns a message that no queue takes.

! in an outbox, but never sent
  66666665  publish events:order by shop, committed
  why  shop committed the message to its outbox, and nothing that was sent names it. The relay does
       not run, has not come to it yet, sends without the stored context, or records into another
       store.
  fix  Look at the outbox and its relay. Let the relay send through `observed()`, within the context
       that was stored with the message.

! received, but its work is not recorded
  11111113  publish events:order by shop, confirmed
  why  Further down in the same run, mailer recorded work whose parent span is missing, so the
       message was received. The records of the work on it were lost or are in another store.
  fix  Let the consumer record into this store, or import what it recorded with `spanbridge import`.
       Keep the recorder's handle until the end of `main`, and check its report for dropped records.

! received but never settled
  55555554  process events:order:mail by mailer
  why  Other messages from there are settled by mailer, but this one is not. Some path through the
       handler (an early return, an error, a panic) leaves the job without ack, nack or commit, or
       the process ended first.
  fix  Settle on every path: match on the result of `job.run(..)`, and ack or nack in each arm. Or
       leave it to the driver and its settlement policy. RabbitMQ keeps an unsettled message and
       delivers it again.

! no settlement recorded
  22222223  process events:audit:audits by mailer and 1 more
  why  Messages from there are received by mailer. The consumer was created without `no_ack`, so
       each message must be settled, but no ack, nack or reject is recorded. Either they are settled
       by calls that are not recorded (lapin's own methods on the delivery), or not at all.
  fix  Settle each message through its job: match on the result of `job.run(..)`, and ack or nack in
       each arm. Or consume with `no_ack`, if losing a message is acceptable. RabbitMQ keeps an
       unsettled message and delivers it again.

! context lost on the way
  66666667  process events:order:mail by mailer, without a context
  why  Messages sent there by shop carry a context, but this one has none. It came from a producer
       without `observed()`, or something on the way (a plugin, a proxy, code that republishes it)
       dropped its headers.
  fix  Send through `observed()` everywhere. Keep the headers `traceparent`, `tracestate` and
       `baggage` wherever messages are copied.

! context dropped for lack of space
  77777776  publish events:order by shop: no room for baggage
  why  The context did not fit into what shop sent, next to what was already there. Baggage is left
       out first, then the tracestate entries of others; the run and `traceparent` are left out
       last.
  fix  Carry less baggage, send smaller headers, or give the producer in shop a larger budget.

! call that cannot carry a context
  66666664  score by mailer: the payload is not a JSON object, so it carries no context
  why  What mailer sends has no place for a context: the payload is not a JSON object, or the client
       context is not one. What the call causes is connected by the X-Ray header at most, without
       run and baggage, or starts its own trace.
  fix  Send a JSON object. If you set a client context, make it a base64-encoded JSON object whose
       `custom` is an object.

! unreadable header
  00000002  process events:order:mail by mailer: traceparent: not of 55 characters
  why  A context header of a message to mailer cannot be read, or not as a whole: whoever sent it,
       or something on the way, wrote one that is malformed or exceeds the limits of W3C. What
       cannot be read was ignored.
  fix  Look at the headers of such a message, and correct the code that writes them. If its baggage
       exceeds the limits, carry less of it.

! unreadable event header
  77777775  score by mailer: lambda-runtime-client-context: cannot be read as it is
  why  The caller of mailer sends a client context of the wrong shape (only strings are allowed
       under `custom`), or another header that lambda_runtime cannot read. The unreadable part was
       left out.
  fix  Correct what the caller sends: a client context is base64-encoded JSON, and the values under
       `custom` are strings.

! parent span not recorded
  11111113  render by mailer: its parent, span a00006fc000006fc, is not recorded
  why  The service that caused this work does not record into this store, exited before its records
       were delivered, or does not record such spans.
  fix  Let that service record into this store, or import what it recorded with `spanbridge import`.
       Keep the recorder's handle until the end of `main`, so that the last spans are delivered.

! start not recorded
  77777774  span a0000c1f00000c1f of mailer
  why  The record of the start was lost (dropped by a recorder, in a log that was removed or
       damaged), or is in another store.
  fix  Import what the service recorded elsewhere with `spanbridge import`, and check its recorder's
       report for dropped records. `spanbridge check` finds damage.

! clocks that disagree
  22222220  process events:order:mail by mailer began 340 ms before publish events:order by shop
  why  The clock of mailer is behind the clock of shop, or the clock of shop is ahead. Times between
       the two mean nothing.
  fix  Synchronise both machines with one time source (chrony, systemd-timesyncd), and check that it
       works.

! ended before it began
  44444447  score by mailer ended 10.000 ms before it began
  why  The clock was set back meanwhile, the end was recorded on another machine whose clock is
       behind, or whoever recorded it gave a wrong time.
  fix  Let a time service adjust clocks slowly instead of setting them back (chrony does), and check
       the times that are imported or given by hand.

! run that is its own parent
  55555556  run report names itself as its parent
  why  Whoever recorded the start of the run gave its own id as that of the run that started it.
  fix  Give the id of the run that started it, or none. Records of others can be corrected before
       they are imported.

! records that contradict each other
  33333331  the run was ended twice: as an error by mailer (segment 00000000), as ok by shop
            (segment 00000000); the earliest is shown
  why  Two processes resumed the same saved run or ended it differently, or records were changed
       between two imports. Nothing was overwritten.
  fix  Resume a saved run once, and end it in one place. `spanbridge export` with the id of the run
       shows all its records.

! started but never ended
  44444446  run nightly import: nothing recorded since 2026-09-21T14:13:40Z
  why  The process was killed or crashed, some path through the code does not end it, or it is still
       working and has recorded nothing since.
  fix  End a run on every path (`run.end()`, `run.error(..)`), and call `run.suspend(..)` before a
       long wait. A span that wraps its work with `.run(..)` or `.in_scope(..)` ends by itself.

! stopped by its time limit
  22222221  score by mailer: 50 ms are left of the function's time, and the handler has not ended
  why  The function in mailer was still working when its time was up, and Lambda stopped it. The
       open spans show where it was.
  fix  Give the function more time or less work, or let the handler stop itself in time
       (`context.deadline` is the limit). Lambda delivers an event or a batch again, so make the
       work safe to repeat.

! response lost
  00000003  score by mailer: key must be a string
  why  The handler of mailer finished, but its response did not reach Lambda: it cannot be
       serialized as JSON, or the connection broke. The caller got an error.
  fix  Return a value that JSON can represent (the keys of a map must be strings). The caller may
       retry, so make the work safe to repeat.

! records dropped by the recorder
  mailer: records found no room in the recorder's memory and were dropped (×12)
  why  The recorder of mailer filled up faster than a sink took its records, or the sink was
       unreachable. Other findings may have the same cause.
  fix  Give the recorder more memory or a faster sink, and check the errors in its report. Record
       fewer spans, or sample.

! flush not finished in time
  11111112  score by mailer: the flush after the invocation before was given up
  why  The sink of mailer was slow or unreachable, or the function had no time left. What was
       recorded arrived with a later flush, or was lost if the process ended first.
  fix  Use a closer or faster sink, end the work earlier, or give the flush more time with
       `FunctionOptions::flush_within`.

! payload not captured
  55555557  process events:order:mail by mailer: the hook panicked
  why  The redaction hook of mailer returned an error or panicked, so the payload was left out.
  fix  Make the hook handle this payload. A test with a similar payload shows the error.

spanbridge trace ID shows a gap in its run

? not judged ×1
  11111113  render by mailer
  why  No settlement is recorded, and nothing says whether the message needs one.
"##);
}

/// The guide has a row for each kind of gap, with its code and its title, in the same order.
#[test]
fn the_guide_lists_every_gap() {
    let guide = include_str!("../../../docs/guide/doctor.md");
    let (guide, _) = guide.split_once("## What it cannot judge").unwrap();
    let rows = guide.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let listed: Vec<_> = rows.map(|(code, rest)| (code, rest.split(" | ").next().unwrap())).collect();
    assert_eq!(listed, GapKind::all().map(|kind| (kind.code(), kind.title())).collect::<Vec<_>>());
}

#[test]
fn a_clean_store_is_healthy() {
    let (code, text) = shown(&doctor(&clean(), 100, &[]));
    assert_eq!((code, text.as_str()), (0, "nothing is missing in these 9 runs\n"));
    let (code, text) = shown(&doctor(&clean(), 100, &["--format", "json"]));
    assert_eq!(code, 0);
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json, json!({ "schemaVersion": 1, "runs": 9, "runsFound": 9, "gaps": [], "notJudged": [] }));
}

/// No gap is not the same as all is well. With `--strict`, the exit code tells them apart.
#[test]
fn what_could_not_be_judged_is_shown() {
    let (step, status) = (("messaging.publish", "publish"), vec![(semconv::HANDOFF_STATUS, text("unknown"))]);
    let sent = Recording::of(run(40), 40, "shop").step((4000, 0), step, "events:order", (40_000, 40_001), status);
    let records: Vec<_> = clean().into_iter().chain([sent]).collect();
    let (code, shown_text) = shown(&doctor(&records, 100, &[]));
    let expected = format!(
        "no gap was found in these 10 runs, but not everything could be judged\n\n? not judged ×1\n  {:.8}  publish \
         events:order by shop, unknown\n  why  The message is not known to have arrived, and nothing says whether the \
         broker accepted it.\n",
        run(40)
    );
    assert_eq!((code, shown_text), (0, expected));
    assert_eq!(shown(&doctor(&records, 100, &["--strict"])).0, 1);
    assert_eq!(shown(&doctor(&clean(), 100, &["--strict"])).0, 0);
    let (_, shown_json) = shown(&doctor(&records, 100, &["--format", "json"]));
    let json: Value = serde_json::from_str(&shown_json).unwrap();
    let item = json!({
        "reason": "hand_off_unknown",
        "why": "The message is not known to have arrived, and nothing says whether the broker accepted it.",
        "count": 1,
        "example": "publish events:order by shop, unknown",
        "runId": run(40).to_string(),
        "spanId": span_id(4000).to_string(),
    });
    assert_eq!(json["notJudged"], json!([item]));
}

/// The guide has a row for each reason, with its code, in the same order.
#[test]
fn the_guide_lists_every_reason() {
    let (_, part) = include_str!("../../../docs/guide/doctor.md").split_once("## What it cannot judge").unwrap();
    let rows = part.lines().filter_map(|line| Some(line.strip_prefix("| `")?.split_once("` | ")?.0));
    assert_eq!(rows.collect::<Vec<_>>(), NotJudgedReason::all().map(NotJudgedReason::code).collect::<Vec<_>>());
}

/// Without a run to check, the exit code must not say that all is well: the store may be the wrong one.
#[test]
fn nothing_to_check_is_not_healthy() {
    let asked = |records: &[Record<'static>], args: &[&str], why: &str| {
        let output = doctor(records, 100, args);
        let said = format!("spanbridge: failed to find a run to check: {why}\n");
        assert_eq!((output.status.code(), &*String::from_utf8_lossy(&output.stderr)), (Some(1), &*said));
        assert_eq!(output.stdout, b"");
        let output = doctor(records, 100, &[args, &["--format", "json"]].concat());
        assert_eq!((output.status.code(), &*String::from_utf8_lossy(&output.stderr)), (Some(1), &*said));
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&json["runs"], &json["gaps"]), (&json!(0), &json!([])));
    };
    asked(&[], &[], "the store has no runs");
    asked(&clean(), &["--since", "1h"], "none of the 9 runs in the store began since then");
    asked(&clean(), &["--limit", "0"], "--limit leaves none of 9 runs");
}

/// All runs are checked, however many there are. If only some are, doctor says so.
#[test]
fn runs_that_were_not_checked_are_counted() {
    let newer = (0..300u64).map(|n| {
        let mut recording = Recording::of(run(0x1000 + u128::from(n)), 0x1000 + n, "cron");
        let mut tick = recording.span(0x1000 + n, 0, "tick", 1_000_000 + n, 1_000_001 + n);
        if let Body::Span(span) = &mut tick.body {
            (span.primitive, span.kind) = ("tool.call".into(), Kind::Internal);
        }
        tick
    });
    let records: Vec<_> = one_of_each().into_iter().chain(newer).collect();
    let (code, text) = shown(&doctor(&records, 100, &[]));
    assert_eq!((code, text.lines().next()), (1, Some("23 gaps in 21 of 331 runs")));
    let (code, text) = shown(&doctor(&records, 100, &["--limit", "310"]));
    assert_eq!((code, text.lines().next()), (1, Some("10 gaps in 9 of the newest 310 runs; 21 more were not checked")));
    let (code, text) = shown(&doctor(&records, 100, &["--limit", "100"]));
    assert_eq!((code, &*text), (0, "nothing is missing in the newest 100 runs; 231 more were not checked\n"));
    let (_, text) = shown(&doctor(&records, 100, &["--limit", "100", "--format", "json"]));
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&json["runs"], &json["runsFound"]), (&json!(100), &json!(331)));
}

#[test]
fn as_json() {
    let (code, text) = shown(&doctor(&one_of_each(), 100, &["--format", "json", "--color", "always"]));
    assert_eq!(code, 1);
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&json["schemaVersion"], &json["runs"]), (&json!(1), &json!(31)));
    let gaps = json["gaps"].as_array().unwrap();
    let codes: Vec<_> = gaps.iter().map(|g| g["kind"].as_str().unwrap()).collect();
    assert_eq!(codes, GapKind::all().map(GapKind::code).collect::<Vec<_>>());
    assert_eq!(
        gaps[1],
        json!({
            "kind": "no_consumer",
            "what": "publish events:refund by shop, confirmed",
            "likelyCause": "None of the runs that were checked receives messages from this destination. There is no \
                            consumer, it does not use `observed()`, or it records into another store.",
            "fix": "Start the consumer, and let it receive through `observed()` and record into this store, or import \
                    what it recorded with `spanbridge import`. Publish with `mandatory`: RabbitMQ then returns a message \
                    that no queue takes.",
            "runId": run(12).to_string(),
            "runName": "publish events:refund",
            "spanId": span_id(1201).to_string(),
        })
    );
    assert!(gaps[20].get("runId").is_none() && gaps[20].get("spanId").is_none(), "a process, not a run");
}

#[test]
fn one_run_or_the_run_of_a_span() {
    let id = run(12).to_string();
    for id in [&id, &id[..8], &span_id(1201).to_string()] {
        let (code, text) = shown(&doctor(&one_of_each(), 100, &[id]));
        assert_eq!(code, 1);
        assert!(
            text.starts_with("1 gap\n\n! sent, but there is no consumer\n  44444445  publish events:refund"),
            "{text}"
        );
    }
    let (code, text) = shown(&doctor(&one_of_each(), 100, &[&run(1).to_string()]));
    assert_eq!((code, text.as_str()), (0, "nothing is missing in this run\n"));
    // A run with a child: both are in its trace.
    let (code, text) = shown(&doctor(&one_of_each(), 100, &[&run(6).to_string()]));
    assert_eq!((code, text.as_str()), (0, "nothing is missing in these 2 runs\n"));
}

#[test]
fn limit_and_since_select_runs() {
    let newest = |args: &[&str]| {
        let (code, text) = shown(&doctor(&one_of_each(), 100, &[args, &["--format", "json"]].concat()));
        let json: Value = serde_json::from_str(&text).unwrap();
        (code, json["runs"].as_u64().unwrap(), json["gaps"].as_array().unwrap().len())
    };
    assert_eq!(newest(&["--limit", "7"]), (1, 7, 7), "one each of the last, and what a process says");
    assert_eq!(newest(&["--since", "2026-09-21T14:13:40Z"]), (1, 12, 12));
    // With a longer grace period, no message is missing.
    assert_eq!(newest(&["--grace", "20000w"]).2, 15);
}

#[test]
fn invalid_questions_are_refused() {
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
fn gaps_with_one_cause_are_grouped() {
    let one = gaps(&one_of_each()).into_iter().find(|g| g.kind == GapKind::NoConsumer).unwrap();
    // Seven messages to one destination, and one to each of twelve others.
    let changed = |change: &dyn Fn(&mut Gap)| {
        let mut gap = one.clone();
        change(&mut gap);
        gap
    };
    let to_one = (1..=7).map(|n| changed(&|gap| gap.run_id = Some(run(n))));
    let elsewhere = (1..=12).map(|n| changed(&|gap| gap.what = format!("publish shop {n:02} by shop, sent")));
    let many: Vec<Gap> = to_one.chain(elsewhere).collect();
    let text = render::gaps(&many, 9, 9, 8, &Options::default().width(80));
    insta::assert_snapshot!(text, @r##"
19 gaps in 8 of 9 runs

! sent, but there is no consumer ×19
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
  why  None of the runs that were checked receives messages from this
       destination. There is no consumer, it does not use `observed()`, or it
       records into another store.
  fix  Start the consumer, and let it receive through `observed()` and record
       into this store, or import what it recorded with `spanbridge import`.
       Publish with `mandatory`: RabbitMQ then returns a message that no queue
       takes.

spanbridge trace ID shows a gap in its run
"##);
}

#[test]
fn gaps_fit_the_page_in_every_width() {
    let mut gaps = gaps(&one_of_each());
    gaps[0].what = "注文を処理する\x1b[31m \u{202e}evil ".repeat(20);
    for width in 40..150 {
        let text = render::gaps(&gaps, 18, 18, 8, &Options::default().width(width));
        for line in text.lines() {
            assert!(line.width() <= width, "at {width}: {line:?}");
            assert!(!line.ends_with(' '), "at {width}: {line:?}");
        }
        let colored = render::gaps(&gaps, 18, 18, 8, &Options::default().width(width).color(true));
        assert_eq!(anstream::adapter::strip_str(&colored).to_string(), text);
        assert!(text.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'), "{text}");
    }
}
