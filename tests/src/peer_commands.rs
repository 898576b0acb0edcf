//! How to start a program of `tests/interop`, with what `cargo xtask interop` has prepared for its language. Each function
//! returns `None` and reports the test as skipped if that was not prepared.

use std::path::{Path, PathBuf};
use std::process::Command;

fn prepared(variable: &str) -> Option<PathBuf> {
    let prepared = std::env::var_os(variable).filter(|value| !value.is_empty());
    if prepared.is_none() {
        xtask::skip(&format!("{variable} is not set; `cargo xtask interop` prepares what it names"));
    }
    prepared.map(PathBuf::from)
}

/// A program in Python. OpenTelemetry's exporter there writes protobuf.
pub fn python(program: &str) -> Option<Command> {
    interpreted("SPANBRIDGE_INTEROP_PYTHON", program)
}

/// The same in an environment whose exporter writes JSON: the two cannot be installed side by side.
pub fn python_json(program: &str) -> Option<Command> {
    interpreted("SPANBRIDGE_INTEROP_PYTHON_JSON", program)
}

fn interpreted(variable: &str, program: &str) -> Option<Command> {
    let mut command = Command::new(prepared(variable)?);
    command.env("PYTHONDONTWRITEBYTECODE", "1").arg(Path::new("interop").join(program));
    Some(command)
}

/// A program in Java, under OpenTelemetry's agent, which exports spans alone.
pub fn java(class: &str) -> Option<Command> {
    let home = prepared("SPANBRIDGE_INTEROP_JAVA")?;
    let mut command = Command::new(home.join("java"));
    command.arg(format!("-javaagent:{}", agent(&home.join("jars")).display()));
    command.args(["-XX:TieredStopAtLevel=1", "-Xmx256m", "-cp"]);
    command.arg(format!("{0}/classes:{0}/jars/*", home.display())).arg(class);
    command.env("OTEL_METRICS_EXPORTER", "none").env("OTEL_LOGS_EXPORTER", "none");
    Some(command)
}

/// The program in Go.
pub fn go() -> Option<Command> {
    Some(Command::new(prepared("SPANBRIDGE_INTEROP_GO")?))
}

/// A program in JavaScript.
pub fn javascript(program: &str) -> Option<Command> {
    prepared("SPANBRIDGE_INTEROP_JAVASCRIPT")?;
    let mut command = Command::new("node");
    command.arg(Path::new("interop/javascript").join(program));
    Some(command)
}

/// rotel, a collector of OTLP. It is a package of Python's, with the program in it.
///
/// # Panics
///
/// The package is not there.
pub fn rotel() -> Option<Command> {
    let python = prepared("SPANBRIDGE_INTEROP_PYTHON")?;
    let package = "import pathlib, rotel; print(pathlib.Path(rotel.__file__).with_name('rotel-agent'), end='')";
    let output = Command::new(python).args(["-c", package]).output().expect("start Python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(Command::new(String::from_utf8(output.stdout).expect("a path")))
}

fn agent(jars: &Path) -> PathBuf {
    let files = std::fs::read_dir(jars).expect("jars").filter_map(Result::ok).map(|file| file.path());
    let is_agent = |path: &PathBuf| {
        path.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"opentelemetry-javaagent-"))
    };
    files.into_iter().find(is_agent).expect("OpenTelemetry's agent")
}
