//! One step: a line that names it, and below it what is recorded, in sections.

use super::super::attributes;
use super::super::page::{Page, Target, TextStyle};
use super::super::text::{escape, named};
use super::super::time::{duration, instant};
use super::facts::Facts;
use super::payload;
use serde_json::Value;
use spanbridge::record::{Endpoint, MutationOp};
use spanbridge::semconv::{
    DB_QUERY_PARAMETER, DB_QUERY_TEXT, HTTP_REQUEST_METHOD, HTTP_RESPONSE_STATUS_CODE, SERVER_ADDRESS, SERVER_PORT,
    URL_FULL, URL_PATH, URL_QUERY, URL_SCHEME,
};
use spanbridge_graph::{Artifact, Diagnostic, Graph, Mutation, Span, SpanStatus, value_words};

/// Where a step stands among the others.
pub(super) struct Place<'g> {
    pub(super) number: usize,
    pub(super) above: Option<(usize, &'g Span)>,
}

/// The first column of what is recorded. Before it stands what it is.
pub(super) const FIRST: usize = 14;

pub(super) fn print(
    page: &mut Page,
    graph: &Graph,
    at: usize,
    place: Place<'_>,
    facts: &Facts,
    service: usize,
    payload_lines: usize,
) {
    let span = &graph.spans[at];
    headline(page, graph, span, &place, service);
    sections(page, graph, span, facts, payload_lines);
}

/// What is recorded of a step. Lines about other spans and runs say which.
pub(crate) fn sections(page: &mut Page, graph: &Graph, span: &Span, facts: &Facts, payload_lines: usize) {
    let mut step = Step { page };
    step.error(span);
    step.http(span);
    step.sql(span);
    for (n, mutation) in facts.mutations.of(graph, span.span_id).enumerate() {
        step.mutation(mutation, n == 0);
    }
    facts.artifacts(graph, span.span_id).for_each(|artifact| step.artifact(artifact, payload_lines));
    step.attributes("attributes", &span.attributes, |key| !is_shown_above(span, key));
    for (n, event) in span.events.iter().enumerate() {
        let after = since(graph.run.started_at, event.timestamp);
        step.begin(if n == 0 { "events" } else { "" }).put(TextStyle::Dim, &format!("{after}  "));
        step.page.put(TextStyle::Plain, &named(&event.name)).line();
        step.table(&event.attributes, FIRST + 2, |_| true);
    }
    let name = |id| facts.index_of(id).map_or(String::new(), |at| format!("  {}", named(&graph.spans[at].name)));
    for (n, link) in span.links.iter().enumerate() {
        // A span that is not here is found by its id.
        let run = facts.index_of(link.span_id).map(|at| graph.spans[at].run_id);
        step.begin(if n == 0 { "links" } else { "" }).target(Target::Span(run, link.span_id));
        let text = format!("span {} of trace {}{}", link.span_id, link.trace_id, name(link.span_id));
        step.page.put(TextStyle::Plain, &text).line();
        step.table(&link.attributes, FIRST + 2, |_| true);
    }
    for (n, from) in span.linked_from.iter().enumerate() {
        step.begin(if n == 0 { "linked from" } else { "" }).target(Target::Span(Some(from.run_id), from.span_id));
        let text = format!("span {} of trace {}{}", from.span_id, from.trace_id, name(from.span_id));
        step.page.put(TextStyle::Plain, &text).line();
    }
    for (n, edge) in facts.edges(graph, span.span_id).enumerate() {
        step.begin(if n == 0 { "relations" } else { "" });
        let to = match &edge.to {
            Endpoint::Span { span_id, .. } => {
                step.page.target(Target::Span(facts.index_of(*span_id).map(|at| graph.spans[at].run_id), *span_id));
                format!("span {span_id}{}", name(*span_id))
            }
            Endpoint::Run(run) => {
                step.page.target(Target::Run(*run));
                format!("run {run}")
            }
            Endpoint::Artifact(id) => format!("artifact {}", escape(id)),
            _ => String::new(),
        };
        step.page.put(TextStyle::Plain, &format!("{}  {to}", escape(&edge.edge_type))).line();
    }
    for (n, diagnostic) in facts.diagnostics(graph, span.span_id).enumerate() {
        step.begin(if n == 0 { "notes" } else { "" });
        step.page.put(TextStyle::Warning, &note(diagnostic)).line();
    }
}

