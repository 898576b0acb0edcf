//! A recorded run again, through your own handler: outbound calls are answered from the record.
//!
//! A worker failed on one message in production. Replay it here: with a debugger, without a broker, and as a test once it is fixed.
//!
//! ```no_run
//! # #[cfg(feature = "amqp")]
//! # mod worker {
//! use lapin::options::{BasicAckOptions, BasicNackOptions};
//! use spanbridge_amqp::{CaptureMode, ConsumerExt, Job, ReceiveOptions};
//! use spanbridge_http::ClientExt;
//! use spanbridge_replay::Replayer;
//! use std::process::ExitCode;
//!
//! /// What you have already: the work on one message.
//! async fn handle(job: Job) -> Result<(), Box<dyn std::error::Error>> {
//!     match job.run(|| ship(&job.data)).await {
//!         Ok(()) => job.ack(BasicAckOptions::default()).await?,
//!         Err(_) => job.nack(BasicNackOptions::default()).await?,
//!     };
//!     Ok(())
//! }
//!
//! async fn ship(order: &[u8]) -> reqwest_middleware::Result<()> {
//!     let client = reqwest::Client::new().observed(); // in a replay, its requests are answered from the record
//!     client.post("http://stock/reserve").body(order.to_vec()).send().await?.error_for_status()?;
//!     Ok(())
//! }
//!
//! # pub
//! async fn run() -> Result<ExitCode, Box<dyn std::error::Error>> {
//!     // What you add: before you connect, ask whether this process was started for a replay.
//!     if let Some(replay) = Replayer::from_environment()? {
//!         return Ok(replay.amqp(handle).await.finish());
//!     }
//!     // What can be replayed was recorded whole.
//!     let options = ReceiveOptions::new().capture(CaptureMode::Whole { max: 256 * 1024 });
//!     let mut jobs = connect().await?.observed().with(options);
//!     while let Some(job) = jobs.next().await {
//!         handle(job?).await?
//!     }
//!     Ok(ExitCode::SUCCESS)
//! }
//! # async fn connect() -> lapin::Result<lapin::Consumer> { Err(lapin::ErrorKind::InvalidChannelState(lapin::ChannelState::Closed, "").into()) }
//! # }
//! # fn main() {}
//! ```
//!
//! ```text
//! $ spanbridge replay 4bf92f35 -- cargo run --bin worker     # which run? `spanbridge runs --status error`
//! $ spanbridge replay 4bf92f35 --save tests/cases/order.json # the same as a test: see `case!`
//! ```
//!
//! # What happens
//!
//! The [`Replayer`] makes the native input again from the record and calls your handler, in a run of its own that points at the old
//! one (`replay.of`). Calls through the adapters do not leave the process:
//!
//! | call | in a replay |
//! |---|---|
//! | requests by `spanbridge-http`'s middleware | answered from the record |
//! | publishes and sends to RabbitMQ, Kafka, SQS, SNS; invocations | answered from the record: confirmed, refused, failed, as then |
//! | ack, nack, reject, commits of offsets, transactions | never sent; answered as then, or as done |
//! | queries by `spanbridge-db` | only those of the scratch database that you name; else refused |
//! | what the record does not have | refused: the caller gets an error |
//! | what you ask for by name (`--live`) | leaves |
//! | the time and random values that you take from [`values`] | given back |
//!
//! **Calls that are not wrapped cannot be stopped.** A file, a socket, another client: your handler reaches them as ever.
//!
//! # Which record answers a call
//!
//! The one with the same operation, target and body, in the same place: below spans of the same names. JSON bodies are compared by
//! what they mean, forms by their fields, and of what was recorded by reference the hash. Inside of one span, equal calls are answered in
//! recorded order, and other calls may come in any order: what ran side by side is no difference. A call with another body is answered
//! from the nearest record, and the report names the fields that differ.
//!
//! Headers of the moment (`date`, trace headers, `user-agent`, `content-length`, `host`, credentials) are not compared. An
//! [`Ignore`] hides a difference from the report, and never changes the verdict.
//!
//! # The report
//!
//! Each step of a [`Report`] has a [`Label`]: recorded, re-executed, live, refused, diverged, or not compared. It names the first divergence,
//! and how the handler ended, then and now. The exit code is 0 for the same, and 1 if something diverged or the replay is not
//! possible: if the input was not recorded, only by reference, or not whole. Then nothing runs.
//!
//! # Limits
//!
//! - A step that took a lock, read a file or asked a cache runs again with what is there now.
//! - Threads and tasks that a handler starts belong to the replay only with its context: by
//!   [`in_current_context`](spanbridge::ContextExt::in_current_context) and its like, as with every recording. Calls of others are
//!   refused in a process that [was started for a replay](Replayer::from_environment); in a test they leave.
//! - Bodies that are streams are not compared, nor is what a redaction hook has taken out.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `amqp` | `Replayer::amqp`: messages of RabbitMQ |
//! | `kafka` | `Replayer::kafka`: messages of Kafka |
//! | `lambda` | `Replayer::lambda`: events of AWS Lambda |
//! | `http` | `Replayer::http`: requests, for axum, hyper and tower |
//!
//! Without any of them there are [`values`] for libraries, and the forms of a [`Case`] and a [`Report`].

#![cfg_attr(
    not(all(feature = "amqp", feature = "http", feature = "kafka", feature = "lambda")),
    expect(rustdoc::broken_intra_doc_links, reason = "the docs are written for all features")
)]

mod case;
mod error;
mod json;
#[cfg(feature = "handlers")]
mod matching;
mod private;
#[cfg(feature = "handlers")]
mod replayer;
mod report;
#[cfg(feature = "handlers")]
mod stand_in;
#[cfg(feature = "handlers")]
#[doc(hidden)] // for the code that `case!` writes
pub mod testing;
pub mod values;

pub use case::{Artifact, Case, Content, Event, Ignore, LiveCall, Run, Span, Wanted};
pub use error::{Error, ErrorKind};
#[cfg(feature = "handlers")]
pub use replayer::{Replay, Replayer};
pub use report::{
    Difference, Divergence, DivergenceKind, Entry, Label, NOT_WRAPPED, Outcome, Outcomes, Replayed, Report, Step,
    Verdict,
};
