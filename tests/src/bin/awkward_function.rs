//! A function under conditions that its environment says. It has one thread for everything, and its spans go to the sink
//! when somebody asks for it, and not before.
//!
//! `SINK=hang` takes nothing and does not come back, `SINK=fail` fails at once; else it is the store, which with `SINK=slow` takes its
//! time. The initialisation is a
//! span. Once the file `GO` is there a thread records a span `between`, and writes the file `WENT`.
//!
//! `{"do": "block"}` blocks the only thread, once the file `STARTED` is written; `{"do": "handle SIGTERM"}` sets up a handler for
//! it, which writes the file `ENDED` in its own time; `{"do": "fork"}` says by which signal a child ends that gets SIGTERM before it
//! is another program.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};
use spanbridge::{Batch, Receipt, Recorder, Sink, SinkError, observe};
use spanbridge_store::StoreSink;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let builder = Recorder::builder("awkward").on_flush_only();
    let builder = match std::env::var("SINK").as_deref() {
        Ok("hang") => builder.sink(|_: &Batch| -> Result<Receipt, SinkError> {
            loop {
                std::thread::park()
            }
        }),
        Ok("fail") => builder.sink(|_: &Batch| -> Result<Receipt, SinkError> { Err(SinkError::new("down")) }),
        Ok("slow") => {
            let mut store = StoreSink::open_default()?;
            builder.sink(move |batch: &Batch| {
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
    spanbridge_lambda::run(service_fn(handle)).await
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
    // SAFETY: `raise` may be called after a fork.
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