/// `header.malformed: the header could not be read (×3)`.
pub(crate) fn note(diagnostic: &Diagnostic) -> String {
    let times = diagnostic.count.filter(|n| *n > 1).map_or(String::new(), |n| format!(" (×{n})"));
    format!("{}: {}{times}", escape(&diagnostic.code), escape(&diagnostic.message))
}

fn headline(page: &mut Page, graph: &Graph, span: &Span, place: &Place<'_>, service: usize) {
    let (style, sign) = match span.status {
        SpanStatus::Error | SpanStatus::Panicked => (TextStyle::Error, "✗ "),
        SpanStatus::Cancelled => (TextStyle::Warning, "⊘ "),
        SpanStatus::Open => (TextStyle::Warning, "◌ "),
        SpanStatus::Ok => (TextStyle::Plain, ""),
        _ => (TextStyle::Plain, ""),
    };
    page.line().put(TextStyle::Dim, &format!("{}  ", place.number)).put(style, sign);
    page.put(TextStyle::Service(service), &escape(&span.service)).put(TextStyle::Dim, " ▸ ");
    page.put(TextStyle::Bold, &named(&span.name)).space(2).put(style, span.status.as_str());
    let took = span.ended_at.map(|end| match end.checked_sub(span.started_at) {
        Some(took) => duration(took),
        None => "ended before it began".to_owned(),
    });
    page.space(2).put(TextStyle::Plain, took.as_deref().unwrap_or("no end recorded")).line();
    let mut facts = vec![format!("span {}", span.span_id)];
    if !span.primitive.is_empty() {
        facts.push(escape(&span.primitive).into_owned());
    }
    facts.push(format!("{:?}", span.kind).to_ascii_lowercase());
    facts.push(since(graph.run.started_at, span.started_at));
    facts.push(instant(span.started_at));
    facts.extend(place.above.map(|(number, above)| format!("below {number} {}", named(&above.name))));
    if span.orphan {
        facts.extend(span.parent_span_id.map(|parent| format!("below span {parent}, which is not recorded")));
    }
    page.go_to(2).put(TextStyle::Dim, &facts.join(" · ")).line();
}

/// How long after the start of the run.
fn since(start: u64, at: u64) -> String {
    match at.checked_sub(start) {
        Some(after) => format!("+{}", duration(after)),
        None => format!("-{}", duration(start - at)),
    }
}

/// What has a section of its own is not repeated among the attributes.
fn is_shown_above(span: &Span, key: &str) -> bool {
    let http = [HTTP_REQUEST_METHOD, HTTP_RESPONSE_STATUS_CODE, URL_FULL, URL_PATH, URL_QUERY, URL_SCHEME];
    key == DB_QUERY_TEXT
        || (key.starts_with(DB_QUERY_PARAMETER) && span.attribute(DB_QUERY_TEXT).is_some())
        || (http.contains(&key) && span.attribute(HTTP_REQUEST_METHOD).is_some())
}

/// The sections of a step.
struct Step<'p> {
    page: &'p mut Page,
}

