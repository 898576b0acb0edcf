//! Functions of many shapes, which are compiled once as they stand here and once with the attributes. No lint may say more of
//! the second than of the first. (That they do nothing of use is on purpose; that some are not what one should write, too.)

#![allow(dead_code)]
#![warn(clippy::all, clippy::pedantic, clippy::nursery, clippy::cargo, clippy::restriction, unused)]
#![warn(let_underscore_drop, unit_bindings, unused_lifetimes, unused_qualifications, unused_results, missing_docs)]

use core::error::Error;
use core::fmt::{Debug, Display};
use core::future::{Future, Ready, ready};
use core::pin::Pin;

#[cfg(observed)]
use spanbridge::observe;

/// Stands for the crate of Lambda, with what the attribute calls.
#[cfg(observed)]
mod lambda {
    pub(crate) mod __private {
        pub(crate) use spanbridge::__private::{Verdict, never};
        use core::future::Future;
        use spanbridge::Failure;

        pub(crate) struct Handling;

        impl Handling {
            pub(crate) async fn run<T>(
                self,
                body: impl Future<Output = T>,
                judge: impl for<'value> FnOnce(&'value T) -> Option<Failure<'value>>,
            ) -> T {
                let value = body.await;
                drop(judge(&value));
                value
            }
        }

        pub(crate) fn handling<T>(_: &T) -> Handling {
            Handling
        }
    }
}

/// What a handler is given.
pub struct LambdaEvent<T> {
    payload: T,
}

#[cfg_attr(observed, observe)]
fn unit() {}

#[cfg_attr(observed, observe)]
fn statement(n: u8) {
    drop(n.to_string());
}

#[cfg_attr(observed, observe)]
fn value(n: u8) -> u8 {
    n
}

#[cfg_attr(observed, observe)]
fn returned(n: u8) -> u8 {
    return n;
}

#[cfg_attr(observed, observe)]
fn early(n: u8) -> u8 {
    if n > 1 {
        return 1;
    }
    n
}

#[cfg_attr(observed, observe)]
fn result(text: &str) -> Result<u8, core::num::ParseIntError> {
    let n = text.parse()?;
    Ok(n)
}

#[cfg_attr(observed, observe)]
fn boxed_error(text: &str) -> Result<u8, Box<dyn Error + Send + Sync>> {
    Ok(text.parse()?)
}

#[cfg_attr(observed, observe)]
fn option(text: &str) -> Option<u8> {
    text.bytes().next()
}

#[cfg_attr(observed, observe(name = "named", primitive = "flow.step", kind = "client"))]
fn arguments(n: u8) -> u8 {
    n
}

#[cfg_attr(observed, observe(attributes(n = n, shown = %text, debug = ?text, said = "so")))]
fn attributes(n: u8, text: &str) -> usize {
    text.len() + usize::from(n)
}

#[cfg_attr(observed, observe)]
fn generic<T: Clone, E: Display>(value: &T, _: E) -> T {
    value.clone()
}

#[cfg_attr(observed, observe)]
fn lifetimes<'a>(a: &'a str, _: &str) -> &'a str {
    a
}

#[cfg_attr(observed, observe)]
fn items() -> u8 {
    const ONE: u8 = 1;
    fn two() -> u8 {
        2
    }
    ONE.max(two())
}

#[cfg_attr(observed, observe)]
fn diverges() -> ! {
    panic!("never here")
}

#[cfg_attr(observed, observe)]
#[track_caller]
fn tracked(n: u8) -> u8 {
    n
}

#[cfg_attr(observed, observe)]
#[track_caller]
fn tracked_fails(n: u8) -> u8 {
    panic!("no");
}

#[cfg_attr(observed, observe)]
fn closure(n: u8) -> impl Fn(u8) -> u8 {
    move |m| m ^ n
}

#[cfg_attr(observed, observe)]
fn iterator(n: u8) -> impl Iterator<Item = u8> {
    0..n
}

#[cfg_attr(observed, observe)]
fn matches(n: u8) -> &'static str {
    match n {
        0 => "none",
        1 => "one",
        _ => "many",
    }
}

#[cfg_attr(observed, observe)]
fn looped(mut n: u8) -> u8 {
    loop {
        if n > 9 {
            break n;
        }
        n = n.wrapping_add(1);
    }
}

#[cfg_attr(observed, observe)]
#[must_use]
pub fn documented(n: u8) -> u8 {
    n
}

#[cfg_attr(observed, observe)]
unsafe fn not_safe(n: *const u8) -> u8 {
    // SAFETY: the caller's promise.
    unsafe { *n }
}

#[cfg_attr(observed, observe)]
extern "C" fn of_another_language(n: u8) -> u8 {
    n
}

#[cfg_attr(observed, observe)]
fn not_used(a: u8, b: u8) -> u8 {
    a
}

#[cfg_attr(observed, observe)]
fn a_pattern((a, b): (u8, u8), [c, ..]: [u8; 2]) -> u8 {
    a ^ b ^ c
}

