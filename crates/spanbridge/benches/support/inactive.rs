//! Spans that nobody records.

use super::bench::{Bench, Work, bench};
use super::{ours, theirs};
use fastrace::local::LocalSpan;
use spanbridge::{Sampler, observe};
use std::hint::black_box;

const ITERATIONS: u64 = 1_000_000;

fn empty_spans<const ATTRIBUTES: bool>(n: u64) {
    for i in 0..n {
        ours::child::<ATTRIBUTES>(i).in_scope(|| {
            black_box(());
        })
    }
}

pub(crate) fn benches() -> Vec<Bench> {
    vec![
        bench("inactive/none installed", 1, ITERATIONS, || Work::plain(empty_spans::<false>)),
        bench("inactive/with attributes", 1, ITERATIONS, || Work::plain(empty_spans::<true>)),
        bench("inactive/unsampled", 1, ITERATIONS, || {
            let recorder = ours::set_up(Sampler::ratio(0.0));
            Work {
                go: Box::new(|n| observe::span("root").in_scope(|| empty_spans::<false>(n))),
                settle: Box::new(|| {}),
                _keep: Box::new(recorder),
            }
        }),
        bench("inactive/fastrace", 1, ITERATIONS, || {
            theirs::recorded(|n| {
                for _ in 0..n {
                    black_box(&LocalSpan::enter_with_local_parent("child"));
                }
            })
        }),
    ]
}
