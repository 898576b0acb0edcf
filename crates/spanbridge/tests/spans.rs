//! Spans, one thread: the tree that is recorded, how it ends, what it says.
#![cfg(feature = "record")]

mod support;

use spanbridge::adapter;
use spanbridge::observe::ActiveSpan;
use spanbridge::record::Body;
use spanbridge::{Kind, Memory, Primitive, Recorder, RunId, Sampler, SpanId, Value, observe, semconv};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use support::*;

#[test]
fn a_tree_of_every_outcome() {
    let records = record(|| {
        let _: Result<(), &str> = observe::span("root").in_scope(|| {
            observe::span("parse").attribute("n", 1).attribute("text", "a").in_scope(|| {
                observe::span("deep").in_scope(|| ());
            });
            let _ = catch_unwind(|| observe::span("panics").in_scope::<()>(|| panic!("on purpose")));
            observe::span("any").in_scope_value(|| 7);
            observe::span("none").in_scope(|| None::<u8>);
            drop(observe::span("given up").open());
            observe::span("cancelled").open().cancel();
            observe::span("failed").open().error("no luck");
            observe::span("judged").open().end_with(&Err::<(), _>("hm"));
            observe::span("fine").open().end();
            observe::span("silent error").in_scope(|| Err::<(), _>("")).unwrap_err();
            Err("boom")
        });
    });
    assert_eq!(
        tree(&records),
        r#"
root [error] "boom" error.type=_OTHER
  parse [ok] n=1 text=a
    deep [ok]
  panics [panicked] "on purpose" error.type=panic
  any [ok]
  none [ok]
  given up [cancelled]
  cancelled [cancelled]
  failed [error] "no luck" error.type=_OTHER
  judged [error] "hm" error.type=_OTHER
  fine [ok]
  silent error [error] error.type=_OTHER"#
    );
    gap_free(&records);
}

/// It is the type of the error, unless somebody has said it.
#[test]
fn the_class_of_an_error() {
    let (recorder, memory) = recorder();
    let fails = |name: &'static str, say: &dyn Fn(&ActiveSpan)| {
        let failed = observe::span(name).in_scope(|| {
            say(&observe::active_span().unwrap());
            Err::<(), _>(std::fmt::Error)
        });
        assert!(failed.is_err())
    };
    let timeout = |span: &ActiveSpan| span.attribute(semconv::ERROR_TYPE, "timeout");
    recorder.in_scope(|| {
        observe::span("root").in_scope(|| {
            fails("by type", &|_| {});
            fails("said", &timeout);
            fails("said with more", &|span| {
                span.attributes(&[("n", 1.into()), (semconv::ERROR_TYPE, "timeout".into())])
            });
            fails("said long before", &|span| {
                timeout(span);
                flush(&recorder);
            });
            fails("again by type", &|span| span.attribute("n", 1));
        })
    });
    flush(&recorder);
    assert_eq!(
        tree(&memory.take()),
        r#"
root [ok]
  by type [error] "an error occurred when formatting an argument" error.type=core::fmt::Error
  said [error] "an error occurred when formatting an argument" error.type=timeout
  said with more [error] "an error occurred when formatting an argument" n=1 error.type=timeout
  said long before [error] "an error occurred when formatting an argument" error.type=timeout
  again by type [error] "an error occurred when formatting an argument" n=1 error.type=core::fmt::Error"#
    );
}

#[test]
fn what_is_current_is_restored_whatever_happens() {
    let records = record(|| {
        observe::span("root").in_scope(|| {
            let root = observe::current_context();
            let _ = catch_unwind(|| observe::span("panics").in_scope::<()>(|| panic!("on purpose")));
            assert_eq!(observe::current_context(), root);
            let _ = catch_unwind(AssertUnwindSafe(|| observe::in_scope(&Default::default(), || panic!("on purpose"))));
            assert_eq!(observe::current_context(), root);
        });
        assert!(observe::current_context().is_empty());
    });
    assert_eq!(spans(&records).len(), 2);
}

/// The builder takes its parent when it is made, and puts back what was current when it ran.
#[test]
fn a_builder_restores_the_span_around_it() {
    let records = record(|| {
        observe::span("root").in_scope(|| {
            let early = observe::span("early");
            observe::span("other").in_scope(|| {
                let other = observe::current_context().span_id();
                early.in_scope(|| observe::span("inside early").in_scope(|| ()));
                assert_eq!(observe::current_context().span_id(), other);
                observe::span("inside other").in_scope(|| ());
            });
        });
    });
    assert_eq!(
        tree(&records),
        "
root [ok]
  early [ok]
    inside early [ok]
  other [ok]
    inside other [ok]"
    );
}

#[test]
fn a_builder_that_is_not_run_leaves_nothing() {
    let records = record(|| {
        drop(observe::span("root, never"));
        observe::span("root").in_scope(|| {
            drop(observe::span("never").attribute("a", 1));
            observe::span("once").in_scope(|| ());
            let seen = observe::span("seen");
            observe::span("between").in_scope(|| ());
            drop(seen); // others came after it, so it cannot be taken back
        });
    });
    assert_eq!(
        tree(&records),
        "
root [ok]
  once [ok]
  seen [cancelled]
  between [ok]"
    );
    gap_free(&records);
}

