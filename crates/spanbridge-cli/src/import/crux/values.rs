//! Members as attributes.

use super::fields::Fields;
use serde_json::value::RawValue;
use spanbridge::record::{AttributeValue, Attributes};
use spanbridge::semconv;
use std::borrow::Cow;

/// Members that OpenTelemetry's conventions have a name for.
const MEMBERS: [(&str, &str); 6] = [
    ("agentId", "gen_ai.agent.id"),
    ("model", semconv::GEN_AI_REQUEST_MODEL),
    ("provider", semconv::GEN_AI_PROVIDER_NAME),
    ("toolName", semconv::GEN_AI_TOOL_NAME),
    ("sessionId", "session.id"),
    ("userId", "user.id"),
];

/// The same, of `metrics`.
const METRICS: [(&str, &str); 2] =
    [("inputTokens", semconv::GEN_AI_USAGE_INPUT_TOKENS), ("outputTokens", semconv::GEN_AI_USAGE_OUTPUT_TOKENS)];

/// Attributes. The last value of a key counts.
#[derive(Default)]
pub(super) struct List(Vec<(Cow<'static, str>, AttributeValue<'static>)>);

impl List {
    pub(super) fn text(&mut self, key: &'static str, value: String) {
        self.0.push((key.into(), AttributeValue::Str(value.into())));
    }

    /// All members: those of `metrics` each, those of `attributes` last and under their own names.
    pub(super) fn members(&mut self, mut fields: Fields<'_>) {
        let attributes = fields.object_or_stay("attributes");
        let metrics = fields.object_or_stay("metrics");
        self.named(fields, "crux.", &MEMBERS);
        metrics.into_iter().for_each(|metrics| self.named(metrics, "crux.metrics.", &METRICS));
        let own = attributes.into_iter().flat_map(Fields::into_rest);
        self.0.extend(own.map(|(key, raw)| (key.into(), value(raw))));
    }

    fn named(&mut self, fields: Fields<'_>, prefix: &str, names: &[(&str, &'static str)]) {
        for (name, raw) in fields.into_rest() {
            let known = names.iter().find(|(member, _)| *member == name);
            let key = known.map_or_else(|| Cow::Owned(format!("{prefix}{name}")), |(_, key)| Cow::Borrowed(*key));
            self.0.push((key, value(raw)));
        }
    }

    pub(super) fn done(self) -> Attributes<'static> {
        self.0.into_iter().collect()
    }
}

/// Numbers that neither form holds exactly, lists and objects are JSON, word for word.
fn value(raw: &RawValue) -> AttributeValue<'static> {
    let json = raw.get();
    let as_json = || AttributeValue::Json(Cow::Owned(json.to_owned()));
    match json.as_bytes() {
        [b'"', ..] => {
            serde_json::from_str::<String>(json).map_or_else(|_| as_json(), |v| AttributeValue::Str(v.into()))
        }
        b"true" => AttributeValue::Bool(true),
        b"false" => AttributeValue::Bool(false),
        [b'-' | b'0'..=b'9', ..] => match (json.parse(), json.parse::<f64>()) {
            (Ok(v), _) => AttributeValue::I64(v),
            (_, Ok(v)) if v.is_finite() && json.contains(['.', 'e', 'E']) => AttributeValue::F64(v),
            _ => as_json(),
        },
        _ => as_json(),
    }
}