#[cfg_attr(observed, observe)]
async fn async_unit() {}

#[cfg_attr(observed, observe)]
async fn async_value(n: u8) -> u8 {
    n
}

#[cfg_attr(observed, observe)]
async fn async_awaits(n: u8) -> u8 {
    async_value(n).await
}

#[cfg_attr(observed, observe)]
async fn async_result(text: &str) -> Result<u8, core::num::ParseIntError> {
    async_unit().await;
    let n = text.parse()?;
    Ok(n)
}

#[cfg_attr(observed, observe)]
async fn async_returned(text: String) -> Option<usize> {
    if text.is_empty() {
        return None;
    }
    return Some(text.len());
}

#[cfg_attr(observed, observe)]
async fn async_yields_a_future(n: u8) -> Ready<u8> {
    ready(n)
}

#[cfg_attr(observed, observe)]
async fn async_yields_a_path(inner: Ready<u8>) -> Ready<u8> {
    inner
}

#[cfg_attr(observed, observe)]
async fn async_yields_nothing_yet(n: u8) -> Ready<u8> {
    todo!("later")
}

#[cfg_attr(observed, observe)]
async fn async_yields_at_once(n: u8) -> Ready<u8> {
    return ready(n);
}

#[cfg_attr(observed, observe)]
async fn async_struct(n: u8) -> LambdaEvent<u8> {
    LambdaEvent { payload: n }
}

#[cfg_attr(observed, observe)]
async fn async_fails(n: u8) -> u8 {
    panic!("at once")
}

#[cfg_attr(observed, observe)]
fn fails(n: u8) -> u8 {
    unimplemented!("later")
}

#[cfg_attr(observed, observe)]
async fn async_diverges() -> ! {
    panic!("never here")
}

#[cfg_attr(observed, observe)]
async fn async_generic<T: Clone + Send + Sync, E: Debug>(value: &T, _: E) -> T {
    value.clone()
}

#[cfg_attr(observed, observe)]
async fn async_closure(n: u8) -> impl Fn(u8) -> u8 {
    move |m: u8| m ^ n
}

#[cfg_attr(observed, observe)]
fn block(n: u8) -> impl Future<Output = u8> {
    async move { n }
}

#[cfg_attr(observed, observe)]
fn block_of_a_future(n: u8) -> impl Future<Output = Ready<u8>> {
    async move { ready(n) }
}

#[cfg_attr(observed, observe)]
fn future(n: u8) -> impl Future<Output = u8> {
    ready(n)
}

#[cfg_attr(observed, observe)]
fn boxed(n: u8) -> Pin<Box<dyn Future<Output = u8> + Send>> {
    Box::pin(async move { n })
}

#[cfg_attr(observed, observe)]
fn boxed_later(n: u8) -> Pin<Box<dyn Future<Output = Result<u8, String>>>> {
    let sum = n.wrapping_add(1);
    Box::pin(async move { Ok(sum) })
}

/// What has methods.
pub struct Shop {
    open: bool,
}

impl Shop {
    #[cfg_attr(observed, observe)]
    fn new() -> Self {
        Self { open: true }
    }

    #[cfg_attr(observed, observe)]
    fn is_open(&self) -> bool {
        self.open
    }

    #[cfg_attr(observed, observe)]
    fn close(&mut self) -> &mut Self {
        self.open = false;
        self
    }

    #[cfg_attr(observed, observe)]
    async fn sell(&self, n: u8) -> Result<u8, &'static str> {
        if self.open { Ok(n) } else { Err("closed") }
    }

    #[cfg_attr(observed, observe)]
    async fn into_sum(self) -> usize {
        usize::from(self.open)
    }
}

trait Sells {
    fn sold(&self) -> u8;
    fn sells(&self) -> impl Future<Output = u8> + Send;
}

impl Sells for Shop {
    #[cfg_attr(observed, observe)]
    fn sold(&self) -> u8 {
        u8::from(self.open)
    }

    #[cfg_attr(observed, observe)]
    async fn sells(&self) -> u8 {
        u8::from(self.open)
    }
}

#[cfg_attr(observed, spanbridge_macros::handler(crate = crate::lambda))]
async fn handler(event: LambdaEvent<u8>) -> Result<u8, Box<dyn Error + Send + Sync>> {
    Ok(event.payload)
}

#[cfg_attr(observed, spanbridge_macros::handler(crate = crate::lambda))]
async fn handler_of_a_pattern(LambdaEvent { payload }: LambdaEvent<String>) -> Result<usize, core::num::ParseIntError> {
    let n: usize = payload.parse()?;
    Ok(n)
}

#[cfg_attr(observed, spanbridge_macros::handler(crate = crate::lambda))]
async fn handler_of_a_future(event: LambdaEvent<u8>) -> Ready<u8> {
    ready(event.payload)
}

#[cfg_attr(observed, spanbridge_macros::handler(crate = crate::lambda))]
async fn handler_without_answer(_: LambdaEvent<u8>) {}
