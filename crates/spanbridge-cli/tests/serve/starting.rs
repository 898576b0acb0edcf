//! How the command starts and ends.

use crate::server::{Running, options, store};
use spanbridge_cli::serve::{ErrorKind, Server};
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

fn serve(store: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    command.args(["serve", "--db"]).arg(store).args(args).env_remove("SPANBRIDGE_TOKEN");
    command
}

/// Ends the process, whatever the test comes to.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn failed(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn others_are_let_in_only_with_a_token() {
    let (dir, path) = store();
    let (code, told) = failed(&mut serve(&path, &["--listen", "0.0.0.0:0"]));
    assert_eq!(code, Some(2));
    assert_eq!(
        told,
        "spanbridge: failed to listen on 0.0.0.0:0: others could reach it, and there is no token\n  \
         Set SPANBRIDGE_TOKEN or --token-file, or listen on 127.0.0.1.\n"
    );
    let empty = dir.path().join("token");
    std::fs::write(&empty, " \n").unwrap();
    let (code, _) = failed(serve(&path, &["--listen", "0.0.0.0:0", "--token-file"]).arg(&empty));
    assert_eq!(code, Some(2));
    let (code, _) = failed(serve(&path, &["--listen", "[::ffff:10.0.0.1]:0"]).env("SPANBRIDGE_TOKEN", ""));
    assert_eq!(code, Some(2));
}

#[test]
fn a_port_in_use_is_named() {
    let (_dir, path) = store();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, told) = failed(&mut serve(&path, &["--listen", &address]));
    assert_eq!(code, Some(1));
    assert!(
        told.starts_with(&format!("spanbridge: failed to listen on {address}: another process uses it\n  ")),
        "{told}"
    );
}

#[test]
fn a_store_that_cannot_be_used_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("notes.txt");
    std::fs::write(&file, "not a store").unwrap();
    let (code, told) = failed(&mut serve(&file, &["--listen", "127.0.0.1:0"]));
    assert_eq!(code, Some(3), "{told}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime.block_on(Server::bind(options(&file))).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Store(_)), "{error}");
}

/// The first line is the address alone, for programs.
#[test]
fn it_says_where_spans_go() {
    let (_dir, path) = store();
    let mut child = Killed(serve(&path, &["--listen", "localhost:0"]).stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let url = lines.next().unwrap();
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    let rest: Vec<String> = lines.by_ref().take(3).collect();
    assert_eq!(
        rest,
        [format!("OTLP: {url}/v1/traces"), format!("store: {}", path.display()), "Ctrl-C ends it.".to_owned()]
    );
}

/// The line with the address comes when the server listens. `SIGTERM` ends it at once, also while somebody watches.
#[cfg(unix)]
#[test]
fn a_signal_ends_it_with_open_streams() {
    let (dir, path) = store();
    let token = dir.path().join("token");
    std::fs::write(&token, "secret\n").unwrap();
    let mut command = serve(&path, &["--listen", "127.0.0.1:0", "--keep", "7d", "--format", "json", "--token-file"]);
    let mut child = Killed(command.arg(&token).stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(child.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    let url = ready["url"].as_str().unwrap();
    let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
    let live = agent.get(format!("{url}/api/v1/live")).header("authorization", "Bearer secret").call().unwrap();
    let mut events = live.into_body().into_reader();
    let mut first = [0; 4];
    events.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"id: ");
    let pid = rustix::process::Pid::from_raw(child.0.id().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    // The stream ends as it should: its last chunk is there. Who waited for its end would cut it off after some seconds.
    events.read_to_end(&mut Vec::new()).unwrap();
    assert!(child.0.wait().unwrap().success());
}

#[test]
fn an_open_request_is_answered_at_the_end() {
    let (_dir, path) = store();
    let ends_at_once = || {
        let mut server = Running::at(&path);
        let mut idle = server.connect();
        assert_eq!(server.get("/healthz").status, 200);
        let took = server.end();
        // Connections without a request are closed.
        assert_eq!(idle.read(&mut [0; 1]).unwrap_or(0), 0);
        took < Duration::from_secs(4)
    };
    // A busy machine may need longer. Waiting for idle clients takes five seconds each time.
    assert!((0..6).any(|_| ends_at_once()));
}
