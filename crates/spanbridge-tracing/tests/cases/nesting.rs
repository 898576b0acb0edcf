//! Spans of `tracing` and of `observe` inside of one another, and guards that do not nest.

use super::{traced, tree_of};
use spanbridge::{carrier, observe};
use std::collections::HashMap;
use tracing::info_span;

fn step(name: &'static str) {
    observe::span(name).in_scope(|| ())
}

/// `observe` → `tracing` → `observe` → what an adapter sends: each is below the one before.
#[test]
fn observe_tracing_observe_adapter() {
    let recorded = traced(|| {
        observe::span("request").in_scope_value(|| {
            let handler = info_span!("handler").entered();
            let mut headers = HashMap::<String, String>::new();
            observe::span("query").in_scope(|| carrier::inject(&observe::current_context(), &mut headers));
            let mut direct = HashMap::<String, String>::new();
            carrier::inject(&observe::current_context(), &mut direct);
            info_span!("deeper").in_scope(|| step("leaf"));
            drop(handler);
            step("after");
            (headers["traceparent"].clone(), direct["traceparent"].clone())
        })
    });
    let tree = "\
request
  handler
    query
    deeper
      leaf
  after
";
    assert_eq!(recorded.tree(), tree);
    let (in_query, in_handler) = &recorded.output;
    assert_eq!(in_query[36..52], recorded.span("query").span_id.to_string());
    assert_eq!(in_handler[36..52], recorded.span("handler").span_id.to_string());
    assert_eq!(in_handler[3..35], recorded.span("request").trace_id.to_string());
}

/// A guard that is dropped early leaves the later one current, which then restores what was before both.
#[test]
fn guards_dropped_out_of_order() {
    let tree = tree_of(&[], || {
        observe::span("root").in_scope(|| {
            let (a, b) = (info_span!("a"), info_span!("b"));
            let in_a = a.enter();
            let in_b = b.enter();
            drop(in_a);
            step("in b");
            drop(in_b);
            step("in root");
        })
    });
    assert_eq!(tree, "root\n  a\n  b\n    in b\n  in root\n");
}

/// The same in three traces: what is exchanged is more than the span.
#[test]
fn guards_of_three_traces_out_of_order() {
    let recorded = traced(|| {
        observe::span("root").in_scope(|| {
            let [a, b, c] = ["a", "b", "c"].map(|name| info_span!(parent: None, "part", otel.name = name));
            let in_a = a.enter();
            let in_b = b.enter();
            let in_c = c.enter();
            drop(in_b);
            step("in c");
            drop(in_c);
            step("in a");
            let in_b = b.enter();
            drop(in_a);
            step("in b");
            drop(in_b);
            step("in root");
        })
    });
    let tree = "root\n  in root\na\n  in a\nb\n  in b\nc\n  in c\n";
    assert_eq!(recorded.tree(), tree);
    assert_eq!(recorded.graphs().len(), 4);
}

/// Three guards, of which each is dropped before the one that was there before it.
#[test]
fn three_guards_interleaved() {
    let tree = tree_of(&[], || {
        observe::span("root").in_scope(|| {
            let [a, b, c] = ["a", "b", "c"].map(|name| info_span!("part", otel.name = name));
            let in_a = a.enter();
            let in_b = b.enter();
            let in_c = c.enter();
            drop(in_b);
            step("still in c");
            drop(in_a);
            step("in c, alone");
            drop(in_c);
            step("in root");
        })
    });
    assert_eq!(tree, "root\n  a\n  b\n  c\n    still in c\n    in c, alone\n  in root\n");
}

/// A span that is entered twice is current until both guards are gone, and can be entered again later.
#[test]
fn a_span_is_entered_again() {
    let tree = tree_of(&[], || {
        observe::span("root").in_scope(|| {
            let (a, b) = (info_span!("a"), info_span!("b"));
            let once = a.enter();
            let in_b = b.enter();
            let twice = a.enter();
            step("in a, inner");
            drop(twice);
            step("in b");
            drop(in_b);
            step("in a, outer");
            drop(once);
            step("in root");
            a.in_scope(|| step("in a, again"));
        })
    });
    let tree_expected = "\
root
  a
    in a, inner
    in a, outer
    in a, again
  b
    in b
  in root
";
    assert_eq!(tree, tree_expected);
}

