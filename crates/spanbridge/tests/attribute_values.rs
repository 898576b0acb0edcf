//! What an attribute takes, and what it is recorded as.
#![cfg(feature = "record")]

mod support;

use spanbridge::record::{Body, Record, RunStart, SpanData};
use spanbridge::{Value, observe};
use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use support::*;

/// The attributes of the one span or run that is in there, in words.
fn attributes(records: &[Record<'_>]) -> Vec<String> {
    let given = records.iter().find_map(|r| match &r.body {
        Body::Span(start @ SpanData { end: Some(_), .. }) => Some(&start.attributes),
        Body::RunStart(RunStart { attributes, .. }) => Some(attributes),
        _ => None,
    });
    given.unwrap().iter().map(|(key, value)| format!("{key}={value:?}")).collect()
}

#[test]
fn numbers_of_every_size() {
    let records = record(|| {
        observe::span("s")
            .attribute("i8", -1i8)
            .attribute("u128", u128::MAX)
            .attribute("i128", i128::MIN)
            .attribute("u64", u64::MAX)
            .attribute("usize", Some(&7usize))
            .attribute("f32", 0.5f32)
            .attribute("bool", true)
            .attribute("literal", 1)
            .in_scope(|| ())
    });
    let most = i64::MAX;
    let expected = [
        "i8=I64(-1)",
        &format!("u128=I64({most})"),
        &format!("i128=I64({})", i64::MIN),
        &format!("u64=I64({most})"),
        "usize=I64(7)",
        "f32=F64(0.5)",
        "bool=Bool(true)",
        "literal=I64(1)",
    ];
    assert_eq!(attributes(&records), expected);
}

#[test]
fn text_in_every_form() {
    let (owned, shared, boxed) = ("by reference".to_owned(), Arc::<str>::from("shared"), Box::<str>::from("boxed"));
    let cow: Cow<'_, str> = Cow::Borrowed("cow");
    let records = record(|| {
        observe::span("s")
            .attribute("a", "literal")
            .attribute("b", "owned".to_owned())
            .attribute("c", &owned)
            .attribute("d", &cow)
            .attribute("e", cow.clone())
            .attribute("f", Cow::<str>::Owned("owned cow".to_owned()))
            .attribute("g", &shared)
            .attribute("h", &boxed)
            .attribute("i", Value::Static("static"))
            .in_scope(|| ())
    });
    let text = ["literal", "owned", "by reference", "cow", "cow", "owned cow", "shared", "boxed"];
    let mut expected: Vec<_> = ('a'..).zip(text).map(|(key, text)| format!("{key}=Str({text:?})")).collect();
    expected.push("i=Static(\"static\")".to_owned());
    let given: Vec<_> = attributes(&records).iter().map(|a| a.replace("Static(", "Str(")).collect();
    assert_eq!(given, expected.iter().map(|a| a.replace("Static(", "Str(")).collect::<Vec<_>>());
}

#[test]
fn none_adds_nothing() {
    let (some, none) = (Some("note".to_owned()), None::<String>);
    let records = record(|| {
        let span = observe::span("s").attribute("a", &none).attribute("b", &some).attribute("c", Some(1u8)).open();
        span.attribute("d", None::<i64>);
        span.attribute("e", some.as_deref());
        span.end()
    });
    assert_eq!(attributes(&records), ["b=Str(\"note\")", "c=I64(1)", "e=Str(\"note\")"]);
}

/// A run keeps what it is given until it begins.
#[test]
fn a_run_takes_the_same() {
    let records = record(|| {
        let number = 7.to_string();
        let run = observe::run("r").attribute("a", number).attribute("b", None::<&str>).attribute("c", 1);
        run.attribute("d", observe::display(&0.25)).open().end()
    });
    assert_eq!(attributes(&records), ["a=Str(\"7\")", "c=I64(1)", "d=Str(\"0.25\")"]);
}

struct Counted<'a>(&'a Cell<u32>);

impl fmt::Display for Counted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.set(self.0.get() + 1);
        f.write_str("shown")?;
        if self.0.get() > 2 { panic!("on purpose") } else { Ok(()) }
    }
}

/// The text is made where it is recorded, and nowhere else.
#[test]
fn display_is_called_only_when_recorded() {
    let calls = Cell::new(0);
    let span = observe::span("nobody records").attribute("k", observe::display(&Counted(&calls))).open();
    span.attribute("k", observe::display(&Counted(&calls)));
    assert_eq!(calls.get(), 0);
    let records = record(|| {
        let span = observe::span("s").attribute("a", observe::display(&Counted(&calls))).open();
        span.attribute("b", observe::display(&Counted(&calls)));
        span.attribute("c", observe::display(&Counted(&calls))); // panics
        span.attribute("d", observe::display(&format_args!("{:?}", Some(1))));
        span.end()
    });
    assert_eq!(
        attributes(&records),
        ["a=Str(\"shown\")", "b=Str(\"shown\")", "c=Str(\"shown\")", "d=Str(\"Some(1)\")"]
    );
    assert_eq!(calls.get(), 3);
}
