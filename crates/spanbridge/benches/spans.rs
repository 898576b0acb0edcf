//! What recording costs, beside fastrace, in one run: each bench is a process of its own, and the parent has them work
//! in turn, so that noise of the machine hits all alike.
//!
//! - `cargo bench -p spanbridge --features record --bench spans [-- <part of a name>,…]`; `ROUNDS` says how many rounds
//! - `… --bench spans -- sustained [<million spans>]`: writers at full speed; what is created is delivered or counted
//! - instructions: `benches/instructions.sh <name>@<iterations>…` (needs valgrind)
//!
//! Columns: the application thread's CPU time, that of all threads until everything was delivered, allocations of the
//! application thread and of all threads; everything per operation, a span in most.

mod support;

use support::bench::{Bench, bench};
use support::{inactive, ours, polls, sustained, theirs, threads};

fn benches() -> Vec<Bench> {
    let mut all = vec![];
    for n in [10, 100, 1000] {
        for attributes in [0, 4] {
            // Small enough that neither library's buffers overflow within one go.
            let most = 20_000 / (n + 1);
            let with = attributes > 0;
            let mut add = |who, start: fn(u64, bool) -> support::bench::Work| {
                all.push(bench(format!("{who}/n{n}/a{attributes}"), n + 1, most, move || start(n, with)))
            };
            add("spanbridge", ours::scopes);
            add("spanbridge open", ours::opened);
            add("fastrace local", theirs::local_spans);
            add("fastrace span", theirs::spans);
        }
    }
    all.extend(inactive::benches());
    all.extend(polls::benches());
    all.extend(threads::benches());
    all.push(bench("new run", 1, 5_000, ours::runs));
    all.push(bench("new trace", 1, 5_000, ours::roots));
    all
}

fn main() {
    if std::env::args().nth(1).as_deref() == Some("sustained") {
        sustained::main()
    } else {
        support::harness::main(benches);
    }
}