impl Step<'_> {
    fn begin(&mut self, what: &str) -> &mut Page {
        self.page.go_to(2).put(TextStyle::Dim, what);
        // A name may be of any length.
        let gap = if self.page.column() + 2 > FIRST { 2 } else { 0 };
        self.page.space(gap).go_to(FIRST)
    }

    fn error(&mut self, span: &Span) {
        for (n, line) in span.error.iter().flat_map(|error| error.lines()).enumerate() {
            self.begin(if n == 0 { "error" } else { "" }).put(TextStyle::Error, &escape(line)).line();
        }
    }

    /// `GET https://shop.example/orders?page=2 → 200`.
    fn http(&mut self, span: &Span) {
        let Some(method) = span.attribute(HTTP_REQUEST_METHOD) else { return };
        let text = |key| span.attribute(key).map(attributes::value);
        let url = text(URL_FULL).unwrap_or_else(|| {
            let host = text(SERVER_ADDRESS).map(|host| match text(SERVER_PORT) {
                Some(port) => format!("{host}:{port}"),
                None => host,
            });
            let host = host
                .map_or(String::new(), |host| format!("{}://{host}", text(URL_SCHEME).as_deref().unwrap_or("http")));
            let query = text(URL_QUERY).map_or(String::new(), |query| format!("?{query}"));
            format!("{host}{}{query}", text(URL_PATH).unwrap_or_default())
        });
        let status = text(HTTP_RESPONSE_STATUS_CODE).unwrap_or_else(|| "no response".to_owned());
        self.begin("http").put(TextStyle::Plain, &format!("{} {url} → {status}", attributes::value(method))).line();
    }

    fn sql(&mut self, span: &Span) {
        let Some(query) = span.attribute(DB_QUERY_TEXT) else { return };
        let query = query.as_str().map_or_else(|| query.to_string(), str::to_owned);
        for (n, line) in query.lines().filter(|line| !line.trim().is_empty()).enumerate() {
            self.begin(if n == 0 { "sql" } else { "" }).put(TextStyle::Plain, &escape(line)).line();
        }
        let parameters =
            span.attributes.iter().filter_map(|(key, value)| Some((key.strip_prefix(DB_QUERY_PARAMETER)?, value)));
        for (n, (name, parameter)) in parameters.enumerate() {
            self.begin(if n == 0 { "parameters" } else { "" });
            self.page
                .put(TextStyle::Dim, &escape(name))
                .put(TextStyle::Plain, &format!(" = {}", attributes::value(parameter)))
                .line();
        }
    }

    /// `orders id=1  update  in shop`, then each column before and after.
    fn mutation(&mut self, mutation: &Mutation, is_first: bool) {
        self.begin(if is_first { "changed" } else { "" }).put(TextStyle::Plain, &escape(&mutation.row()));
        self.page.space(2).put(TextStyle::Dim, mutation.op.name()).space(2);
        self.page.put(TextStyle::Dim, &format!("in {}", escape(&mutation.database))).line();
        let text = |value: Option<&Value>, absent| {
            value.map_or(String::from(absent), |value| escape(&value_words(value, usize::MAX)).into_owned())
        };
        for change in mutation.changes() {
            let column = escape(change.column).into_owned();
            self.page.go_to(FIRST + 2).put(TextStyle::Dim, &column).put(TextStyle::Plain, " ");
            let values = match (mutation.op, change.before, change.after) {
                (_, None, None) => "(not captured)".to_owned(),
                (MutationOp::Insert, _, after) => text(after, ""),
                (MutationOp::Delete, before, _) => text(before, ""),
                (_, before, after) => format!("{} → {}", text(before, "(not known)"), text(after, "(not captured)")),
            };
            self.page.put(TextStyle::Plain, &values).line();
        }
    }

    fn artifact(&mut self, artifact: &Artifact, max: usize) {
        let mut facts = vec![format!("{} bytes", artifact.size_bytes)];
        if !artifact.content_type.is_empty() {
            facts.insert(0, escape(&artifact.content_type).into_owned());
        }
        facts.extend(artifact.hash.as_ref().map(|hash| escape(hash).into_owned()));
        if artifact.preview.is_none() {
            facts.push("content not recorded".to_owned());
        }
        self.begin(&escape(&artifact.kind)).put(TextStyle::Dim, &facts.join(" · ")).line();
        let (lines, more) = payload::lines(artifact, max);
        for line in lines {
            self.page.go_to(4).put(TextStyle::Plain, &line).line();
        }
        let recorded = artifact.preview.as_ref().map(|preview| match &*artifact.encoding {
            "hex" => preview.len() as u64 / 2,
            _ => preview.len() as u64,
        });
        if more > 0 {
            self.page.go_to(4).put(TextStyle::Dim, &format!("… {more} more lines; --full shows them")).line();
        }
        if let Some(recorded) = recorded.filter(|recorded| *recorded < artifact.size_bytes) {
            let cut = format!("… cut: the first {recorded} of {} bytes were recorded", artifact.size_bytes);
            self.page.go_to(4).put(TextStyle::Dim, &cut).line();
        }
    }

    fn attributes(&mut self, what: &str, attributes: &[(String, Value)], shown: impl Fn(&str) -> bool) {
        if attributes.iter().any(|(key, _)| shown(key)) {
            self.begin(what);
            self.table(attributes, FIRST, shown);
        }
    }

    fn table(&mut self, attributes: &[(String, Value)], column: usize, shown: impl Fn(&str) -> bool) {
        attributes::table(self.page, attributes.iter().filter(|(key, _)| shown(key)), column);
    }
}