/// A guard that leaves the call in which its span was entered does not take the context along.
#[test]
fn a_guard_that_leaves_its_call() {
    let recorded = traced(|| {
        observe::span("root").in_scope(|| {
            let other = info_span!(parent: None, "other trace");
            let context = observe::current_context();
            let guard = observe::in_scope(&context, || {
                let guard = other.enter();
                step("in other trace");
                guard
            });
            step("in root, guard alive");
            drop(guard);
            step("in root");
        });
    });
    let tree = "root\n  in root, guard alive\n  in root\nother trace\n  in other trace\n";
    assert_eq!(recorded.tree(), tree);
}

/// A guard that is dropped in a call further inside: the call goes on, and afterwards the span is no longer current.
#[test]
fn a_guard_dropped_further_inside() {
    let recorded = traced(|| {
        observe::span("root").in_scope(|| {
            let (same, other) = (info_span!("same trace"), info_span!(parent: None, "other trace"));
            for span in [&same, &other] {
                let guard = span.enter();
                let inside = observe::current_context();
                observe::in_scope(&inside, || {
                    drop(guard);
                    step("inside");
                });
                step("in root");
            }
        });
    });
    let tree = "root\n  same trace\n    inside\n  in root\n  in root\nother trace\n  inside\n";
    assert_eq!(recorded.tree(), tree);
}

/// The same with spans of `observe` as the calls, which exchange less: what is inside goes on, and what comes after is in its place.
#[test]
fn a_guard_dropped_in_a_span_of_observe() {
    let recorded = traced(|| {
        observe::span("root").in_scope(|| {
            let (same, other) = (info_span!("same trace"), info_span!(parent: None, "other trace"));
            for span in [&same, &other] {
                let guard = span.enter();
                observe::span("call").in_scope(|| {
                    drop(guard);
                    step("inside");
                    info_span!("further inside").in_scope(|| step("leaf"));
                    step("inside still");
                });
                step("in root");
            }
        });
        step("outside");
    });
    let tree = "\
root
  same trace
    call
      inside
      further inside
        leaf
      inside still
  in root
  in root
other trace
  call
    inside
    further inside
      leaf
    inside still
outside
";
    assert_eq!(recorded.tree(), tree);
    assert_eq!(recorded.graphs().len(), 3);
}

/// A guard that leaves a span of `observe`, and one of another trace that is dropped there.
#[test]
fn a_guard_that_leaves_a_span_of_observe() {
    let recorded = traced(|| {
        observe::span("root").in_scope(|| {
            let [a, b] = ["a", "b"].map(|name| info_span!(parent: None, "part", otel.name = name));
            let in_a = a.enter();
            let in_b = observe::span("call").in_scope_value(|| {
                let in_b = b.enter();
                drop(in_a);
                step("in b");
                in_b
            });
            step("in root, guard alive");
            drop(in_b);
            step("in root");
            let failed = observe::span("fails").in_scope(|| Err::<(), _>(Guard(b.enter())));
            step("in root, after");
            drop(failed);
            step("in root again");
        });
        step("outside");
    });
    let tree = "\
root
  in root, guard alive
  in root
  fails [error]
  in root, after
  in root again
a
  call
b
  in b
outside
";
    assert_eq!(recorded.tree(), tree);
}

/// An error that has a guard.
struct Guard<'a>(#[expect(dead_code, reason = "held")] tracing::span::Entered<'a>);

impl std::fmt::Display for Guard<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no ink")
    }
}

/// More spans inside of one another than a thread has places for.
#[test]
fn a_hundred_spans_deep() {
    let recorded = traced(|| {
        fn deeper(levels: u32) {
            match levels {
                0 => step("leaf"),
                n => info_span!("level").in_scope(|| deeper(n - 1)),
            }
        }
        deeper(100);
        step("outside");
    });
    assert_eq!(recorded.span("leaf").depth, 100);
    assert_eq!(recorded.span("outside").parent_span_id, None);
}
