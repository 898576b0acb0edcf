//! The parameters of a statement, as they are recorded.

use crate::query::active_parameter;
use crate::{DbValue, QueryOptions};
use bytes::BytesMut;
use spanbridge::{observe, panics};
use tokio_postgres::Statement;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type};

/// Records them with the current span, if they are recorded. What is of no common type is recorded as the bytes that are sent.
pub(super) fn record_parameters(options: &QueryOptions, statement: &Statement, parameters: &[&(dyn ToSql + Sync)]) {
    if !options.takes_parameters() {
        return;
    }
    let Some(span) = observe::active_span() else { return };
    for (index, (parameter, type_of)) in parameters.iter().zip(statement.params()).enumerate() {
        let mut sent = BytesMut::new();
        // What cannot be sent is left out. The statement will say so.
        match panics::caught(|| parameter.to_sql_checked(type_of, &mut sent)) {
            Ok(Ok(IsNull::Yes)) => active_parameter(&span, options, index, DbValue::Null),
            Ok(Ok(IsNull::No)) => active_parameter(&span, options, index, value(type_of, &sent)),
            _ => {}
        }
    }
}

fn value<'a>(type_of: &Type, sent: &'a [u8]) -> DbValue<'a> {
    fn read<'a, T: FromSql<'a>>(type_of: &Type, sent: &'a [u8]) -> Option<T> {
        T::from_sql(type_of, sent).ok()
    }
    let value = match *type_of {
        Type::BOOL => read(type_of, sent).map(DbValue::Bool),
        Type::INT2 => read::<i16>(type_of, sent).map(|value| DbValue::Integer(value.into())),
        Type::INT4 => read::<i32>(type_of, sent).map(|value| DbValue::Integer(value.into())),
        Type::INT8 => read(type_of, sent).map(DbValue::Integer),
        Type::FLOAT4 => read::<f32>(type_of, sent).map(|value| DbValue::Float(value.into())),
        Type::FLOAT8 => read(type_of, sent).map(DbValue::Float),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::JSON => {
            std::str::from_utf8(sent).ok().map(DbValue::from)
        }
        _ => None,
    };
    value.unwrap_or(DbValue::Bytes(sent.into()))
}
