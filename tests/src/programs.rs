//! Programs in their own processes: the examples, and the peers in `tests/interop`.

use crate::{peer_commands, until};
use serde_json::Value;
use spanbridge::RunId;
use spanbridge_graph::Graph;
use spanbridge_query::Store;
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// A running process. It is killed when it is dropped.
#[derive(Debug)]
pub struct Program(Child);

impl Program {
    /// Starts a program. Its standard output is kept for [`output`](Self::output).
    ///
    /// # Panics
    ///
    /// The program cannot be started.
    pub fn start(command: &mut Command) -> Self {
        Program(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("start a program"))
    }

    /// Starts an example. Builds it first if its program does not exist.
    ///
    /// # Panics
    ///
    /// The example cannot be built or started.
    pub fn example<S: AsRef<OsStr>>(name: &str, arguments: impl IntoIterator<Item = S>) -> Self {
        Self::start(Command::new(example(name)).args(arguments))
    }

    /// Starts a Python program of `tests/interop`. Returns `None` and reports the test as skipped if
    /// `SPANBRIDGE_INTEROP_PYTHON` is not set.
    ///
    /// # Panics
    ///
    /// The program cannot be started.
    pub fn python<S: AsRef<OsStr>>(name: &str, arguments: impl IntoIterator<Item = S>) -> Option<Self> {
        Some(Self::start(peer_commands::python(name)?.args(arguments)))
    }

    /// Waits until the program has ended.
    ///
    /// # Panics
    ///
    /// The program does not end in time.
    pub async fn status(&mut self) -> ExitStatus {
        until("a program", || self.0.try_wait().expect("wait for a program")).await
    }

    /// Waits until the program has succeeded, and returns its standard output.
    ///
    /// # Panics
    ///
    /// The program fails, or does not end in time.
    pub async fn output(mut self) -> String {
        let status = self.status().await;
        let mut text = String::new();
        self.0.stdout.take().expect("an output").read_to_string(&mut text).expect("text");
        assert!(status.success(), "{status}: {text}");
        text
    }

    /// Waits until the program has succeeded, and returns its standard output as JSON, one value per line.
    ///
    /// # Panics
    ///
    /// The program fails, does not end in time, or writes a line that is not JSON.
    pub async fn json_lines(self) -> Vec<Value> {
        self.output().await.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    /// Kills the program with SIGKILL.
    pub fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill()
    }
}

/// The path of an example's program. Builds it first if it does not exist.
///
/// # Panics
///
/// The example cannot be built.
pub fn example(name: &str) -> PathBuf {
    built(&Path::new("examples").join(name), &["--package", "spanbridge-examples", "--examples"])
}

/// The path of `spanbridge`, the command line. Builds it first if it does not exist.
///
/// # Panics
///
/// It cannot be built.
pub fn command_line() -> PathBuf {
    built(Path::new("spanbridge"), &["--package", "spanbridge-cli"])
}

/// A program in the directory of this test's profile.
fn built(program: &Path, arguments: &[&str]) -> PathBuf {
    let test = std::env::current_exe().expect("this test");
    let profile = test.parent().and_then(Path::parent).expect("a directory of cargo's");
    let program = profile.join(program);
    if !program.exists() {
        let mut build = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        build.args(["build", "--quiet"]).args(arguments);
        if profile.ends_with("release") {
            build.arg("--release");
        }
        build.arg("--target-dir").arg(profile.parent().expect("a target directory"));
        assert!(build.status().expect("cargo").success(), "failed to build {}", program.display());
    }
    program
}

/// A text field of a report.
///
/// # Panics
///
/// The field is missing or not text.
pub fn text_of(report: &Value, field: &str) -> String {
    report[field].as_str().unwrap_or_else(|| panic!("no {field} in {report}")).to_owned()
}

/// The run ids that a program has printed as `run <id>`.
pub fn runs(output: &str) -> Vec<RunId> {
    output.lines().filter_map(|line| line.strip_prefix("run ")?.parse().ok()).collect()
}

/// The graph of a run in a store. `None` if the store does not exist or does not have the run yet.
///
/// # Panics
///
/// The run cannot be read.
pub fn graph(db: &Path, run: RunId) -> Option<Graph> {
    Store::open(db).ok()?.graph(run).expect("a graph")
}

/// One line per span: service, status, name, and the attributes `keys`, indented by depth.
pub fn outline(graph: &Graph, keys: &[&str]) -> String {
    let line = |span: &spanbridge_graph::Span| {
        let asked = keys.iter().filter_map(|key| {
            let (_, value) = span.attributes.iter().find(|(k, _)| k == key)?;
            Some(format!(" {}={value}", key.rsplit('.').next().unwrap_or(key)))
        });
        let (indent, asked) = ("  ".repeat(span.depth), asked.collect::<String>());
        format!("{indent}{} {:?} {}{asked}\n", span.service, span.status, span.name)
    };
    graph.spans.iter().map(line).collect()
}
