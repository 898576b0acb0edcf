//! The parameters of a statement, as they are recorded.

use crate::DbValue;
use crate::sql::literal;
use sea_orm::sea_query::{MysqlQueryBuilder, PostgresQueryBuilder, QueryBuilder, SqliteQueryBuilder};
use sea_orm::{DbBackend, Value};
use spanbridge::panics;

/// What is of no common type is as sea-query writes it into a statement, without the quotes. `None`: it cannot write it.
pub(super) fn db_value(value: &Value, backend: DbBackend) -> Option<DbValue<'_>> {
    let common = match value {
        Value::Bool(value) => value.map(DbValue::Bool),
        Value::TinyInt(value) => value.map(|value| DbValue::Integer(value.into())),
        Value::SmallInt(value) => value.map(|value| DbValue::Integer(value.into())),
        Value::Int(value) => value.map(|value| DbValue::Integer(value.into())),
        Value::BigInt(value) => value.map(DbValue::Integer),
        Value::Float(value) => value.map(|value| DbValue::Float(value.into())),
        Value::Double(value) => value.map(DbValue::Float),
        Value::String(value) => value.as_deref().map(DbValue::from),
        Value::Char(value) => value.map(|value| DbValue::from(value.to_string())),
        Value::Bytes(value) => value.as_deref().map(|bytes| DbValue::Bytes(bytes.into())),
        other => return panics::caught(|| written(other, backend)).ok().flatten().map(|text| literal("", &text)),
    };
    Some(common.unwrap_or(DbValue::Null))
}

fn written(value: &Value, backend: DbBackend) -> Option<String> {
    Some(match backend {
        DbBackend::Postgres => PostgresQueryBuilder.value_to_string(value),
        DbBackend::Sqlite => SqliteQueryBuilder.value_to_string(value),
        DbBackend::MySql => MysqlQueryBuilder.value_to_string(value),
        _ => return None,
    })
}
