//! The child: does what the parent says, line by line.

use super::bench::{Bench, DELIVERED, ELSEWHERE, Work};
use super::{allocations, clock};
use std::io::BufRead;
use std::sync::atomic::Ordering::Relaxed;

/// Figures of one go.
#[derive(Default)]
pub(crate) struct Sample {
    pub(crate) application: u64,
    pub(crate) process: u64,
    pub(crate) delivered: u64,
    pub(crate) own_allocations: u64,
    pub(crate) all_allocations: u64,
}

fn sample(work: &mut Work, iterations: u64, allocations: bool) -> Sample {
    allocations::count(allocations);
    let (own, all) = allocations::counted();
    let (elsewhere, delivered) = (ELSEWHERE.load(Relaxed), DELIVERED.load(Relaxed));
    let (process, thread) = (clock::process(), clock::thread());
    (work.go)(iterations);
    let thread = clock::thread() - thread;
    let elsewhere = ELSEWHERE.load(Relaxed) - elsewhere;
    let own = allocations::counted().0 - own;
    (work.settle)();
    allocations::count(false);
    Sample {
        application: if elsewhere > 0 { elsewhere } else { thread },
        process: clock::process() - process,
        delivered: DELIVERED.load(Relaxed) - delivered,
        own_allocations: own,
        all_allocations: allocations::counted().1 - all,
    }
}

/// Lines of `<iterations> <whether to count allocations>`; answers with the figures.
pub(crate) fn serve(bench: Bench) -> ! {
    let mut work = (bench.start)();
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let mut words = line.split(' ').map(|w| w.parse::<u64>().unwrap());
        let (iterations, allocations) = (words.next().unwrap(), words.next().unwrap() == 1);
        let s = sample(&mut work, iterations, allocations);
        println!("{} {} {} {} {}", s.application, s.process, s.delivered, s.own_allocations, s.all_allocations);
    }
    std::process::exit(0)
}

#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn measure_from_here() {
    std::hint::black_box(1);
}

#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn measure_to_here() {
    std::hint::black_box(2);
}

/// For callgrind: warm up, then so many iterations between two marks.
pub(crate) fn once(bench: Bench, iterations: u64) -> ! {
    let mut work = (bench.start)();
    (work.go)(iterations / 4 + 1);
    (0..6).for_each(|_| (work.settle)());
    measure_from_here();
    (work.go)(iterations);
    (0..6).for_each(|_| (work.settle)());
    measure_to_here();
    eprintln!(
        "operations {} of {}",
        iterations * bench.operations,
        (iterations / 4 + 1 + iterations) * bench.operations
    );
    std::process::exit(0)
}
