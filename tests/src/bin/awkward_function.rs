//! A function whose environment variables and events choose how it misbehaves. Its spans go to the sink only at a flush.
//!
//! | variable | effect |
//! |---|---|
//! | `WAY` | how it is observed: `run` (default), `concurrent`, `layer` or `attribute` |
//! | `THREADS=several` | it has more than one thread |
//! | `SINK` | the sink: `hang` never returns, `fail` always fails, `slow` is a slow store, and the default is the store |
//! | `READY` | what `poll_ready` does every time: `wait`, `block`, `fail` or `panic` |
//! | `GO`, `WENT` | when the file `GO` exists, a thread records a span `between` and writes the file `WENT` |
//!
//! | event | effect |
//! |---|---|
//! | `{"do": "block"}` | writes the file `STARTED` and blocks its thread |
//! | `{"do": "handle SIGTERM"}` | installs a handler that slowly writes the file `ENDED` |
//! | `{"do": "fork"}` | sends SIGTERM to a child between fork and exec, and returns the signal that ended the child |
//!
//! The initialization records a span `connect`.

use lambda_runtime::{Error, LambdaEvent, Runtime, Service, service_fn};
use serde_json::{Value, json};
use spanbridge::{Receipt, RecordBatch, Recorder, Sink, SinkError, observe};
use spanbridge_lambda::{ObservedLayer, handler, observed};
use spanbridge_store::StoreSink;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::Command;
use std::task::{Context, Poll};
use std::time::Duration;

fn main() -> Result<(), Error> {
    let mut runtime = match std::env::var("THREADS").as_deref() {
        Ok("several") => tokio::runtime::Builder::new_multi_thread(),
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    runtime.enable_all().build()?.block_on(function())
}

async fn function() -> Result<(), Error> {
    let builder = Recorder::builder("awkward").on_flush_only();
    let builder = match std::env::var("SINK").as_deref() {
        Ok("hang") => builder.sink(|_: &RecordBatch| -> Result<Receipt, SinkError> {
            loop {
                std::thread::park()
            }
        }),
        Ok("fail") => builder.sink(|_: &RecordBatch| -> Result<Receipt, SinkError> { Err(SinkError::new("down")) }),
        Ok("slow") => {
            let mut store = StoreSink::open_default()?;
            builder.sink(move |batch: &RecordBatch| {
                std::thread::sleep(Duration::from_millis(200));
                store.deliver(batch)
            })
        }
        _ => builder.sink(StoreSink::open_default()?),
    };
    let _recorder = builder.install()?;
    observe::span("connect").in_scope(|| ());
    std::thread::spawn(|| {
        let Some(go) = file("GO") else { return };
        while !go.exists() {
            std::thread::sleep(Duration::from_millis(2))
        }
        observe::span("between").in_scope(|| ());
        write("WENT", "recorded")
    });
    let service = Awkward(service_fn(handle));
    match std::env::var("WAY").as_deref() {
        Ok("concurrent") => spanbridge_lambda::run_concurrent(service).await,
        Ok("layer") => Runtime::new(observed(service)).layer(ObservedLayer::new()).run().await,
        Ok("attribute") => lambda_runtime::run(service_fn(annotated)).await,
        _ => spanbridge_lambda::run(service).await,
    }
}

/// A service whose `poll_ready` does what `READY` says.
#[derive(Clone)]
struct Awkward<S>(S);

impl<S: Service<LambdaEvent<Value>, Error = Error>> Service<LambdaEvent<Value>> for Awkward<S> {
    type Response = S::Response;
    type Error = Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match std::env::var("READY").as_deref() {
            Ok("wait") => Poll::Pending,
            Ok("block") => loop {
                std::thread::park()
            },
            Ok("fail") => Poll::Ready(Err("no connection".into())),
            Ok("panic") => panic!("no ink"),
            _ => self.0.poll_ready(cx),
        }
    }

    fn call(&mut self, event: LambdaEvent<Value>) -> S::Future {
        self.0.call(event)
    }
}

#[handler]
async fn annotated(event: LambdaEvent<Value>) -> Result<Value, Error> {
    handle(event).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    match event.payload["do"].as_str() {
        Some("block") => {
            write("STARTED", "at work");
            std::thread::sleep(Duration::from_secs(60))
        }
        Some("handle SIGTERM") => {
            let mut sigterm = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
            tokio::spawn(async move {
                sigterm.recv().await;
                tokio::time::sleep(Duration::from_millis(200)).await;
                write("ENDED", "in its own time");
                std::process::exit(0)
            });
        }
        Some("fork") => return Ok(json!(forked()?)),
        _ => {}
    }
    Ok(event.payload)
}

fn forked() -> std::io::Result<Option<i32>> {
    let mut child = Command::new("true");
    // SAFETY: `raise` is async-signal-safe, so it may be called between fork and exec.
    unsafe {
        child.pre_exec(|| {
            libc::raise(libc::SIGTERM);
            Ok(())
        })
    };
    Ok(child.spawn()?.wait()?.signal())
}

fn file(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from)
}

fn write(name: &str, text: &str) {
    if let Some(file) = file(name) {
        std::fs::write(file, text).expect("a place to write to")
    }
}
