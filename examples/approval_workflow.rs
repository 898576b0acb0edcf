//! A long-running workflow: three processes, which may run days apart, continue one run.
//!
//! ```sh
//! cargo run --example approval_workflow -- start  --state request.json    # prints `run <32 hex>`
//! cargo run --example approval_workflow -- decide --state request.json --approve
//! cargo run --example approval_workflow -- finish --state request.json
//! cargo run -p spanbridge-cli -- trace <the run>
//! ```
//!
//! The workflow suspends its run at the end of each step and saves it with its state. spanbridge needs one field there:
//! `State::run`. The trace shows one run with all three steps and the waits between them.

use anyhow::{Context as _, bail};
use clap::{Args, Parser, Subcommand};
use serde::{Deserialize, Serialize};
use spanbridge::{Primitive, RunContext, observe};
use spanbridge_examples::{Records, finish};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// An approval workflow: three processes, one run.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    step: Step,
    #[command(flatten)]
    files: Files,
}

#[derive(Args)]
struct Files {
    /// The file with the workflow's state
    #[arg(long, global = true, default_value = "approval.json", value_name = "FILE")]
    state: PathBuf,
    /// The store [default: spanbridge/store in the user's data directory]
    #[arg(long, global = true, env = "SPANBRIDGE_DB", value_name = "PATH")]
    db: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Step {
    /// Create a request, ask for a decision, and print the run id
    Start,
    /// Approve or reject the request
    Decide(Decision),
    /// Pay the request, or close it if it was rejected
    Finish,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Decision {
    /// Approve the request
    #[arg(long)]
    approve: bool,
    /// Reject the request
    #[arg(long)]
    reject: bool,
}

/// The state that the workflow saves between its steps.
#[derive(Deserialize, Serialize)]
struct State {
    amount: u64,
    waits_for: WaitingFor,
    approved: Option<bool>,
    /// The suspended run: the only field that spanbridge needs.
    run: RunContext,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum WaitingFor {
    Decision,
    Payday,
    Nothing,
}

impl fmt::Display for WaitingFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WaitingFor::Decision => "a decision",
            WaitingFor::Payday => "payday",
            WaitingFor::Nothing => "nothing, because it is finished",
        })
    }
}

impl State {
    /// Reads the state. Fails if the workflow is waiting for something else.
    fn load(path: &Path, waits_for: WaitingFor) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
        let state: State = serde_json::from_str(&text).with_context(|| format!("failed to read {}", path.display()))?;
        if state.waits_for != waits_for {
            bail!("the request is waiting for {}, not for {waits_for}", state.waits_for)
        }
        Ok(state)
    }

    /// Replaces the file atomically.
    fn save(&self, path: &Path) -> anyhow::Result<()> {
        let part = path.with_extension("part");
        let written = std::fs::write(&part, serde_json::to_string_pretty(self)? + "\n");
        written
            .and_then(|()| std::fs::rename(&part, path))
            .with_context(|| format!("failed to write {}", path.display()))
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments { step, files } = Arguments::parse();
    let recorder = Records { path: files.db }.recorder("approvals")?.install()?;
    let result = match step {
        Step::Start => start(&files.state).await,
        Step::Decide(decision) => decide(&files.state, decision.approve).await,
        Step::Finish => pay(&files.state).await,
    };
    finish(recorder);
    result
}

async fn start(path: &Path) -> anyhow::Result<()> {
    let run = observe::run("approval").primitive(Primitive::FLOW_RUN).attribute("request.amount", 1200).open();
    let id = run.id().map(|id| id.to_string()).unwrap_or_default();
    run.with_context(async || {
        work("collect documents", 8).await;
        work("ask the manager", 2).await;
    })
    .await;
    let run = run.suspend("waiting for a decision");
    State { amount: 1200, waits_for: WaitingFor::Decision, approved: None, run }.save(path)?;
    println!("run {id}");
    Ok(())
}

async fn decide(path: &Path, approved: bool) -> anyhow::Result<()> {
    let state = State::load(path, WaitingFor::Decision)?;
    let run = observe::resume_run(state.run);
    run.with_context(async || {
        let decision = observe::span("decide").primitive(Primitive::FLOW_STEP).attribute("approved", approved);
        decision.run(|| tokio::time::sleep(Duration::from_millis(5))).await
    })
    .await;
    let run = run.suspend("waiting for payday");
    State { waits_for: WaitingFor::Payday, approved: Some(approved), run, ..state }.save(path)?;
    println!("{}", if approved { "approved" } else { "rejected" });
    Ok(())
}

async fn pay(path: &Path) -> anyhow::Result<()> {
    let state = State::load(path, WaitingFor::Payday)?;
    let run = observe::resume_run(state.run.clone());
    let approved = state.approved == Some(true);
    run.with_context(|| work(if approved { "pay" } else { "notify of rejection" }, 4)).await;
    // Save before you end the run. If the process dies in between, the run only looks unfinished. The other way round, the
    // repeated step would end the run a second time.
    let saved = State { waits_for: WaitingFor::Nothing, ..state }.save(path);
    run.end_with(&saved);
    saved?;
    println!("{}", if approved { "paid" } else { "closed" });
    Ok(())
}

async fn work(step: &'static str, ms: u64) {
    observe::span(step).primitive(Primitive::FLOW_STEP).run(|| tokio::time::sleep(Duration::from_millis(ms))).await
}
