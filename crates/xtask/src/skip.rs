//! Reports tests as skipped if they cannot run here, so that they are not counted as passed.

use std::io::Write;

/// The variable with the path of the file that lists the skipped tests for the summary of `cargo xtask test`.
pub(crate) const VARIABLE: &str = "SPANBRIDGE_SKIPPED_TESTS";

/// Reports that the calling test is skipped, and why. The test returns after this call.
///
/// A test cannot tell its runner that it is skipped, so the runner counts it as passed. `cargo xtask test` corrects the count
/// with these reports.
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
    // One short write per line, so lines of tests that run side by side do not mix.
    let noted =
        std::fs::OpenOptions::new().create(true).append(true).open(path).and_then(|mut f| f.write_all(line.as_bytes()));
    if let Err(error) = noted {
        eprintln!("failed to report the skipped test: {error}");
    }
}
