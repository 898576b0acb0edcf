//! What must hold for any request, for the fuzzer: it has no server.

use super::budget::Budget;
use super::decode::decode;
use super::form::{Encoding, Form};
use super::limits::{MAX_DECODED, MAX_RECORDS};
use super::{records, traces};
use spanbridge_otel::spans;

/// Decodes bytes as each endpoint does, in each form and with each compression.
///
/// # Panics
/// If a request that is taken does not have as many records or spans as were counted, or is larger than it may be.
#[doc(hidden)]
pub fn check_request(bytes: &[u8]) {
    let budget = Budget::new(2 * MAX_DECODED);
    for form in [Form::Records, Form::Protobuf, Form::Json] {
        for encoding in [Encoding::Identity, Encoding::Gzip, Encoding::Zstd] {
            let Ok(decoded) = decode(form, encoding, bytes.to_vec(), budget.nothing()) else { continue };
            assert!(decoded.bytes.len() <= MAX_DECODED && decoded.found <= MAX_RECORDS);
            let mut found = decoded.rejected;
            if form == Form::Records {
                let each = records::each(&decoded.bytes, |number, _, read| {
                    assert_eq!(number, found, "they are numbered");
                    found += 1;
                    drop(read.map(|record| record.to_json()));
                    Ok(())
                });
                assert!(each.is_ok());
            } else {
                let read = traces::read(form, &decoded.bytes, |resource, scope, span| match span {
                    None => found += spans::lines(scope).count() as u64,
                    Some(span) => {
                        found += 1;
                        let mut records = 0;
                        spans::records(resource, span, |_| records += 1);
                        assert!(records > 0);
                    }
                });
                assert!(read.is_ok());
            }
            assert_eq!(found, decoded.found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use spanbridge_otel::otlp::model::{Resource, Scope, Span};
    use spanbridge_otel::otlp::protobuf;

    fn request(spans: u64) -> Vec<u8> {
        let ids = (spanbridge::TraceId::new(1).unwrap(), spanbridge::SpanId::new(1).unwrap());
        let (mut body, mut request) = (Vec::new(), Vec::new());
        (0..spans).for_each(|_| protobuf::write_span(&Span::new(ids.0, ids.1), &mut body));
        protobuf::write_request(&Resource::default(), &Scope::default(), &body, &mut request);
        request
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            check_request(&bytes);
        }

        /// Nearly a request: a byte of it is another one.
        #[test]
        fn nearly_a_request(spans in 0..4_u64, at: usize, byte: u8) {
            let mut bytes = request(spans);
            let at = at % bytes.len();
            bytes[at] = byte;
            check_request(&bytes);
        }

        #[test]
        fn nearly_a_document(text in r#"(\{"(records|resourceSpans|events)":)?\[?(\{"(recordId|spans)":[0-9"]{0,3}\},?){0,3}\]?\}?\n?[a-z{}\[\]",]{0,9}"#) {
            check_request(text.as_bytes());
        }
    }
}
