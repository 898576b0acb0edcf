//! Which handler is run again, and whether that is possible.

use crate::common::{Recording, run, span_id};
use crate::support::{Input, artifact, id, keep, left, order, order_in, process, replay, step};
use insta::assert_snapshot;
use spanbridge::record::Body;
use spanbridge::{Kind, Status};

/// Without a command, the plan. Calls below the handler in its own process are answered from the record.
#[test]
fn the_plan_of_a_failed_order() {
    let store = keep(order(Input::Whole));
    let shown = replay(&store, &[&run(1).to_string()]);
    assert_eq!((shown.code, shown.told.as_str()), (Some(0), ""));
    assert_snapshot!(shown.out, @r##"
✓ possible
  handler      process orders  a000000300000003
  of run       place order  11111111  ok

 re-executed   process orders
 recorded        GET http://stock/42
 re-executed     charge
 recorded          POST http://bank/charges

Calls that are not wrapped cannot be stopped.
  run it       spanbridge replay a000000300000003 -- COMMAND
"##);
}

#[test]
fn what_is_live_is_in_the_plan() {
    let store = keep(order(Input::Whole));
    let shown = replay(&store, &[&run(1).to_string(), "--live", "http.client GET http://stock/42", "--format", "json"]);
    let json = shown.json();
    let labels: Vec<&str> = json["steps"].as_array().unwrap().iter().map(|s| s["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["re-executed", "live", "re-executed", "recorded"]);
    assert_eq!(json["verdict"], "planned");
    let options = ["--live", "http.client GET http://stock/42", "--scratch", "it's", "--ignore", "header:x-id"];
    let text = replay(&store, &[&[&*run(1).to_string()], &options[..]].concat()).out;
    let command = r"spanbridge replay a000000300000003 --live 'http.client GET http://stock/42' --scratch 'it'\''s' --ignore header:x-id -- COMMAND";
    assert!(text.ends_with(&format!("  run it\n    {command}\n")), "{text}");
}

/// That the owner declared the run as failed is a failure without a handler: the next one counts.
#[test]
fn a_run_that_was_declared_failed() {
    let mut records = order(Input::Whole);
    let mut owner = Recording::of(run(1), 6, "shop");
    records.extend([owner.run_start("order", 0), owner.run_end(90, Status::Error)]);
    let mut mail = Recording::of(run(1), 3, "mail");
    let work = step((20, 1), ("messaging.process", Kind::Consumer), "process mails", (20, 30), None);
    records.push(mail.record(Body::Span(work)));
    records.extend(["input", "input.properties"].map(|kind| mail.record(artifact(20, kind, Some("{}"), 2))));
    let json = replay(&keep(records), &[&run(1).to_string(), "--format", "json"]).json();
    assert_eq!(json["entry"]["spanId"], id(span_id(3)));
}

/// A run whose input was not recorded whole says so, and nothing is started.
#[test]
fn without_the_whole_input_nothing_runs() {
    for (input, why) in [
        (
            Input::Reference,
            "the input was recorded by reference only: the receiver has to capture it whole (CaptureMode::Whole)",
        ),
        (Input::Cut, "the input was cut: 5 of 12 bytes were recorded"),
        (
            Input::WithoutProperties,
            "the properties of the input were not recorded: the receiver has to capture it whole (CaptureMode::Whole)",
        ),
        (
            Input::Nothing,
            "the properties of the input were not recorded: the receiver has to capture it whole (CaptureMode::Whole)",
        ),
    ] {
        let store = keep(order(input));
        let started = store.path().join("started");
        let touch = format!("touch '{}'", started.display());
        for command in [&[][..], &["--", "sh", "-c", &touch]] {
            let run = run(1).to_string();
            let answer = replay(&store, &[&[run.as_str(), "--format", "json"][..], command].concat());
            let json = answer.json();
            assert_eq!((answer.code, json["reason"].as_str()), (Some(1), Some(why)));
            assert_eq!((json["verdict"].as_str(), started.exists()), (Some("impossible"), false));
        }
    }
    let shown = replay(&keep(order(Input::Cut)), &[&run(1).to_string()]);
    assert_snapshot!(shown.out, @r##"
✗ not possible
  handler      process orders  a000000300000003
  of run       place order  11111111  ok
  because      the input was cut: 5 of 12 bytes were recorded
"##);
}

/// By the id of a span, the handler around it.
#[test]
fn a_span_stands_for_its_handler() {
    let store = keep(order(Input::Whole));
    for span in [3, 5, 6] {
        let span = id(span_id(span));
        for args in
            [&[span.as_str(), "--format", "json"][..], &[&run(1).to_string(), "--span", &span, "--format", "json"]]
        {
            let json = replay(&store, args).json();
            assert_eq!(json["entry"]["spanId"], id(span_id(3)));
        }
    }
    // Nothing was received in the process that placed the order.
    let none = replay(&store, &[&id(span_id(2))]);
    assert_eq!(none.code, Some(1));
    assert_snapshot!(none.told, @r##"
spanbridge: failed to find a handler around span a000000200000002: no received message, request or event is around it in its process
"##);
    let run = run(1).to_string();
    let other = replay(&store, &[&run, "--span", &run]);
    assert_snapshot!(other.told, @r##"
spanbridge: failed to find the span 11111111111111110000000000000001: this is the id of a run
"##);
}

/// If nothing failed: the only handler whose input was recorded whole; and if there are several, they are listed.
#[test]
fn of_several_handlers_one_must_be_named() {
    let mut mail = Recording::of(run(1), 3, "mail");
    let work = |id| Body::Span(step((id, 2), ("messaging.process", Kind::Consumer), "process mails", (20, 30), None));
    let mut records = vec![mail.record(process(20, 9)), mail.record(work(20)), mail.record(work(21))];
    let json = replay(&keep(records.clone()), &[&run(1).to_string()]);
    assert_eq!(json.code, Some(1));
    assert_snapshot!(json.told, @r##"
spanbridge: failed to choose a handler of 11111111111111110000000000000001: none of these can be run again
a000001400000014  ok         process mails (mail): the properties of the input
                             were not recorded: the receiver has to capture it
                             whole (CaptureMode::Whole)
a000001500000015  ok         process mails (mail): the properties of the input
                             were not recorded: the receiver has to capture it
                             whole (CaptureMode::Whole)
"##);
    for kind in ["input", "input.properties"] {
        records.push(mail.record(artifact(21, kind, Some("{}"), 2)));
    }
    let json = replay(&keep(records.clone()), &[&run(1).to_string(), "--format", "json"]).json();
    assert_eq!(json["entry"]["spanId"], id(span_id(21)));
    for kind in ["input", "input.properties"] {
        records.push(mail.record(artifact(20, kind, Some("{}"), 2)));
    }
    let both = replay(&keep(records), &[&run(1).to_string()]);
    assert_eq!(both.code, Some(2));
    assert_snapshot!(both.told, @r##"
spanbridge: failed to choose a handler of 11111111111111110000000000000001: there are several; name one with --span
a000001400000014  ok         process mails (mail)
a000001500000015  ok         process mails (mail)
"##);
}

#[test]
fn a_run_without_a_handler_says_so() {
    let mut shop = Recording::of(run(1), 1, "shop");
    let store = keep(vec![shop.record(Body::Span(step((1, 0), ("flow.step", Kind::Internal), "place", (0, 3), None)))]);
    let none = replay(&store, &[&run(1).to_string()]);
    assert_eq!(none.code, Some(1));
    assert_snapshot!(none.told, @r##"
spanbridge: failed to find a handler in 11111111111111110000000000000001: none of its spans is the work on a received message, request or event
"##);
    let nothing = replay(&store, &["abcdef"]);
    assert_eq!(nothing.code, Some(1));
    assert_eq!(left(&store), 0);
}

/// A run that the handler starts is part of its work, and what another process did is not.
#[test]
fn the_case_has_the_process_and_no_other() {
    let mut records = order(Input::Whole);
    let mut child = Recording::of(run(2), 4, "billing");
    let mut bank = Recording::of(run(1), 5, "bank");
    records.push(child.record(process(20, 8)));
    records.push(child.record(crate::common::run_start("bonus", 20, Some((run(1), span_id(5))))));
    records.push(child.record(Body::Span(step(
        (30, 0),
        ("flow.step", Kind::Internal),
        "count points",
        (20, 21),
        None,
    ))));
    records.push(bank.record(process(20, 8)));
    records.push(bank.record(Body::Span(step(
        (40, 6),
        ("http.server", Kind::Server),
        "POST /charges",
        (20, 21),
        None,
    ))));
    records.push(bank.record(Body::Span(step((41, 40), ("flow.step", Kind::Internal), "book", (20, 21), None))));
    let store = keep(records);
    let file = store.path().join("case.json");
    let saved = replay(&store, &[&run(1).to_string(), "--save", file.to_str().unwrap(), "--ignore", "body:/at"]);
    assert_eq!(saved.code, Some(0), "{}", saved.told);
    let case = spanbridge_replay::Case::read(&file).unwrap();
    let spans: Vec<_> = case.spans().iter().map(|span| (span.name.as_str(), span.parent_span_id)).collect();
    let below = |n| Some(span_id(n));
    let expected = [
        ("process orders", below(2)),
        ("GET", below(3)),
        ("charge", below(3)),
        ("POST", below(5)),
        ("count points", below(5)),
    ];
    assert_eq!(spans, expected);
    assert_eq!(case.entry().error.as_deref(), Some("card declined"));
    assert_eq!((case.run.run_id, case.run.status.as_str(), case.ignore.len()), (run(1), "ok", 1));
    assert_eq!(case.artifact(span_id(3), "input").unwrap().payload().unwrap(), crate::support::ORDER.as_bytes());
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

/// The work on the messages of a batch stands below the senders, in their runs. It is what the function did, and its calls are
/// answered.
#[test]
fn the_messages_of_a_batch_are_in_the_case() {
    let mut function = Recording::of(run(1), 1, "ship");
    let mut sent = Recording::of(run(2), 2, "shop");
    let mut work = Recording::of(run(2), 3, "ship");
    let mut elsewhere = Recording::of(run(2), 4, "ship");
    let consumer = ("messaging.process", Kind::Consumer);
    let mut batch = step((51, 50), consumer, "process orders", (11, 39), Some("no stock"));
    batch.links =
        vec![spanbridge::record::Link::new(crate::common::trace(2), span_id(60), crate::common::attributes(&[]))];
    let publish = step((60, 0), ("messaging.publish", Kind::Producer), "publish orders", (1, 2), None);
    let mut records = vec![
        function.record(process(9, 8)),
        function.record(Body::Span(step(
            (50, 0),
            ("function.handle", Kind::Server),
            "ship",
            (10, 40),
            Some("no stock"),
        ))),
        function.record(Body::Span(batch)),
        sent.record(process(0, 7)),
        sent.record(Body::Span(publish)),
        work.record(process(11, 8)),
        work.record(Body::Span(step((61, 60), consumer, "process orders", (12, 20), Some("no stock")))),
        work.record(Body::Span(crate::support::call((62, 61), "GET", "http://stock/42", (13, 14)))),
        elsewhere.record(process(11, 9)),
        elsewhere.record(Body::Span(step((63, 60), consumer, "process orders", (12, 20), None))),
    ];
    for kind in ["input", "input.properties"] {
        records.push(function.record(artifact(50, kind, Some("{}"), 2)));
    }
    let store = keep(records);
    let file = store.path().join("case.json");
    let saved = replay(&store, &[&id(span_id(50)), "--save", file.to_str().unwrap()]);
    assert_eq!(saved.code, Some(0), "{}{}", saved.out, saved.told);
    let case = spanbridge_replay::Case::read(&file).unwrap();
    let spans: Vec<_> = case.spans().iter().map(|span| (span.span_id, span.parent_span_id)).collect();
    let below = |n| Some(span_id(n));
    let expected = [(span_id(50), None), (span_id(51), below(50)), (span_id(61), below(51)), (span_id(62), below(61))];
    assert_eq!(spans, expected);
}

/// An id that several runs begin with is wrong usage, as everywhere.
#[test]
fn ambiguous_ids_are_wrong_usage() {
    let runs = [run(1), run(9)].map(|of| order_in(of, Input::Whole)).concat();
    let answer = replay(&keep(runs), &["1111"]);
    assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""));
}
