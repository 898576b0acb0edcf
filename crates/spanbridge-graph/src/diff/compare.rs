//! How two steps that were paired differ.

use super::model::{Change, DiffOptions, DifferenceKind};
use super::prints::{Prints, attributes, error, happened, is_given, primitive, status};
use crate::sameness::{is_outcome, is_volatile, masked, value_print};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Longer text is cut in the answer.
const MAX_TEXT: usize = 500;

/// What a pair began with, and how it ended.
#[derive(Default)]
pub(super) struct Compared {
    /// Attributes that differ.
    pub(super) attributes: Vec<Change>,
    pub(super) is_status_changed: bool,
    /// Times that differ, and which of the two is slower.
    pub(super) times: Vec<(DifferenceKind, Change)>,
}

pub(super) fn compare(
    left: &Prints<'_, '_>,
    right: &Prints<'_, '_>,
    (l, r): (usize, usize),
    options: &DiffOptions,
) -> Compared {
    let mut compared = Compared {
        is_status_changed: status(left.causes, l) != status(right.causes, r),
        times: times(left.times(l), right.times(r), options),
        ..Compared::default()
    };
    let names = [
        ("name", left.causes.name(l), right.causes.name(r)),
        ("primitive", primitive(left.causes, l), primitive(right.causes, r)),
        ("service", left.causes.service(l), right.causes.service(r)),
    ];
    for (key, left, right) in names.into_iter().filter(|(_, left, right)| left != right) {
        compared.attributes.push(Change::new(key, Some(left.into()), Some(right.into())));
    }
    let is_outcome_known = compared.is_status_changed || left.outcome[l] == right.outcome[r];
    if left.own[l] == right.own[r] && is_outcome_known {
        return compared;
    }
    let counts = |key: &str| !(is_volatile(key) || compared.is_status_changed && is_outcome(key));
    let mut both: BTreeMap<&str, (Option<&Value>, Option<&Value>)> = BTreeMap::new();
    for (key, value) in attributes(left.causes, l).iter().filter(|(key, _)| counts(key)) {
        both.entry(key).or_default().0 = Some(value);
    }
    for (key, value) in attributes(right.causes, r).iter().filter(|(key, _)| counts(key)) {
        both.entry(key).or_default().1 = Some(value);
    }
    let differ = both.into_iter().filter(|(_, (l, r))| l.map(value_print) != r.map(value_print));
    compared.attributes.extend(differ.map(|(key, (l, r))| Change::new(key, l.map(cut), r.map(cut))));
    let (before, after) = (left.artifacts(l), right.artifacts(r));
    let kinds: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    let counts = |kind: &&str| !compared.is_status_changed || is_given(kind);
    for kind in kinds.into_iter().filter(counts).filter(|kind| before.get(kind) != after.get(kind)) {
        let value = |payloads: Option<&Vec<String>>| payloads.map(|payloads| cut(&payloads.join("; ").into()));
        compared.attributes.push(Change::new(
            &format!("artifact {kind}"),
            value(before.get(kind)),
            value(after.get(kind)),
        ));
    }
    if !compared.is_status_changed {
        let (before, after) = (happened(left.causes, l), happened(right.causes, r));
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for name in names.into_iter().filter(|name| before.get(*name) != after.get(*name)) {
            let count = |of: &BTreeMap<String, usize>| Some(of.get(name).copied().unwrap_or(0).into());
            compared.attributes.push(Change::new(name, count(&before), count(&after)));
        }
        let (l, r) = (error(left.causes, l), error(right.causes, r));
        if l.map(masked) != r.map(masked) {
            let value = |text: Option<&str>| text.map(|text| cut(&text.into()));
            compared.attributes.push(Change::new("error", value(l), value(r)));
        }
    }
    compared
}

fn cut(value: &Value) -> Value {
    match value {
        Value::String(text) if text.len() > MAX_TEXT => {
            let end = (0..=MAX_TEXT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            format!("{}…", &text[..end]).into()
        }
        other => other.clone(),
    }
}

type Times = (Option<u64>, Option<u64>);

fn times(left: Times, right: Times, options: &DiffOptions) -> Vec<(DifferenceKind, Change)> {
    let differs = |key: &str, left: Option<u64>, right: Option<u64>| {
        let (left, right) = (left?, right?);
        let kind = match () {
            () if is_slower(left, right, options) => DifferenceKind::Slower,
            () if is_slower(right, left, options) => DifferenceKind::Faster,
            () => return None,
        };
        let milliseconds = |nanos: u64| Some((nanos as f64 / 1e6).into());
        Some((kind, Change::new(key, milliseconds(left), milliseconds(right))))
    };
    [differs("selfMs", left.0, right.0), differs("queuedMs", left.1, right.1)].into_iter().flatten().collect()
}

fn is_slower(than: u64, time: u64, options: &DiffOptions) -> bool {
    let more = time.saturating_sub(than);
    more > 0 && u128::from(more) >= options.least.as_nanos() && more as f64 >= than as f64 * options.percent / 100.0
}
