//! Whether what was read can be a case: one tree of spans, and artifacts of these spans.

use super::Case;
use crate::error::{Error, ErrorKind};
use spanbridge::SpanId;
use std::collections::HashMap;

impl Case {
    pub(super) fn check(&self) -> Result<(), Error> {
        let contradiction = |what: String| Err(Error::new(ErrorKind::Contradiction, format!("read a case: {what}")));
        let mut parents = HashMap::with_capacity(self.spans.len());
        for span in &self.spans {
            if parents.insert(span.span_id, span.parent_span_id).is_some() {
                return contradiction(format!("two spans have the id {}", span.span_id));
            }
        }
        if !parents.contains_key(&self.entry) {
            return contradiction(format!("the entry {} is none of its spans", self.entry));
        }
        if let Some(lost) = self.outside(&parents) {
            return contradiction(format!("the span {lost} is not below the entry"));
        }
        for artifact in &self.artifacts {
            if !parents.contains_key(&artifact.span_id) {
                return contradiction(format!(
                    "an artifact belongs to {}, which is none of its spans",
                    artifact.span_id
                ));
            }
            let content = &artifact.content;
            if content.text.is_some() && content.bytes().is_none() {
                return contradiction(format!("an artifact of {} is not hexadecimal", artifact.span_id));
            }
        }
        Ok(())
    }

    /// A span from which no way up leads to the entry.
    fn outside(&self, parents: &HashMap<SpanId, Option<SpanId>>) -> Option<SpanId> {
        // What was found to be below the entry stays so: each span is walked over once. In a circle the walk meets itself.
        let mut below = HashMap::from([(self.entry, true)]);
        for span in &self.spans {
            let (mut way, mut here) = (vec![], span.span_id);
            let is_below = loop {
                if let Some(known) = below.get(&here) {
                    break *known;
                }
                below.insert(here, false);
                way.push(here);
                match parents.get(&here).copied().flatten() {
                    Some(parent) => here = parent,
                    None => break false,
                }
            };
            if !is_below {
                return Some(span.span_id);
            }
            below.extend(way.into_iter().map(|span| (span, true)));
        }
        None
    }
}
