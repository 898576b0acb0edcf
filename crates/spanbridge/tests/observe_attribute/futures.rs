//! Functions that are async, or return a future.

use crate::{inner, tree};
use async_trait::async_trait;
use spanbridge::observe;
use std::fmt::Display;
use std::future::{pending, ready};
use std::num::ParseIntError;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::task::yield_now;
use tokio::time::timeout;

const SHORT: Duration = Duration::from_millis(1);

struct Mute;

struct Service(String);

impl Service {
    #[observe(name = "lookup", primitive = "tool.call")]
    async fn find<'a, T: AsRef<str> + Sync>(&'a self, key: &'a T) -> Result<&'a str, ParseIntError> {
        if key.as_ref().is_empty() {
            return Ok(&self.0);
        }
        yield_now().await;
        inner();
        let _: u8 = key.as_ref().parse()?;
        Ok(key.as_ref())
    }

    #[observe]
    async fn change(&mut self, mut more: Vec<u8>, (a, b): (u8, u8)) -> &mut String {
        more.extend([a, b]);
        self.0.extend(more.iter().map(u8::to_string));
        &mut self.0
    }

    #[observe]
    async fn consume(self: Box<Self>) -> String {
        self.0
    }
}

#[test]
fn async_methods() {
    let mut service = Service("7".to_owned());
    let (found, text) = tree::polled(|| service.find(&"3"));
    assert_eq!((found, text.as_str()), (Ok("3"), "lookup ok {tool.call}\n  inner ok\n"));
    let (found, text) = tree::polled(|| service.find(&""));
    assert_eq!((found, text.as_str()), (Ok("7"), "lookup ok {tool.call}\n"));
    let (found, text) = tree::polled(|| service.find(&"x"));
    assert!(found.is_err());
    assert_eq!(text, "lookup error (invalid digit found in string) {tool.call}\n  inner ok\n");
    let (changed, text) = tree::polled(|| service.change(vec![1], (2, 3)));
    assert_eq!((changed.as_str(), text.as_str()), ("7123", "change ok\n"));
    assert_eq!(tree::polled(|| Box::new(service).consume()).1, "consume ok\n");
}

#[test]
fn any_error_is_an_error() {
    #[observe]
    async fn mute() -> Result<(), Mute> {
        Err(Mute)
    }
    #[observe]
    async fn generic<E: Send>(error: E) -> Result<(), E> {
        ready(()).await;
        Err(error)
    }
    #[observe]
    async fn value() -> u8 {
        1
    }
    #[observe]
    async fn unit() {
        inner();
    }
    assert_eq!(tree::polled(mute).1, "mute error\n");
    assert_eq!(tree::polled(|| generic("x")).1, "generic error\n");
    assert_eq!(tree::polled(value).1, "value ok\n");
    assert_eq!(tree::polled(unit).1, "unit ok\n  inner ok\n");
}

#[observe]
async fn waits() {
    pending::<()>().await;
}

#[observe]
async fn never() -> ! {
    loop {
        pending::<()>().await;
    }
}

#[observe]
async fn fails() -> Result<u8, Mute> {
    yield_now().await;
    panic!("no")
}

#[test]
fn dropped_and_panicked() {
    assert_eq!(tree::polled(|| timeout(SHORT, waits())).1, "waits cancelled\n");
    assert_eq!(tree::polled(|| timeout(SHORT, never())).1, "never cancelled\n");
    assert_eq!(tree::polled(|| async { drop(never()) }).1, "", "it never began");
    let (text, spans) = tree::panicked(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(fails())
    });
    assert_eq!((text.as_str(), spans.as_str()), ("no", "fails panicked\n"));
}

#[observe]
async fn items() -> impl Iterator<Item = u8> {
    inner();
    vec![1, 2].into_iter()
}

#[observe]
async fn perhaps(text: &str) -> Result<impl Iterator<Item = u8> + use<>, ParseIntError> {
    let n: u8 = text.parse()?;
    Ok((0..n).rev())
}

#[observe]
async fn function() -> Box<dyn Fn(u8) -> u8 + Send> {
    Box::new(|x| x + 1)
}

#[observe]
async unsafe fn raw(pointer: &*const u8) -> u8 {
    // SAFETY: the caller says so.
    unsafe { **pointer }
}

