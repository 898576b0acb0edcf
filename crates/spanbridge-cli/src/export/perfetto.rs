//! The trace event format, which Perfetto and Chrome read
//! (<https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>).

use super::label;
use super::lanes;
use super::relations;
use crate::render::escape;
use serde_json::{Map, Value, json};
use spanbridge::SpanId;
use spanbridge_graph::{Graph, Span};
use std::collections::HashMap;
use std::io::{self, Write};

pub(super) const HEAD: &str = "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[";
pub(super) const TAIL: &str = "\n]}\n";

const DAY: u64 = 86_400_000_000_000;

/// What is known of a trace that is being written.
#[derive(Default)]
pub(super) struct Trace {
    /// Times are counted from here: those since the epoch are too large for a double to hold nanoseconds.
    zero: Option<u64>,
    /// The number of each service, and how many rows it has so far.
    services: HashMap<String, (usize, usize)>,
    arrows: u64,
    any: bool,
}

impl Trace {
    pub(super) fn write(&mut self, graph: &Graph, out: &mut impl Write) -> io::Result<()> {
        let first = graph.spans.iter().map(|span| span.started_at).min().unwrap_or(graph.run.started_at);
        // A day of room for what comes later and began earlier.
        let zero = *self.zero.get_or_insert((first - first % DAY).saturating_sub(DAY));
        let at = |time: u64| micros(i128::from(time) - i128::from(zero));
        let rows = lanes::rows(&graph.spans);
        let mut places: HashMap<SpanId, (usize, usize, u64)> = HashMap::with_capacity(graph.spans.len());
        // Rows of other runs are others.
        let before: HashMap<String, usize> =
            self.services.iter().map(|(name, (_, rows))| (name.clone(), *rows)).collect();
        for (span, row) in graph.spans.iter().zip(rows) {
            let row = row + before.get(&span.service).copied().unwrap_or(0) + 1;
            let process = self.process(&span.service, row, graph, out)?;
            places.insert(span.span_id, (process, row, span.started_at));
            self.span(span, process, row, &at, out)?;
        }
        relations::each(graph, |from, to, relation| {
            let is_shown = !matches!(relation, relations::Relation::Child { is_hop: false });
            let (Some(from), Some(to)) = (places.get(&from), places.get(&to)) else { return Ok(()) };
            if !is_shown {
                return Ok(());
            }
            self.arrows += 1;
            for (phase, more, (process, row, time)) in [("s", "", from), ("f", ",\"bp\":\"e\"", to)] {
                let (id, ts) = (self.arrows, at(*time));
                self.event(out, &format!(
                    "{{\"ph\":\"{phase}\"{more},\"name\":\"hop\",\"cat\":\"hop\",\"id\":{id},\"pid\":{process},\"tid\":{row},\"ts\":{ts}}}"
                ))?;
            }
            Ok(())
        })
    }

    fn event(&mut self, out: &mut impl Write, event: &str) -> io::Result<()> {
        let before = if std::mem::replace(&mut self.any, true) { ",\n" } else { "\n" };
        out.write_all(before.as_bytes())?;
        out.write_all(event.as_bytes())
    }

    /// The number of a service's process. Names it, and the row, when they are new.
    fn process(&mut self, service: &str, row: usize, graph: &Graph, out: &mut impl Write) -> io::Result<usize> {
        let next = self.services.len() + 1;
        let (number, is_new) = match self.services.get(service) {
            Some((number, _)) => (*number, false),
            None => (next, true),
        };
        if is_new {
            let name = if service.is_empty() { "(no service)" } else { service };
            self.name("process_name", number, 0, name, out)?;
        }
        let (_, rows) = self.services.entry(service.to_owned()).or_insert((number, 0));
        // Rows come in any order, and none of a run is left out: those before this one are of the same run.
        let unnamed = *rows + 1..=row;
        *rows = row.max(*rows);
        for row in unnamed {
            let name = format!("{} {:.8}", graph.run.name, graph.run.run_id.to_string());
            self.name("thread_name", number, row, &name, out)?;
        }
        Ok(number)
    }

    fn name(&mut self, what: &str, process: usize, row: usize, name: &str, out: &mut impl Write) -> io::Result<()> {
        let event = json!({"ph": "M", "name": what, "pid": process, "tid": row, "args": {"name": escape(name)}});
        self.event(out, &event.to_string())
    }

    fn span(
        &mut self,
        span: &Span,
        process: usize,
        row: usize,
        at: &impl Fn(u64) -> String,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let mut args = Map::new();
        args.insert("spanId".into(), span.span_id.to_string().into());
        args.insert("traceId".into(), span.trace_id.to_string().into());
        args.insert("runId".into(), span.run_id.to_string().into());
        args.insert("status".into(), span.status.as_str().into());
        if let Some(error) = &span.error {
            args.insert("error".into(), escape(error).into());
        }
        args.extend(span.attributes.iter().map(|(key, value)| (escape(key).into_owned(), shown(value))));
        let (name, category) = (Value::from(escape(label::name_of(span))), Value::from(escape(&span.primitive)));
        let common = format!("\"name\":{name},\"cat\":{category},\"pid\":{process},\"tid\":{row}");
        let (ts, args) = (at(span.started_at), Value::Object(args));
        match span.ended_at {
            Some(_) => {
                let took = micros(i128::from(lanes::end_of(span) - span.started_at));
                self.event(out, &format!("{{\"ph\":\"X\",{common},\"ts\":{ts},\"dur\":{took},\"args\":{args}}}"))?;
            }
            None => self.event(out, &format!("{{\"ph\":\"B\",{common},\"ts\":{ts},\"args\":{args}}}"))?,
        }
        for event in &span.events {
            let args: Map<String, Value> =
                event.attributes.iter().map(|(key, value)| (escape(key).into_owned(), shown(value))).collect();
            let (name, args, ts) = (Value::from(escape(&event.name)), Value::Object(args), at(event.timestamp));
            self.event(out, &format!(
                "{{\"ph\":\"i\",\"s\":\"t\",\"name\":{name},\"pid\":{process},\"tid\":{row},\"ts\":{ts},\"args\":{args}}}"
            ))?;
        }
        Ok(())
    }
}

/// A value whose texts are harmless.
fn shown(value: &Value) -> Value {
    match value {
        Value::String(text) => escape(text).into(),
        Value::Array(values) => values.iter().map(shown).collect(),
        Value::Object(members) => members.iter().map(|(key, value)| (escape(key).into_owned(), shown(value))).collect(),
        other => other.clone(),
    }
}

/// Microseconds, with the nanoseconds behind the point.
fn micros(nanos: i128) -> String {
    let (sign, nanos) = if nanos < 0 { ("-", -nanos) } else { ("", nanos) };
    format!("{sign}{}.{:03}", nanos / 1000, nanos % 1000)
}
