//! Recording a block in a test, and the text of what it recorded.

use spanbridge::record::Body;
use spanbridge::{Memory, Recorder, Sampler, carrier, observe};
use spanbridge_graph::testing::{self, RecordOptions};
use spanbridge_graph::{RunStatus, SpanStatus};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);

fn step(name: &str) {
    observe::span(name.to_owned()).in_scope(|| ())
}

#[test]
fn every_end_of_a_span_is_told() {
    let recorded = testing::record(|| {
        let open = observe::span("work").open();
        open.in_scope(|| {
            step("fine");
            let _: Result<(), String> = observe::span("fails").in_scope(|| Err("at 12:30 in 4bf92f35".to_owned()));
            let panics = || observe::span("panics").in_scope(|| -> () { panic!("as the test wants") });
            assert!(catch_unwind(panics).is_err());
            drop(observe::span("dropped").run_value(std::future::pending::<()>));
        });
        open
    });
    let text = "work [open]\n  fine\n  fails [error]\n  panics [panicked]\n  dropped [cancelled]\n";
    assert_eq!(recorded.tree(), text);
    assert_eq!(recorded.span("fails").error.as_deref(), Some("at 12:30 in 4bf92f35"));
    assert_eq!(recorded.span("panics").status, SpanStatus::Panicked);
    assert_eq!(recorded.spans().count(), 5);
    assert_eq!(recorded.graphs().len(), 1);
}

#[test]
fn attributes_are_shown_if_named() {
    let work = || -> Result<(), std::fmt::Error> {
        observe::span("work")
            .attribute("id", "4bf92f3577b34da6")
            .attribute("word", "a/b=c")
            .attribute("empty", "")
            .attribute("text", "two\nlines \"quoted\"")
            .attribute("count", 3)
            .attribute("share", 0.5)
            .attribute("flag", true)
            .in_scope(|| Err(std::fmt::Error))
    };
    assert_eq!(testing::record(work).tree(), "work [error]\n");
    let all = ["word", "empty", "text", "count", "share", "flag", "absent"];
    let recorded = RecordOptions::new().show(all).show(["error.type"]).service("orders").record(work);
    let text = r#"work [error] word=a/b=c empty="" text="two\nlines \"quoted\"" count=3 share=0.5 flag=true error.type=core::fmt::Error"#;
    assert_eq!(recorded.tree(), format!("{text}\n"));
    assert_eq!(recorded.span("work").service, "orders");
    assert!(recorded.output.is_err());
}

/// Attributes of a run are its own, whenever it got them.
#[test]
fn attributes_of_a_run_are_shown() {
    let recorded = RecordOptions::new().show(["order.id", "total"]).record(|| {
        let run = observe::run("order").attribute("order.id", 42).attribute("total", 0).open();
        run.in_scope(|| step("pay"));
        run.attribute("total", 12.5);
        run.end();
    });
    assert_eq!(recorded.tree(), "run order order.id=42 total=12.5\n  pay\n");
}

/// A flush in the middle splits spans into several records. What is added afterwards comes in records of its own.
#[test]
fn a_split_span_is_one_line() {
    let recorded = RecordOptions::new().show(["before", "after"]).record(|| {
        let first = observe::span("first").open();
        observe::span("work").attribute("before", 1).in_scope(|| {
            assert!(spanbridge::flush_blocking(PATIENCE).complete);
            let work = observe::active_span().unwrap();
            work.attribute("after", 2);
            work.link(first.context());
            assert!(spanbridge::flush_blocking(PATIENCE).complete);
            step("step");
        });
        first.end();
    });
    let of_spans = recorded.records().iter().filter(|record| !matches!(record.body, Body::Segment(_))).count();
    assert!(of_spans > 3, "{:#?}", recorded.records());
    assert_eq!(recorded.tree(), "first\nwork before=1 after=2 -> first\n  step\n");
}

/// As docs/guide/spawning.md says: a task belongs to what spawns it if the code says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spawned_work_belongs_to_its_span() {
    let recorded = testing::record_async(|| async {
        let task = observe::span("handle").in_scope_value(|| {
            drop(tokio::spawn(async { step("bare") }));
            observe::spawn(async {
                tokio::time::sleep(Duration::from_millis(1)).await;
                step("receipt") // after "handle" has ended
            })
        });
        task.await.unwrap();
        let bound = observe::span("count").in_scope_value(|| observe::bind(|| step("on a thread")));
        std::thread::spawn(bound).join().unwrap();
        7
    })
    .await;
    assert_eq!(recorded.tree(), "handle\n  receipt\ncount\n  on a thread\n");
    assert_eq!(recorded.output, 7);
}

