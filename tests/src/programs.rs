//! Other programs: the examples as processes of their own, and the peers of `tests/interop`.

use crate::until;
use serde_json::Value;
use spanbridge::RunId;
use spanbridge_graph::Graph;
use spanbridge_query::Store;
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A process that is ended with the test.
#[derive(Debug)]
pub struct Program(Child);

impl Program {
    /// Starts a program; what it writes to standard output is kept.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(command: &mut Command) -> Self {
        Program(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("start a program"))
    }

    /// Starts an example, built if nobody has built it.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn example<S: AsRef<OsStr>>(name: &str, arguments: impl IntoIterator<Item = S>) -> Self {
        Self::start(Command::new(example(name)).args(arguments))
    }

    /// A program of `tests/interop`, or why the test is skipped: nobody asked for Python.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn python<S: AsRef<OsStr>>(name: &str, arguments: impl IntoIterator<Item = S>) -> Option<Self> {
        let Some(python) = std::env::var_os("SPANBRIDGE_INTEROP_PYTHON") else {
            xtask::skip("SPANBRIDGE_INTEROP_PYTHON is not set; `cargo xtask interop` brings a Python");
            return None;
        };
        let program = Path::new("interop").join(name);
        Some(Self::start(Command::new(python).arg(program).args(arguments)))
    }

    /// Waits until it has ended well, and gives what it wrote.
    ///
    /// # Panics
    /// When it has not.
    pub async fn output(mut self) -> String {
        let status = until("a program", || self.0.try_wait().expect("wait for a program")).await;
        let mut text = String::new();
        self.0.stdout.take().expect("an output").read_to_string(&mut text).expect("text");
        assert!(status.success(), "{status}: {text}");
        text
    }

    /// The same, for a program that writes a JSON object a line.
    ///
    /// # Panics
    /// When it has not ended well, or writes something else.
    pub async fn reports(self) -> Vec<Value> {
        self.output().await.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    /// Ends it without a word, as `kill -9` does.
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

/// An example's program, built if nobody has built it.
///
/// # Panics
/// When it cannot be built.
pub fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this test");
    let profile = test.parent().and_then(Path::parent).expect("a directory of cargo's");
    let program = profile.join("examples").join(name);
    if !program.exists() {
        let mut build = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        build.args(["build", "--quiet", "--package", "spanbridge-examples", "--examples"]);
        if profile.ends_with("release") {
            build.arg("--release");
        }
        build.arg("--target-dir").arg(profile.parent().expect("a target directory"));
        assert!(build.status().expect("cargo").success(), "failed to build the examples");
    }
    program
}

/// A field of a report that is text.
///
/// # Panics
/// When it is not there.
pub fn text_of(report: &Value, field: &str) -> String {
    report[field].as_str().unwrap_or_else(|| panic!("no {field} in {report}")).to_owned()
}

/// The runs that a producer has printed.
pub fn runs(output: &str) -> Vec<RunId> {
    output.lines().filter_map(|line| line.strip_prefix("run ")?.parse().ok()).collect()
}

/// A run as it is in a store, if it is there.
///
/// # Panics
/// When the store cannot be read.
pub fn graph(db: &Path, run: RunId) -> Option<Graph> {
    Store::open(db).ok()?.graph(run).expect("a graph")
}

/// Service, status, name and what is asked for of each span, indented as the tree is.
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
