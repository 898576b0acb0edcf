//! The examples whose runs outlive their processes: a workflow in a file, and an outbox in a database.

use spanbridge::RunId;
use spanbridge_graph::{Graph, RunStatus, SpanStatus};
use spanbridge_query::{RunFilter, Store};
use spanbridge_tests::{example, until};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A directory with everything: the store, the workflow's state, the application's database.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Place(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(example(name));
        command.args(arguments).arg("--db").arg(self.path("records.db")).env("RUST_BACKTRACE", "0");
        command.stdin(Stdio::null());
        command
    }

    fn workflow(&self, arguments: &[&str]) -> Output {
        self.command("approval_workflow", arguments).arg("--state").arg(self.path("state.json")).output().unwrap()
    }

    fn outbox(&self, arguments: &[&str]) -> Command {
        let mut command = self.command("outbox", arguments);
        command.arg("--orders").arg(self.path("orders.db"));
        command
    }

    fn store(&self) -> Store {
        Store::open(self.path("records.db")).unwrap()
    }

    fn graph(&self, run: RunId) -> Graph {
        self.store().graph(run).unwrap().unwrap()
    }
}

#[track_caller]
fn done(output: Output) -> String {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (out, errors) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{out}{errors}");
    assert_eq!(errors, "");
    out
}

fn run_of(output: &str) -> RunId {
    output.lines().find_map(|line| line.strip_prefix("run ")).unwrap().parse().unwrap()
}

/// Name, status and what became of the hand-off, indented as the tree is.
fn tree(graph: &Graph) -> Vec<String> {
    let line = |s: &spanbridge_graph::Span| {
        let status = s.attributes.iter().find(|(k, _)| k == "spanbridge.handoff.status");
        let status = status.and_then(|(_, v)| v.as_str()).map_or(String::new(), |v| format!(" {v}"));
        format!("{}{} {:?} {}{status}", "  ".repeat(s.depth), s.service, s.status, s.name)
    };
    graph.spans.iter().map(line).collect()
}

#[test]
fn a_workflow_of_three_processes() {
    for (decision, last, said) in [("--approve", "pay", "paid"), ("--reject", "notify of rejection", "closed")] {
        let place = Place::new();
        let run = run_of(&done(place.workflow(&["start"])));
        let status = || place.graph(run).run.status;
        assert_eq!(status(), RunStatus::Suspended);
        done(place.workflow(&["decide", decision]));
        assert_eq!(status(), RunStatus::Suspended);
        let old = std::fs::read(place.path("state.json")).unwrap();
        assert_eq!(done(place.workflow(&["finish"])).trim(), said);

        let graph = place.graph(run);
        let names: Vec<_> = graph.spans.iter().map(|s| (s.depth, s.name.as_str())).collect();
        assert_eq!(names, [(0, "collect documents"), (0, "ask the manager"), (0, "decide"), (0, last)]);
        let waits: Vec<_> = graph.run.suspensions.iter().map(|s| s.reason.as_deref().unwrap()).collect();
        assert_eq!(waits, ["waiting for a decision", "waiting for payday"]);
        assert_eq!((graph.run.status, graph.run.segments.len()), (RunStatus::Ok, 3));
        let waited: u64 = graph.run.suspensions.iter().map(|s| s.resumed_at.unwrap() - s.suspended_at.unwrap()).sum();
        assert_eq!(graph.run.waited, waited);

        // A step that is not due does nothing; an old state that comes back is told of.
        assert!(!place.workflow(&["finish"]).status.success());
        assert_eq!(status(), RunStatus::Ok);
        std::fs::write(place.path("state.json"), old).unwrap();
        done(place.workflow(&["finish"]));
        let conflicted = RunFilter::default().status(RunStatus::Conflicted);
        let rows = place.store().runs(&conflicted, 9).unwrap();
        assert_eq!(rows.iter().map(|r| r.run_id).collect::<Vec<_>>(), [run]);
        let told = place.graph(run).diagnostics;
        assert!(
            told.len() == 1 && told[0].message.starts_with("the run was ended twice: as ok by approvals"),
            "{told:?}"
        );
    }
}

