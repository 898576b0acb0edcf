//! Tests that cannot run here say so, and the count of passed tests does not hide them.

use std::io::Write;

/// Names the file in which skipped tests are noted for the summary of `cargo xtask test`.
pub(crate) const VARIABLE: &str = "SPANBRIDGE_SKIPPED_TESTS";

/// Says that the calling test is skipped and why; the test returns after it.
///
/// Test runners have no such outcome at run time and count the test as passed. `cargo xtask test` reads what
/// was noted here and counts it as skipped.
///
/// ```no_run
/// # fn find_python() -> Option<()> { None }
/// let Some(python) = find_python() else { return xtask::skip("no Python with the OpenTelemetry packages") };
/// ```
pub fn skip(reason: &str) {
    let thread = std::thread::current();
    let line = format!("skipped: {}: {}\n", thread.name().unwrap_or("a test"), reason.replace('\n', " "));
    eprint!("{line}");
    let Some(path) = std::env::var_os(VARIABLE) else { return };
    // One write of one short line: lines of tests that run side by side do not mix.
    let noted =
        std::fs::OpenOptions::new().create(true).append(true).open(path).and_then(|mut f| f.write_all(line.as_bytes()));
    if let Err(error) = noted {
        eprintln!("failed to note the skipped test: {error}");
    }
}
