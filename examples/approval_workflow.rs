//! A workflow that outlives its processes: three of them, on any days, carry one run.
//!
//! ```sh
//! cargo run --example approval_workflow -- start  --state request.json    # prints `run <32 hex>`
//! cargo run --example approval_workflow -- decide --state request.json --approve
//! cargo run --example approval_workflow -- finish --state request.json
//! cargo run -p spanbridge-cli -- trace <the run>
//! ```
//!
//! All that spanbridge asks for is one field in the workflow's state.

use anyhow::{Context as _, bail};
use clap::{Args, Parser, Subcommand};
use serde::{Deserialize, Serialize};
use spanbridge::{Primitive, RunContext, observe};
use spanbridge_examples::{Records, finish};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A request that somebody approves: three processes, one run.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    step: Step,
    #[command(flatten)]
    files: Files,
}

#[derive(Args)]
struct Files {
    /// Where the workflow keeps its state
    #[arg(long, global = true, default_value = "approval.json", value_name = "FILE")]
    state: PathBuf,
    /// The store file [default: the user's data directory]
    #[arg(long, global = true, env = "SPANBRIDGE_DB", value_name = "PATH")]
    db: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Step {
    /// Collects a request, asks for a decision, and prints the run
    Start,
    /// Takes the decision
    Decide(Decision),
    /// Does what was decided
    Finish,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Decision {
    /// Yes
    #[arg(long)]
    approve: bool,
    /// No
    #[arg(long)]
    reject: bool,
}

/// What the workflow keeps between its steps.
#[derive(Deserialize, Serialize)]
struct State {
    amount: u64,
    waits_for: Waits,
    approved: Option<bool>,
    /// The one field that is spanbridge's.
    run: RunContext,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Waits {
    Decision,
    Payday,
    Nothing,
}

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Waits::Decision => "a decision",
            Waits::Payday => "payday",
            Waits::Nothing => "nothing any more",
        })
    }
}

impl State {
    /// Reads the state of a workflow that waits for this.
    fn load(path: &Path, waits_for: Waits) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
        let state: State = serde_json::from_str(&text).with_context(|| format!("failed to read {}", path.display()))?;
        if state.waits_for != waits_for {
            bail!("the request waits for {}, not for {waits_for}", state.waits_for)
        }
        Ok(state)
    }

    /// Writes it whole, or not at all.
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
    State { amount: 1200, waits_for: Waits::Decision, approved: None, run }.save(path)?;
    println!("run {id}");
    Ok(())
}

async fn decide(path: &Path, approved: bool) -> anyhow::Result<()> {
    let state = State::load(path, Waits::Decision)?;
    let run = observe::resume_run(state.run);
    run.with_context(async || {
        let decision = observe::span("decide").primitive(Primitive::FLOW_STEP).attribute("approved", approved);
        decision.run(|| tokio::time::sleep(Duration::from_millis(5))).await
    })
    .await;
    let run = run.suspend("waiting for payday");
    State { waits_for: Waits::Payday, approved: Some(approved), run, ..state }.save(path)?;
    println!("{}", if approved { "approved" } else { "rejected" });
    Ok(())
}

async fn pay(path: &Path) -> anyhow::Result<()> {
    let state = State::load(path, Waits::Payday)?;
    let run = observe::resume_run(state.run.clone());
    let approved = state.approved == Some(true);
    run.with_context(|| work(if approved { "pay" } else { "tell that it was rejected" }, 4)).await;
    // Saved first: who ends the run twice contradicts himself, and a run without an end only looks unfinished.
    let saved = State { waits_for: Waits::Nothing, ..state }.save(path);
    run.end_with(&saved);
    saved?;
    println!("{}", if approved { "paid" } else { "closed" });
    Ok(())
}

async fn work(step: &'static str, ms: u64) {
    observe::span(step).primitive(Primitive::FLOW_STEP).run(|| tokio::time::sleep(Duration::from_millis(ms))).await
}
