//! The callback, and the span that it makes.

use super::parameters;
use crate::QueryOptions;
use crate::query::{self, Database};
use crate::sql::Dialect;
use sea_orm::DbBackend;
use sea_orm::metric::Info;
use spanbridge::{Failure, adapter, panics};

/// sea-orm tells no more.
const FAILED: &str = "the statement failed; sea-orm does not tell why";

/// Gives the statements of a connection spans, by [`DatabaseConnection::set_metric_callback`](sea_orm::DatabaseConnection::set_metric_callback).
#[derive(Clone, Debug, Default)]
pub struct SeaOrmSpans {
    options: QueryOptions,
    namespace: String,
}

impl SeaOrmSpans {
    /// Of statements without their parameters.
    pub fn new() -> Self {
        SeaOrmSpans::default()
    }

    /// What is recorded of statements. Default: [`QueryOptions::new`].
    pub fn query_options(self, options: QueryOptions) -> Self {
        SeaOrmSpans { options, ..self }
    }

    /// The name of the database, as the attribute `db.namespace` of spans. Default: none, since sea-orm does not tell it.
    pub fn named(self, database: impl Into<String>) -> Self {
        SeaOrmSpans { namespace: database.into(), ..self }
    }

    /// The callback. It never fails and changes nothing: if it panics, there is no span.
    pub fn callback(self) -> impl Fn(&Info<'_>) + Send + Sync + 'static {
        move |info| drop(panics::caught(|| self.record(info)))
    }

    fn record(&self, info: &Info<'_>) {
        if !adapter::may_record() {
            return;
        }
        let (system, dialect) = match info.statement.db_backend {
            DbBackend::Postgres => ("postgresql", Dialect::Postgres),
            DbBackend::Sqlite => ("sqlite", Dialect::Sqlite),
            DbBackend::MySql => ("mysql", Dialect::Mysql),
            // What are literals there is not known, so nothing is recorded of such a statement.
            _ => return,
        };
        let database = Database { system, dialect, namespace: &self.namespace };
        let span = adapter::begun_before(database.query(&info.statement.sql, &self.options), info.elapsed).open();
        if self.options.takes_parameters() {
            let values = info.statement.values.iter().flat_map(|values| &values.0);
            for (index, value) in values.take(query::MAX_PARAMETERS).enumerate() {
                if let Some(value) = parameters::db_value(value, info.statement.db_backend) {
                    query::parameter(&span, &self.options, index, value)
                }
            }
        }
        match info.failed {
            true => span.end_with(&Failure::new(&FAILED)),
            false => span.end(),
        }
    }
}
