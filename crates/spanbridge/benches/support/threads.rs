//! One thread and two, each on a core of its own.

use super::bench::{Bench, ELSEWHERE, Work, bench};
use super::{clock, ours, theirs};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::channel;

/// Keeps this thread on one processor, where the system lets it.
pub(crate) fn stay_on(processor: usize) {
    #[cfg(target_os = "linux")]
    // SAFETY: a set of processors of the right size.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(processor, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = processor;
}

/// Has `threads` threads do what `work` says, each as often as is asked.
fn spread(threads: usize, work: fn()) -> impl FnMut(u64) {
    let (done, all_done) = channel();
    let start = |i| {
        let (go, orders) = channel::<u64>();
        let done = done.clone();
        std::thread::spawn(move || {
            stay_on(i);
            for n in orders {
                let begun = clock::thread();
                (0..n).for_each(|_| work());
                ELSEWHERE.fetch_add(clock::thread() - begun, Relaxed);
                done.send(()).unwrap()
            }
        });
        go
    };
    let threads: Vec<_> = (0..threads).map(start).collect();
    move |n| {
        threads.iter().for_each(|t| t.send(n).unwrap());
        threads.iter().for_each(|_| all_done.recv().unwrap())
    }
}

pub(crate) fn benches() -> Vec<Bench> {
    let mut all = vec![];
    for threads in [1, 2] {
        let mut add = |who: &str, start: fn(usize) -> Work| {
            all.push(bench(format!("threads {threads}/{who}"), 101 * threads as u64, 200, move || start(threads)))
        };
        add("spanbridge", |n| ours::recorded(spread(n, || ours::tree::<false>(100))));
        add("fastrace local", |n| theirs::recorded(spread(n, || theirs::tree(100, false))));
    }
    all
}