#[test]
fn async_functions_return_anything() {
    let (items, text) = tree::polled(items);
    assert_eq!((items.count(), text.as_str()), (2, "items ok\n  inner ok\n"));
    let (items, text) = tree::polled(|| perhaps("2"));
    assert_eq!((items.map(Iterator::collect::<Vec<_>>), text.as_str()), (Ok(vec![1, 0]), "perhaps ok\n"));
    assert_eq!(tree::polled(|| perhaps("x")).1, "perhaps error (invalid digit found in string)\n");
    assert_eq!(tree::polled(function).0(1), 2);
    // SAFETY: it points to a byte.
    assert_eq!(tree::polled(|| async { unsafe { raw(&std::ptr::from_ref(&7)).await } }), (7, "raw ok\n".to_owned()));
}

#[observe]
fn block(text: &str) -> impl Future<Output = Result<u8, ParseIntError>> + Send {
    async move {
        yield_now().await;
        inner();
        let n = text.parse()?;
        Ok(n)
    }
}

#[observe]
fn prepared(text: &str) -> impl Future<Output = Result<String, &'static str>> + use<> {
    inner();
    let text = text.to_owned();
    async move {
        inner();
        if text.is_empty() {
            return Err("empty");
        }
        Ok(text)
    }
}

#[observe]
fn passed<F: Future>(future: F) -> impl Future<Output = F::Output> {
    future
}

#[observe]
fn broken(text: &str) -> impl Future<Output = ()> + use<> {
    assert!(!text.is_empty(), "empty");
    ready(())
}

struct Manual(u8);

impl Future for Manual {
    type Output = Result<(), &'static str>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        context.waker().wake_by_ref();
        self.0 -= 1;
        if self.0 > 0 { Poll::Pending } else { Poll::Ready(Err("done")) }
    }
}

#[observe]
fn manual(n: u8) -> impl Future<Output = <Manual as Future>::Output> {
    Manual(n)
}

#[test]
fn functions_that_return_a_future() {
    assert_eq!(tree::polled(|| block("1")), (Ok(1), "block ok\n  inner ok\n".to_owned()));
    assert_eq!(tree::polled(|| block("x")).1, "block error (invalid digit found in string)\n  inner ok\n");
    assert_eq!(tree::polled(|| prepared("a")).1, "prepared ok\n  inner ok\n  inner ok\n");
    assert_eq!(tree::polled(|| prepared("")).1, "prepared error (empty)\n  inner ok\n  inner ok\n");
    assert_eq!(tree::polled(|| passed(ready(Err::<(), _>(Mute)))).1, "passed ok\n");
    assert_eq!(tree::polled(|| passed(async { block("1").await })).1, "passed ok\n  block ok\n    inner ok\n");
    assert_eq!(tree::polled(|| manual(3)).1, "manual error (done)\n");
    assert_eq!(tree::polled(|| timeout(SHORT, passed(pending::<()>()))).1, "passed cancelled\n");
    assert_eq!(tree::polled(|| async { drop(manual(1)) }).1, "manual cancelled\n", "it began when it was made");
    assert_eq!(tree::panicked(|| drop(broken(""))), ("empty".to_owned(), "broken panicked\n".to_owned()));
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
type BoxFuture<'a, T> = Boxed<'a, T>;

#[observe]
fn boxed_block<'a>(text: &'a str) -> Pin<Box<dyn Future<Output = Result<u8, ParseIntError>> + Send + 'a>> {
    Box::pin(async move {
        inner();
        let n = text.parse()?;
        Ok(n)
    })
}

#[observe]
fn boxed_late(text: &str) -> Pin<Box<dyn Future<Output = Result<u8, ParseIntError>> + Send + '_>> {
    if text.is_empty() {
        return Box::pin(ready(Ok(0)));
    }
    inner();
    Box::pin(async move {
        let n = text.parse()?;
        Ok(n)
    })
}

#[observe]
fn boxed_other(n: u8) -> BoxFuture<'static, Result<(), &'static str>> {
    Box::pin(Manual(n))
}

#[observe]
fn boxed_alias(text: &str) -> Boxed<'_, Result<u8, ParseIntError>> {
    ::std::boxed::Box::pin(async { text.parse() })
}

#[observe]
fn not_told(text: &str) -> Boxed<'_, ()> {
    let future = async move { assert!(!text.is_empty()) };
    Box::pin(future)
}

