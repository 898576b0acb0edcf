//! Attributes of records, as JSON values.

use spanbridge::Value;
use spanbridge::record::Attributes;
use std::collections::HashMap;

/// Merges attributes. The last value of a key counts, in the place of its first.
pub(super) fn merged<'r>(all: impl IntoIterator<Item = &'r Attributes<'r>>) -> Vec<(String, serde_json::Value)> {
    let mut out: Vec<(String, serde_json::Value)> = Vec::new();
    // For a few keys, comparing all of them is fastest.
    let mut places: HashMap<String, usize> = HashMap::new();
    for (key, value) in all.into_iter().flat_map(Attributes::iter) {
        let place = match out.len() {
            0..=16 => out.iter().position(|(k, _)| k == key),
            len => {
                if places.is_empty() {
                    places = out.iter().enumerate().map(|(place, (k, _))| (k.clone(), place)).collect();
                }
                let place = places.get(key).copied();
                if place.is_none() {
                    places.insert(key.to_owned(), len);
                }
                place
            }
        };
        match place {
            Some(place) => out[place].1 = json(value),
            None => out.push((key.to_owned(), json(value))),
        }
    }
    out
}

/// A value as JSON. NaN and the infinities become their names; a value that claims to be JSON and is not becomes text.
fn json(value: Value<'_>) -> serde_json::Value {
    match value {
        Value::I64(n) => n.into(),
        Value::F64(x) => match serde_json::Number::from_f64(x) {
            Some(n) => n.into(),
            None if x.is_nan() => "NaN".into(),
            None => (if x > 0.0 { "Infinity" } else { "-Infinity" }).into(),
        },
        Value::Bool(b) => b.into(),
        Value::Static(s) | Value::Str(s) => s.into(),
        Value::Json(s) => serde_json::from_str(s).unwrap_or_else(|_| s.into()),
        _ => serde_json::Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn attributes(items: &[(&'static str, Value<'static>)]) -> Attributes<'static> {
        items.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect()
    }

    #[test]
    fn the_last_value_replaces_the_first() {
        let first = attributes(&[("a", Value::I64(1)), ("b", Value::Json("[1,{}]")), ("c", Value::F64(f64::NAN))]);
        let second = attributes(&[("a", Value::Bool(true)), ("d", Value::Json("{")), ("e", Value::F64(0.5))]);
        let merged = merged([&first, &second]);
        let expected =
            [("a", json!(true)), ("b", json!([1, {}])), ("c", json!("NaN")), ("d", json!("{")), ("e", json!(0.5))];
        assert!(merged.iter().map(|(k, v)| (k.as_str(), v)).eq(expected.iter().map(|(k, v)| (*k, v))), "{merged:?}");
    }

    #[test]
    fn many_keys_are_merged() {
        let keys: Vec<String> = (0..50).chain(10..40).map(|n| format!("k{n}")).collect();
        let all: Attributes<'_> =
            keys.iter().enumerate().map(|(i, k)| (k.as_str().into(), Value::from(i as u64).into())).collect();
        let merged = merged([&all]);
        assert_eq!(merged.len(), 50);
        assert_eq!(merged[9], ("k9".to_owned(), json!(9)));
        assert_eq!(merged[20], ("k20".to_owned(), json!(60)));
    }
}
