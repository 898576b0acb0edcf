//! A run over three processes and a queue: one suspends it, one resumes it, hands a job over RabbitMQ and suspends it again,
//! one resumes and ends it. Killed at any of six points in between, the graph says truthfully what is missing.

use lapin::BasicProperties;
use lapin::options::*;
use lapin::types::FieldTable;
use spanbridge::record::{Body, Via};
use spanbridge::{Recorder, RunContext, RunId, observe};
use spanbridge_amqp::{ChannelExt, ConsumerExt};
use spanbridge_graph::{Graph, RunStatus, SpanStatus};
use spanbridge_query::Store;
use spanbridge_store::StoreSink;
use spanbridge_tests::{Amqp, amqp, until, within};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// Says how far it is, and waits for a word to go on; or to be killed.
fn point(name: &str) {
    println!("\n@ {name}");
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

/// Not a test by itself: what the processes do.
#[tokio::test]
async fn process() {
    let variable = |name: &str| std::env::var(format!("SPANBRIDGE_TEST_{name}"));
    let Ok(role) = variable("ROLE") else { return };
    let (db, saved) = (variable("DB").unwrap(), PathBuf::from(variable("STATE").unwrap()));
    let recorder = Recorder::builder("flows").sink(StoreSink::open(db).unwrap()).install().unwrap();
    let load = || std::fs::read_to_string(&saved).unwrap();
    let save = |run: RunContext| std::fs::write(&saved, run.to_string()).unwrap();
    match &*role {
        "a" => {
            let run = observe::run("approval").open();
            run.in_scope(|| observe::span("ask").in_scope(|| ()));
            point(&format!("started {}", run.id().unwrap()));
            save(run.suspend("a person"));
            point("suspended");
        }
        "b" => {
            let run = observe::resume_run(load().parse().unwrap());
            point("resumed");
            let queue = variable("QUEUE").unwrap();
            run.with_context(|| observe::span("decide").run(|| hand_over(&queue))).await.unwrap();
            save(run.suspend("the mail"));
            point("suspended again");
        }
        _ => {
            let run = observe::resume_run(load().parse().unwrap());
            point("resumed again");
            run.in_scope(|| observe::span("close").in_scope(|| ()));
            run.end();
        }
    }
    assert!(recorder.shutdown(Duration::from_secs(60)).complete);
}

async fn hand_over(queue: &str) -> lapin::Result<()> {
    let url = std::env::var("AMQP_URL").unwrap();
    let connection = lapin::Connection::connect(&url, lapin::ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default().with_delivery_mode(2));
    channel.observed().basic_publish("".into(), queue.into(), options, b"{}", properties).await?.await?;
    point("handed over");
    connection.close(200, "done".into()).await
}

struct Process {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Process {
    fn start(role: &str, story: &Story) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "process", "--nocapture"])
            .env("SPANBRIDGE_TEST_ROLE", role)
            .env("SPANBRIDGE_TEST_DB", story.db())
            .env("SPANBRIDGE_TEST_STATE", story.directory.path().join("state"))
            .env("SPANBRIDGE_TEST_QUEUE", &story.queue)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Process { child, stdin, stdout }
    }

    /// Waits until it is there, and gives what it said.
    fn at(&mut self, point: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(self.stdout.read_line(&mut line).unwrap() > 0, "it ended before `{point}`");
            if let Some(said) = line.trim_end().strip_prefix("@ ").and_then(|said| said.strip_prefix(point)) {
                return said.trim().to_owned();
            }
        }
    }

    fn go_on(&mut self) {
        writeln!(self.stdin).unwrap();
    }

    fn ends(mut self) {
        self.go_on();
        assert!(self.child.wait().unwrap().success());
    }
}

/// SIGKILL.
impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Story {
    amqp: Amqp,
    queue: String,
    directory: tempfile::TempDir,
}

impl Story {
    async fn new(test: &str) -> Option<Self> {
        let amqp = amqp(test).await?;
        let queue = format!("{}.durable", amqp.queue);
        let options = QueueDeclareOptions { durable: true, ..Default::default() };
        amqp.channel.queue_declare(queue.as_str().into(), options, FieldTable::default()).await.unwrap();
        Some(Story { amqp, queue, directory: tempfile::tempdir().unwrap() })
    }

