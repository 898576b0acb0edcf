//! Many spans of one resource.

use crate::{TRACE, trace};
use spanbridge::SpanId;
use spanbridge::record::Record;
use spanbridge_otel::otlp::model::{AnyValue, KeyValue, Resource, Span};
use spanbridge_otel::spans::{RecordMaker, records};
use std::time::{Duration, Instant};

fn resource(size: usize) -> Resource<'static> {
    let attributes = vec![
        KeyValue::new("service.name", "pricing"),
        KeyValue::new("large", "x".repeat(size)),
        // A number that is none is no other one each time.
        KeyValue::new("nan", AnyValue::Array(vec![AnyValue::F64(f64::NAN)])),
    ];
    Resource { attributes }
}

fn span(number: u64) -> Span<'static> {
    Span::new(trace(), SpanId::new(number).unwrap())
}

/// Whatever came before, a span has the records that it has alone.
#[test]
fn a_maker_makes_what_records_makes() {
    let mut maker = RecordMaker::default();
    let mut other_run = span(9);
    other_run.attributes = vec![KeyValue::new("spanbridge.run.id", format!("{:032x}", TRACE + 1))];
    for (size, span) in [(3, span(1)), (3, span(2)), (3, other_run.clone()), (4, other_run), (4, span(3)), (3, span(4))]
    {
        let (mut made, mut alone): (Vec<Record<'_>>, Vec<Record<'_>>) = (Vec::new(), Vec::new());
        maker.records(&resource(size), span.clone(), |record| made.push(record));
        records(&resource(size), span, |record| alone.push(record));
        assert_eq!(made, alone);
    }
}

/// A request of a megabyte may have sixty thousand spans and a resource of sixty kilobytes. That was looked through for each.
#[test]
fn a_resource_is_looked_through_once() {
    let (resource, mut maker, mut made) = (resource(60 << 10), RecordMaker::default(), 0);
    let begun = Instant::now();
    (1..=60_000).for_each(|number| maker.records(&resource, span(number), |_| made += 1));
    assert_eq!(made, 60_000);
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}
