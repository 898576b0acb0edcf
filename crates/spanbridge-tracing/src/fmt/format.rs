//! The side that knows the event: whose ids a line gets.

use super::ids::{Ids, Taken};
use super::line::Style;
use super::writer::{Note, leave};
use crate::Layer;
use spanbridge::{Context, observe};
use std::fmt;
use tracing_core::span::Id;
use tracing_core::{Event, Subscriber, dispatcher};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

/// The event formatter that [`with_ids`](super::WithIds::with_ids) makes of another one. It writes what the other one writes;
/// the [writer](super::IdsWriter) adds the ids.
#[derive(Clone, Debug)]
pub struct IdsFormat<E> {
    inner: E,
}

impl<E> IdsFormat<E> {
    pub(super) fn new(inner: E) -> Self {
        IdsFormat { inner }
    }
}

impl<S, N, E> FormatEvent<S, N> for IdsFormat<E>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    E: FormatEvent<S, N>,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let ansi = writer.has_ansi_escapes();
        self.inner.format_event(ctx, writer, event)?;
        let ids = ids_of(ctx, event);
        let mut taken = Taken::default();
        if ids.is_some() {
            event.fields().for_each(|field| taken |= Taken::of_name(field.name().as_bytes()));
        }
        leave(Note { ids, style: Style { taken, ansi }, of: event.metadata() });
        Ok(())
    }
}

fn ids_of<S, N>(ctx: &FmtContext<'_, S, N>, event: &Event<'_>) -> Option<Ids>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    if event.is_root() {
        return None;
    }
    let context = event.parent().and_then(|parent| context_of(ctx, parent)).unwrap_or_else(observe::current_context);
    Ids::of(&context)
}

/// The context of a span that the layer has begun.
///
/// A formatter is not told which subscriber it is part of. While an event is delivered, `tracing` answers this only where there
/// are no scoped subscribers, and then it is the right one, unless the event is of a span that was made under a scoped one.
#[cold]
fn context_of<S, N>(ctx: &FmtContext<'_, S, N>, id: &Id) -> Option<Context>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    let place = ctx.span(id).and_then(|span| place_of::<S, N>(&span));
    dispatcher::get_default(|default| {
        let another = default.downcast_ref::<S>().and_then(|spans| place_of::<S, N>(&spans.span(id)?));
        // Equal numbers do not make them the same span.
        if place != another {
            return None;
        }
        default.downcast_ref::<Layer>()?.context(id)
    })
}

/// Where the formatter keeps what it knows of a span.
fn place_of<'s, S, N>(span: &SpanRef<'s, S>) -> Option<usize>
where
    S: LookupSpan<'s>,
    N: 'static,
{
    span.extensions().get::<FormattedFields<N>>().map(|fields| std::ptr::from_ref(fields).addr())
}