struct Later(Boxed<'static, ()>);

impl Later {
    #[observe]
    fn set(&mut self) {
        self.0 = Box::pin(async {})
    }
}

#[test]
fn boxed_futures() {
    const DIGIT: &str = "error (invalid digit found in string)";
    assert_eq!(tree::polled(|| boxed_block("1")), (Ok(1), "boxed_block ok\n  inner ok\n".to_owned()));
    assert_eq!(tree::polled(|| boxed_block("x")).1, format!("boxed_block {DIGIT}\n  inner ok\n"));
    assert_eq!(tree::polled(|| boxed_late("")), (Ok(0), "boxed_late ok\n".to_owned()));
    assert_eq!(tree::polled(|| boxed_late("x")).1, format!("boxed_late {DIGIT}\n  inner ok\n"));
    assert_eq!(tree::polled(|| boxed_other(2)).1, "boxed_other error (done)\n");
    assert_eq!(tree::polled(|| boxed_alias("x")).1, format!("boxed_alias {DIGIT}\n"));
    assert_eq!(tree::polled(|| not_told("x")).1, "not_told ok\n");
    let mut later = Later(Box::pin(ready(())));
    assert_eq!(tree::of(|| later.set()), "set ok\n");
}

#[async_trait]
trait Handler {
    async fn handle(&self, text: &str) -> Result<usize, String>;

    #[observe]
    async fn twice<T: Display + Send + Sync>(&self, value: T, (a, _): (u8, u8)) -> String
    where
        Self: Sync,
    {
        inner();
        format!("{value}{value}{a}")
    }

    #[observe]
    async fn grow(&mut self, mut more: String)
    where
        Self: Send,
    {
        more.push('!');
    }
}

#[async_trait]
impl Handler for Service {
    #[observe(primitive = "flow.step", kind = "consumer", attributes(text = text, own = self.0))]
    async fn handle(&self, text: &str) -> Result<usize, String> {
        yield_now().await;
        inner();
        if text.is_empty() {
            Err("empty")?;
        }
        let n: u8 = text.parse().map_err(|e: ParseIntError| e.to_string())?;
        Ok(usize::from(n) + self.0.len())
    }
}

#[async_trait(?Send)]
trait Local {
    async fn local(self: std::rc::Rc<Self>) -> Result<(), Mute>;
}

#[async_trait(?Send)]
impl Local for Service {
    #[observe]
    async fn local(self: std::rc::Rc<Self>) -> Result<(), Mute> {
        Err(Mute)
    }
}

#[test]
fn async_trait_in_either_place() {
    let service = || Service("abc".to_owned());
    let head = |text: &str| format!(" {{flow.step, consumer, text=Str({text:?}), own=Str(\"abc\")}}\n  inner ok\n");
    let (n, text) = tree::polled(|| async { service().handle("4").await });
    assert_eq!((n, text), (Ok(7), format!("handle ok{}", head("4"))));
    let (_, text) = tree::polled(|| async { service().handle("").await });
    assert_eq!(text, format!("handle error (empty){}", head("")));
    let (joined, text) = tree::polled(|| async {
        let spawned = async move { service().twice('x', (1, 2)).await };
        tokio::spawn(observe::with_context(observe::current_context(), || spawned)).await
    });
    assert_eq!((joined.ok().as_deref(), text.as_str()), (Some("xx1"), "twice ok\n  inner ok\n"));
    assert_eq!(tree::polled(|| async { service().grow(String::new()).await }).1, "grow ok\n");
    assert_eq!(tree::polled(|| std::rc::Rc::new(service()).local()).1, "local error\n");
}

trait Native {
    fn go(&self) -> impl Future<Output = Result<(), &'static str>> + Send;
    async fn run(&self) -> u8;
}

impl Native for Service {
    #[observe]
    async fn go(&self) -> Result<(), &'static str> {
        inner();
        Err("gone")
    }

    #[observe]
    async fn run(&self) -> u8 {
        self.go().await.map_or(1, |()| 0)
    }
}

#[test]
fn traits_of_the_language() {
    let service = Service(String::new());
    assert_eq!(tree::polled(|| service.run()), (1, "run ok\n  go error (gone)\n    inner ok\n".to_owned()));
}

#[observe]
#[tokio::test]
async fn above_another_attribute() {
    inner();
}

#[tokio::test]
#[observe]
async fn below_another_attribute() {
    inner();
}

#[test]
fn futures_are_as_sendable_as_before() {
    fn send<T: Send>(_: T) {}
    let service = Service(String::new());
    send(service.find(&""));
    send(service.go());
    send(block(""));
    send(boxed_late(""));
    send(passed(ready(1)));
}

/// An attribute that is evaluated on entry, and a body that is suspended: the future goes to another thread.
#[observe(attributes(order.bytes = order.len(), "id" = id))]
async fn spawned(order: Vec<u8>, id: u32) -> Result<usize, String> {
    tokio::task::yield_now().await;
    let _ = id;
    Ok(order.len())
}

#[test]
fn a_future_with_attributes_may_be_spawned() {
    fn sent<T: Send>(value: T) -> T {
        value
    }
    let mut future = std::pin::pin!(sent(spawned(vec![1, 2], 1)));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    while future.as_mut().poll(&mut context).is_pending() {}
}
