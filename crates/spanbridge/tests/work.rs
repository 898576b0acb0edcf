//! Work is a closure that is called inside its context.
#![cfg(feature = "record")]

mod support;

use futures_util::FutureExt;
use spanbridge::adapter::{in_open_span, unrecorded_span};
use spanbridge::observe::{self, InSpan};
use spanbridge::record::Record;
use spanbridge::{Context, Failure, Recorder, Status};
use std::future::{Ready, pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use support::*;
use tokio::task::yield_now;

fn on_tokio<F: Future>(f: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(f)
}

/// A span that begins when this is called, not when it is polled.
fn step() -> InSpan<impl Future<Output = ()>> {
    observe::span("step").run(yield_now)
}

/// What `f` records with the recorder in effect, as a tree.
fn recorded(f: impl FnOnce(&Recorder)) -> Vec<Record<'static>> {
    let (recorder, memory) = recorder();
    f(&recorder);
    flush(&recorder);
    memory.take()
}

fn judge(code: &u16) -> Option<Failure<'_>> {
    (*code >= 500).then(|| Failure::new(&"busy"))
}

fn panics() -> Ready<()> {
    panic!("at the call")
}

/// The trap of earlier releases: in each of these the step was a run of its own.
#[test]
fn a_nested_span_belongs_where_it_stands() {
    let ways: [(&str, &dyn Fn()); 9] = [
        ("span.run", &|| on_tokio(observe::span("outer").run(step))),
        ("span.run_value", &|| on_tokio(observe::span("outer").run_value(step))),
        ("open span.run", &|| on_tokio(observe::span("outer").open().run(step))),
        ("open span.run_value", &|| on_tokio(observe::span("outer").open().run_value(step))),
        ("open span.run_by", &|| on_tokio(observe::span("outer").open().run_by(step, |()| None))),
        ("open span.with_context", &|| {
            let span = observe::span("outer").open();
            on_tokio(span.with_context(step));
            span.end();
        }),
        ("active span.with_context", &|| {
            let span = observe::span("outer").open();
            let active = span.in_scope(observe::active_span).unwrap();
            on_tokio(active.with_context(step));
            span.end();
        }),
        ("active span.in_scope", &|| {
            let span = observe::span("outer").open();
            let active = span.in_scope(observe::active_span).unwrap();
            on_tokio(active.in_scope(step));
            span.end();
        }),
        ("observe::with_context", &|| {
            let span = observe::span("outer").open();
            on_tokio(observe::with_context(span.context().clone(), step));
            span.end();
        }),
    ];
    for (way, f) in ways {
        let records = recorded(|recorder| recorder.in_scope(f));
        assert_eq!(tree(&records), "\nouter [ok]\n  step [ok]", "{way}");
    }
}

#[test]
fn a_nested_span_belongs_to_the_run() {
    let ways: [(&str, &dyn Fn()); 5] = [
        ("run.run", &|| on_tokio(observe::run("order").run(step))),
        ("run.run_value", &|| on_tokio(observe::run("order").run_value(step))),
        ("open run.run", &|| on_tokio(observe::run("order").open().run(step))),
        ("open run.run_value", &|| on_tokio(observe::run("order").open().run_value(step))),
        ("open run.with_context", &|| {
            let run = observe::run("order").open();
            on_tokio(run.with_context(step));
            run.end();
        }),
    ];
    for (way, f) in ways {
        let records = recorded(|recorder| recorder.in_scope(f));
        assert_eq!(
            (lifecycle(&records), tree(&records).as_str()),
            (vec!["start order".into(), "end ok".into()], "\nstep [ok]"),
            "{way}"
        );
        let of_run = records.iter().filter_map(|r| r.run_id).collect::<std::collections::HashSet<_>>();
        assert_eq!(of_run.len(), 1, "{way}: one run");
    }
}

/// Nested three deep, without an async block anywhere.
#[test]
fn nested_closures_are_one_tree() {
    let records = recorded(|recorder| {
        on_tokio(recorder.scope(|| {
            let run = observe::run("order").open();
            let inner = || observe::span("b").run(|| observe::span("c").run(step));
            let work = run.with_context(|| observe::span("a").run(inner));
            async move {
                work.await;
                run.end()
            }
        }))
    });
    assert_eq!(tree(&records), "\na [ok]\n  b [ok]\n    c [ok]\n      step [ok]");
}

