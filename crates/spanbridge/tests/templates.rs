//! Spans that are copies of a template.
#![cfg(feature = "record")]

mod support;

use spanbridge::adapter::SpanTemplate;
use spanbridge::{Kind, Primitive, Sampler, Value, observe};
use support::*;

/// A span of a template is the span that a builder would have made, wherever it begins.
#[test]
fn copies_are_spans_like_others() {
    let owner = String::from("a text that is copied");
    let template = SpanTemplate::new("work")
        .kind(Primitive::MESSAGING_PROCESS, Kind::Consumer)
        .attribute("static", Value::Static("s"))
        .attribute("owner", owner.as_str())
        .attribute("n", 7);
    let custom = SpanTemplate::new("custom").kind(Primitive::new("custom.audit"), Kind::Client);
    drop(owner);
    let records = record(|| {
        template.begin().attribute("own", 1).in_scope(|| {
            template.begin().in_scope(|| ());
            custom.begin().attribute("own", 2).in_scope(|| Err::<(), _>("no luck")).unwrap_err();
        });
        drop(template.begin()); // it was never there
    });
    assert_eq!(
        tree(&records),
        r#"
work [ok] static=s owner=a text that is copied n=7 own=1
  work [ok] static=s owner=a text that is copied n=7
  custom [error] "no luck" own=2 error.type=_OTHER"#
    );
    let kinds: Vec<_> = spans(&records).into_iter().map(|span| (span.primitive, span.kind)).collect();
    assert!(kinds.contains(&("messaging.process".to_owned(), Kind::Consumer)), "{kinds:?}");
    assert!(kinds.contains(&("custom.audit".to_owned(), Kind::Client)), "{kinds:?}");
    gap_free(&records);
}

/// A sampler sees a root of a template as it sees others.
#[test]
fn a_sampler_sees_all_of_a_template() {
    let template =
        SpanTemplate::new("work").kind(Primitive::MESSAGING_PROCESS, Kind::Consumer).attribute("tenant", "a");
    let sampler = Sampler::by(|root| {
        (root.name(), root.kind()) == ("work", Kind::Consumer) && root.attribute("tenant") == Some(Value::Str("a"))
    });
    let (recorder, memory) = with(|builder| builder.on_flush_only().sampler(sampler));
    recorder.in_scope(|| template.begin().attribute("own", 1).in_scope(|| ()));
    flush(&recorder);
    assert_eq!(tree(&memory.take()), "\nwork [ok] tenant=a own=1");
}

/// Long texts are cut as always, and many spans fill many chunks.
#[test]
fn long_texts_and_many_spans() {
    let long = "x".repeat(5000);
    let template = SpanTemplate::new(&long).attribute("long", long.as_str()).attribute("long2", &long[..2000]);
    let records = record(|| {
        (0..1000).for_each(|i| template.begin().attribute("i", i).in_scope(|| ()));
    });
    let spans = spans(&records);
    assert_eq!(spans.len(), 1000);
    for (i, span) in spans.iter().enumerate() {
        let value = |key| span.attributes.iter().find(|(k, _)| k == key).map_or("", |(_, value)| value);
        assert_eq!((span.name.len(), value("long").len(), value("long2").len()), (1024, 4096, 2000));
        assert_eq!(value("i"), i.to_string());
    }
}

/// All of them together are larger than a chunk.
#[test]
fn many_attributes_are_all_recorded() {
    let text = "x".repeat(1000);
    let mut template = SpanTemplate::new("work");
    for n in 0..50 {
        template = template.attribute(String::leak(format!("text{n}")), text.as_str());
        template = template.attribute(String::leak(format!("number{n}")), n)
    }
    let records = record(|| template.begin().in_scope(|| ()));
    let all = spans(&records);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].attributes.iter().filter(|(_, value)| *value == text).count(), 50);
    assert_eq!(all[0].attributes.len(), 100);
}

#[test]
fn nothing_without_a_recorder() {
    let span = SpanTemplate::new("work").attribute("n", 1).begin();
    assert_eq!(span.id(), None);
    assert!(!span.in_scope_value(|| observe::active_span().is_some()));
}
