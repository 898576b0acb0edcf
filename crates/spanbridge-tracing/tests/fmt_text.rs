//! Lines of text, word for word: each formatter, with colours and without, with formatters and writers of the user's own.
#![cfg(feature = "fmt")]

mod lines;

use lines::{Lines, RUN, in_trace, sent};
use spanbridge::{Context, observe};
use spanbridge_tracing::fmt::{IdsWriter, WithIds};
use tracing::subscriber::with_default;
use tracing::{Event, Level, Subscriber, info, info_span, warn};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::fmt::format::{FmtSpan, Writer};
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{self, FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;

const IDS: &str = "trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7";

/// What the lines of one subscriber are, with `IDS` shown as `IDS`.
fn written(subscriber: impl Subscriber + Send + Sync + 'static, lines: &Lines, work: impl FnOnce()) -> Vec<String> {
    with_default(subscriber, work);
    lines.take().iter().map(|line| line.replace(IDS, "IDS")).collect()
}

fn an_order() {
    in_trace(|| info_span!("place", order = 7).in_scope(|| warn!(stock = 0, "sold out")))
}

#[test]
fn full() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().without_time().with_ansi(false).with_writer(lines.clone()).with_ids();
    let seen = written(subscriber.finish(), &lines, an_order);
    assert_eq!(seen, [" WARN place{order=7}: fmt_text: sold out stock=0 IDS\n"]);
}

#[test]
fn compact() {
    let lines = Lines::default();
    let compact = tracing_subscriber::fmt().compact().without_time().with_ansi(false).with_writer(lines.clone());
    let seen = written(compact.with_ids().finish(), &lines, an_order);
    assert_eq!(seen, [" WARN place: fmt_text: sold out stock=0 order=7 IDS\n"]);
}

/// An entry of several lines has a line of ids.
#[test]
fn pretty() {
    let lines = Lines::default();
    let pretty = tracing_subscriber::fmt().pretty().without_time().with_ansi(false).with_writer(lines.clone());
    let seen = written(pretty.with_file(false).with_line_number(false).with_ids().finish(), &lines, an_order);
    assert_eq!(seen, ["   WARN fmt_text: sold out, stock: 0\n    in fmt_text::place with order: 7\n    IDS\n\n"]);
}

#[test]
fn a_layer_beside_others() {
    let (lines, plain) = (Lines::default(), Lines::default());
    let layer = fmt::layer().without_time().with_ansi(false);
    let subscriber = tracing_subscriber::registry()
        .with(fmt::layer().without_time().with_ansi(false).with_writer(plain.clone()))
        .with(layer.with_writer(lines.clone()).with_ids());
    let seen = written(subscriber, &lines, an_order);
    assert_eq!(seen, [" WARN place{order=7}: fmt_text: sold out stock=0 IDS\n"]);
    assert_eq!(plain.take(), [" WARN place{order=7}: fmt_text: sold out stock=0\n"], "as it was");
}

/// The colours are the formatter's. Ids are dimmed, in one piece: `grep` finds `trace_id=4bf9`.
#[test]
fn colours() {
    let (lines, plain) = (Lines::default(), Lines::default());
    let subscriber = tracing_subscriber::registry()
        .with(fmt::layer().without_time().with_ansi(true).with_writer(plain.clone()))
        .with(fmt::layer().without_time().with_ansi(true).with_writer(lines.clone()).with_ids());
    let seen = written(subscriber, &lines, an_order);
    let plain = plain.take().concat();
    assert!(plain.contains("\x1b[33m WARN\x1b[0m"), "{plain:?}");
    assert_eq!(seen, [format!("{} \x1b[2mIDS\x1b[0m\n", plain.trim_end_matches('\n'))]);
}

/// A run of its own is named. The trace's own run has the trace's id.
#[test]
fn runs() {
    let lines = Lines::default();
    let subscriber = || tracing_subscriber::fmt().without_time().with_ansi(false).with_writer(lines.clone()).with_ids();
    let seen = written(subscriber().finish(), &lines, || observe::in_scope(&sent(1, Some(RUN)), || info!("x")));
    assert_eq!(seen, [format!(" INFO fmt_text: x IDS run_id={RUN}\n")]);
    let no_span = Context::of_trace(lines::TRACE.parse().unwrap());
    let seen = written(subscriber().finish(), &lines, || observe::in_scope(&no_span, || info!("x")));
    assert_eq!(seen, [format!(" INFO fmt_text: x trace_id={}\n", lines::TRACE)], "outside of a span");
}

#[test]
fn nothing_outside_of_a_trace() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().without_time().with_ansi(false).with_writer(lines.clone()).with_ids();
    let seen = written(subscriber.finish(), &lines, || {
        info!("before");
        in_trace(|| info!(parent: None, "of nothing"));
        info_span!("no spans of ours").in_scope(|| info!("behind"));
    });
    let expected =
        [" INFO fmt_text: before\n", " INFO fmt_text: of nothing\n", " INFO no spans of ours: fmt_text: behind\n"];
    assert_eq!(seen, expected);
}

/// What is not sampled has ids, too.
#[test]
fn unsampled() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().without_time().with_ansi(false).with_writer(lines.clone()).with_ids();
    let seen = written(subscriber.finish(), &lines, || observe::in_scope(&sent(0, None), || info!("x")));
    assert_eq!(seen, [" INFO fmt_text: x IDS\n"]);
}

