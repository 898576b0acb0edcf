//! CPU time, memory, and the table that is printed.

use std::time::Instant;

/// CPU time of this thread in nanoseconds, user and system. If the system does not say: elapsed time.
pub(crate) fn cpu(begun: Instant) -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let on_cpu = stat.and_then(|s| s.split_whitespace().next().and_then(|n| n.parse().ok()));
    on_cpu.unwrap_or_else(|| begun.elapsed().as_nanos() as f64)
}

/// Mebibytes that this process has in memory: now, and at most since [`forget_peak`]. 0 where the system does not say.
pub(crate) fn memory(field: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kib = line.and_then(|rest| rest.trim_matches(|c: char| !c.is_ascii_digit()).parse().ok());
    kib.unwrap_or(0.0) / 1024.0
}

/// Begins to look for the peak of the memory anew.
pub(crate) fn forget_peak() {
    _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The memory that this needed while it ran, above what was there before.
pub(crate) fn memory_of<T>(work: impl FnOnce() -> T) -> (T, f64) {
    forget_peak();
    let before = memory("VmRSS:");
    let done = work();
    (done, (memory("VmHWM:") - before).max(0.0))
}

/// Microseconds of a question about each of these, which must have an answer: the median of the best of three rounds.
pub(crate) fn each<T, E: std::fmt::Debug>(items: &[T], mut ask: impl FnMut(&T) -> Result<bool, E>) -> f64 {
    let mut best = vec![f64::INFINITY; items.len()];
    for _ in 0..3 {
        for (item, best) in items.iter().zip(&mut best) {
            let begun = Instant::now();
            let answer = ask(item);
            assert!(matches!(answer, Ok(true)), "every question has an answer: {answer:?}");
            *best = best.min(begun.elapsed().as_secs_f64() * 1e6);
        }
    }
    best.sort_by(f64::total_cmp);
    best.get(best.len() / 2).copied().unwrap_or(f64::NAN)
}

pub(crate) fn head(title: &str) {
    println!("\n| {title} | measured | plain rows | ratio | goal |\n|---|---|---|---|---|");
}

/// A line of the table. `rows`: what plain rows need for the same.
pub(crate) fn line(what: &str, figure: f64, rows: Option<f64>, goal: Option<f64>, unit: &str) {
    let number = |n: f64| if n < 10.0 { format!("{n:.2}") } else { format!("{n:.0}") };
    let cell = |n: Option<f64>| n.map_or("–".into(), |n| format!("{} {unit}", number(n)));
    let ratio = rows.map_or("–".into(), |rows| format!("{:.3}", figure / rows));
    let missed = if goal.is_some_and(|goal| figure > goal) { " **missed**" } else { "" };
    println!("| {what} | {} | {} | {ratio} | {}{missed} |", cell(Some(figure)), cell(rows), cell(goal));
}
