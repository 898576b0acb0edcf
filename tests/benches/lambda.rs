//! What observing costs a Lambda function: the time until it requests its first event, the time per invocation, and the
//! size of the program, compared with `lambda_runtime` alone. Run with `cargo bench -p spanbridge-tests --bench lambda`.
//!
//! The functions are separate programs (`crates/spanbridge-lambda/examples`), built with `--release`. They take turns, and
//! take turns at being first, so that other load on the machine affects all of them. All have tokio's usual threads: with
//! only one thread glibc allocates faster, and a recorder's first thread would be charged with that.

use spanbridge_tests::RuntimeApi;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const FUNCTIONS: [&str; 3] = ["bare", "observed", "stored"];
const STARTS: usize = 60;
const INVOCATIONS: usize = 4000;
const LARGE_INVOCATIONS: usize = 100;
/// Bytes.
const LARGE: usize = 1 << 20;
const PAYLOAD: &[u8] =
    br#"{"__spanbridge":{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},"order":42}"#;

/// The programs, built.
fn programs() -> PathBuf {
    let program = std::env::current_exe().expect("our own program");
    let target =
        program.ancestors().find(|d| d.ends_with("deps")).and_then(|d| d.parent()?.parent()).expect("target/…/deps");
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    build.args(["build", "--release", "--package", "spanbridge-lambda", "--examples", "--target-dir"]).arg(target);
    assert!(build.status().expect("cargo").success(), "failed to build the functions");
    target.join("release/examples")
}

fn start(program: &Path, db: &Path) -> RuntimeApi {
    let mut command = Command::new(program);
    command.env("SPANBRIDGE_DB", db);
    RuntimeApi::start(command)
}

/// The median of each column, in microseconds.
fn medians(rows: &[[Duration; 3]]) -> [f64; 3] {
    std::array::from_fn(|i| {
        let mut column: Vec<_> = rows.iter().map(|row| row[i]).collect();
        column.sort_unstable();
        column[column.len() / 2].as_secs_f64() * 1e6
    })
}

fn show(what: &str, [bare, observed, stored]: [f64; 3], unit: &str) {
    let more = |with: f64| format!("{with:>9.0} {unit} (+{:.0}, x{:.3})", with - bare, with / bare);
    println!("{what:<34} {bare:>9.0} {unit} {:>32} {:>32}", more(observed), more(stored))
}

fn main() {
    let directory = tempfile::tempdir().expect("a directory");
    let db = directory.path().join("spans.db");
    let built = programs();
    let programs = FUNCTIONS.map(|name| built.join(name));
    println!("{:<34} {:>12} {:>32} {:>32}", "", FUNCTIONS[0], FUNCTIONS[1], FUNCTIONS[2]);

    let sizes = programs.each_ref().map(|p| std::fs::metadata(p).map_or(0, |m| m.len()) as f64 / 1024.0);
    show("size of the program", sizes, "KiB");

    let cold = |program: &PathBuf| {
        let begun = Instant::now();
        let function = start(program, &db);
        let _asks = function.next_request();
        begun.elapsed()
    };
    programs.iter().for_each(|program| _ = cold(program)); // into the page cache
    let start_all = |turn: usize| {
        let mut times = [Duration::ZERO; 3];
        (0..3).map(|n| (n + turn) % 3).for_each(|i| times[i] = cold(&programs[i]));
        times
    };
    let starts: Vec<_> = (0..STARTS).map(start_all).collect();
    show("start to first event", medians(&starts), "µs");

    let functions = programs.each_ref().map(|program| start(program, &db));
    let mut asks = functions.each_ref().map(|function| Some(function.next_request()));
    let large = format!(r#"{{"lines":[{}0]}}"#, r#"{"product":"a pair of shoes","price":7900},"#.repeat(LARGE / 44));
    for (name, payload, invocations) in [("", PAYLOAD, INVOCATIONS), (", 1 MiB", large.as_bytes(), LARGE_INVOCATIONS)] {
        let mut round = |turn: usize| {
            let mut times = [[Duration::ZERO; 2]; 3];
            for i in (0..3).map(|n| (n + turn) % 3) {
                let begun = Instant::now();
                asks[i].take().expect("it has asked").event("8476a536", &[], payload);
                let answer = functions[i].request();
                times[i][0] = begun.elapsed();
                answer.accept();
                asks[i] = Some(functions[i].next_request());
                times[i][1] = begun.elapsed();
            }
            times
        };
        let rows: Vec<_> = (0..invocations).map(&mut round).collect();
        let column = |which: usize| medians(&rows.iter().map(|row| row.map(|times| times[which])).collect::<Vec<_>>());
        show(&format!("event to answer{name}"), column(0), "µs");
        show(&format!("event to next event{name}"), column(1), "µs");
    }
}