/// Safe code may take a builder out of the scope it was begun in. Its run is gone then, perhaps its memory too.
#[test]
fn a_builder_outside_its_context_is_counted() {
    let (recorder, memory) = recorder();
    let stray = || recorder.in_scope(|| observe::span("root").in_scope_value(|| observe::span("stray")));
    let interrupted = || {
        recorder.in_scope(|| {
            observe::span("root").in_scope_value(|| {
                let stray = observe::span("stray");
                observe::event("between", &[]);
                stray
            })
        })
    };
    assert_eq!(stray().attribute("long", "x".repeat(5000).as_str()).in_scope_value(|| 1), 1);
    stray().open().end();
    drop(stray().kind(Kind::Client).link(&Default::default()));
    recorder.in_scope(|| observe::span("elsewhere").in_scope(|| stray().in_scope(|| ())));
    assert_eq!(interrupted().attribute("a", 1).primitive(Primitive::new("custom.x")).in_scope_value(|| 2), 2);
    drop(interrupted());
    interrupted().open().end();
    let report = flush(&recorder);
    let records = memory.take();
    gap_free(&records);
    let all = spans(&records);
    assert_eq!(all.iter().filter(|s| s.name == "root").count(), 7);
    assert_eq!(all.iter().filter(|s| s.name == "elsewhere").count(), 1);
    // Those that were interrupted had been seen already.
    let strays: Vec<_> = all.iter().filter(|s| s.name == "stray").map(|s| s.status.map(|s| s.name())).collect();
    assert_eq!(strays, [Some("cancelled"); 3]);
    assert_eq!(report.dropped, 3);
}

#[test]
fn what_a_span_says() {
    let big = u64::MAX;
    let records = record(|| {
        observe::span("outer").in_scope(|| {
            let outer = observe::current_context();
            observe::span(format!("order {}", 7))
                .primitive(Primitive::HTTP_CLIENT)
                .kind(Kind::Client)
                .link(&outer)
                .attribute("i", -1)
                .attribute("f", 0.5)
                .attribute("b", true)
                .attribute("big", big)
                .attribute("static", Value::Static("for ever"))
                .attribute("", "")
                .attribute("json", Value::Json("[1]"))
                .link(&outer)
                .in_scope(|| ());
            observe::span("").primitive(Primitive::new("custom.audit")).in_scope(|| ());
            observe::span("plain").in_scope(|| ());
        });
    });
    let all = spans(&records);
    let s = by_name(&all, "order 7");
    assert_eq!((s.primitive.as_str(), s.kind), ("http.client", Kind::Client));
    let outer = by_name(&all, "outer");
    assert_eq!(s.links, [(outer.trace, outer.id); 2]);
    let want = [
        ("i", "-1"),
        ("f", "0.5"),
        ("b", "true"),
        ("big", "9223372036854775807"),
        ("static", "for ever"),
        ("", ""),
        ("json", "[1]"),
    ];
    assert!(s.attributes.iter().map(|(k, v)| (&**k, &**v)).eq(want), "{:?}", s.attributes);
    assert_eq!(by_name(&all, "").primitive, "custom.audit");
    let plain = by_name(&all, "plain");
    assert_eq!((plain.primitive.as_str(), plain.kind, plain.links.len()), ("custom.operation", Kind::Internal, 0));
}

/// `attribute("k", expression_that_records())`: the record is published half-way, the rest follows and is joined.
#[test]
fn a_builder_may_be_interrupted() {
    let records = record(|| {
        observe::span("root").in_scope(|| {
            let b = observe::span("outer").attribute("before", 1);
            let v = observe::span("value").in_scope_value(|| 2);
            b.attribute("after", v)
                .primitive(Primitive::DB_QUERY)
                .kind(Kind::Client)
                .link(&observe::current_context())
                .in_scope(|| ());
        })
    });
    let all = spans(&records);
    let outer = by_name(&all, "outer");
    assert_eq!(outer.attributes, [("before".into(), "1".into()), ("after".into(), "2".into())]);
    assert_eq!((outer.primitive.as_str(), outer.kind, outer.links.len()), ("db.query", Kind::Client, 1));
    assert!(records.iter().all(|r| !matches!(r.body, Body::SpanAttributes(_) | Body::SpanEnd(_))));
}

#[test]
fn a_root_without_a_run_is_in_the_traces_own() {
    let records = record(|| {
        for name in ["a", "b"] {
            observe::span(name).in_scope(|| observe::span("child").in_scope(|| ()))
        }
        observe::span("detail").implicit_run(false).attribute("k", 1).in_scope(|| {
            assert!(observe::current_context().is_empty());
            observe::span("begins its own").in_scope(|| ())
        });
        observe::span("held detail").implicit_run(false).open().end();
        observe::span("c").in_scope(|| observe::span("detail inside").implicit_run(false).in_scope(|| ()));
    });
    assert_eq!(
        tree(&records),
        "
a [ok]
  child [ok]
b [ok]
  child [ok]
begins its own [ok]
c [ok]
  detail inside [ok]"
    );
    let all = spans(&records);
    assert!(all.iter().all(|s| s.run == RunId::of_trace(s.trace)));
    assert_ne!(by_name(&all, "a").trace, by_name(&all, "b").trace);
    assert_eq!(lifecycle(&records), [""; 0]);
    gap_free(&records);
}

