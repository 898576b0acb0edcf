//! Without a recorder, or without the feature `record`, `#[observe]` changes nothing that a function does.
#![deny(warnings)]

use spanbridge::observe;
use std::future::ready;
use std::panic::{Location, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

#[observe(name = "x", primitive = "flow.step", kind = "server", attributes(n = n, shown = %n, text = text))]
fn sync(n: u8, text: String) -> Result<String, &'static str> {
    assert!(observe::active_span().is_none());
    assert!(n < 9, "nine");
    if n == 0 {
        return Err("zero");
    }
    Ok(text)
}

#[observe(attributes(n = *n))]
async fn asynchronous(n: &u8) -> Result<&u8, &'static str> {
    ready(()).await;
    if *n == 0 { Err("zero") } else { Ok(n) }
}

#[observe]
fn future(n: u8) -> impl Future<Output = u8> {
    ready(n)
}

#[observe]
#[track_caller]
fn tracked() -> u32 {
    Location::caller().line()
}

fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("nothing waits"),
    }
}

#[test]
fn functions_do_what_they_did() {
    assert_eq!(sync(1, "a".to_owned()), Ok("a".to_owned()));
    assert_eq!(sync(0, "a".to_owned()), Err("zero"));
    assert!(catch_unwind(|| sync(9, String::new())).is_err());
    assert_eq!(now(asynchronous(&1)), Ok(&1));
    assert_eq!(now(asynchronous(&0)), Err("zero"));
    assert_eq!(now(future(3)), 3);
    assert_eq!(tracked(), line!());
}
