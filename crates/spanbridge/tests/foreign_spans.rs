//! Spans of another library, by number: what is current whatever is entered and left, and that nothing is used that is gone. To be run
//! under Miri, too.
#![cfg(feature = "record")]

mod support;

use spanbridge::adapter::ForeignSpans;
use spanbridge::observe::{self, WithContext};
use spanbridge::record::Record;
use spanbridge::{Context, ContextExt, Failure, Status};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Poll, Waker};
use support::*;

fn step(name: &'static str) {
    observe::span(name).in_scope(|| ())
}

fn named(records: &[Record<'_>], name: &str) -> Seen {
    by_name(&spans(records), name).clone()
}

/// A span of a trace of its own.
fn root(name: &'static str) -> observe::Span {
    observe::in_scope(&Context::detached(), || observe::span(name).open())
}

#[test]
fn entered_and_left_in_any_order() {
    let foreign = ForeignSpans::new();
    let records = record(|| {
        observe::span("outer").in_scope(|| {
            foreign.begin(1, observe::span("one").open());
            foreign.begin(2, root("two"));
            foreign.begin(3, observe::span("three").open());
            for id in [1, 2, 3] {
                assert!(foreign.enter(id));
                assert_eq!(foreign.current(), Some(id));
            }
            step("in three");
            assert!(foreign.leave(2));
            assert!(foreign.leave(1));
            assert_eq!(foreign.current(), Some(3));
            step("still in three");
            assert!(foreign.leave(3) && !foreign.leave(3));
            assert_eq!(foreign.current(), None);
            step("in outer");
            assert!([1, 2, 3].iter().all(|id| foreign.end(*id)));
            assert!(foreign.is_empty() && !foreign.end(1) && !foreign.enter(1));
        })
    });
    let three = named(&records, "three").id;
    assert_eq!(named(&records, "in three").parent, Some(three));
    assert_eq!(named(&records, "still in three").parent, Some(three));
    assert_eq!(named(&records, "in outer").parent, Some(named(&records, "outer").id));
    assert!(spans(&records).iter().all(|span| span.status == Some(Status::Ok)));
}

/// The number belongs to one `ForeignSpans` alone.
#[test]
fn equal_numbers_of_two_owners() {
    let (a, b) = (ForeignSpans::new(), ForeignSpans::new());
    let records = record(|| {
        a.begin(7, observe::span("a").open());
        assert!(!b.enter(7) && b.is_empty() && !a.is_empty());
        b.begin(7, root("b"));
        a.enter(7);
        b.enter(7);
        step("in b");
        assert!(a.leave(7));
        step("in b, again");
        assert!(!a.leave(7) && b.leave(7));
        assert!(b.end(7) && a.contains(7) && a.end(7));
    });
    let b = named(&records, "b").id;
    assert_eq!(named(&records, "in b").parent, Some(b));
    assert_eq!(named(&records, "in b, again").parent, Some(b));
}

/// A panic, then an explicit success, then the last failure with a text.
#[test]
fn how_a_span_ends() {
    let foreign = ForeignSpans::new();
    let fail = |id, text: &str| foreign.fail(id, &Failure::new(&text).class("printer"));
    let records = record(|| {
        for (id, name) in [(1, "panicked"), (2, "succeeded"), (3, "failed"), (4, "fine")] {
            foreign.begin(id, observe::span(name).open())
        }
        let panics = || {
            foreign.enter(1);
            struct Leaves<'s>(&'s ForeignSpans);
            impl Drop for Leaves<'_> {
                fn drop(&mut self) {
                    // What begins and is left during the panic has not panicked.
                    self.0.enter(4);
                    self.0.leave(4);
                    self.0.leave(1);
                }
            }
            let _leaves = Leaves(&foreign);
            panic!("out of paper")
        };
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        foreign.succeed(2);
        (1..=3).for_each(|id| fail(id, "no ink"));
        fail(3, "no toner");
        fail(3, "");
        (1..=4).for_each(|id| assert!(foreign.end(id)));
    });
    let end = |name| {
        let span = named(&records, name);
        (span.status, span.error.unwrap_or_default())
    };
    assert_eq!(end("panicked").0, Some(Status::Panicked));
    assert!(end("panicked").1.starts_with("out of paper, at "));
    assert_eq!(end("succeeded"), (Some(Status::Ok), String::new()));
    assert_eq!(end("failed"), (Some(Status::Error), "no toner".to_owned()));
    assert_eq!(end("fine").0, Some(Status::Ok));
}