/// What nobody waits for is open, and what it does later is not recorded.
#[tokio::test]
async fn a_task_outlives_the_recording() {
    let (go, wait) = tokio::sync::oneshot::channel::<()>();
    let mut task = None;
    let recorded = testing::record_async(|| async {
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        task = Some(observe::spawn(observe::span("late").run_value(|| async {
            begun.send(()).unwrap();
            wait.await.unwrap();
            step("later")
        })));
        has_begun.await.unwrap();
    })
    .await;
    assert_eq!(recorded.tree(), "late [open]\n");
    go.send(()).unwrap();
    task.unwrap().await.unwrap();
    assert_eq!(recorded.tree(), "late [open]\n");
}

#[test]
fn recordings_do_not_see_each_other() {
    let (outer, installed) = (Memory::new(), Memory::new());
    let recorder = Recorder::builder("installed").sink(installed.clone()).install().unwrap();
    let inner = std::thread::scope(|scope| {
        let record = |n: usize| {
            let names: Vec<String> = (0..50).map(|i| format!("{n}-{i}")).collect();
            let recorded = testing::record(|| names.iter().for_each(|name| step(name)));
            assert_eq!(recorded.tree().lines().collect::<Vec<_>>(), names);
        };
        (0..8).for_each(|n| drop(scope.spawn(move || record(n))));
        // A recording inside another one, inside a span of a third recorder.
        let scoped = Recorder::builder("outer").sink(outer.clone()).build().unwrap();
        scoped.in_scope(|| {
            observe::span("outside").in_scope_value(|| {
                testing::record(|| {
                    step("first");
                    let inner = testing::record(|| step("inner"));
                    step("second");
                    inner.tree()
                })
            })
        })
    });
    assert_eq!((inner.output.as_str(), inner.tree().as_str()), ("inner\n", "first\nsecond\n"));
    recorder.shutdown(PATIENCE);
    let starts = |memory: &Memory| -> Vec<String> {
        let records = memory.take();
        let starts = records.iter().filter_map(|record| match &record.body {
            // The bare task of the test above belongs to whoever is installed.
            Body::Span(span) if span.name != "bare" => Some(span.name.to_string()),
            _ => None,
        });
        starts.collect()
    };
    assert_eq!((starts(&outer), starts(&installed)), (vec!["outside".to_owned()], vec![]));
}

/// A run stands below the span that started it, with its spans, and says how it ended.
#[test]
fn runs_stand_below_what_started_them() {
    let recorded = testing::record(|| {
        step("before");
        observe::span("place order").in_scope(|| {
            step("reserve");
            let mail = observe::run("send mail").in_scope(|| {
                step("render");
                Err::<(), _>("no such address")
            });
            assert!(mail.is_err());
            step("charge");
        });
        let saved = observe::run("approval").open();
        saved.in_scope(|| step("ask"));
        let saved = saved.suspend("a person");
        let resumed = observe::resume_run(saved);
        resumed.in_scope(|| step("go on"));
        let saved = resumed.suspend("");
        observe::run("left").in_scope(|| step("inside"));
        saved
    });
    let text = "\
before
place order
  reserve
  run send mail [error]
    render
  charge
run approval [suspended]
  ask
  suspended: a person
  go on
  suspended
run left
  inside
";
    assert_eq!(recorded.tree(), text);
    let statuses: Vec<_> = recorded.graphs().iter().map(|g| (g.run.name.as_str(), g.run.status)).collect();
    let expected = [
        ("before", RunStatus::Ok),
        ("place order", RunStatus::Ok),
        ("send mail", RunStatus::Error),
        ("approval", RunStatus::Suspended),
        ("left", RunStatus::Ok),
    ];
    assert_eq!(statuses, expected);
}

#[test]
fn what_comes_from_elsewhere_is_remote() {
    let peer = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let headers = HashMap::from([("traceparent".to_owned(), peer.to_owned())]);
    let recorded = testing::record(|| {
        let sender = carrier::extract(&headers).context;
        observe::in_scope(&sender, || step("handle"));
        let mut headers = HashMap::<String, String>::new();
        observe::span("send").in_scope(|| carrier::inject(&observe::current_context(), &mut headers));
        let message = carrier::extract(&headers).context;
        observe::span("batch").link(&sender).link(&message).link(&message).in_scope(|| ());
        observe::in_scope(&message, || step("receive"));
    });
    let text = "handle (remote)\nsend\n  receive\nbatch -> (remote), send x2\n";
    assert_eq!(recorded.tree(), text);
}

