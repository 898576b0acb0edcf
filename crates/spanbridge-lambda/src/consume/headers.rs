//! Repairs the headers of an event so that lambda_runtime can read them.
//!
//! lambda_runtime ends the process if the client context is not of its type or not ASCII, or if the deadline is missing. But
//! the caller of a function chooses the client context. So headers that it cannot read are repaired or removed here.

use http::{HeaderMap, HeaderName, HeaderValue};
use lambda_runtime::{Config, Context};
use serde_json::{Map, Value};
use std::sync::Arc;

pub(crate) const REQUEST_ID: &str = "lambda-runtime-aws-request-id";
const CLIENT_CONTEXT: &str = "lambda-runtime-client-context";
const IDENTITY: &str = "lambda-runtime-cognito-identity";
const DEADLINE: &str = "lambda-runtime-deadline-ms";
const ARN: &str = "lambda-runtime-invoked-function-arn";

/// What was wrong with the headers of an event and what was done about it: an extension of its parts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Repairs(pub(crate) Vec<String>);

/// The context of an invocation, and the repairs that it needed. Fails if there is no usable request id to respond to.
pub(crate) fn context(headers: &mut HeaderMap, config: &Arc<Config>) -> Result<(Context, Repairs), &'static str> {
    let request_id = headers.get(REQUEST_ID).ok_or("it has no request id")?.to_str().ok();
    let is_plain = |id: &&str| !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b));
    // It becomes a part of the path that the response is posted to.
    let request_id = request_id.filter(is_plain).ok_or("its request id is malformed")?.to_owned();
    let mut repairs = vec![];
    if !headers.get(DEADLINE).is_some_and(|d| d.to_str().is_ok_and(|d| d.parse::<u64>().is_ok())) {
        headers.insert(DEADLINE, HeaderValue::from_static("0"));
        repairs.push(format!("{DEADLINE}: is missing or not a number"))
    }
    let attempt = |headers: &HeaderMap| Context::new(&request_id, config.clone(), headers).ok();
    if let Some(context) = attempt(headers) {
        return Ok((context, Repairs(repairs)));
    }
    // Each is tried alone, so that readable headers stay as they are.
    let is_bad = |headers: &HeaderMap, name: &'static str| {
        let alone = [DEADLINE, name].map(|name| Some((HeaderName::from_static(name), headers.get(name)?.clone())));
        attempt(&alone.into_iter().flatten().collect()).is_none()
    };
    type Repair = fn(&mut HeaderMap, &'static str) -> Option<String>;
    let repair: [(_, Repair); 4] =
        [(CLIENT_CONTEXT, repair_client_context), (CLIENT_CONTEXT, remove), (IDENTITY, remove), (ARN, remove)];
    for (name, repair) in repair {
        if is_bad(headers, name) {
            repairs.extend(repair(headers, name))
        }
    }
    attempt(headers).map(|context| (context, Repairs(repairs))).ok_or("its headers cannot be read")
}

fn remove(headers: &mut HeaderMap, name: &'static str) -> Option<String> {
    headers.remove(name).map(|_| format!("{name}: cannot be read, and was removed"))
}

/// Keeps what lambda_runtime accepts: strings under `custom` and `environment`, and a complete `client`.
fn repair_client_context(headers: &mut HeaderMap, name: &'static str) -> Option<String> {
    let value = headers.remove(name)?;
    let Ok(Value::Object(given)) = serde_json::from_slice(value.as_bytes()) else {
        return Some(format!("{name}: is not a JSON object, and was removed"));
    };
    let mut kept = Map::new();
    let mut removed = vec![];
    for (part, value) in given {
        match (part.as_str(), value) {
            ("custom" | "environment", Value::Object(texts)) => {
                let (texts, others): (Map<_, _>, Map<_, _>) = texts.into_iter().partition(|(_, v)| v.is_string());
                removed.extend(others.into_iter().map(|(key, _)| format!("{part}.{key}")));
                kept.insert(part, texts.into());
            }
            ("client", Value::Object(client)) if is_complete(&client) => {
                kept.insert(part, client.into());
            }
            _ => removed.push(part),
        }
    }
    if let Ok(value) = HeaderValue::from_str(&ascii(&Value::Object(kept).to_string())) {
        headers.insert(name, value);
    }
    let what =
        if removed.is_empty() { "escaped its text".to_owned() } else { format!("removed {}", removed.join(", ")) };
    Some(format!("{name}: cannot be read as it is; {what}"))
}

/// Whether all five fields of a mobile application are strings, under either of their names.
fn is_complete(client: &Map<String, Value>) -> bool {
    const FIELDS: [[&str; 2]; 5] = [
        ["installationId", "installation_id"],
        ["appTitle", "app_title"],
        ["appVersionName", "app_version_name"],
        ["appVersionCode", "app_version_code"],
        ["appPackageName", "app_package_name"],
    ];
    let text = |name: &str| client.get(name).map(Value::is_string);
    FIELDS.iter().all(|[name, alias]| matches!((text(name), text(alias)), (Some(true), None) | (None, Some(true))))
}