#[test]
fn a_workflow_whose_state_is_damaged() {
    let place = Place::new();
    done(place.workflow(&["start"]));
    for (field, bad) in [("\"runId\": \"", "\"runId\": \"x"), ("\"version\": 1", "\"version\": 9")] {
        let state = std::fs::read_to_string(place.path("state.json")).unwrap();
        assert!(state.contains(field), "{state}");
        std::fs::write(place.path("state.json"), state.replace(field, bad)).unwrap();
        let output = place.workflow(&["decide", "--approve"]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        std::fs::write(place.path("state.json"), state).unwrap();
    }
}

#[test]
fn rolled_back_there_is_no_message() {
    let place = Place::new();
    let failed = place.outbox(&["place", "--fail"]).output().unwrap();
    assert_eq!(failed.status.code(), Some(1));
    let run = run_of(std::str::from_utf8(&failed.stdout).unwrap());
    let rolled_back = ["orders Error place order", "  orders Cancelled enqueue confirmations rolled_back"];
    assert_eq!(tree(&place.graph(run)), rolled_back);
    assert_eq!(done(place.outbox(&["relay"]).output().unwrap()).trim(), "sent 0");
    assert_eq!(tree(&place.graph(run)), rolled_back, "nothing was sent");
}

#[tokio::test]
async fn committed_and_killed_before_the_relay() {
    let place = Place::new();
    let mut service = Killed(place.outbox(&["place", "--stay"]).stdout(Stdio::piped()).spawn().unwrap());
    let mut said = BufReader::new(service.0.stdout.take().unwrap()).lines().map_while(Result::ok);
    let run = run_of(&said.next().unwrap());
    assert_eq!(said.next().as_deref(), Some("placed"));
    let committed = ["orders Ok place order", "  orders Ok enqueue confirmations committed"];
    let look = || Store::open(place.path("records.db")).ok()?.graph(run).unwrap().filter(|g| tree(g) == committed);
    until("the records of a service that stays", look).await;
    drop(service);
    assert_eq!(tree(&place.graph(run)), committed);

    assert_eq!(done(place.outbox(&["relay"]).output().unwrap()).trim(), "sent 1");
    let graph = place.graph(run);
    let sent = [
        "orders Ok place order",
        "  orders Ok enqueue confirmations committed",
        "    relay Ok publish confirmations confirmed",
        "      relay Ok process confirmations",
        "        relay Ok send mail",
    ];
    assert_eq!(tree(&graph), sent);
    assert!(graph.spans.iter().all(|s| s.run_id == run && s.status == SpanStatus::Ok));
    let relay = place.store().runs(&RunFilter::default().name("relay"), 9).unwrap();
    assert!(relay.iter().all(|r| r.spans == 0), "nothing of it hangs under the relay: {relay:?}");
    assert_eq!(done(place.outbox(&["relay"]).output().unwrap()).trim(), "sent 0", "once is enough");
}

/// A message whose column cannot be read is sent all the same.
#[test]
fn an_unreadable_column_holds_nothing_back() {
    let place = Place::new();
    let run = run_of(&done(place.outbox(&["place"]).output().unwrap()));
    damage(&place.path("orders.db"));
    let output = place.outbox(&["relay"]).output().unwrap();
    assert!(output.status.success() && output.stdout == b"sent 1\n", "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("message 1: failed to read a run context: "), "{said}");
    assert_eq!(tree(&place.graph(run)).len(), 2, "sent as if it had come from nowhere");
    let sent = place.store().runs(&RunFilter::default().name("publish"), 9).unwrap();
    assert_eq!(sent.len(), 1, "{sent:?}");
}

fn damage(database: &Path) {
    let database = rusqlite::Connection::open(database).unwrap();
    assert_eq!(database.execute("UPDATE outbox SET context = '{\"version\":1'", []).unwrap(), 1);
}

/// On unix by SIGKILL.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
