//! A case as a test: what [`case!`](crate::case!) does.

use crate::case::{Case, Wanted};
use crate::replayer::{Replay, Replayer};
use crate::report::{Report, Verdict};
use std::sync::mpsc;
use std::thread;

/// Makes a test of a case: the handler has to do what was recorded, and to end as it did.
///
/// ```
/// use spanbridge_amqp::Job;
///
/// async fn handle(job: Job) -> Result<(), std::fmt::Error> {
///     job.run(|| async { Ok(()) }).await
/// }
///
/// spanbridge_replay::case! {
///     /// The card was refused, and the order was shipped all the same.
///     a_refused_card, "tests/cases/a_refused_card.json", |replay| replay.amqp(handle)
/// }
/// ```
///
/// The path is relative to the package (`CARGO_MANIFEST_DIR`). `spanbridge replay ID --save FILE` writes the file. The test runs on a
/// runtime of tokio of its own, and many of them run side by side.
///
/// A test that fails prints the [report](Report). While the fault is in the code, the test passes: the recorded failure happens again.
/// After the fix it fails, and says what has changed. If that is as it should be, add `"expect": "ok"` to the file: from then on the
/// handler has to succeed, and the test guards the fix.
///
/// Calls that the fixed code makes and the record does not have are refused. Add to `spans` what they should be answered: a span of
/// the call with its attributes, and to `artifacts` its `output`. What the code does not do any more, take out.
#[macro_export]
macro_rules! case {
    ($(#[$attribute:meta])* $name:ident, $path:expr, $replay:expr $(,)?) => {
        $(#[$attribute])*
        #[test]
        fn $name() {
            $crate::testing::check(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/", $path), $replay)
        }
    };
}

/// Replays the case in this file on a runtime of its own. For [`case!`](crate::case!).
///
/// # Panics
/// If the case cannot be read, or cannot be replayed, or if something is different: with the report.
pub fn check<F, Fut>(path: &str, replay: F)
where
    F: FnOnce(Replayer) -> Fut + Send + 'static,
    Fut: Future<Output = Replay>,
{
    let case = Case::read(path).unwrap_or_else(|error| panic!("failed to {error}"));
    let report = run(case, replay).unwrap_or_else(|why| panic!("failed to replay {path}: {why}"));
    let advice = advice(&report, path);
    assert!(report.verdict == Verdict::Same, "{report}\n{advice}");
    println!("{report}");
}

/// The report comes from the replay, or from its clock if the handler blocks the thread.
fn run<F, Fut>(case: Case, replay: F) -> Result<Report, String>
where
    F: FnOnce(Replayer) -> Fut + Send + 'static,
    Fut: Future<Output = Replay>,
{
    let (tell, told) = mpsc::channel();
    let replayer = Replayer::of(case).or_blocked(tell.clone());
    let work = move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let report = match runtime {
            Ok(runtime) => Ok(runtime.block_on(replay(replayer)).into_report()),
            Err(error) => Err(error.to_string()),
        };
        let _ = tell.send(report);
    };
    // A handler that blocks keeps this thread, which ends with the process.
    let spawned = thread::Builder::new().name("replay".to_owned()).spawn(work);
    spawned.map_err(|error| error.to_string())?;
    told.recv().unwrap_or_else(|_| Err("the replay panicked".to_owned()))
}

fn advice(report: &Report, path: &str) -> String {
    let Some(outcome) = &report.outcome else { return String::new() };
    let failed = |status: &str| matches!(status, "error" | "panicked");
    if failed(&outcome.recorded.status) && outcome.replayed.status == "ok" && outcome.expected != Some(Wanted::Ok) {
        return format!("The handler succeeds now. If that is the fix, add \"expect\": \"ok\" to {path}.");
    }
    String::new()
}