    fn db(&self) -> PathBuf {
        self.directory.path().join("records.db")
    }

    /// Works on one job, as a process of its own would.
    async fn worker(&self) {
        let recorder = Recorder::builder("mail").sink(StoreSink::open(self.db()).unwrap()).build().unwrap();
        let consumer = self.amqp.consume_from(&self.queue).await;
        let tag = consumer.tag();
        let mut jobs = consumer.observed();
        let job = recorder.scope(async || within("a job", jobs.next()).await.unwrap().unwrap()).await;
        recorder
            .scope(async || {
                job.run(async || observe::span("send mail").in_scope(|| ())).await;
                job.ack(BasicAckOptions::default()).await.unwrap();
            })
            .await;
        self.amqp.channel.basic_cancel(tag, BasicCancelOptions::default()).await.unwrap();
        assert!(recorder.shutdown(Duration::from_secs(60)).complete);
    }

    async fn end(self) {
        self.amqp.channel.queue_delete(self.queue.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    }

    /// What there is, once it is like this.
    async fn seen(&self, run: RunId, expected: &str) -> String {
        let mut last = String::new();
        let look = || {
            let graph = Store::open(self.db()).ok()?.graph(run).unwrap()?;
            last = shown(&graph, &self.queue);
            (last == expected).then(|| last.clone())
        };
        match tokio::time::timeout(Duration::from_secs(60), until("the records", look)).await {
            Ok(seen) => seen,
            Err(_) => panic!("expected:\n{expected}\nbut there is:\n{last}"),
        }
    }

    async fn is(&self, run: RunId, expected: &str) {
        let expected: String =
            expected.lines().skip(1).map(|l| format!("{}\n", l.get(12..).unwrap_or_default())).collect();
        let expected = format!("{}\n", expected.trim_end());
        self.seen(run, &expected).await;
    }
}

/// Status, waits, segments of owners, and spans as they are indented.
fn shown(graph: &Graph, queue: &str) -> String {
    let mut out = format!("{:?}\n", graph.run.status);
    for s in &graph.run.suspensions {
        let over = if s.resumed_at.is_some() { "resumed" } else { "waits" };
        writeln!(out, "{}: {over}", s.reason.as_deref().unwrap_or("?")).unwrap();
    }
    for s in &graph.run.segments {
        let after = graph.run.suspensions.iter().find(|w| Some(&w.suspension_id) == s.suspension_id.as_ref());
        let after = after.map_or(String::new(), |w| format!(" after {}", w.reason.as_deref().unwrap_or("?")));
        writeln!(out, "{:?} in {}{after}", s.via.unwrap(), s.service).unwrap();
    }
    for span in &graph.spans {
        let indent = "  ".repeat(span.depth);
        let open = if span.status == SpanStatus::Open { " open" } else { "" };
        let orphan = if span.orphan { " orphan" } else { "" };
        writeln!(out, "{indent}- {}{open}{orphan}", span.name).unwrap();
    }
    for d in &graph.diagnostics {
        writeln!(out, "{}: {}", d.code, d.message).unwrap();
    }
    out.replace(queue, "Q")
}

fn ends(db: &Path, run: RunId) -> usize {
    let mut ends = 0;
    let count = |record: spanbridge::record::Record<'_>| ends += usize::from(matches!(record.body, Body::RunEnd(_)));
    Store::open(db).unwrap().records(Some(run), count).unwrap();
    ends
}

#[tokio::test]
async fn one_run_over_three_processes_and_a_queue() {
    let Some(story) = Story::new("runs").await else { return };
    let mut a = Process::start("a", &story);
    let run: RunId = a.at("started").parse().unwrap();
    a.go_on();
    a.at("suspended");
    a.ends();
    let mut b = Process::start("b", &story);
    b.at("resumed");
    b.go_on();
    b.at("handed over");
    b.go_on();
    b.at("suspended again");
    b.ends();
    story.worker().await;
    let mut c = Process::start("c", &story);
    c.at("resumed again");
    c.ends();

    let done = "
            Ok
            a person: resumed
            the mail: resumed
            Start in flows
            Resume in flows after a person
            Receive in mail
            Resume in flows after the mail
            - ask
            - decide
              - publish amq.default:Q
                - process amq.default:Q
                  - send mail
                  - ack amq.default:Q
            - close";
    story.is(run, done).await;
    assert_eq!(ends(&story.db(), run), 1);
    let graph = Store::open(story.db()).unwrap().graph(run).unwrap().unwrap();
    // Each span is in the segment of its process, and they are of one run and one trace.
    let segments = |via: Via| graph.run.segments.iter().filter(move |s| s.via == Some(via));
    assert_eq!((segments(Via::Start).count(), segments(Via::Resume).count()), (1, 2));
    let owner = |name: &str| graph.spans.iter().find(|s| s.name == name).unwrap().segment_id;
    let resumed: Vec<_> = segments(Via::Resume).map(|s| s.segment_id).collect();
    assert_eq!([owner("decide"), owner("close")], resumed[..]);
    assert_eq!(graph.run.trace_ids.len(), 1);
    assert!(graph.spans.iter().all(|s| s.run_id == run && RunId::of_trace(s.trace_id) == run));
    story.end().await;
}

#[tokio::test]
async fn killed_at_any_of_six_points() {
    let Some(story) = Story::new("killed").await else { return };
    // 1: begun, and not suspended. Nobody can go on with it.
    let mut a = Process::start("a", &story);
    let run: RunId = a.at("started").parse().unwrap();
    let begun = "
            Open
            Start in flows
            - ask";
    story.is(run, begun).await;
    drop(a);
    story.is(run, begun).await;
    assert!(!story.directory.path().join("state").exists());

    // 2: suspended and saved. Nothing is missing.
    let mut a = Process::start("a", &story);
    let run: RunId = a.at("started").parse().unwrap();
    a.go_on();
    a.at("suspended");
    let suspended = "
            Suspended
            a person: waits
            Start in flows
            - ask";
    story.is(run, suspended).await;
    drop(a);

    // 3: resumed, and nothing done.
    let mut b = Process::start("b", &story);
    b.at("resumed");
    let resumed = "
            Open
            a person: resumed
            Start in flows
            Resume in flows after a person
            - ask";
    story.is(run, resumed).await;
    drop(b);

    // 4: another tries; killed when the job is handed over. The job is worked on, under what will never end.
    let mut b = Process::start("b", &story);
    b.at("resumed");
    b.go_on();
    b.at("handed over");
    story.worker().await;
    let handed_over = "
            Open
            a person: resumed
            Start in flows
            Resume in flows after a person
            Resume in flows after a person
            Receive in mail
            - ask
            - decide open
              - publish amq.default:Q
                - process amq.default:Q
                  - send mail
                  - ack amq.default:Q";
    story.is(run, handed_over).await;
    drop(b);
    story.is(run, handed_over).await;

    // 5: a third one gets as far as to suspend it again.
    let mut b = Process::start("b", &story);
    b.at("resumed");
    b.go_on();
    b.at("handed over");
    b.go_on();
    b.at("suspended again");
    let again = "
            Suspended
            a person: resumed
            the mail: waits
            Start in flows
            Resume in flows after a person
            Resume in flows after a person
            Receive in mail
            Resume in flows after a person
            - ask
            - decide open
              - publish amq.default:Q
                - process amq.default:Q
                  - send mail
                  - ack amq.default:Q
            - decide
              - publish amq.default:Q";
    story.is(run, again).await;
    drop(b);

    // 6: resumed for the last time, and not ended.
    let mut c = Process::start("c", &story);
    c.at("resumed again");
    let last = again
        .replace("Suspended", "Open")
        .replace("the mail: waits", "the mail: resumed")
        .replace("            - ask", "            Resume in flows after the mail\n            - ask");
    story.is(run, &last).await;
    drop(c);

    // And in the end somebody ends it: what was lost stays as it was, and nothing contradicts anything.
    let mut c = Process::start("c", &story);
    c.at("resumed again");
    c.ends();
    let mut done = last
        .replacen("Open", "Ok", 1)
        .replace("            - ask", "            Resume in flows after the mail\n            - ask");
    done += "\n            - close";
    story.is(run, &done).await;
    assert_eq!(ends(&story.db(), run), 1);
    let status = Store::open(story.db()).unwrap().runs(&Default::default(), 9).unwrap();
    assert_eq!(status.iter().map(|r| r.status).collect::<Vec<_>>(), [RunStatus::Ok, RunStatus::Open]);
    story.end().await;
}