#[test]
fn times_are_nanoseconds_since_the_epoch() {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as i64;
    let (recorder, memory) = recorder();
    let slack = size(2_000_000, 2_000_000_000) as i64;
    for _ in 0..3 {
        let before = now();
        recorder.in_scope(|| observe::span("t").in_scope(|| while now() < before + 5_000_000 {}));
        let after = now();
        flush(&recorder);
        let s = spans(&memory.take()).remove(0);
        assert!((s.begun as i64 - before).abs() < slack, "began {} ns late", s.begun as i64 - before);
        assert!((s.ended as i64 - after).abs() < slack, "ended {} ns early", after - s.ended as i64);
    }
}

/// What is recorded about a context without a span has no place in the tree; it must not leave a gap either.
#[test]
fn events_and_artifacts_need_a_span() {
    let records = record(|| {
        observe::run("r").in_scope(|| {
            observe::event("nowhere", &[]);
            assert!(observe::active_span().is_none());
            observe::span("s").in_scope(|| observe::event("somewhere", &[("k", 1.into())]));
        })
    });
    let events = records.iter().filter(|r| matches!(r.body, Body::Event(_))).count();
    assert_eq!(events, 1);
    gap_free(&records);
}

/// An error's text is made by the application's code, which may panic; its result must pass all the same.
#[test]
fn an_error_that_cannot_be_shown_is_an_error() {
    struct Broken(bool);
    let class = std::any::type_name::<Broken>();
    impl std::fmt::Display for Broken {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("half")?;
            if self.0 { panic!("on purpose") } else { Err(std::fmt::Error) }
        }
    }
    let records = record(|| {
        observe::span("root").in_scope(|| {
            assert!(observe::span("fails").in_scope(|| Err::<(), _>(Broken(false))).is_err());
            assert!(observe::span("panics").in_scope(|| Err::<(), _>(Broken(true))).is_err());
            observe::span("held").open().error(Broken(true));
        });
        assert!(observe::run("run").in_scope(|| Err::<(), _>(Broken(true))).is_err());
    });
    assert_eq!(
        tree(&records),
        format!(
            r#"
root [ok]
  fails [error] "half" error.type={class}
  panics [error] "half" error.type={class}
  held [error] "half" error.type={class}"#
        )
    );
    assert_eq!(lifecycle(&records), ["start run", "end error: half"]);
}

#[test]
fn a_span_may_have_an_id_that_is_known_before() {
    let ids = [1, 2, 3].map(|id| SpanId::new(id).unwrap());
    let records = record(|| {
        adapter::span_with_id("root", ids[0]).attribute("n", 1).in_scope(|| {
            assert_eq!(observe::current_context().span_id(), Some(ids[0]));
            adapter::span_with_id("child".to_owned(), ids[1]).in_scope(|| ());
            let unfinished = adapter::span_with_id("never was", ids[2]);
            assert_eq!(unfinished.id(), Some(ids[2]));
        });
    });
    assert_eq!(tree(&records), "\nroot [ok] n=1\n  child [ok]");
    let mut recorded: Vec<_> = records.iter().filter_map(|r| span_id(&r.body)).collect();
    recorded.sort();
    assert_eq!(recorded, ids[..2]);
}

/// Before and after the first delivery, which measures the clock.
#[test]
fn a_span_may_have_begun_in_the_past() {
    begins_in_the_past(recorder());
    // Held back until it is decided.
    begins_in_the_past(with(|b| b.on_flush_only().sampler(Sampler::by(|_| true))))
}

fn begins_in_the_past((recorder, memory): (Recorder, Memory)) {
    let ago = Duration::from_millis(700);
    for _ in 0..2 {
        let began = SystemTime::now() - ago;
        recorder.in_scope(|| adapter::begun_before(observe::span("told late"), ago).attribute("n", 1).open().end());
        let told = SystemTime::now();
        flush(&recorder);
        let records = memory.take();
        let span = records.iter().find_map(|record| match &record.body {
            Body::Span(span) => Some((span.started_at, span.end.as_ref()?.ended_at)),
            _ => None,
        });
        let (started, ended) = span.unwrap();
        // It began so long before it was told, whenever between the two that was. The clocks may differ a little.
        let [from, to] = [began, told - ago].map(|time| time.duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64);
        let slack = 50_000_000;
        assert!((from - slack..=to + slack).contains(&started), "begun at {started}, not from {from} to {to}");
        let longest = 700_000_000 + (to - from) + slack;
        assert!((700_000_000 - slack..=longest).contains(&(ended - started)), "{} ns long", ended - started);
    }
}

fn span_id(body: &Body<'_>) -> Option<SpanId> {
    match body {
        Body::Span(span) => Some(span.span_id),
        _ => None,
    }
}
