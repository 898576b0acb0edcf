//! Threads: several defaults, and what happens when a thread ends.

use super::{default, traced, under};
use spanbridge::observe;
use spanbridge_graph::testing;
use std::cell::RefCell;
use std::sync::Barrier;
use tracing::{info_span, span};
use tracing_subscriber::prelude::*;

/// Two subscribers on two threads give the same numbers to their spans, and each has its own spans.
#[test]
fn two_subscribers_with_the_same_numbers() {
    let barrier = Barrier::new(2);
    let one = |name: &'static str| {
        let dispatch = tracing::Dispatch::new(tracing_subscriber::registry().with(spanbridge_tracing::layer()));
        testing::record(|| {
            under(&dispatch, || {
                for _ in 0..100 {
                    let outer = info_span!("outer", otel.name = name).entered();
                    barrier.wait();
                    info_span!("inner").in_scope(|| observe::span("leaf").in_scope(|| ()));
                    barrier.wait();
                    drop(outer)
                }
            })
        })
        .tree()
    };
    std::thread::scope(|threads| {
        let other = threads.spawn(|| one("b"));
        assert_eq!(one("a"), "a\n  inner\n    leaf\n".repeat(100));
        assert_eq!(other.join().unwrap(), "b\n  inner\n    leaf\n".repeat(100));
    })
}

/// The same on one thread: a span of the first subscriber is open while the second has a span of the same number.
#[test]
fn two_subscribers_on_one_thread() {
    let recorded = testing::record(|| {
        let new = || tracing::Dispatch::new(tracing_subscriber::registry().with(spanbridge_tracing::layer()));
        let (first, second) = (new(), new());
        let a = under(&first, || info_span!("a"));
        let b = under(&second, || info_span!("b"));
        assert_eq!(a.id(), b.id(), "the test shows nothing if they are not the same");
        let in_a = a.enter();
        b.in_scope(|| observe::span("in b").in_scope(|| ()));
        observe::span("in a").in_scope(|| ());
        drop(in_a);
        drop(a);
        b.in_scope(|| observe::span("in b, again").in_scope(|| ()));
    });
    assert_eq!(recorded.tree(), "a\n  in a\nb\n  in b\n  in b, again\n");
}

thread_local! {
    static AT_END: RefCell<Option<AtEnd>> = const { RefCell::new(None) };
}

/// Uses spans when the thread ends.
struct AtEnd(tracing::Span, Option<span::EnteredSpan>);

impl Drop for AtEnd {
    fn drop(&mut self) {
        self.0.in_scope(|| observe::span("in the destructor").in_scope(|| ()));
        drop(self.1.take());
        let _late = info_span!("late").entered();
    }
}

/// A span that is entered in the destructor of a thread-local, and one that is left there: nothing panics, and the next thread is as
/// ever.
#[test]
fn a_thread_ends_inside_a_span() {
    let recorded = traced(|| {
        let root = info_span!("root");
        let default = default();
        let (root, default) = (&root, &default);
        let work = move || {
            let held = info_span!(parent: root, "held");
            AT_END.set(Some(AtEnd(root.clone(), Some(held.entered()))));
        };
        std::thread::scope(|threads| {
            threads.spawn(move || default.call(work)).join().unwrap();
            threads.spawn(move || default.call(|| root.in_scope(|| info_span!("next").in_scope(|| ()))));
        });
    });
    assert_eq!(recorded.span("next").parent_span_id, Some(recorded.span("root").span_id));
}

/// Thousands of open spans: more than there are slots for.
#[test]
fn ten_thousand_open_spans() {
    const MANY: usize = 10_000;
    let recorded = traced(|| {
        let root = info_span!("root").entered();
        let all: Vec<_> = (0..MANY).map(|_| info_span!("span")).collect();
        for span in &all {
            span.in_scope(|| info_span!("inside").in_scope(|| ()))
        }
        let default = default();
        std::thread::spawn(move || default.call(|| drop(all))).join().unwrap();
        drop(root)
    });
    let (spans, inside): (Vec<_>, Vec<_>) =
        recorded.spans().filter(|span| span.depth > 0).partition(|span| span.depth == 1);
    assert_eq!((spans.len(), inside.len()), (MANY, MANY));
    assert!(recorded.spans().all(|span| span.ended_at.is_some()));
}
