//! Short ways to record a story: who did what, below what, and how it ended. Every service has a clock of its own.
#![allow(dead_code, reason = "each test binary uses some of it")]

use spanbridge::record::*;
use spanbridge::{Kind, RunId, SegmentId, SpanId, Status, TraceId, semconv};
use spanbridge_graph::{Graph, Why, run_of};
use std::collections::BTreeMap;

const T0: u64 = 1_790_000_000_000_000_000;
const MS: u64 = 1_000_000;

/// The number of a span in the story. 0 is none.
pub(crate) type Id = u64;

pub(crate) fn run_id(n: u128) -> RunId {
    RunId::new(n << 64 | n).unwrap()
}

pub(crate) fn span_id(n: Id) -> SpanId {
    SpanId::new(0xa000 + n).unwrap()
}

/// A story in the making.
#[derive(Default)]
pub(crate) struct Story {
    pub(crate) records: Vec<Record<'static>>,
    numbers: BTreeMap<(u128, &'static str), u64>,
    /// By how many milliseconds the clock of a service is ahead.
    pub(crate) ahead: BTreeMap<&'static str, i64>,
    /// In which run a span is, and who recorded it.
    places: BTreeMap<Id, (u128, &'static str)>,
    next: Id,
}

/// What is to be recorded of a span. It begins as an internal step that succeeded.
#[derive(Clone)]
pub(crate) struct Spec {
    service: &'static str,
    name: String,
    above: Id,
    from: u64,
    to: Option<u64>,
    kind: Kind,
    primitive: &'static str,
    status: Status,
    error: Option<&'static str>,
    error_type: Option<&'static str>,
    run: Option<u128>,
    /// Its parent is the run itself.
    top: bool,
    links: Vec<Id>,
    attributes: Vec<(&'static str, AttributeValue<'static>)>,
}

/// A step below another one (0: below none), from and to in milliseconds.
pub(crate) fn step(service: &'static str, name: &str, above: Id, from: u64, to: u64) -> Spec {
    Spec {
        service,
        name: name.to_owned(),
        above,
        from,
        to: Some(to),
        kind: Kind::Internal,
        primitive: "flow.step",
        status: Status::Ok,
        error: None,
        error_type: None,
        run: None,
        top: false,
        links: Vec::new(),
        attributes: Vec::new(),
    }
}

/// A request that a server handles.
pub(crate) fn server(service: &'static str, name: &str, above: Id, from: u64, to: u64) -> Spec {
    Spec { kind: Kind::Server, primitive: "http.server", ..step(service, name, above, from, to) }
}

/// A request that a client makes.
pub(crate) fn client(service: &'static str, name: &str, above: Id, from: u64, to: u64) -> Spec {
    Spec { kind: Kind::Client, primitive: "http.client", ..step(service, name, above, from, to) }
}

/// A message that is published: it takes two milliseconds and is confirmed.
pub(crate) fn publish(service: &'static str, destination: &str, above: Id, from: u64) -> Spec {
    let name = format!("publish {destination}");
    let spec =
        Spec { kind: Kind::Producer, primitive: "messaging.publish", ..step(service, &name, above, from, from + 2) };
    spec.is(semconv::MESSAGING_SYSTEM, "rabbitmq")
        .is(semconv::MESSAGING_DESTINATION_NAME, destination)
        .handed("confirmed")
}

/// A statement that changed so many rows.
pub(crate) fn query(service: &'static str, name: &str, above: Id, from: u64, rows: i64) -> Spec {
    let spec = Spec { kind: Kind::Client, primitive: "db.query", ..step(service, name, above, from, from + 1) };
    spec.is(semconv::DB_OPERATION_NAME, "UPDATE").counts(semconv::DB_AFFECTED_ROWS, rows)
}

/// A transaction that was committed, or rolled back.
pub(crate) fn transaction(service: &'static str, above: Id, from: u64, to: u64, how: &'static str) -> Spec {
    let spec = Spec { kind: Kind::Client, primitive: "db.query", ..step(service, "transaction", above, from, to) };
    spec.is(semconv::DB_OPERATION_NAME, "BEGIN").is(semconv::DB_NAMESPACE, "shop").is(semconv::DB_TRANSACTION, how)
}

/// The work on a message from this queue, sent by a publish (0: nobody knows).
pub(crate) fn process(service: &'static str, queue: &str, sender: Id, from: u64, to: u64) -> Spec {
    let name = format!("process {queue}");
    let spec = Spec { kind: Kind::Consumer, primitive: "messaging.process", ..step(service, &name, sender, from, to) };
    spec.is(semconv::MESSAGING_SYSTEM, "rabbitmq").is(semconv::QUEUE_NAME, queue)
}

/// What the consumer said to the broker after the work: `ack`, `nack`, `reject`.
pub(crate) fn settle(service: &'static str, operation: &'static str, job: Id, from: u64) -> Spec {
    let spec =
        Spec { kind: Kind::Client, primitive: "messaging.settle", ..step(service, operation, job, from, from + 1) };
    spec.is(semconv::MESSAGING_OPERATION_NAME, operation)
}

impl Spec {
    pub(crate) fn is(mut self, key: &'static str, value: &str) -> Self {
        self.attributes.retain(|(known, _)| *known != key);
        self.attributes.push((key, AttributeValue::Str(value.to_owned().into())));
        self
    }

    pub(crate) fn counts(mut self, key: &'static str, value: i64) -> Self {
        self.attributes.push((key, AttributeValue::I64(value)));
        self
    }

    pub(crate) fn with(mut self, attribute: (&'static str, AttributeValue<'static>)) -> Self {
        self.attributes.push(attribute);
        self
    }

    pub(crate) fn handed(self, status: &'static str) -> Self {
        self.is(semconv::HANDOFF_STATUS, status)
    }

    pub(crate) fn attempt(self, n: i64) -> Self {
        self.counts(semconv::DELIVERY_ATTEMPT, n)
    }

    pub(crate) fn primitive(self, primitive: &'static str) -> Self {
        Spec { primitive, ..self }
    }

    pub(crate) fn fails(self, error: &'static str) -> Self {
        Spec { status: Status::Error, error: Some(error), ..self }
    }

    pub(crate) fn class(self, error_type: &'static str) -> Self {
        Spec { error_type: Some(error_type), ..self }
    }

    pub(crate) fn panics(self, text: &'static str) -> Self {
        Spec { status: Status::Panicked, error: Some(text), ..self }
    }

    pub(crate) fn cancelled(self) -> Self {
        Spec { status: Status::Cancelled, ..self }
    }

    pub(crate) fn never_ends(self) -> Self {
        Spec { to: None, ..self }
    }

    /// In this run, rather than in that of the span above.
    pub(crate) fn of_run(self, run: u128) -> Self {
        Spec { run: Some(run), ..self }
    }

    /// Directly below its run.
    pub(crate) fn top_of(self, run: u128) -> Self {
        Spec { run: Some(run), top: true, ..self }
    }

    pub(crate) fn linked_to(mut self, other: Id) -> Self {
        self.links.push(other);
        self
    }
}

impl Story {
    /// The time of a service, in nanoseconds.
    fn time(&self, service: &str, at: u64) -> u64 {
        let ahead = self.ahead.get(service).copied().unwrap_or(0);
        (T0 + at * MS).saturating_add_signed(ahead * MS as i64)
    }

    fn record(&mut self, run: u128, service: &'static str, body: Body<'static>) {
        let seq = self.numbers.entry((run, service)).or_default();
        *seq += 1;
        let segment = service.bytes().fold(run as u64, |sum, b| sum.wrapping_mul(31).wrapping_add(u64::from(b)));
        let record = Record::new(SegmentId::new(segment | 1 << 63).unwrap(), *seq, service, body);
        self.records.push(record.of_run(Some(run_id(run)), TraceId::new(run_id(run).get())));
    }

    /// Adds a span, by default to the run of the span above, else to run 1.
    pub(crate) fn add(&mut self, spec: Spec) -> Id {
        self.next += 1;
        let id = self.next;
        let run = spec.run.or(self.places.get(&spec.above).map(|place| place.0)).unwrap_or(1);
        self.places.insert(id, (run, spec.service));
        let mut span = SpanData::new(span_id(id), spec.name, self.time(spec.service, spec.from));
        span.parent_span_id = match (spec.top, spec.above) {
            (true, _) => Some(run_id(run).as_parent()),
            (false, 0) => None,
            (false, above) => Some(span_id(above)),
        };
        (span.primitive, span.kind) = (spec.primitive.into(), spec.kind);
        span.attributes = spec.attributes.into_iter().map(|(key, value)| (key.into(), value)).collect();
        for to in spec.links {
            let trace = run_id(self.places.get(&to).map_or(99, |place| place.0));
            span.links.push(Link::new(TraceId::new(trace.get()).unwrap(), span_id(to), Attributes::new()));
        }
        let end = spec.to.map(|to| {
            let end = End::new(self.time(spec.service, to), spec.status);
            end.with_error(spec.error.map(Into::into)).with_error_type(spec.error_type.map(Into::into))
        });
        self.record(run, spec.service, Body::Span(span.with_end(end)));
        id
    }

    /// A segment, and the start of a run by this service.
    pub(crate) fn begin(&mut self, run: u128, service: &'static str, name: &'static str, at: u64, trigger: Option<Id>) {
        let time = self.time(service, at);
        self.record(run, service, Body::Segment(Segment::new(time, Attributes::new(), Via::Start)));
        let start = RunStart::new(name, time);
        let parent = trigger.and_then(|id| self.places.get(&id)).map(|place| run_id(place.0));
        let start = start.with_parent_run_id(parent).with_triggered_by_span_id(trigger.map(span_id));
        self.record(run, service, Body::RunStart(start));
    }

    pub(crate) fn end(&mut self, run: u128, service: &'static str, at: u64) {
        let end = RunEnd::new(self.time(service, at), Status::Ok);
        self.record(run, service, Body::RunEnd(end));
    }

    pub(crate) fn fail(&mut self, run: u128, service: &'static str, at: u64, error: &'static str) {
        let end = RunEnd::new(self.time(service, at), Status::Error).with_error(Some(error.into()));
        self.record(run, service, Body::RunEnd(end));
    }

    pub(crate) fn suspend(&mut self, run: u128, service: &'static str, at: u64) {
        let suspend = RunSuspend::new("s", self.time(service, at)).with_reason(Some("a person".into()));
        self.record(run, service, Body::RunSuspend(suspend));
    }

    pub(crate) fn resume(&mut self, run: u128, service: &'static str, at: u64) {
        let time = self.time(service, at);
        let segment = Segment::new(time, Attributes::new(), Via::Resume).with_suspension_id(Some("s".into()));
        self.record(run, service, Body::Segment(segment));
        self.record(run, service, Body::RunResume(RunResume::new("s", time)));
    }

    pub(crate) fn note(&mut self, span: Id, code: &'static str) {
        let (run, service) = self.places[&span];
        let note = Diagnostic::new(code, "as it was said").with_span_id(Some(span_id(span)));
        self.record(run, service, Body::Diagnostic(note));
    }

    /// A row that a step changed, committed at this time.
    pub(crate) fn row(&mut self, span: Id, key: &'static str, from: &'static str, to: &'static str, at: u64) {
        let (run, service) = self.places[&span];
        let object = |status: &str| Some(format!("{{\"status\":\"{status}\"}}").into());
        let mutation = Mutation::new(format!("{key} {at}"), "shop", "orders", key, MutationOp::Update);
        let mutation = mutation.with_span_id(Some(span_id(span))).with_before(object(from)).with_after(object(to));
        let at = self.time(service, at);
        self.record(
            run,
            service,
            Body::Mutation(mutation.with_columns(vec!["status".into()]).with_committed_at(Some(at))),
        );
    }

    /// A row that this run changed, of which the span is not known.
    pub(crate) fn loose_row(&mut self, run: u128, service: &'static str, key: &'static str, at: u64) {
        let time = self.time(service, at);
        let mutation = Mutation::new(format!("{key} {at}"), "shop", "orders", key, MutationOp::Delete);
        self.record(run, service, Body::Mutation(mutation.with_committed_at(Some(time))));
    }

    /// A payload of a step, with its hash.
    pub(crate) fn payload(&mut self, span: Id, kind: &'static str, size: u64, hash: &'static str) {
        let (run, service) = self.places[&span];
        let artifact = Artifact::new(span_id(span), format!("{kind} of {span}"), kind, "application/json", size);
        self.record(run, service, Body::Artifact(artifact.with_hash(Some(hash.into()))));
    }

    pub(crate) fn graphs(&self) -> Vec<Graph> {
        let mut runs: BTreeMap<RunId, Vec<Record<'static>>> = BTreeMap::new();
        for record in &self.records {
            runs.entry(run_of(record).unwrap()).or_default().push(record.clone());
        }
        runs.iter().map(|(run, records)| Graph::build(*run, records)).collect()
    }
}

/// The answer in lines, without ids and times.
pub(crate) fn told(why: &Why) -> String {
    let named = |step: &spanbridge_graph::Step| match step.name.as_str() {
        "" => format!("? @{}", step.service),
        name => format!("{name} @{}", step.service),
    };
    let list = |steps: &[spanbridge_graph::Step]| steps.iter().map(named).collect::<Vec<_>>().join(", ");
    let mut out = format!("{}\n", why.outcome.as_str());
    for failure in &why.failures {
        out += failure.kind.as_str();
        let steps = failure.path.iter().map(|step| match step.hop.as_str() {
            "start" => named(step),
            "local" => format!("> {}", named(step)),
            hop => format!("-{hop}> {}", named(step)),
        });
        out += &format!(": {}", steps.collect::<Vec<_>>().join(" "));
        if let Some(error) = failure.step().and_then(|step| step.error.as_deref()) {
            out += &format!(" \"{error}\"");
        }
        out += "\n";
        for (label, steps) in
            [("attempts", &failure.attempts), ("earlier", &failure.earlier), ("took down", &failure.took_down)]
        {
            if !steps.is_empty() {
                out += &format!("  {label}: {}\n", list(steps));
            }
        }
        if let Some(dead) = &failure.dead_letter {
            out += &format!("  dead letter: {}\n", named(dead));
        }
        for change in &failure.changes {
            let writer = change.writer.as_ref().and_then(|writer| writer.span_name.as_deref()).unwrap_or("?");
            out += &format!(
                "  row before: {} {}: {writer} @{}\n",
                change.mutation.row(),
                change.mutation.summary(),
                change.service
            );
        }
        if failure.more_changes > 0 {
            out += &format!("  more rows before: {}\n", failure.more_changes);
        }
        for one in &failure.rolled_back {
            out += &format!("  rolled back: {} [{}]\n", named(&one.transaction), list(&one.statements));
        }
        if failure.alike > 0 {
            out += &format!("  alike: {}\n", failure.alike);
        }
        if failure.owner_ok {
            out += "  the owner ended the run as ok\n";
        }
    }
    for one in &why.rolled_back {
        out += &format!("rolled back: {} [{}]\n", named(&one.transaction), list(&one.statements));
    }
    for (label, excused) in [("recovered", &why.recovered), ("handled", &why.handled)] {
        for one in excused {
            let count = if one.count > 1 { format!(" x{}", one.count) } else { String::new() };
            out += &format!("{label}: {}{count} by {}\n", named(&one.step), named(&one.by));
        }
    }
    if !why.unfinished.is_empty() {
        out += &format!("unfinished: {}\n", list(&why.unfinished));
    }
    for note in &why.notes {
        out += &format!("note: {}\n", note.code);
    }
    out
}
