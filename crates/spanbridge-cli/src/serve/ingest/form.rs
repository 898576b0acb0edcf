//! What a request says it is: its media type and its compression.

use super::refused::Refused;
use axum::http::{HeaderMap, HeaderName, header};

/// What a request holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Records, as lines or as one document.
    Records,
    /// Spans of OTLP as protobuf.
    Protobuf,
    /// Spans of OTLP as JSON.
    Json,
}

/// How a request is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

impl Form {
    /// What a request of OTLP holds, by its media type.
    pub(super) fn of_traces(headers: &HeaderMap) -> Result<Self, Refused> {
        match &*media_type(headers) {
            "application/x-protobuf" => Ok(Form::Protobuf),
            "application/json" => Ok(Form::Json),
            _ => Err(Refused::unsupported(
                "read the request: its media type is neither application/x-protobuf nor application/json",
            )),
        }
    }

    /// A request with records holds lines, or a document; which, is seen by its first bytes. Without a media type, it is one, too:
    /// so does whoever sends it by hand. `application/x-www-form-urlencoded` is what `curl` says if it is told nothing.
    pub(super) fn of_records(headers: &HeaderMap) -> Result<Self, Refused> {
        match &*media_type(headers) {
            ""
            | "application/x-ndjson"
            | "application/jsonl"
            | "application/json"
            | "application/json-lines"
            | "application/x-www-form-urlencoded"
            | "application/octet-stream"
            | "text/plain" => Ok(Form::Records),
            "application/x-protobuf" => Err(Refused::unsupported(
                "read the request: it says that it is protobuf; spans of OTLP go to /v1/traces",
            )),
            _ => Err(Refused::unsupported(
                "read the request: its media type is neither application/x-ndjson nor application/json",
            )),
        }
    }

    pub(super) fn encoding(self, headers: &HeaderMap) -> Result<Encoding, Refused> {
        let all: Vec<_> = headers.get_all(header::CONTENT_ENCODING).iter().collect();
        let named = match &all[..] {
            [] => "",
            [one] => one.to_str().unwrap_or("?").trim(),
            _ => "?",
        };
        let is = |name: &str| named.eq_ignore_ascii_case(name);
        if named.is_empty() || is("identity") {
            Ok(Encoding::Identity)
        } else if is("gzip") || is("x-gzip") {
            Ok(Encoding::Gzip)
        } else if is("zstd") && self == Form::Records {
            Ok(Encoding::Zstd)
        } else {
            let known = if self == Form::Records { "identity, gzip or zstd" } else { "identity or gzip" };
            Err(Refused::unsupported(format!("read the request: its content encoding is not {known}")))
        }
    }
}

/// The media type, without its parameters and in lower case.
fn media_type(headers: &HeaderMap) -> String {
    let name: HeaderName = header::CONTENT_TYPE;
    let text = headers.get(name).map_or("", |value| value.to_str().unwrap_or("?"));
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn media_types_have_parameters() {
        for (media, of_traces, of_records) in [
            ("application/json", Some(Form::Json), true),
            ("Application/JSON; charset=utf-8", Some(Form::Json), true),
            ("application/x-protobuf", Some(Form::Protobuf), false),
            ("application/x-ndjson", None, true),
            ("application/protobuf", None, false),
            ("text/html", None, false),
        ] {
            let headers = headers(&[(header::CONTENT_TYPE, media)]);
            assert_eq!(Form::of_traces(&headers).ok(), of_traces, "{media}");
            assert_eq!(Form::of_records(&headers).is_ok(), of_records, "{media}");
        }
        assert!(Form::of_traces(&HeaderMap::new()).is_err() && Form::of_records(&HeaderMap::new()).is_ok());
    }

    #[test]
    fn zstd_is_for_records_alone() {
        use Encoding::{Gzip, Identity, Zstd};
        for (name, records, spans) in [
            ("", Some(Identity), Some(Identity)),
            ("GZIP", Some(Gzip), Some(Gzip)),
            ("zstd", Some(Zstd), None),
            ("br", None, None),
            ("gzip, gzip", None, None),
        ] {
            let headers = headers(&[(header::CONTENT_ENCODING, name)]);
            assert_eq!(Form::Records.encoding(&headers).ok(), records, "{name}");
            assert_eq!(Form::Protobuf.encoding(&headers).ok(), spans, "{name}");
        }
        let mut twice = headers(&[(header::CONTENT_ENCODING, "gzip")]);
        twice.append(header::CONTENT_ENCODING, "gzip".parse().unwrap());
        assert!(Form::Json.encoding(&twice).is_err());
    }
}
