//! The saved form, in any format of serde.

use super::RunContext;
use super::any::{Any, Nested};
use crate::RunId;
use crate::w3c::{self, Baggage, TraceParent, TraceState};
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

const VERSION: &str = "version";
const RUN_ID: &str = "runId";
const SUSPENSION_ID: &str = "suspensionId";

/// Written like a field of a later release: readers that do not know it keep it, in every format.
const RESUMPTION_ID: &str = "legId";

/// The version that this release writes, and the only one so far.
const CURRENT: u64 = 1;

/// Maximum number of unknown fields that are kept. No later release would write more.
const MOST_UNKNOWN: usize = 64;

impl Serialize for RunContext {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields: Vec<(&str, String)> = Vec::with_capacity(5);
        if let Some(parent) = self.parent {
            fields.push((w3c::TRACEPARENT, parent.to_string()));
            // The run stands in the one place or in the other.
            let run = self.run.filter(|r| !self.owned && *r != RunId::of_trace(parent.trace_id));
            let mut state = String::new();
            self.trace_state.write(run, &mut state);
            fields.extend((!state.is_empty()).then_some((w3c::TRACESTATE, state)));
        }
        if !self.baggage.is_empty() {
            fields.push((w3c::BAGGAGE, self.baggage.as_str().to_owned()))
        }
        if self.parent.is_some() {
            fields.extend(self.run.filter(|_| self.owned).map(|run| (RUN_ID, run.to_string())));
            if self.suspension != 0 {
                fields.push((SUSPENSION_ID, format!("{:016x}", self.suspension)))
            }
        }
        let leg =
            (self.resumption != 0 && self.parent.is_some()).then(|| Any::Text(format!("{:016x}", self.resumption)));
        let all = 1 + fields.len() + usize::from(leg.is_some()) + self.unknown.len();
        let mut map = serializer.serialize_map(Some(all))?;
        map.serialize_entry(VERSION, &CURRENT)?;
        fields.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
        leg.iter().try_for_each(|leg| map.serialize_entry(RESUMPTION_ID, leg))?;
        self.unknown.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
        map.end()
    }
}

/// Malformed ids are an error, because they were saved whole. Malformed members of `tracestate` and `baggage` are left out, as on
/// a message.
impl<'de> Deserialize<'de> for RunContext {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let readable = deserializer.is_human_readable();
        deserializer.deserialize_map(Fields { readable })
    }
}

struct Fields {
    /// The format has a `null`.
    readable: bool,
}

impl<'de> Visitor<'de> for Fields {
    type Value = RunContext;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a run context: an object with `version` and `traceparent`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RunContext, A::Error> {
        let mut found = RunContext::default();
        let (mut run_id, mut run_on_wire, mut has_version) = (None, None, false);
        while let Some(key) = map.next_key::<String>()? {
            if key == VERSION {
                match map.next_value::<u64>()? {
                    CURRENT => {
                        has_version = true;
                        continue;
                    }
                    0 => return Err(A::Error::custom("there is no version 0")),
                    newer => {
                        let message =
                            format!("it was written by a newer spanbridge (version {newer}, this one reads {CURRENT})");
                        return Err(A::Error::custom(message));
                    }
                }
            }
            let known = [w3c::TRACEPARENT, w3c::TRACESTATE, w3c::BAGGAGE, RUN_ID, SUSPENSION_ID];
            let Some(name) = known.into_iter().find(|name| *name == key) else {
                found.keep(key, &mut map)?;
                continue;
            };
            let value = if self.readable { map.next_value::<Option<String>>()? } else { Some(map.next_value()?) };
            let Some(text) = value else { continue };
            let bad = |what: &dyn fmt::Display| A::Error::custom(format!("{name}: {what}"));
            match name {
                w3c::TRACEPARENT => {
                    found.parent = Some(TraceParent::parse(text.as_bytes()).map_err(|e| bad(&e.reason()))?)
                }
                w3c::TRACESTATE => (run_on_wire, found.trace_state, _) = TraceState::parse(text.as_bytes()),
                w3c::BAGGAGE => (found.baggage, _) = Baggage::parse(text.as_bytes()),
                RUN_ID => run_id = Some(text.parse::<RunId>().map_err(|_| bad(&"expected 32 hexadecimal digits"))?),
                _ => {
                    let id = text.parse::<crate::SpanId>().map_err(|_| bad(&"expected 16 hexadecimal digits"))?;
                    found.suspension = id.get()
                }
            }
        }
        found.resumption = found.take_resumption()?;
        match found.parent {
            Some(parent) => {
                found.owned = run_id.is_some();
                found.run = run_id.or(run_on_wire).or(Some(RunId::of_trace(parent.trace_id)));
                Ok(found)
            }
            None if run_id.is_some() || found.suspension != 0 || found.resumption != 0 => {
                Err(A::Error::missing_field(w3c::TRACEPARENT))
            }
            // Some other object: what was saved is elsewhere.
            None if !has_version => Err(A::Error::missing_field(VERSION)),
            // Nobody recorded. But for the baggage, which needs no trace, what else there is belongs to nothing.
            None => Ok(RunContext { baggage: found.baggage, unknown: found.unknown, ..RunContext::default() }),
        }
    }
}

impl RunContext {
    /// The resumption, out of the fields that were kept.
    fn take_resumption<E: Error>(&mut self) -> Result<u64, E> {
        let Some(at) = self.unknown.iter().position(|(name, _)| name == RESUMPTION_ID) else { return Ok(0) };
        let id = match self.unknown.remove(at).1 {
            Any::Null => return Ok(0),
            Any::Text(text) => text.parse::<crate::SpanId>().ok(),
            _ => None,
        };
        id.map(|id| id.get()).ok_or_else(|| E::custom(format!("{RESUMPTION_ID}: expected 16 hexadecimal digits")))
    }

    /// Keeps a field that this release does not know. Of several with one name, the last counts.
    fn keep<'de, A: MapAccess<'de>>(&mut self, name: String, map: &mut A) -> Result<(), A::Error> {
        let same = self.unknown.iter().position(|(n, _)| *n == name);
        if same.is_none() && self.unknown.len() == MOST_UNKNOWN {
            return map.next_value::<IgnoredAny>().map(drop);
        }
        let value = map.next_value_seed(Nested::default())?;
        match same {
            Some(at) => self.unknown[at].1 = value,
            None => self.unknown.push((name, value)),
        }
        Ok(())
    }
}