/// More than there are slots: all are found, on another thread, too.
#[test]
fn more_spans_than_slots() {
    let many = size(10_000, 200);
    let foreign = ForeignSpans::new();
    let records = record(|| {
        let ids = || (0..many).map(|n| n.wrapping_mul(0x1_0000_0001));
        ids().for_each(|id| foreign.begin(id, observe::span("span").open()));
        ids().for_each(|id| {
            assert!(foreign.enter(id));
            assert!(foreign.leave(id))
        });
        std::thread::scope(|threads| {
            threads.spawn(|| {
                ids().rev().for_each(|id| assert!(foreign.enter(id) && foreign.leave(id) && foreign.end(id)))
            });
        });
        assert!(foreign.is_empty());
    });
    let seen = spans(&records);
    assert_eq!(seen.len() as u64, many);
    assert!(seen.iter().all(|span| span.status == Some(Status::Ok)));
}

/// A future that does what it is told at each poll.
type Told = WithContext<Pin<Box<dyn Future<Output = ()>>>>;

/// A program of random steps.
struct Random {
    state: u64,
    spans: ForeignSpans,
    contexts: Vec<Context>,
    left: u32,
}

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.state = self.state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.state >> 33) % below
    }

    fn steps(&mut self, depth: u32) {
        while self.left > 0 {
            self.left -= 1;
            let id = self.next(6);
            match self.next(12) {
                0..=2 => _ = self.spans.enter(id),
                3..=5 => _ = self.spans.leave(id),
                6 if self.spans.end(id) => {}
                6 => {
                    let span = if self.next(2) == 0 { root("root") } else { observe::span("span").open() };
                    self.spans.begin(id, span)
                }
                7 if depth < 4 => {
                    let at = self.next(self.contexts.len() as u64) as usize;
                    let context = self.contexts[at].clone();
                    observe::in_scope(&context, || self.steps(depth + 1))
                }
                8 if depth < 4 => observe::span("called").in_scope(|| self.steps(depth + 1)),
                9 if depth < 4 => self.poll(depth),
                10 => self.contexts.push(observe::current_context()),
                11 if depth > 0 => return,
                _ => step("step"),
            }
        }
    }

    /// Polls a future with a context of its own, which keeps that whatever happens inside.
    fn poll(&mut self, depth: u32) {
        let at = self.next(self.contexts.len() as u64) as usize;
        let context = self.contexts[at].clone();
        let me: *mut Random = self;
        let inside = poll_fn(move |_| {
            // SAFETY: polled below, while nobody else uses it.
            unsafe { (*me).steps(depth + 1) };
            Poll::Pending
        });
        let mut future: Told = (Box::pin(inside) as Pin<Box<dyn Future<Output = ()>>>).in_context(context.clone());
        for _ in 0..2 {
            assert!(Pin::new(&mut future).poll(&mut std::task::Context::from_waker(Waker::noop())).is_pending());
            assert_eq!(*future.context(), context);
        }
    }
}

/// Whatever is entered, left, ended, called and polled, in whatever order: what is current afterwards is what was before, contexts stay
/// what they are, and under Miri, nothing is used that is gone, and nothing is leaked.
#[test]
fn random_steps_restore_what_was_current() {
    let (recorder, _) = recorder();
    recorder.in_scope(|| {
        for seed in 0..size(3000, 8) {
            let outer = observe::span("outer").open();
            let before = outer.context().clone();
            outer.in_scope(|| {
                let contexts = vec![before.clone(), Context::EMPTY, root("other").context().clone()];
                let mut random = Random { state: seed, spans: ForeignSpans::new(), contexts, left: 60 };
                observe::in_scope(&before, || random.steps(0));
                assert_eq!(observe::current_context(), before, "seed {seed}");
                (0..6).for_each(|id| while random.spans.end(id) {});
                assert!(random.spans.is_empty());
            });
            outer.end()
        }
    });
    flush(&recorder);
}

/// Threads that use the same numbers against all rules: nothing breaks, and what is left can be ended.
#[test]
fn threads_that_do_not_keep_to_the_rules() {
    let (recorder, _) = recorder();
    let foreign = ForeignSpans::new();
    let rounds = size(20_000, 60);
    std::thread::scope(|threads| {
        for thread in 0..3 {
            let (foreign, recorder) = (&foreign, &recorder);
            threads.spawn(move || {
                recorder.in_scope(|| {
                    let mut state: u64 = thread + 1;
                    for _ in 0..rounds {
                        state = state.wrapping_mul(6_364_136_223_846_793_005) % 1_000_000_007;
                        let id = state % 3;
                        match state / 3 % 6 {
                            0 => foreign.begin(id, observe::span("span").open()),
                            1 => _ = foreign.enter(id),
                            2 => _ = foreign.leave(id),
                            3 => drop(foreign.context(id)),
                            4 => foreign.fail(id, &Failure::new(&"no ink")),
                            _ => _ = foreign.end(id),
                        }
                    }
                    (0..3).for_each(|id| while foreign.leave(id) {});
                })
            });
        }
    });
    (0..3).for_each(|id| while foreign.end(id) {});
    assert!(foreign.is_empty());
    flush(&recorder);
}
