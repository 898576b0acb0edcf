//! What is refused, and in which words.

use crate::expand::observe;
use crate::handler::handler;
use proc_macro2::TokenStream;

/// The text of the error that is emitted beside the item, which must be there as it was.
fn refused(arguments: &str, item: &str) -> String {
    refused_by(observe, arguments, item)
}

fn refused_by(attribute: fn(TokenStream, TokenStream) -> TokenStream, arguments: &str, item: &str) -> String {
    let parse = |text: &str| text.parse::<TokenStream>().expect("tokens");
    let expanded = attribute(parse(arguments), parse(item)).to_string();
    let error = expanded.strip_suffix(&parse(item).to_string()).expect("the item");
    let text = error.split('"').nth(1).expect("an error");
    text.to_owned()
}

#[test]
fn arguments() {
    let refused = |arguments| refused(arguments, "fn f () { }");
    assert_eq!(
        refused("nane = \"x\""),
        "unknown key `nane`, expected `name`, `primitive`, `kind`, `attributes` or `crate`"
    );
    assert_eq!(
        refused("kind = \"remote\""),
        "unknown kind `remote`, expected `internal`, `server`, `client`, `producer` or `consumer`"
    );
    assert_eq!(refused("skip_all"), "there is nothing to skip: only what `attributes(…)` names is captured");
    assert_eq!(refused("fields(id = 1)"), "attributes are given as `attributes(key = value, …)`");
    assert_eq!(refused("name = \"a\", name = \"b\""), "`name` is given twice");
    assert_eq!(refused("name"), "expected `=`");
    assert_eq!(refused("attributes(1 = 2)").split(':').next(), Some("expected the attribute's key"));
}

#[test]
fn items() {
    let refused = |item| refused("", item);
    assert_eq!(
        refused("pub const fn f () { }"),
        "a `const fn` cannot be recorded: remove `const`, or move `#[observe]` to what calls it"
    );
    assert_eq!(
        refused("fn f (& self) -> u8 ;"),
        "there is nothing to record without a body: put `#[observe]` on the implementation"
    );
    assert_eq!(
        refused("impl S { fn f () { } }"),
        "`#[observe]` goes on functions: put it on each one that is to be recorded"
    );
    assert_eq!(
        refused("# [track_caller] fn f () -> impl Future < Output = u8 > { ready (1) }"),
        "`#[observe]` moves the body to where `#[track_caller]` does not reach: remove one of the two"
    );
    assert!(refused("fn f () -> { }").starts_with("expected one of"));
}

#[test]
fn handlers() {
    let refused = |item| refused_by(handler, "", item);
    assert!(refused("fn f (event : LambdaEvent < u8 >) { }").starts_with("a handler is an `async fn`"));
    let none = "a handler takes a `LambdaEvent<…>`, which says whose invocation it is";
    assert_eq!(refused("async fn f () { }"), none);
    assert_eq!(refused("async fn f (client : & Client , event : Value) { }"), none);
    assert_eq!(refused("struct S ;"), "`#[handler]` goes on functions: put it on each one that is to be recorded");
    assert_eq!(refused_by(handler, "name = 1", "async fn f (e : E) { }"), "expected `crate`");
}
