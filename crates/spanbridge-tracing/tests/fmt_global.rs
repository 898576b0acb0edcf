//! A service without the layer, with one global subscriber: spans of `observe`, threads, `log`, and values that log.
#![cfg(feature = "fmt")]

mod lines;

use lines::{Lines, RUN, SPAN, TRACE, in_trace, sent};
use spanbridge::{ContextExt, Memory, Recorder, observe};
use spanbridge_tracing::fmt::WithIds;
use std::sync::{Mutex, OnceLock};
use std::thread;
use tracing::info;

/// Installs it once, and gives the lines that were written with `mark` in them.
fn written(mark: &str, work: impl FnOnce()) -> Vec<String> {
    static LINES: OnceLock<Lines> = OnceLock::new();
    static SEEN: Mutex<Vec<String>> = Mutex::new(vec![]);
    let lines = LINES.get_or_init(|| {
        let lines = Lines::default();
        tracing_subscriber::fmt().without_time().with_ansi(false).with_writer(lines.clone()).with_ids().init();
        lines
    });
    work();
    let mut seen = SEEN.lock().unwrap();
    seen.extend(lines.take());
    seen.iter().filter(|line| line.contains(mark)).cloned().collect()
}

fn shown() -> String {
    let context = observe::current_context();
    format!("trace_id={} span_id={}", context.trace_id().unwrap(), context.span_id().unwrap())
}

/// Each line has the ids of the innermost span, also when spans end, and after an await.
#[tokio::test]
async fn spans_of_observe() {
    let recorder = Recorder::builder("shop").sink(Memory::new()).build().expect("a recorder");
    let seen = written("of spans", || ()); // installed before anything is written
    assert!(seen.is_empty());
    let mut expected = vec![];
    let mut line = |text: &str, ids: &str| expected.push(format!(" INFO fmt_global: {text} of spans{ids}\n"));
    info!("before of spans");
    line("before", "");
    let outer = async || {
        info!("outer of spans");
        line("outer", &format!(" {}", shown()));
        let inner = async || {
            tokio::task::yield_now().await;
            info!("inner of spans");
            line("inner", &format!(" {}", shown()));
        };
        observe::span("inner").run(inner).await;
        info!("outer again of spans");
        line("outer again", &format!(" {}", shown()));
        // A task does not inherit the context. One that is given it has it.
        tokio::spawn(async { info!("a task of spans") }).await.unwrap();
        line("a task", "");
        tokio::spawn(async { info!("a task with it of spans") }.in_current_context()).await.unwrap();
        line("a task with it", &format!(" {}", shown()));
    };
    recorder.scope(|| observe::span("outer").run(outer)).await;
    assert_eq!(written("of spans", || ()), expected);
}

#[test]
fn threads() {
    let seen = written("of threads", || {
        thread::scope(|scope| {
            for n in 0..4 {
                scope.spawn(move || {
                    let flags = n % 2;
                    for _ in 0..50 {
                        let run = (n > 1).then_some(RUN);
                        observe::in_scope(&sent(flags, run), || info!("{n} of threads"));
                        info!("none of threads");
                    }
                });
            }
        });
        in_trace(|| thread::spawn(observe::bind(|| info!("bound of threads")))).join().unwrap();
    });
    let count = |text: &str, ids: String| {
        let line = format!(" INFO fmt_global: {text} of threads{ids}\n");
        seen.iter().filter(|seen| **seen == line).count()
    };
    let ids = format!(" trace_id={TRACE} span_id={SPAN}");
    let with_run = format!("{ids} run_id={RUN}");
    let counts = ["0", "1"].map(|n| count(n, ids.clone()));
    assert_eq!((counts, ["2", "3"].map(|n| count(n, with_run.clone()))), ([50; 2], [50; 2]), "{seen:?}");
    assert_eq!((count("none", String::new()), count("bound", ids)), (200, 1));
    assert_eq!(seen.len(), 401);
}

#[test]
fn records_of_log() {
    let seen = written("of log", || in_trace(|| log::warn!("a record of log")));
    assert_eq!(seen, [format!(" WARN fmt_global: a record of log trace_id={TRACE} span_id={SPAN}\n")]);
}

/// The `Debug` of a field logs. Its line is whole before the outer one is, and each has its own ids.
#[test]
fn a_value_that_logs() {
    struct Logs;
    impl std::fmt::Debug for Logs {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            observe::in_scope(&sent(0, Some(RUN)), || info!("inside of nested"));
            f.write_str("shown")
        }
    }
    let seen = written("of nested", || in_trace(|| info!(value = ?Logs, "outside of nested")));
    let ids = format!("trace_id={TRACE} span_id={SPAN}");
    let inside = format!(" INFO fmt_global: inside of nested {ids} run_id={RUN}\n");
    assert_eq!(seen, [inside, format!(" INFO fmt_global: outside of nested value=shown {ids}\n")]);
}

/// A line is written while the thread ends: after our thread-locals are gone, before those of the formatter are.
#[test]
fn a_thread_that_ends() {
    struct Last;
    impl Drop for Last {
        fn drop(&mut self) {
            in_trace(|| info!("last of ends"))
        }
    }
    thread_local!(static LAST: Last = const { Last });
    let seen = written("of ends", || {
        let thread = thread::spawn(|| {
            info!("outside of ends"); // the formatter's
            LAST.with(|_| ());
            in_trace(|| info!("first of ends")); // ours, which are dropped first
        });
        thread.join().unwrap();
    });
    let line = |text| format!(" INFO fmt_global: {text} of ends trace_id={TRACE} span_id={SPAN}\n");
    assert_eq!(seen, [" INFO fmt_global: outside of ends\n".to_owned(), line("first"), line("last")]);
}
