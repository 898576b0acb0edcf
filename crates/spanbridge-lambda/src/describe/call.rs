//! Calls of functions.

use spanbridge::observe::{self, SpanBuilder};
use spanbridge::{Kind, Primitive, Value, semconv};

/// The span of a call of a function, under the current context. `function` is as in the call: the name, or all or part of
/// the ARN, with or without a qualifier. `region` is the client's.
pub(crate) fn invoke(function: &str, region: Option<&str>, operation: &'static str) -> SpanBuilder {
    let (name, in_arn) = invoked(function);
    let span = observe::span(format!("invoke {name}"))
        .primitive(Primitive::FUNCTION_INVOKE)
        .kind(Kind::Client)
        .attribute(semconv::FAAS_INVOKED_NAME, name)
        .attribute(semconv::FAAS_INVOKED_PROVIDER, Value::Static("aws"))
        .attribute(semconv::RPC_SYSTEM, Value::Static("aws-api"))
        .attribute(semconv::RPC_SERVICE, Value::Static("Lambda"))
        .attribute(semconv::RPC_METHOD, Value::Static(operation));
    match in_arn.or(region) {
        Some(region) => span.attribute(semconv::FAAS_INVOKED_REGION, region),
        None => span,
    }
}

/// The name of a function, from any form in which a call may name it.
pub(crate) fn invoked_name(function: &str) -> &str {
    invoked(function).0
}

/// The name and, if given, the region of a function that is named as `name`, `name:qualifier`, `account:function:name` or by
/// a whole ARN, with or without a qualifier.
fn invoked(function: &str) -> (&str, Option<&str>) {
    let parts: Vec<_> = function.split(':').collect();
    match parts.as_slice() {
        ["arn", _, "lambda", region, _, "function", name, ..] => (name, Some(region)),
        [_, "function", name, ..] => (name, None),
        ["arn", ..] => (function, None),
        [name, ..] => (name, None),
        [] => (function, None),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::check;
    use super::*;

    #[test]
    fn a_call() {
        check(
            || invoke("arn:aws:lambda:eu-west-1:123456789012:function:orders:live", Some("us-east-1"), "Invoke"),
            r#"
            Client function.invoke "invoke orders" links 0
              faas.invoked_name = Str("orders")
              faas.invoked_provider = Str("aws")
              rpc.system = Str("aws-api")
              rpc.service = Str("Lambda")
              rpc.method = Str("Invoke")
              faas.invoked_region = Str("eu-west-1")
            "#,
        );
    }

    #[test]
    fn every_form_of_a_name() {
        for (given, name, region) in [
            ("orders", "orders", None),
            ("orders:live", "orders", None),
            ("123456789012:function:orders", "orders", None),
            ("123456789012:function:orders:7", "orders", None),
            ("arn:aws:lambda:eu-west-1:123456789012:function:orders", "orders", Some("eu-west-1")),
            ("arn:aws-cn:lambda:cn-north-1:123456789012:function:orders:live", "orders", Some("cn-north-1")),
            ("function:orders", "function", None),
            ("", "", None),
            (":", "", None),
            ("arn:aws:lambda:eu-west-1:123456789012:function", "arn:aws:lambda:eu-west-1:123456789012:function", None),
        ] {
            assert_eq!(invoked(given), (name, region), "{given}");
        }
    }
}
