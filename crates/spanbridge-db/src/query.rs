//! The span of a query: its name, its attributes, and how it ends, by OpenTelemetry's
//! [conventions for databases](https://opentelemetry.io/docs/specs/semconv/database/database-spans/).

use crate::redact::{ColumnValue, Redact};
use crate::sql::{Dialect, summary, without_literals};
use crate::value::DbValue;
use spanbridge::observe::{self, ActiveSpan, SpanBuilder};
use spanbridge::{Context, Kind, Primitive, Value, adapter, semconv};

/// Maximum number of bytes that are recorded of a parameter.
const MAX_PARAMETER: usize = 256;

/// What is recorded of queries, beside the rows that they change. Default: the text without its literals, and no parameters.
#[derive(Clone, Debug)]
pub struct QueryOptions {
    text: bool,
    literals: bool,
    parameters: bool,
    redact: Redact,
}

impl Default for QueryOptions {
    fn default() -> Self {
        QueryOptions::new()
    }
}

impl QueryOptions {
    /// The text without its literals, and no parameters.
    pub fn new() -> Self {
        QueryOptions { text: true, literals: false, parameters: false, redact: Redact::default() }
    }

    /// Whether the text of a statement is recorded: as it is prepared, with placeholders. Default: `true`.
    pub fn text(self, text: bool) -> Self {
        QueryOptions { text, ..self }
    }

    /// Whether literals in the text are recorded as they are, and comments too. Default: `false`; then there is a `?` for each.
    pub fn literals(self, literals: bool) -> Self {
        QueryOptions { literals, ..self }
    }

    /// Whether the first 32 parameters are recorded, up to 256 bytes of each. Default: `false`.
    pub fn parameters(self, parameters: bool) -> Self {
        QueryOptions { parameters, ..self }
    }

    /// Shows every parameter to a hook before it is recorded: see [`StatePolicy::redact`](crate::StatePolicy::redact).
    pub fn redact<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
        self,
        hook: impl Fn(&mut ColumnValue<'_>) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        QueryOptions { redact: Redact::new(hook), ..self }
    }

    /// Whether parameters are recorded.
    pub(crate) fn takes_parameters(&self) -> bool {
        self.parameters
    }
}

/// A database whose queries are recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Database<'a> {
    /// `sqlite`, `postgresql`.
    pub(crate) system: &'static str,
    pub(crate) dialect: Dialect,
    /// Its name. Empty if it is not known.
    pub(crate) namespace: &'a str,
}

impl Database<'_> {
    /// Begins the span of a query under the current one: `SELECT orders`. Nothing is looked at if it is not recorded.
    pub(crate) fn query(&self, sql: &str, options: &QueryOptions) -> SpanBuilder {
        if !adapter::may_record() {
            return observe::span("");
        }
        let told = summary(sql, self.dialect);
        let name = if told.text.is_empty() { self.system.to_owned() } else { told.text.clone() };
        let span =
            self.begin(name).attribute(semconv::DB_QUERY_SUMMARY, Some(told.text).filter(|text| !text.is_empty()));
        let span = span.attribute(semconv::DB_OPERATION_NAME, told.operation);
        let span = span.attribute(semconv::DB_COLLECTION_NAME, told.collection);
        match options.text {
            true if options.literals => span.attribute(semconv::DB_QUERY_TEXT, sql),
            true => span.attribute(semconv::DB_QUERY_TEXT, without_literals(sql, self.dialect)),
            false => span,
        }
    }

    /// Begins the span of a transaction: it ends with the transaction, and its queries are below it.
    pub(crate) fn transaction(&self) -> SpanBuilder {
        self.begin("transaction".to_owned()).attribute(semconv::DB_OPERATION_NAME, Value::Static("BEGIN"))
    }

    fn begin(&self, name: String) -> SpanBuilder {
        let namespace = Some(self.namespace).filter(|namespace| !namespace.is_empty());
        observe::span(name)
            .primitive(Primitive::DB_QUERY)
            .kind(Kind::Client)
            .attribute(semconv::DB_SYSTEM_NAME, Value::Static(self.system))
            .attribute(semconv::DB_NAMESPACE, namespace)
    }
}

/// Records a parameter, if they are recorded. `index` counts from 0.
pub(crate) fn parameter(span: &observe::Span, options: &QueryOptions, index: usize, value: DbValue<'_>) {
    if span.id().is_some()
        && let Some(span) = ActiveSpan::of(span.context().clone())
    {
        active_parameter(&span, options, index, value)
    }
}

/// The same, for a span that is open elsewhere.
pub(crate) fn active_parameter(span: &ActiveSpan, options: &QueryOptions, index: usize, value: DbValue<'_>) {
    let (Some(key), true) = (PARAMETERS.get(index), options.parameters) else { return };
    let number = key.strip_prefix(semconv::DB_QUERY_PARAMETER).unwrap_or("");
    match options.redact.shown("", number, value) {
        Ok(Some(value)) => span.attribute(key, value.shown(MAX_PARAMETER)),
        Ok(None) => {}
        Err(_) => redaction_failed(span.context(), &format!("parameter {number}")),
    }
}

/// Says with the span of a context that a value was left out, because a redaction hook has failed.
pub(crate) fn redaction_failed(context: &Context, what: &str) {
    not_redacted(context, what, "the redaction hook failed")
}

/// The same, for another reason.
pub(crate) fn not_redacted(context: &Context, what: &str, why: &str) {
    diagnostic(context, semconv::REDACTION_FAILED, &format!("nothing of {what} was recorded: {why}"))
}

/// Says with the span of a context what of the rows that changed could not be recorded, and why.
pub(crate) fn capture_failed(context: &Context, why: &str) {
    diagnostic(context, semconv::STATE_CAPTURE_FAILED, why)
}

fn diagnostic(context: &Context, code: &'static str, message: &str) {
    if let Some(span) = ActiveSpan::of(context.clone()) {
        span.diagnostic(code, message)
    }
}

/// Maximum number of parameters that are recorded.
pub(crate) const MAX_PARAMETERS: usize = PARAMETERS.len();

/// The names of parameters' attributes: by the conventions the number counts from 0.
#[rustfmt::skip]
const PARAMETERS: [&str; 32] = [
    "db.query.parameter.0", "db.query.parameter.1", "db.query.parameter.2", "db.query.parameter.3",
    "db.query.parameter.4", "db.query.parameter.5", "db.query.parameter.6", "db.query.parameter.7",
    "db.query.parameter.8", "db.query.parameter.9", "db.query.parameter.10", "db.query.parameter.11",
    "db.query.parameter.12", "db.query.parameter.13", "db.query.parameter.14", "db.query.parameter.15",
    "db.query.parameter.16", "db.query.parameter.17", "db.query.parameter.18", "db.query.parameter.19",
    "db.query.parameter.20", "db.query.parameter.21", "db.query.parameter.22", "db.query.parameter.23",
    "db.query.parameter.24", "db.query.parameter.25", "db.query.parameter.26", "db.query.parameter.27",
    "db.query.parameter.28", "db.query.parameter.29", "db.query.parameter.30", "db.query.parameter.31",
];
