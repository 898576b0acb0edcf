//! Futures and tasks.

use super::{default, subscribed, traced};
use spanbridge::{ContextExt, observe};
use spanbridge_graph::testing::Recorded;
use std::future::{Future, pending};
use tokio::task::yield_now;
use tracing::{Instrument, info_span, instrument};

/// What a future records on a runtime with several threads.
fn on_tokio<F: Future>(work: impl FnOnce() -> F) -> Recorded<F::Output> {
    subscribed(|| {
        let default = default();
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(3).enable_time().on_thread_start(move || default.set()).build().unwrap();
        runtime.block_on(spanbridge_graph::testing::record_async(work))
    })
}

fn step(name: &'static str) {
    observe::span(name).in_scope(|| ())
}

#[instrument]
async fn steps(n: u32) {
    for _ in 0..n {
        step("step");
        yield_now().await
    }
}

/// A task moves from thread to thread, and everything is below its span.
#[test]
fn instrumented_tasks_move_between_threads() {
    let recorded = on_tokio(|| async {
        let root = info_span!("root");
        let mut tasks = Vec::new();
        for _ in 0..8 {
            let task = steps(50).instrument(info_span!(parent: &root, "task"));
            tasks.push(tokio::spawn(task))
        }
        for task in tasks {
            task.await.unwrap()
        }
    });
    for span in recorded.spans() {
        let above = ["root", "task", "steps", "step"].iter().position(|name| *name == span.name).unwrap();
        assert_eq!(span.depth, above, "{}", recorded.tree());
    }
    assert_eq!(recorded.spans().count(), 1 + 8 + 8 + 8 * 50);
}

/// A task that is spawned is below the span in which it was spawned only if it is told so.
#[test]
fn spawned_with_and_without_the_span() {
    let recorded = on_tokio(|| async {
        let work = async {
            tokio::spawn(async { step("with") }.in_current_span()).await.unwrap();
            tokio::spawn(async { step("with context") }.in_current_context()).await.unwrap();
            tokio::spawn(async { step("without") }).await.unwrap();
        };
        work.instrument(info_span!("root")).await
    });
    assert_eq!(recorded.tree(), "root\n  with\n  with context\n");
}

/// A guard that is held across an await ends with the poll, if the future has a context of its own: its span is current neither in
/// other branches nor in the next poll.
#[test]
fn a_guard_held_across_await_in_join() {
    let recorded = traced(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let branch = |name: &'static str| async move {
            let span = info_span!("branch", otel.name = name);
            let guard = span.enter();
            yield_now().await;
            step("in a branch");
            drop(guard);
            yield_now().await;
            step("after");
        };
        let work = async {
            let contained = || observe::span("contained").run_value(|| branch("held"));
            tokio::join!(contained(), contained(), contained());
        };
        let context = observe::span("root").open();
        runtime.block_on(work.in_context(context.context().clone()));
        step("outside");
        context.end();
    });
    let one = "  contained\n    held\n    in a branch\n    after\n";
    assert_eq!(recorded.tree(), format!("root\n{}outside\n", one.repeat(3)));
}

/// The same without anything that contains the guards: the branches see each other's spans, but nothing is left behind.
#[test]
fn guards_across_await_leave_nothing_behind() {
    let recorded = traced(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        observe::span("root").in_scope(|| {
            let branch = |name: &'static str, rests: u32| async move {
                let _guard = info_span!("branch", otel.name = name).entered();
                for _ in 0..rests {
                    yield_now().await
                }
            };
            runtime.block_on(async { tokio::join!(branch("a", 1), branch("b", 3), branch("c", 2)) });
            step("after");
        });
        step("outside");
    });
    assert_eq!(recorded.span("after").parent_span_id, Some(recorded.span("root").span_id), "{}", recorded.tree());
    assert_eq!(recorded.span("outside").parent_span_id, None);
}

/// A future that is given up is dropped inside of its span, which then ends.
#[test]
fn an_instrumented_future_is_cancelled() {
    struct OnDrop;
    impl Drop for OnDrop {
        fn drop(&mut self) {
            step("dropped")
        }
    }
    let recorded = on_tokio(|| async {
        let work = async {
            let given_up = async {
                let _on_drop = OnDrop;
                pending::<()>().await
            };
            let given_up = given_up.instrument(info_span!("given up"));
            tokio::select! {
                biased;
                () = given_up => {}
                () = yield_now() => {}
            }
            step("goes on");
        };
        work.instrument(info_span!("root")).await
    });
    assert_eq!(recorded.tree(), "root\n  given up\n    dropped\n  goes on\n");
}

#[instrument(err, skip_all)]
async fn fails(text: &'static str) -> Result<(), std::io::Error> {
    yield_now().await;
    Err(std::io::Error::other(text))
}

/// `#[instrument(err)]` makes its span an error with that text, on whichever thread it is ready. The spans around it are not.
#[test]
fn instrument_err_async() {
    let recorded = on_tokio(|| async {
        let work = async { tokio::spawn(fails("out of paper").in_current_span()).await.unwrap() };
        work.instrument(info_span!("root")).await
    });
    assert!(recorded.output.is_err());
    assert_eq!(recorded.tree(), "root\n  fails [error]\n");
    let failed = recorded.span("fails");
    assert_eq!(failed.error.as_deref(), Some("out of paper"));
    assert_eq!(failed.events.iter().map(|event| &*event.name).collect::<Vec<_>>(), ["exception"]);
}

/// A panic of a task goes through its span, though the span is closed later, when nothing unwinds any more.
#[test]
fn a_task_panics() {
    let recorded = on_tokio(|| async {
        let work = async {
            let panics = async {
                step("inside");
                panic!("as the test wants")
            }
            .instrument(info_span!("panics"));
            assert!(tokio::spawn(panics).await.is_err());
        };
        work.instrument(info_span!("root")).await
    });
    assert_eq!(recorded.tree(), "root\n  panics [panicked]\n    inside\n");
}