/// A field of the event that has a name of ours stays, and ours is left out.
#[test]
fn names_that_are_taken() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().without_time().with_ansi(false).with_writer(lines.clone()).with_ids();
    let seen = written(subscriber.finish(), &lines, || {
        observe::in_scope(&sent(1, Some(RUN)), || {
            info!(trace_id = "mine", "x");
            info!(trace_id = 1, span_id = 2, run_id = 3, trace_flags = 4);
        });
    });
    let first = format!(" INFO fmt_text: x trace_id=\"mine\" span_id={} run_id={RUN}\n", lines::SPAN);
    assert_eq!(seen, [&first, " INFO fmt_text: trace_id=1 span_id=2 run_id=3 trace_flags=4\n"]);
}

/// With nothing but a message: what begins as a JSON object and is none is left alone.
#[test]
fn strange_messages() {
    let lines = Lines::default();
    let format = fmt::format().without_time().with_level(false).with_target(false);
    let subscriber = tracing_subscriber::fmt().event_format(format).with_ansi(false).with_writer(lines.clone());
    let messages =
        ["", " ", "a\n", "a\r\n\n", "{", "}", "{}", "{} {}", "{a}", "{\"a\"", "{\"a\":1", "{\"a\":1}{\"b\":2}", "[]"];
    let seen = written(subscriber.with_ids().finish(), &lines, || {
        in_trace(|| messages.iter().for_each(|message| info!("{message}")))
    });
    let members = format!(
        "\"trace_id\":\"{0}\",\"span_id\":\"{1}\",\"trace_flags\":\"01\",\"run_id\":\"{0}\"",
        lines::TRACE,
        lines::SPAN
    );
    let expected = [
        "IDS\n",
        " IDS\n",
        "a\n    IDS\n\n",
        "a\n    IDS\r\n\n\n",
        "{ IDS\n",
        "} IDS\n",
        &format!("{{{members}}}\n"),
        &format!("{{}} {{{members}}}\n"),
        "{a} IDS\n",
        "{\"a\"\n",
        "{\"a\":1\n",
        &format!("{{\"a\":1}}{{\"b\":2,{members}}}\n"),
        "[] IDS\n",
    ];
    assert_eq!(seen, expected);
}

struct Logfmt;

impl<S, N> FormatEvent<S, N> for Logfmt
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> std::fmt::Result {
        write!(writer, "level={} ", event.metadata().level())?;
        if event.fields().any(|field| field.name() == "fails") {
            return Err(std::fmt::Error);
        }
        ctx.format_fields(writer.by_ref(), event) // and no end of the line
    }
}

/// A formatter of the user's own, which sometimes fails. What was left for a line that failed is not taken for another.
#[test]
fn a_formatter_of_their_own() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).event_format(Logfmt).with_writer(lines.clone());
    let seen = written(subscriber.with_ids().finish(), &lines, || {
        in_trace(|| info!(order = 7));
        in_trace(|| info!(fails = true));
        info!(order = 8);
    });
    assert_eq!(seen[0], "level=INFO order=7 IDS");
    assert!(seen[1].starts_with("Unable to format the following event."), "{seen:?}");
    assert_eq!(seen[2..], ["level=INFO order=8"]);
}

/// A formatter whose writer was replaced leaves its ids for nobody: they are not taken for another layer's line.
#[test]
fn ids_that_nobody_takes() {
    let (lines, plain) = (Lines::default(), Lines::default());
    let replaced = fmt::layer().without_time().with_ansi(false).with_ids().with_writer(plain.clone());
    let other = fmt::layer().without_time().with_ansi(false).with_writer(IdsWriter::new(lines.clone()));
    let subscriber = tracing_subscriber::registry()
        .with(replaced.with_filter(LevelFilter::WARN))
        .with(other.with_filter(filter_fn(|metadata| *metadata.level() == Level::INFO)));
    let seen = written(subscriber, &lines, || {
        in_trace(|| warn!("inside"));
        info!("outside");
        in_trace(|| info!("inside"));
    });
    assert_eq!(seen, [" INFO fmt_text: outside\n", " INFO fmt_text: inside IDS\n"]);
    assert_eq!(plain.take(), [" WARN fmt_text: inside\n"]);
}

#[test]
fn a_timer_and_fields_of_their_own() {
    struct Noon;
    impl FormatTime for Noon {
        fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
            writer.write_str("12:00")
        }
    }
    let lines = Lines::default();
    let fields = fmt::format::debug_fn(|writer, field, value| write!(writer, "<{field} {value:?}>"));
    let subscriber = tracing_subscriber::fmt().with_timer(Noon).fmt_fields(fields).with_ansi(false);
    let seen = written(subscriber.with_writer(lines.clone()).with_ids().finish(), &lines, an_order);
    assert_eq!(seen, ["12:00  WARN place{<order 7>}: fmt_text: <message sold out><stock 0> IDS\n"]);
}

/// Lines about spans, where there is no layer: they have the ids of what is current.
#[test]
fn lines_about_spans() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().without_time().with_ansi(false).with_span_events(FmtSpan::ENTER);
    let seen = written(subscriber.with_writer(lines.clone()).with_ids().finish(), &lines, || {
        in_trace(|| info_span!("place").in_scope(|| ()))
    });
    assert_eq!(seen, [" INFO place: fmt_text: enter IDS\n"]);
}