#[test]
fn a_scope_records_what_its_closure_makes() {
    let records = recorded(|recorder| {
        on_tokio(recorder.scope(|| observe::run("order").run(step)));
        on_tokio(recorder.scope(step));
    });
    assert_eq!(tree(&records), "\nstep [ok]\nstep [ok]");
    assert_eq!(lifecycle(&records), ["start order", "end ok"]);
}

/// The output says how it ends, on open spans and runs as on builders.
#[test]
fn an_open_span_or_run_ends_by_its_output() {
    let fails = || ready(Err::<(), _>("no paper"));
    let records = recorded(|recorder| {
        recorder.in_scope(|| {
            assert_eq!(on_tokio(observe::span("run").open().run(fails)), Err("no paper"));
            assert_eq!(on_tokio(observe::span("value").open().run_value(|| ready(7))), 7);
            assert_eq!(on_tokio(observe::span("by").open().run_by(|| ready(503), judge)), 503);
            assert_eq!(on_tokio(observe::run("order").open().run(fails)), Err("no paper"));
        })
    });
    let all = spans(&records);
    let ends = all.iter().map(|s| (s.name.as_str(), s.status, s.error.as_deref())).collect::<Vec<_>>();
    let expected = [
        ("run", Some(Status::Error), Some("no paper")),
        ("value", Some(Status::Ok), None),
        ("by", Some(Status::Error), Some("busy")),
    ];
    assert_eq!(ends, expected);
    assert_eq!(lifecycle(&records), ["start order", "end error: no paper"]);
}

/// A panic of the closure comes out of the call. It ends what was to end, and what was current is so again.
#[test]
fn a_panic_of_the_closure_ends_its_span() {
    let here = observe::current_context;
    let quietly = |f: &dyn Fn()| {
        let before = here();
        catch_unwind(AssertUnwindSafe(f)).unwrap_err();
        assert_eq!((here().span_id(), here().run_id()), (before.span_id(), before.run_id()));
    };
    let records = recorded(|recorder| {
        recorder.in_scope(|| {
            observe::span("around").in_scope(|| {
                quietly(&|| drop(observe::span("builder").run(panics)));
                quietly(&|| drop(observe::span("open").open().run(panics)));
                quietly(&|| drop(observe::run("run").run(panics)));
                quietly(&|| drop(observe::run("open run").open().run(panics)));
                let held = observe::span("held").open();
                quietly(&|| drop(held.with_context(panics)));
                held.end();
            });
            quietly(&|| drop(recorder.scope(panics)));
            quietly(&|| drop(observe::with_context(Context::EMPTY, panics)));
        })
    });
    let all = spans(&records);
    for name in ["builder", "open"] {
        let span = by_name(&all, name);
        assert_eq!(span.status, Some(Status::Panicked));
        assert!(span.error.as_deref().is_some_and(|e| e.starts_with("at the call, at ")), "{span:?}");
    }
    assert_eq!(by_name(&all, "held").status, Some(Status::Ok), "`with_context` ends nothing");
    let lifecycle = lifecycle(&records);
    let ends = lifecycle.iter().filter(|l| l.starts_with("end error: panicked: at the call")).count();
    assert_eq!(ends, 2, "{lifecycle:?}");
}

#[test]
fn dropped_before_its_first_poll_it_is_cancelled() {
    let records = recorded(|recorder| {
        recorder.in_scope(|| {
            drop(observe::span("builder").run(pending::<()>));
            drop(observe::span("open").open().run(pending::<()>));
            drop(observe::run("run").run(pending::<()>));
            drop(observe::run("open run").open().run(pending::<()>));
            drop(observe::span("outer").run(step));
        })
    });
    let all = spans(&records);
    assert!(all.len() == 4 && all.iter().all(|s| s.status == Some(Status::Cancelled)), "{all:?}");
    assert_eq!(lifecycle(&records), ["start run", "end cancelled", "start open run", "end cancelled"]);
}

