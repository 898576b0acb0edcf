//! What is current, through executors, combinators, threads, panics and destructors.
#![cfg(feature = "record")]

mod support;

use futures_util::stream::{self, FuturesUnordered};
use futures_util::{FutureExt, SinkExt, StreamExt, future};
use spanbridge::{Context, ContextExt, observe};
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context as Cx, Poll, Waker};
use std::time::Duration;
use support::*;
use tokio::task::{JoinSet, LocalSet, spawn_blocking, spawn_local, yield_now};

/// A span that opens `n` children, one after another, and lets others run in between.
async fn steps(name: &'static str, n: usize) {
    for _ in 0..n {
        observe::span(name).run(yield_now).await
    }
}

/// The name of every span and of its parent, sorted, each pair once.
fn pairs(records: &[spanbridge::record::Record<'_>]) -> Vec<(String, String)> {
    let all = spans(records);
    let name = |id| all.iter().find(|s| Some(s.id) == id).map_or(String::new(), |s| s.name.clone());
    let mut pairs: Vec<_> = all.iter().map(|s| (name(s.parent), s.name.clone())).collect();
    pairs.sort();
    pairs.dedup();
    pairs
}

fn under(parent: &str, child: &str) -> (String, String) {
    (parent.to_owned(), child.to_owned())
}

fn on_tokio<F: Future>(f: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap().block_on(f)
}

#[test]
fn combinators_keep_their_branches_apart() {
    let (recorder, memory) = recorder();
    on_tokio(recorder.scope(async || {
        let body = async {
            tokio::join!(
                observe::span("join a").run(|| steps("a", 3)),
                observe::span("join b").run(|| steps("b", 3)),
                steps("c", 3)
            );
            tokio::select! {
                biased;
                () = observe::span("select, lost").run(future::pending) => {}
                () = observe::span("select, won").run(|| steps("d", 3)) => {}
            }
            let mut some: FuturesUnordered<_> =
                (0..3).map(|_| observe::span("unordered").run(|| steps("e", 3))).collect();
            while some.next().await.is_some() {
                observe::span("between").in_scope(|| ())
            }
            let mut set = JoinSet::new();
            for _ in 0..4 {
                set.spawn(observe::span("spawned").run(|| steps("f", 3)));
            }
            while set.join_next().await.is_some() {
                observe::span("between").in_scope(|| ())
            }
        };
        observe::span("root").run(|| body).await
    }));
    flush(&recorder);
    let records = memory.take();
    let mut want = vec![under("", "root")];
    for child in ["join a", "join b", "c", "select, lost", "select, won", "unordered", "between", "spawned"] {
        want.push(under("root", child))
    }
    for (parent, child) in
        [("join a", "a"), ("join b", "b"), ("select, won", "d"), ("unordered", "e"), ("spawned", "f")]
    {
        want.push(under(parent, child))
    }
    want.sort();
    assert_eq!(pairs(&records), want);
    assert_eq!(by_name(&spans(&records), "select, lost").status.unwrap().name(), "cancelled");
}

#[test]
#[cfg_attr(miri, ignore = "crossbeam-epoch under rayon breaks the rules of Stacked Borrows")]
fn what_is_spawned_inherits_only_when_told() {
    let (recorder, memory) = recorder();
    let id = || observe::current_context().span_id();
    on_tokio(recorder.scope(|| {
        observe::span("root").run(async || {
            let here = id();
            assert!(here.is_some());
            assert_eq!(tokio::spawn(async move { id() }).await.unwrap(), None);
            assert_eq!(tokio::spawn(async move { id() }.in_current_context()).await.unwrap(), here);
            assert_eq!(spawn_blocking(id).await.unwrap(), None);
            assert_eq!(spawn_blocking(observe::bind(id)).await.unwrap(), here);
            assert_eq!(std::thread::spawn(id).join().unwrap(), None);
            assert_eq!(std::thread::spawn(observe::bind(id)).join().unwrap(), here);
            assert_eq!(rayon::join(observe::bind(id), observe::bind(id)), (here, here));
            let on_rayon = observe::bind(|| observe::span("on rayon").in_scope(|| ()));
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
            pool.install(|| assert_eq!(id(), None));
            pool.install(on_rayon);
            tokio::task::block_in_place(|| assert_eq!(id(), here));
            assert_eq!(id(), here);
        })
    }));
    flush(&recorder);
    assert_eq!(tree(&memory.take()), "\nroot [ok]\n  on rayon [ok]");
}

#[test]
#[cfg_attr(miri, ignore = "Miri has no timerfd")]
fn other_executors() {
    let (recorder, memory) = recorder();
    let id = || observe::current_context().span_id();
    recorder.in_scope(|| {
        smol::block_on(observe::span("smol").run(async || {
            let here = id();
            smol::Timer::after(Duration::from_millis(1)).await;
            assert_eq!(id(), here);
            assert_eq!(smol::spawn(async move { id() }).await, None);
            smol::spawn(steps("on another thread", 1).in_current_context()).await;
        }));
        let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
        LocalSet::new().block_on(
            &rt,
            observe::span("local").run(async || {
                let rc = Rc::new(1);
                let task = async move { observe::span("not send").in_scope(|| drop(rc)) };
                spawn_local(task.in_current_context()).await.unwrap();
            }),
        );
    });
    flush(&recorder);
    assert_eq!(
        tree(&memory.take()),
        "
smol [ok]
  on another thread [ok]
local [ok]
  not send [ok]"
    );
}

struct OnDrop(&'static str);
impl Drop for OnDrop {
    fn drop(&mut self) {
        observe::span(self.0).in_scope(|| ())
    }
}

/// What a cancelled body drops is dropped in its own context, before its span ends.
#[test]
fn cancelled_bodies_drop_inside_their_span() {
    let records = record(|| {
        on_tokio(
            async {
                let body = || async {
                    let _d = OnDrop("dropped by the body");
                    future::pending::<()>().await
                };
                let outer = observe::span("outer").run(async || {
                    let timeout = Duration::from_millis(1);
                    let _ = tokio::time::timeout(timeout, observe::span("timed out").run(body)).await;
                    observe::span("after").in_scope(|| ());
                    let d = OnDrop("dropped unpolled");
                    drop(observe::span("never polled").run(async move || drop(d)));
                    let d = OnDrop("dropped in its context");
                    drop(async move { drop(d) }.in_current_context());
                });
                outer.await
            }
            .in_current_context(),
        )
    });
    assert_eq!(
        tree(&records),
        "
outer [ok]
  timed out [cancelled]
    dropped by the body [ok]
  after [ok]
  never polled [cancelled]
    dropped unpolled [ok]
  dropped in its context [ok]"
    );
    let all = spans(&records);
    assert!(by_name(&all, "dropped by the body").ended <= by_name(&all, "timed out").ended);
}

#[test]
fn panics_are_noticed_and_go_on() {
    let records = record(|| {
        let outside = observe::current_context();
        let body = AssertUnwindSafe(observe::span("panics").run_value(async || {
            observe::span("before").run(yield_now).await;
            if true {
                panic!("on purpose")
            }
        }));
        let caught = on_tokio(body.catch_unwind());
        assert_eq!(caught.unwrap_err().downcast_ref::<&str>(), Some(&"on purpose"));
        let thrown = AssertUnwindSafe(async { panic!("on purpose") }.in_context(Context::EMPTY)).catch_unwind();
        assert!(thrown.now_or_never().unwrap().is_err());
        assert_eq!(observe::current_context(), outside);
    });
    assert_eq!(tree(&records), "\npanics [panicked] \"on purpose\" error.type=panic\n  before [ok]");
}

#[test]
fn results_of_futures() {
    let records = record(|| {
        on_tokio(observe::span("root").run(async || {
            let r: Result<u8, String> = observe::span("fails").run(async || Err("boom".to_owned())).await;
            assert_eq!(r, Err("boom".to_owned()));
            assert_eq!(observe::span("value").run_value(async || { 7 }).await, 7);
            let span = observe::span("opened before").open();
            span.run(|| steps("inside", 1)).await;
        }))
    });
    assert_eq!(
        tree(&records),
        r#"
root [ok]
  fails [error] "boom" error.type=_OTHER
  value [ok]
  opened before [ok]
    inside [ok]"#
    );
}

/// Each poll on another thread: parent, buffer and end are right all the same.
#[test]
fn a_future_that_is_polled_by_many_threads() {
    struct Polls(u32);
    impl Future for Polls {
        type Output = ();
        fn poll(mut self: Pin<&mut Self>, _: &mut Cx<'_>) -> Poll<()> {
            observe::span("in poll").in_scope(|| ());
            self.0 -= 1;
            if self.0 == 0 { Poll::Ready(()) } else { Poll::Pending }
        }
    }
    let records = record(|| {
        let mut f = Box::pin(observe::span("future").run(|| Polls(4)));
        for _ in 0..4 {
            let poll = move || {
                let _ = f.as_mut().poll(&mut Cx::from_waker(Waker::noop()));
                assert!(observe::current_context().is_empty());
                f
            };
            f = std::thread::spawn(poll).join().unwrap()
        }
    });
    assert_eq!(pairs(&records), [under("", "future"), under("future", "in poll")]);
    assert_eq!(spans(&records).len(), 5);
}

#[test]
fn streams_and_sinks() {
    let records = record(|| {
        let span = observe::span("stream").open();
        let item = || observe::span("item").in_scope(|| ());
        let items: Vec<_> = stream::repeat_with(item)
            .take(2)
            .in_context(span.context().clone())
            .map(|()| observe::current_context())
            .collect()
            .now();
        // A trap, documented: what is applied after the wrapper runs outside of it.
        assert!(items.iter().all(Context::is_empty) && items.len() == 2);
        let out = Arc::new(Mutex::new(vec![]));
        let sent = out.clone();
        let drain = futures_util::sink::drain().with(move |n: u8| {
            observe::span("sent").in_scope(|| sent.lock().unwrap().push(n));
            future::ready(Ok::<(), Infallible>(()))
        });
        let mut sink = Box::pin(drain.in_context(span.context().clone()));
        async { sink.send(1).await.unwrap() }.now();
        sink.close().now().unwrap();
        assert_eq!(*out.lock().unwrap(), [1]);
        span.end();
    });
    assert_eq!(tree(&records), "\nstream [ok]\n  item [ok]\n  item [ok]\n  sent [ok]");
}

trait Now: Future + Sized {
    fn now(self) -> Self::Output {
        self.now_or_never().expect("nothing to wait for")
    }
}
impl<F: Future> Now for F {}

/// A thread-local's destructor may look at what is current, and change it, after other thread-locals are gone.
#[test]
fn thread_local_destructors() {
    struct D;
    impl Drop for D {
        fn drop(&mut self) {
            let cx = observe::current_context();
            observe::in_scope(&cx, || observe::span("s").in_scope(|| ()));
        }
    }
    thread_local!(static D_: D = const { D });
    std::thread::spawn(|| {
        D_.with(|_| ());
        let _ = observe::current_context();
    })
    .join()
    .unwrap();
}

/// A baggage value whose owner is dropped while it is replaced.
#[test]
fn contexts_nest() {
    let records = record(|| {
        observe::span("root").in_scope(|| {
            let cx = observe::current_context();
            let mut held = Some(Box::new(cx.with_baggage(spanbridge::w3c::Baggage::new().with("k", "v").unwrap())));
            let inner = held.take().unwrap();
            observe::in_scope(&inner.clone(), move || {
                drop(inner);
                observe::span("child").in_scope(|| ());
                assert_eq!(observe::current_context().baggage().get("k").as_deref(), Some("v"));
            });
            assert!(observe::current_context().baggage().is_empty());
        })
    });
    assert_eq!(tree(&records), "\nroot [ok]\n  child [ok]");
}
