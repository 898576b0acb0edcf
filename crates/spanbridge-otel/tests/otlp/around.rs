//! What stands around spans, of every kind.

use crate::arbitrary::{attributes, text};
use proptest::prelude::*;
use spanbridge_otel::otlp::model::*;

pub(crate) fn resource() -> BoxedStrategy<Resource<'static>> {
    attributes().prop_map(|attributes| Resource { attributes }).boxed()
}

pub(crate) fn scope() -> BoxedStrategy<Scope<'static>> {
    (text(), text(), attributes())
        .prop_map(|(name, version, attributes)| Scope { name: name.into(), version: version.into(), attributes })
        .boxed()
}
