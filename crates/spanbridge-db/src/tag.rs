//! The context of who writes, as text: what a transaction tells the database, and what is read from it.

use spanbridge::w3c::{Baggage, TraceParent, TraceState};
use spanbridge::{Context, observe};

/// Says who writes in a PostgreSQL transaction, for `spanbridge state follow`: run it in the transaction, before the statements that
/// change rows, with the text of [`writer_context`] as its parameter. It costs some hundred bytes of write-ahead log, and nothing is stored in
/// a table.
///
/// ```
/// # #[cfg(all(feature = "tokio-postgres", feature = "sqlx"))] mod clients {
/// use spanbridge_db::{EMIT_CONTEXT, writer_context};
///
/// async fn with_tokio_postgres(transaction: &tokio_postgres::Transaction<'_>) -> Result<(), tokio_postgres::Error> {
///     if let Some(context) = writer_context() {
///         transaction.execute(EMIT_CONTEXT, &[&context]).await?;
///     }
///     transaction.execute("UPDATE orders SET status = 'paid' WHERE id = 1", &[]).await?;
///     Ok(())
/// }
///
/// async fn with_sqlx(transaction: &mut sqlx::PgTransaction<'_>) -> sqlx::Result<()> {
///     if let Some(context) = writer_context() {
///         sqlx::query(EMIT_CONTEXT).bind(context).execute(&mut **transaction).await?;
///     }
///     sqlx::query("UPDATE orders SET status = 'paid' WHERE id = 1").execute(&mut **transaction).await?;
///     Ok(())
/// }
/// # }
/// ```
pub const EMIT_CONTEXT: &str = "SELECT pg_logical_emit_message(true, 'spanbridge', $1::text)";

/// The prefix of these messages.
#[cfg(feature = "pgoutput")]
pub(crate) const PREFIX: &str = "spanbridge";

/// The parameter of [`EMIT_CONTEXT`]: the current context. `None` if there is no trace, or it is not recorded: then there is nothing to say.
pub fn writer_context() -> Option<String> {
    let context = observe::current_context();
    context.is_sampled().then(|| write(&context)).flatten()
}

/// A `traceparent`; after a space, our member of `tracestate` if the run is not the trace's own. `None`: there is no trace.
///
/// It consists of hex digits and `-`, `=`, `:`, `s`, `b`, `r` and spaces, so it needs no quoting in SQL.
pub(crate) fn write(context: &Context) -> Option<String> {
    let parent = context.trace_parent()?;
    let mut text = parent.to_text().as_str().to_owned();
    let own = context.run_id().is_none_or(|run| run == spanbridge::RunId::of_trace(parent.trace_id));
    if !own {
        text.push(' ');
        TraceState::new().write(context.run_id(), &mut text)
    }
    Some(text)
}

/// The context that [`write()`] has written. `None` if it is not such a text: whoever wrote it is not known.
pub(crate) fn read(text: &str) -> Option<Context> {
    let (parent, state) = text.split_once(' ').unwrap_or((text, ""));
    let parent = TraceParent::parse(parent.as_bytes()).ok()?;
    let (run, ..) = TraceState::parse(state.as_bytes());
    Some(Context::remote(parent, run, TraceState::new(), Baggage::new()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use spanbridge::{RunId, SpanId, TraceId};

    fn context(run: Option<RunId>) -> Context {
        let (Some(trace_id), Some(span_id)) = (TraceId::new(7), SpanId::new(9)) else { unreachable!() };
        Context::remote(TraceParent { trace_id, span_id, flags: 1 }, run, TraceState::new(), Baggage::new())
    }

    #[test]
    fn contexts_read_back() {
        for run in [None, RunId::new(7), RunId::new(0xabc)] {
            let context = context(run);
            let text = write(&context).unwrap();
            assert!(text.len() < 100 && !text.contains('\''), "{text}");
            let read = read(&text).unwrap();
            assert_eq!((read.trace_id(), read.span_id()), (context.trace_id(), context.span_id()));
            assert_eq!(read.run_id(), context.run_id());
        }
        assert_eq!(write(&context(None)).unwrap().len(), TraceParent::LEN);
        assert_eq!(write(&Context::EMPTY), None);
    }

    proptest! {
        #[test]
        fn any_text_may_be_read(text in ".*") {
            let _ = read(&text);
        }
    }
}