/// Escapes all characters of JSON that are not ASCII.
fn ascii(json: &str) -> String {
    let mut units = [0; 2];
    json.chars().fold(String::with_capacity(json.len()), |mut text, c| {
        if c.is_ascii() {
            text.push(c)
        } else {
            text.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")))
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn headers(pairs: &[(&'static str, &[u8])]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_static("8476a536-e9f4-11e8-9739-2dfe598c3fcd"));
        headers.insert(DEADLINE, HeaderValue::from_static("1542409706888"));
        headers.insert(ARN, HeaderValue::from_static("arn:aws:lambda:us-east-2:123456789012:function:f"));
        for (name, value) in pairs {
            headers.insert(*name, HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    fn read(pairs: &[(&'static str, &[u8])]) -> Result<(Context, Vec<String>), &'static str> {
        context(&mut headers(pairs), &Arc::default()).map(|(context, Repairs(repairs))| (context, repairs))
    }

    #[test]
    fn readable_headers_are_left_alone() {
        let (context, repairs) = read(&[(CLIENT_CONTEXT, br#"{"custom":{"a":"b"}}"#)]).unwrap();
        assert_eq!(context.client_context.unwrap().custom["a"], "b");
        assert_eq!((context.deadline, repairs), (1542409706888, vec![]));
        for fine in [&b""[..], b"{}"] {
            assert_eq!(read(&[(CLIENT_CONTEXT, fine)]).unwrap().1, Vec::<String>::new());
        }
    }

    /// Only what lambda_runtime cannot read is removed.
    #[test]
    fn a_hostile_client_context_is_repaired() {
        let hostile = r#"{"custom":{"a":1,"traceparent":"00-…","b":{}},"client":{},"environment":[],"z":null}"#;
        let (context, repairs) = read(&[(CLIENT_CONTEXT, hostile.as_bytes())]).unwrap();
        let client = context.client_context.unwrap();
        assert_eq!((client.custom.len(), client.custom["traceparent"].as_str()), (1, "00-…"));
        let removed = "lambda-runtime-client-context: cannot be read as it is; \
                       removed client, custom.a, custom.b, environment, z";
        assert_eq!(repairs, [removed]);
        let client = r#"{"installation_id":"i","app_title":"t","app_version_name":"n","app_version_code":"c",
            "appPackageName":"p"}"#
            .replace('\n', "");
        let mixed = format!(r#"{{"custom":{{"a":1}},"client":{client}}}"#);
        let (context, _) = read(&[(CLIENT_CONTEXT, mixed.as_bytes())]).unwrap();
        assert_eq!(context.client_context.unwrap().client.app_title, "t");
        for hopeless in [&b"not JSON"[..], b"[1]", b"\"x\"", b"\xff\xfe", &[b'['; 4096]] {
            let (context, repairs) = read(&[(CLIENT_CONTEXT, hopeless)]).unwrap();
            assert!(context.client_context.is_none() && repairs.len() == 1, "{repairs:?}");
        }
    }

    #[test]
    fn readable_headers_survive_bad_ones() {
        let client = br#"{"custom":{"a":"b"}}"#;
        let (context, repairs) = read(&[(CLIENT_CONTEXT, client), (IDENTITY, b"{}")]).unwrap();
        assert_eq!(repairs, ["lambda-runtime-cognito-identity: cannot be read, and was removed"]);
        assert_eq!(context.client_context.unwrap().custom["a"], "b");
        let identity = br#"{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}"#;
        let (context, repairs) = read(&[(CLIENT_CONTEXT, b"[1]"), (IDENTITY, identity), (ARN, b"\xff")]).unwrap();
        assert_eq!((repairs.len(), context.identity.unwrap().identity_id.as_str()), (2, "i"), "{repairs:?}");
    }

    #[test]
    fn other_headers() {
        let bad: [(&str, &[u8]); 3] = [(DEADLINE, b"soon"), (IDENTITY, b"{}"), (ARN, b"\xff")];
        let (context, repairs) = read(&bad).unwrap();
        assert_eq!((context.deadline, repairs.len()), (0, 3), "{repairs:?}");
        assert!(context.identity.is_none());
        assert_eq!(context.request_id, "8476a536-e9f4-11e8-9739-2dfe598c3fcd");
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        let name = || prop_oneof!["client", "custom", "environment", "installationId", "app_title", ".*"];
        leaf.prop_recursive(4, 32, 6, move |inner| {
            let map = proptest::collection::hash_map(name(), inner.clone(), 0..6);
            prop_oneof![
                map.prop_map(|m| m.into_iter().collect()),
                proptest::collection::vec(inner, 0..4).prop_map(Value::from)
            ]
        })
    }

    proptest! {
        /// Whatever a caller sends, there is a context, and every string under `custom` is unchanged.
        #[test]
        fn every_client_context_can_be_read(given in json()) {
            let text = given.to_string();
            let header = HeaderValue::from_bytes(text.as_bytes());
            prop_assume!(header.is_ok());
            let (context, _) = read(&[(CLIENT_CONTEXT, text.as_bytes())]).unwrap();
            let custom = given.get("custom").and_then(Value::as_object);
            for (name, value) in custom.into_iter().flatten() {
                if let Some(value) = value.as_str() {
                    prop_assert_eq!(context.client_context.as_ref().and_then(|c| c.custom.get(name)).map(String::as_str), Some(value));
                }
            }
        }

        #[test]
        fn any_bytes_are_survived(client in proptest::collection::vec(32u8.., 0..64), other in proptest::collection::vec(32u8.., 0..16)) {
            let sendable = |bytes: &[u8]| HeaderValue::from_bytes(bytes).is_ok();
            prop_assume!(sendable(&client) && sendable(&other));
            let all = [(CLIENT_CONTEXT, &client[..]), (IDENTITY, &other), (DEADLINE, &other), (ARN, &other)];
            prop_assert!(read(&all).is_ok());
        }
    }

    #[test]
    fn events_without_a_usable_request_id() {
        for id in [&b""[..], b"\xff", b"a b", b"../../next", b"a/b", b"a?b"] {
            assert_eq!(read(&[(REQUEST_ID, id)]).unwrap_err(), "its request id is malformed");
        }
        assert!(context(&mut HeaderMap::new(), &Arc::default()).is_err());
    }
}