/// The closure is called once, before the first poll.
#[test]
fn the_closure_is_called_at_the_call() {
    let mut calls = 0;
    let mut work = Box::pin(observe::span("once").run_value(|| {
        calls += 1;
        ready(calls)
    }));
    assert_eq!((&mut work).now_or_never(), Some(1));
    drop(work);
    assert_eq!(calls, 1);
}

/// No closure is stored: what it captures is no part of the future, whose `Send` and `'static` are those of what was made.
#[test]
fn what_a_closure_captures_is_not_in_the_future() {
    fn spawnable<F: Future + Send + 'static>(f: F) -> F {
        f
    }
    let (local, text) = (Rc::new(7), String::from("moved"));
    let own = || {
        let n = *local; // not `Send`, and borrowed
        async move { n }
    };
    let moved = text.clone();
    drop(spawnable(observe::span("s").run_value(own)));
    drop(spawnable(observe::run("r").run_value(own)));
    drop(spawnable(observe::span("s").open().with_context(own)));
    drop(spawnable(observe::with_context(Context::EMPTY, own)));
    drop(spawnable(observe::span("s").run_value(async move || moved.len())));
    drop(spawnable(observe::span("s").run_value(|| async move { text.len() })));
    let large = [0u8; 4096];
    let small = observe::span("s").run_value(|| ready(large[0]));
    assert!(size_of_val(&small) <= 72, "{}", size_of_val(&small));
}

/// What is spawned with moved captures is inside on whichever thread it runs.
#[test]
fn it_can_be_spawned() {
    let records = recorded(|recorder| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let names: Vec<String> = (0..3).map(|n| format!("part {n}")).collect();
        let work = recorder.scope(|| {
            observe::span("all").run_value(async || {
                let tasks: Vec<_> = names
                    .into_iter()
                    .map(|name| {
                        let work = async move || {
                            yield_now().await;
                            observe::span(name).run(step).await
                        };
                        tokio::spawn(observe::span("spawned").run(work))
                    })
                    .collect();
                for task in tasks {
                    task.await.unwrap()
                }
            })
        });
        runtime.block_on(work)
    });
    let all = spans(&records);
    let root = by_name(&all, "all").id;
    assert!(all.iter().filter(|s| s.name == "spawned").all(|s| s.parent == Some(root)));
    let parts = all.iter().filter(|s| s.name.starts_with("part "));
    assert_eq!(parts.filter(|s| all.iter().any(|p| Some(p.id) == s.parent && p.name == "spawned")).count(), 3);
}

/// What is polled in pieces goes on inside an open span, which only a panic ends.
#[test]
fn pieces_of_work_in_an_open_span() {
    let records = recorded(|recorder| {
        recorder.in_scope(|| {
            let mut span = observe::span("body").open();
            let pieces = [(); 2].map(|()| in_open_span(&mut span, || observe::span("piece").in_scope_value(|| 1)));
            assert_eq!((pieces, observe::current_context().is_empty()), ([1, 1], true));
            span.end();
            let mut span = observe::span("broken body").open();
            let piece = || observe::span("piece").in_scope(|| drop(panics()));
            assert!(catch_unwind(AssertUnwindSafe(|| in_open_span(&mut span, piece))).is_err());
            assert!(observe::current_context().is_empty());
            drop(span); // it has ended
        })
    });
    assert_eq!(
        tree(&records),
        r#"
body [ok]
  piece [ok]
  piece [ok]
broken body [panicked] "at the call" error.type=panic
  piece [panicked] "at the call" error.type=panic"#
    );
}

/// A span that nobody records has a context all the same.
#[test]
fn an_unrecorded_span_keeps_its_context() {
    let records = recorded(|recorder| {
        let outer = recorder.in_scope(|| observe::span("outer").open());
        let mut span = unrecorded_span(outer.context().clone());
        assert_eq!((span.id(), span.context()), (None, outer.context()));
        span.attribute("nobody", "reads it");
        in_open_span(&mut span, || observe::span("inner").in_scope(|| ()));
        span.cancel();
        outer.end();
    });
    assert_eq!(tree(&records), "\nouter [ok]\n  inner [ok]");
}
