//! What a span around a future costs: as it is, and for each poll that is not the last.

use super::bench::{Bench, Work, bench};
use super::{ours, theirs};
use fastrace::future::FutureExt;
use fastrace::prelude::Span;
use spanbridge::observe;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

struct Pending(u64);

impl Future for Pending {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        Poll::Pending
    }
}

/// Behind a pointer, so that nothing is hoisted out of the loop.
fn pending(polls: u64) -> Pin<Box<dyn Future<Output = ()>>> {
    black_box(Box::pin(Pending(polls)))
}

fn drive(f: impl Future<Output = ()>) {
    let (mut f, mut cx) = (pin!(f), Context::from_waker(Waker::noop()));
    while black_box(f.as_mut()).poll(&mut cx).is_pending() {}
}

pub(crate) fn benches() -> Vec<Bench> {
    let mut all = vec![];
    for polls in [0, 100] {
        let most = if polls == 0 { 5_000 } else { 200 };
        let mut add = |who: &str, start: fn(u64) -> Work| {
            all.push(bench(format!("polls {polls}/{who}"), polls + 1, most, move || start(polls)))
        };
        add("nothing", |polls| Work::plain(move |n| (0..n).for_each(|_| drive(pending(polls)))));
        add("spanbridge", |polls| {
            ours::recorded(move |n| {
                observe::span("root").in_scope(|| {
                    for _ in 0..n {
                        drive(observe::span("child").run(|| pending(polls)))
                    }
                })
            })
        });
        add("fastrace", |polls| {
            theirs::recorded(move |n| {
                theirs::in_root(|| {
                    for _ in 0..n {
                        drive(pending(polls).in_span(Span::enter_with_local_parent("child")))
                    }
                })
            })
        });
    }
    all
}
