//! `spanbridge state follow` and `unfollow`.

use crate::args::{Cli, Follow, Format, Policy, Slot, Unfollow};
use crate::failure::Failure;
use crate::{size, stream};
use serde_json::json;
use spanbridge_cli::answers::SlotAnswer;
use spanbridge_cli::follow::{self, Error, ErrorKind, Event, Options};
use spanbridge_cli::followed::Followed;
use spanbridge_cli::render::escape;
use spanbridge_db::StatePolicy;
use std::future::Future;
use std::io;
use std::path::Path;
use tokio::runtime::{Builder, Runtime};
use tokio::signal;
use tokio::sync::watch;

pub(super) fn follow(cli: &Cli, args: &Follow) -> Result<(), Failure> {
    let mut options = options(cli, &args.slot)?;
    let policy = match args.policy {
        Policy::Keys => StatePolicy::keys(),
        Policy::Values => StatePolicy::values(),
    };
    let policy = policy.max_bytes(usize::try_from(args.max_bytes).unwrap_or(usize::MAX));
    let policy = args.redact.iter().fold(policy, |policy, (table, column)| policy.redact_column(table, column));
    options.policy =
        if args.tables.is_empty() { policy } else { policy.tables(args.tables.iter().map(String::as_str)) };
    options.tables.clone_from(&args.tables);
    (options.create, options.once) = (args.create, args.once);
    (options.max_lag, options.interval) = (args.max_lag, args.interval);
    if args.slot.postgres.contains("://")
        && has_password(&args.slot.postgres)
        && std::env::var_os("DATABASE_URL").is_none()
    {
        stream::note("others on this host can see the password in the list of processes; put it into PGPASSWORD");
    }
    let runtime = runtime()?;
    let mut ready = Ok(());
    let followed = runtime.block_on(async {
        let stop = signals();
        follow::follow(&options, stop, &mut |event| {
            let said = say(cli, &options, event);
            ready = std::mem::replace(&mut ready, Ok(())).and(said);
        })
        .await
    });
    followed?;
    ready
}

/// Whether a URL has a password.
fn has_password(url: &str) -> bool {
    let authority = url.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?']).next().unwrap_or_default());
    authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
}

pub(super) fn unfollow(cli: &Cli, args: &Unfollow) -> Result<(), Failure> {
    let options = options(cli, &args.slot)?;
    let removed = runtime()?.block_on(follow::remove(&options))?;
    // The store may be of another host, or gone.
    let remove = |notes: &Path| Followed::remove(notes, removed.system_identifier, &options.slot);
    let _ = options.notes.as_deref().map(remove);
    if cli.format == Format::Json {
        return stream::print_json(&json!({
            "schemaVersion": 1,
            "slot": removed.slot.map(|_| &options.slot),
            "keptBytes": removed.slot,
            "publications": removed.publications,
        }));
    }
    let mut text = match removed.slot {
        Some(kept) => {
            format!("the slot {} is dropped; the server kept {} for it\n", escape(&options.slot), size::show(kept))
        }
        None => format!("there was no slot {}\n", escape(&options.slot)),
    };
    for name in &removed.publications {
        text.push_str(&format!("the publication {} is dropped\n", escape(name)));
    }
    stream::print(&text, &stream::options(cli))
}

/// Asks a server about slots, as far as they are its own.
pub(in crate::commands) fn ask(postgres: &str, slots: &mut [SlotAnswer]) -> Result<(), Failure> {
    let names: Vec<String> = slots.iter().map(|slot| slot.followed.slot.clone()).collect();
    let (system, all) = runtime()?.block_on(follow::statuses(postgres, &names))?;
    let of_server = slots.iter_mut().zip(all).filter(|(slot, _)| slot.followed.system_identifier == system);
    for (slot, status) in of_server {
        slot.is_gone = status.as_ref().is_none_or(|status| status.is_lost);
        slot.is_silent &= !slot.is_gone;
        slot.followed.kept_bytes = status.and_then(|status| status.kept_bytes);
    }
    Ok(())
}

fn options(cli: &Cli, slot: &Slot) -> Result<Options, Failure> {
    let mut options = Options::new(&slot.postgres, cli.place()?);
    options.slot.clone_from(&slot.slot);
    options.publication.clone_from(&slot.publication);
    Ok(options)
}

fn runtime() -> Result<Runtime, Failure> {
    let built = Builder::new_current_thread().enable_all().build();
    built.map_err(|e| Failure::NotFound(format!("start the runtime: {e}")))
}

/// Becomes true with the first signal to end. The second one ends the process at once: nothing is lost by that.
fn signals() -> watch::Receiver<bool> {
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        if signal_to_end().await.is_ok() {
            let _ = stop.send(true);
            if signal_to_end().await.is_ok() {
                std::process::exit(130);
            }
        }
        // The receiver waits for a sender that lives.
        std::future::pending::<()>().await
    });
    stopped
}

#[cfg(unix)]
fn signal_to_end() -> impl Future<Output = io::Result<()>> {
    let terminate = signal::unix::signal(signal::unix::SignalKind::terminate());
    async move {
        let mut terminate = terminate?;
        tokio::select! {
            ended = signal::ctrl_c() => ended,
            _ = terminate.recv() => Ok(()),
        }
    }
}

#[cfg(not(unix))]
fn signal_to_end() -> impl Future<Output = io::Result<()>> {
    signal::ctrl_c()
}

/// What happens, for people or programs: one line when it has begun; remarks on standard error.
fn say(cli: &Cli, options: &Options, event: Event<'_>) -> Result<(), Failure> {
    match event {
        Event::Ready { server, created } => match cli.format {
            Format::Json => {
                let created = created.map(|at| at.to_string());
                let line = json!({ "schemaVersion": 1, "server": server, "slot": options.slot, "created": created, "store": options.store.to_string() });
                stream::print(&format!("{line}\n"), &stream::options(cli).color(false))
            }
            Format::Text => {
                let (server, slot) = (escape(server), escape(&options.slot));
                let since = created.map_or(String::new(), |at| format!(", which was created at {at}"));
                let end = if options.once { "" } else { "Ctrl-C ends it.\n" };
                stream::print(&format!("following {server} with the slot {slot}{since}\n{end}"), &stream::options(cli))
            }
        },
        Event::Note(text) => {
            stream::note(&escape(text));
            Ok(())
        }
        Event::Interrupted { error, retry_in } => {
            let why = error.to_string();
            let why = why.lines().next().unwrap_or_default();
            stream::note(&format!("failed to {}; next attempt in {retry_in:.0?}", escape(why)));
            Ok(())
        }
        _ => Ok(()),
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::Store(kind) => spanbridge_query::Error::new(kind, error.to_string()).into(),
            ErrorKind::Usage => Failure::Usage(error.to_string()),
            _ => Failure::NotFound(error.to_string()),
        }
    }
}