/// If a peer strips `tracestate`, the work on a message belongs to the trace's own run. It still stands below its sender.
#[test]
fn a_parent_in_another_run_is_found() {
    let recorded = testing::record(|| {
        let mut headers = HashMap::<String, String>::new();
        observe::span("request").in_scope(|| {
            observe::run("export").in_scope(|| {
                observe::span("send").in_scope(|| carrier::inject(&observe::current_context(), &mut headers));
            });
        });
        headers.remove("tracestate").unwrap();
        observe::in_scope(&carrier::extract(&headers).context, || step("receive"));
    });
    assert_eq!(recorded.tree(), "request\n  run export\n    send\n      receive (other run)\n");
    assert!(recorded.span("receive").orphan);
}

#[test]
fn a_sampler_decides() {
    let work = || {
        step("kept");
        step("left out");
        observe::current_context().is_empty()
    };
    let never = RecordOptions::new().sampler(Sampler::never()).record(work);
    assert_eq!((never.tree().as_str(), never.spans().count(), never.output), ("", 0, true));
    let by_name = Sampler::by(|root| root.name() != "left out");
    assert_eq!(RecordOptions::new().sampler(by_name).record(work).tree(), "kept\n");
}

/// Tasks that run at the same time begin in any order. Sorted, they have one text.
#[test]
fn siblings_can_be_sorted() {
    let record = |names: [&str; 3]| {
        RecordOptions::new().sort_siblings().record(|| {
            observe::span("all").in_scope(|| {
                for name in names {
                    observe::span("one").in_scope(|| step(name));
                }
            });
            step(names[0]);
            step(names[1]);
        })
    };
    let text = "a\nall\n  one\n    a\n  one\n    b\n  one\n    c\nb\n";
    assert_eq!(record(["a", "b", "c"]).tree(), text);
    assert_eq!(record(["b", "a", "c"]).tree(), text);
}

/// Without it, siblings stand in the order of their start, however close those are.
#[test]
fn siblings_stand_in_order_of_start() {
    let names: Vec<String> = (0..2_000).map(|n| n.to_string()).collect();
    let recorded = testing::record(|| observe::span("all").in_scope(|| names.iter().for_each(|name| step(name))));
    let tree = recorded.tree();
    assert_eq!(tree.lines().skip(1).map(str::trim).collect::<Vec<_>>(), names);
}

#[test]
fn a_panic_of_the_block_goes_on() {
    let caught = catch_unwind(|| testing::record(|| -> () { observe::span("work").in_scope(|| panic!("on its way")) }));
    let message = caught.err().and_then(|panic| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    assert_eq!(message.as_deref(), Some("on its way"));
}

#[test]
fn a_missing_span_is_told_with_the_tree() {
    let recorded = testing::record(|| (step("here"), step("twice"), step("twice")));
    let why = |name: &str| {
        let caught = catch_unwind(AssertUnwindSafe(|| recorded.span(name).name.clone()));
        caught.map_err(|panic| *panic.downcast::<String>().unwrap())
    };
    assert_eq!(why("here"), Ok("here".to_owned()));
    assert_eq!(why("there"), Err("no span is named \"there\":\nhere\ntwice\ntwice\n".to_owned()));
    assert_eq!(why("twice"), Err("2 spans are named \"twice\":\nhere\ntwice\ntwice\n".to_owned()));
    assert_eq!(format!("{recorded:?}"), r#"Recorded { output: ((), (), ()), tree: ["here", "twice", "twice"], .. }"#);
}

/// Control characters would break lines.
#[test]
fn a_line_stays_a_line() {
    let recorded = testing::record(|| step("GET /\r\n\u{1b}[31mred, größer"));
    assert_eq!(recorded.tree(), "GET /\\r\\n\\u{1b}[31mred, größer\n");
}

#[test]
fn a_deep_tree_needs_no_stack() {
    let recorded = testing::record(|| {
        let mut open = vec![observe::span("0").open()];
        for n in 1..2_000 {
            let span = open[n - 1].in_scope(|| observe::span(n.to_string()).open());
            open.push(span);
        }
        open.into_iter().rev().for_each(|span| span.end());
    });
    let tree = recorded.tree();
    assert!(tree.ends_with(&format!("\n{}1999\n", "  ".repeat(1_999))));
}

/// A test may run on any executor, so the future can change threads.
#[test]
fn an_async_recording_is_send() {
    fn is_send<T: Send>(_: &T) {}
    is_send(&testing::record_async(|| async { 1 }));
    is_send(&testing::record(|| 1));
}
