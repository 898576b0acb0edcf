//! Before a function's first event, after its last, and with a sink that accepts nothing: as its own process, on the real
//! lambda_runtime.
#![cfg(unix)]

use serde_json::json;
use spanbridge_query::{RunFilter, Store};
use spanbridge_tests::{RuntimeApi, until};
use std::fs::{File, read_to_string};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

struct Stage {
    function: RuntimeApi,
    directory: tempfile::TempDir,
}

impl Stage {
    fn new(set_up: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut function = Command::new(env!("CARGO_BIN_EXE_awkward_function"));
        for name in ["GO", "WENT", "STARTED", "ENDED"] {
            function.env(name, directory.path().join(name));
        }
        function.env("SPANBRIDGE_DB", directory.path().join("spans.db"));
        function.stderr(File::create(directory.path().join("stderr")).unwrap());
        set_up(&mut function);
        Stage { function: RuntimeApi::start(function), directory }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    async fn comes(&self, name: &str) {
        until(name, || self.file(name).exists().then_some(())).await
    }

    /// The spans in the store, and how they have ended.
    fn stored(&self) -> Vec<String> {
        let Ok(store) = Store::open(self.file("spans.db")) else { return vec![] };
        let runs = store.runs(&RunFilter::default(), 100).unwrap();
        let graphs = runs.iter().filter_map(|run| store.graph(run.run_id).unwrap());
        let mut spans: Vec<_> =
            graphs.flat_map(|g| g.spans).map(|span| format!("{} {:?}", span.name, span.status)).collect();
        spans.sort();
        spans
    }

    /// Sends SIGTERM; returns how long the end took, and the exit code.
    fn ended(&mut self) -> (Duration, Option<i32>) {
        let begun = Instant::now();
        let killed = Command::new("kill").args(["-TERM", &self.function.process_id().to_string()]).status().unwrap();
        assert!(killed.success());
        let code = self.function.exit_code();
        (begun.elapsed(), code)
    }
}

/// With provisioned concurrency the process is then frozen for hours, and may never get an event.
#[test]
fn the_initialisation_is_in_the_store() {
    for way in ["run", "concurrent", "layer"] {
        let stage = Stage::new(|function| function.env("WAY", way).env("SINK", "slow"));
        let _asks = stage.function.next_request();
        assert_eq!(stage.stored(), ["connect Ok"], "{way}");
    }
}

#[tokio::test]
async fn sigterm_before_the_first_event() {
    for way in ["run", "concurrent", "layer"] {
        let mut stage = Stage::new(|function| function.env("WAY", way));
        let _asks = stage.function.next_request();
        File::create(stage.file("GO")).unwrap();
        stage.comes("WENT").await;
        assert_eq!(stage.stored(), ["connect Ok"], "{way}: nobody has asked for the other");
        assert_eq!(stage.ended().1, Some(0), "{way}");
        assert_eq!(stage.stored(), ["between Ok", "connect Ok"], "{way}");
    }
}

/// Even if the handler blocks the only thread.
#[tokio::test]
async fn sigterm_while_the_executor_is_blocked() {
    for way in ["run", "concurrent", "layer", "attribute"] {
        for threads in ["one", "several"] {
            let mut stage = Stage::new(|function| function.env("WAY", way).env("THREADS", threads));
            stage.function.next_request().event("1", &[], json!({"do": "block"}).to_string().as_bytes());
            stage.comes("STARTED").await;
            assert_eq!(stage.ended().1, Some(0), "{way} {threads}");
            assert_eq!(stage.stored(), ["connect Ok", "score Open"], "{way} {threads}");
        }
    }
}

/// It may wait until Lambda stops the process, so its open span is delivered before; or it ends the process.
#[tokio::test]
async fn a_service_that_is_not_ready() {
    let ends = [("wait", None, "score Open"), ("block", None, "score Open")];
    let ends = ends.into_iter().chain([("fail", Some(1), "score Error"), ("panic", Some(101), "score Panicked")]);
    let all = ends.flat_map(|end| ["run", "concurrent", "layer"].map(|way| (end, way)));
    // All at once, because some take nearly until the time limit.
    let begin = |(end @ (ready, ..), way): ((&'static str, _, _), _)| {
        let stage = Stage::new(|function| function.env("WAY", way).env("READY", ready));
        let then = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(3);
        let then = then.as_millis().to_string();
        stage.function.next_request().event("1", &[("lambda-runtime-deadline-ms", then.as_bytes())], b"{}");
        (stage, end, way)
    };
    for (mut stage, (ready, code, span), way) in all.map(begin).collect::<Vec<_>>() {
        until(&format!("{ready} {way}"), || (stage.stored() == ["connect Ok", span]).then_some(())).await;
        if code.is_some() {
            assert_eq!(stage.function.exit_code(), code, "{ready} {way}: as without us")
        }
    }
}

/// Lambda waits for half a second; what a hanging sink holds is lost.
#[test]
fn sigterm_with_a_hanging_sink() {
    let ends_in_time = || {
        let mut stage = Stage::new(|function| function.env("SINK", "hang"));
        let _asks = stage.function.next_request();
        let (took, code) = stage.ended();
        assert_eq!(code, Some(0));
        took < Duration::from_millis(1000)
    };
    // A busy machine may need longer. Who waits for the sink does so each time.
    assert!((0..6).any(|_| ends_in_time()));
}

/// A handler that was installed after ours.
#[test]
fn a_later_handler_for_sigterm_is_not_cut_short() {
    let mut stage = Stage::new(|function| function);
    let order = json!({"do": "handle SIGTERM"}).to_string();
    stage.function.invoke(stage.function.next_request(), "1", &[], order.as_bytes());
    let _asks = stage.function.next_request();
    assert_eq!(stage.ended().1, Some(0));
    assert_eq!(read_to_string(stage.file("ENDED")).unwrap(), "in its own time");
}

/// A forked child has our handler but not our thread, until it executes another program.
#[test]
fn sigterm_to_a_forked_child_is_the_childs() {
    let stage = Stage::new(|function| function);
    let order = json!({"do": "fork"}).to_string();
    let (_, answer) = stage.function.invoke(stage.function.next_request(), "1", &[], order.as_bytes());
    assert_eq!(String::from_utf8_lossy(&answer), "15", "as without us");
    stage.function.next_request();
}

/// Otherwise each event would wait two seconds for nothing.
#[test]
fn a_sink_that_takes_nothing_costs_one_flush() {
    for sink in ["fail", "hang"] {
        let stage = Stage::new(|function| function.env("SINK", sink));
        let mut asks = stage.function.next_request();
        let begun = Instant::now();
        for n in 0..5 {
            stage.function.invoke(asks, &n.to_string(), &[], b"{}");
            asks = stage.function.next_request();
        }
        // Ten seconds, if each event did.
        assert!(begun.elapsed() < Duration::from_secs(8), "{sink}: {:?}", begun.elapsed());
        let told = read_to_string(stage.file("stderr")).unwrap();
        let why = if sink == "fail" { "deliver records: down" } else { "it does not respond" };
        assert_eq!(told.lines().count(), 1, "{told}");
        assert!(told.starts_with("spanbridge: sink `closure`: ") && told.contains(why), "{told}");
    }
}

/// On standard error, as lambda_runtime does, because no logging is set up.
#[test]
fn run_warns_of_concurrency() {
    let stage = Stage::new(|function| function.env("AWS_LAMBDA_MAX_CONCURRENCY", "4"));
    stage.function.next_request();
    let told = read_to_string(stage.file("stderr")).unwrap();
    assert!(told.contains("AWS_LAMBDA_MAX_CONCURRENCY is 4") && told.contains("`run_concurrent`"), "{told}");
}
