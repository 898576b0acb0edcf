//! Code that lints could take offence at: `main.rs` denies them.

#![deny(clippy::nursery, rust_2018_idioms, unused, let_underscore_drop)]
#![deny(missing_docs, unreachable_pub, elided_lifetimes_in_paths, single_use_lifetimes)]
#![allow(clippy::missing_const_for_fn, clippy::future_not_send, reason = "also of the function without the attribute")]

use crate::tree;
use spanbridge::observe;

type Nothing = Result<(), std::num::ParseIntError>;

#[observe(attributes(n = n, shown = %n, debug = ?n))]
fn statement_at_the_end(n: u8) {
    drop(n.to_string());
}

#[observe]
fn items_at_the_start() -> u8 {
    use std::cmp::max;
    const ONE: u8 = 1;
    fn two() -> u8 {
        2
    }
    max(ONE, two())
}

#[observe]
async fn items_at_the_start_of_async() -> u8 {
    use std::cmp::max;
    const ONE: u8 = 1;
    max(ONE, 2)
}

#[observe]
fn only_a_call() {
    statement_at_the_end(1);
}

#[observe]
async fn only_an_await() {
    items_at_the_start_of_async().await;
}

#[observe]
fn empty() {}

#[observe]
async fn empty_async() {}

#[observe]
fn returns_only(text: &str) -> Nothing {
    text.parse::<u8>().map(drop)
}

#[observe]
async fn returns_only_async(text: &str) -> Nothing {
    text.parse::<u8>().map(drop)
}

#[observe]
async fn last_is_question_mark(text: &str) -> Nothing {
    text.parse::<u8>()?;
    Ok(())
}

#[observe]
fn block_in_block() -> u8 {
    {
        let n = 1;
        n + 1
    }
}

#[observe]
fn overwritten(mut n: u8) -> u8 {
    if n > 1 {
        n = 0;
    }
    n
}

#[rustfmt::skip]
mod on_one_line {
    use super::Nothing;
    use spanbridge::observe;

    #[observe(attributes(n = n))] pub(super) fn sync(n: u8) -> u8 { n }
    #[observe] pub(super) async fn asynchronous(n: u8) -> u8 { n }
    #[observe] pub(super) async fn question(n: Nothing) -> Nothing { n?; Ok(()) }
    #[observe] pub(super) fn future(n: u8) -> impl Future<Output = u8> { async move { n } }
    #[observe] #[track_caller] pub(super) fn tracked(n: u8) -> u8 { n }
}

#[observe]
async fn fails_at_once() -> u8 {
    panic!("at once")
}

#[observe]
#[expect(unused_variables, reason = "and only that one")]
fn one_is_not_used(a: u8, b: u8) -> u8 {
    a
}

#[test]
fn nothing_is_said_of_generated_code() {
    let ((), text) = tree::polled(|| async {
        only_a_call();
        only_an_await().await;
        empty();
        empty_async().await;
        returns_only("1").unwrap_or_default();
        returns_only_async("1").await.unwrap_or_default();
        last_is_question_mark("1").await.unwrap_or_default();
        assert_eq!(items_at_the_start() + block_in_block() + overwritten(2) + one_is_not_used(1, 2), 5);
        drop(fails_at_once());
        assert_eq!(on_one_line::sync(1) + on_one_line::tracked(1), 2);
        assert_eq!(on_one_line::asynchronous(1).await + on_one_line::future(1).await, 2);
        on_one_line::question(Ok(())).await.unwrap_or_default();
    });
    assert_eq!(text.lines().count(), 18);
}
