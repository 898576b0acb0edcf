//! What is current, against a model, whatever is entered, left, called, polled and dropped, in any order.

use super::ForeignSpans;
use crate::context::{Shared, untag};
use crate::observe::{self, WithContext};
use crate::{Context, ContextExt, Memory, Recorder};
use proptest::prelude::*;
use std::cell::RefCell;
use std::future::poll_fn;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Context as Cx, Poll, Waker};
use std::time::Duration;

/// Traces, and contexts in each of them.
const TRACES: usize = 3;
const SPANS: usize = 4;
const FUTURES: usize = 3;

#[derive(Clone, Debug)]
enum Op {
    Enter(u64),
    Leave(u64),
    /// The span ends, and another of this context gets its number.
    Renew(u64, usize),
    InScope(usize, Inside),
    /// A call in a span below the current one.
    InSpan(Inside),
    /// The same, and the call fails.
    Fails(Inside),
    Poll(usize, Inside),
    /// A future is dropped, and another with this context takes its place.
    Drop(usize, usize, Inside),
    Thread(Vec<Op>),
}

#[derive(Clone, Debug)]
struct Inside {
    ops: Vec<Op>,
    panics: bool,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let (id, context) = (0..6_u64, 0..TRACES * SPANS + 1);
    let one = prop_oneof![
        4 => id.clone().prop_map(Op::Enter),
        4 => id.clone().prop_map(Op::Leave),
        1 => (id, context.clone()).prop_map(|(id, context)| Op::Renew(id, context)),
    ];
    let some = proptest::collection::vec(one, 0..6);
    some.prop_recursive(5, 60, 6, move |inner| {
        let inside = || (inner.clone(), proptest::bool::weighted(0.2)).prop_map(|(ops, panics)| Inside { ops, panics });
        let call = prop_oneof![
            (context.clone(), inside()).prop_map(|(context, inside)| Op::InScope(context, inside)),
            inside().prop_map(Op::InSpan),
            inside().prop_map(Op::InSpan),
            inside().prop_map(Op::Fails),
            (0..FUTURES, inside()).prop_map(|(future, inside)| Op::Poll(future, inside)),
            (0..FUTURES, context.clone(), inside())
                .prop_map(|(future, context, inside)| Op::Drop(future, context, inside)),
            inner.clone().prop_map(Op::Thread),
        ];
        let flat = prop_oneof![(0..6_u64).prop_map(Op::Enter), (0..6_u64).prop_map(Op::Leave)];
        proptest::collection::vec(prop_oneof![flat, call], 0..8)
    })
}

/// What is current: what a context is, without a reference.
type Current = (usize, u64);

fn current_of(context: &Context) -> Current {
    (context.shared.addr(), context.span)
}

/// A call, and what was entered in it and not left.
struct Call {
    outside: Current,
    entered: Vec<(u64, Current)>,
}

/// The model of a thread.
struct Model(Vec<Call>);

impl Model {
    fn current(&self) -> Current {
        let call = self.0.last().unwrap();
        call.entered.last().map_or(call.outside, |(_, current)| *current)
    }

    fn leave(&mut self, id: u64) -> bool {
        for call in self.0.iter_mut().rev() {
            if let Some(at) = call.entered.iter().rposition(|(of, _)| *of == id) {
                call.entered.remove(at);
                return true;
            }
        }
        false
    }
}

/// What a future does when it is polled the next time, or dropped.
type Next = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

struct OnDrop(Next);

impl Drop for OnDrop {
    fn drop(&mut self) {
        do_next(&self.0)
    }
}

fn do_next(next: &Next) {
    let next = next.lock().unwrap().take();
    if let Some(next) = next {
        next()
    }
}

type Work = Pin<Box<WithContext<Pin<Box<dyn Future<Output = ()> + Send>>>>>;

/// A future, its context, and what it will do.
struct Task(Work, Current, Next);

impl Task {
    fn new(context: Context) -> Self {
        let next = Next::default();
        let (current, on_drop) = (current_of(&context), OnDrop(next.clone()));
        let future = poll_fn(move |_| {
            do_next(&on_drop.0);
            Poll::Pending
        });
        let future: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(future);
        Task(Box::pin(future.in_context(context)), current, next)
    }
}

struct World {
    contexts: Vec<Context>,
    spans: ForeignSpans,
    /// Of each number.
    of_ids: Mutex<Vec<Current>>,
    tasks: Mutex<Vec<Option<Task>>>,
}

thread_local! {
    static MODEL: RefCell<Model> = const { RefCell::new(Model(Vec::new())) };
}

fn model<R>(f: impl FnOnce(&mut Model) -> R) -> R {
    MODEL.with_borrow_mut(f)
}

fn check() {
    let now = ManuallyDrop::new(Context { shared: crate::current::ambient().shared.get(), span: 0 });
    assert_eq!((now.shared.addr(), crate::current::ambient().span.get()), model(|model| model.current()));
}

struct OnPurpose;

impl World {
    /// In a call that has made this current.
    fn inside(&self, current: Current, inside: &Inside) {
        model(|model| model.0.push(Call { outside: current, entered: vec![] }));
        check();
        let done = catch_unwind(AssertUnwindSafe(|| self.all(&inside.ops)));
        model(|model| model.0.pop());
        match done {
            Ok(()) if inside.panics => resume_unwind(Box::new(OnPurpose)),
            Ok(()) => {}
            Err(panic) => resume_unwind(panic),
        }
    }

    /// A call that `inside` lets panic.
    fn call(&self, call: impl FnOnce()) {
        match catch_unwind(AssertUnwindSafe(call)) {
            Err(panic) if !panic.is::<OnPurpose>() => resume_unwind(panic),
            _ => check(),
        }
    }

    fn in_current_span(&self, inside: &Inside) {
        let current = current_of(&observe::current_context());
        if model(|model| model.current()) != current {
            return self.inside(current, inside);
        }
        // Outside of a trace there is no span, and the call is none.
        self.all(&inside.ops);
        if inside.panics {
            resume_unwind(Box::new(OnPurpose))
        }
    }

    fn all(self: &World, ops: &[Op]) {
        ops.iter().for_each(|op| {
            self.one(op);
            check()
        })
    }

    fn one(&self, op: &Op) {
        match op {
            Op::Enter(id) => {
                assert!(self.spans.enter(*id));
                let current = self.of_ids.lock().unwrap()[*id as usize];
                model(|model| model.0.last_mut().unwrap().entered.push((*id, current)))
            }
            Op::Leave(id) => assert_eq!(self.spans.leave(*id), model(|model| model.leave(*id))),
            Op::Renew(id, context) => {
                assert!(self.spans.end(*id));
                self.begin(*id, *context)
            }
            Op::InScope(context, inside) => {
                let context = &self.contexts[*context];
                self.call(|| observe::in_scope(context, || self.inside(current_of(context), inside)))
            }
            Op::InSpan(inside) => self.call(|| observe::span("span").in_scope_value(|| self.in_current_span(inside))),
            Op::Fails(inside) => self.call(|| {
                let _ = observe::span("span").in_scope(|| {
                    self.in_current_span(inside);
                    Err::<(), _>("failed")
                });
            }),
            Op::Poll(at, inside) => {
                let Some(mut task) = self.tasks.lock().unwrap()[*at].take() else { return };
                self.will_do(&task, inside);
                self.call(|| assert!(task.0.as_mut().poll(&mut Cx::from_waker(Waker::noop())).is_pending()));
                *task.2.lock().unwrap() = None;
                assert_eq!(current_of(task.0.context()), task.1);
                self.tasks.lock().unwrap()[*at] = Some(task)
            }
            Op::Drop(at, context, inside) => {
                let Some(task) = self.tasks.lock().unwrap()[*at].take() else { return };
                self.will_do(&task, inside);
                self.call(|| drop(task));
                self.tasks.lock().unwrap()[*at] = Some(Task::new(self.contexts[*context].clone()))
            }
            Op::Thread(ops) => std::thread::scope(|threads| {
                if let Err(panic) = threads.spawn(|| self.thread(ops)).join() {
                    resume_unwind(panic)
                }
            }),
        }
    }

    /// What a future does next.
    fn will_do(&self, task: &Task, inside: &Inside) {
        let (world, inside, current) = (self as *const World as usize, inside.clone(), task.1);
        // SAFETY: it is called, or taken away again, before `self` is gone.
        let next = move || unsafe { &*(world as *const World) }.inside(current, &inside);
        *task.2.lock().unwrap() = Some(Box::new(next))
    }

    fn begin(&self, id: u64, context: usize) {
        let context = &self.contexts[context];
        self.spans.begin(id, crate::adapter::unrecorded_span(context.clone()));
        self.of_ids.lock().unwrap()[id as usize] = current_of(context)
    }

    /// Does all this on a thread, on which nothing is left behind.
    fn thread(&self, ops: &[Op]) {
        let outside = current_of(&ManuallyDrop::new(observe::current_context()));
        assert_eq!(outside, (0, 0));
        model(|model| model.0.push(Call { outside, entered: vec![] }));
        self.all(ops);
        while let Some((id, _)) = model(|model| model.0[0].entered.first().copied()) {
            self.one(&Op::Leave(id));
            check()
        }
        model(|model| model.0.clear());
        assert!(!crate::current::ambient().only_span.get().is_null());
    }
}

/// How many references there are to what a context shares.
fn count(context: &Context) -> usize {
    if context.shared.is_null() {
        return 0;
    }
    // SAFETY: the context counts a reference, and this one is not dropped.
    Arc::strong_count(&ManuallyDrop::new(unsafe { Arc::from_raw(untag(context.shared)) }) as &Arc<Shared>)
}

/// A thread that has taken a span's slot may have to wait for a processor: who needs the span waits as long.
#[test]
fn a_span_whose_slot_is_taken_is_waited_for() {
    let (spans, barrier) = (ForeignSpans::new(), Barrier::new(2));
    spans.begin(7, crate::adapter::unrecorded_span(Context::EMPTY));
    std::thread::scope(|threads| {
        threads.spawn(|| {
            super::table::with(spans.key(7), |_| {
                barrier.wait();
                std::thread::sleep(Duration::from_millis(300))
            })
        });
        barrier.wait();
        assert!(spans.context(7).is_some());
        assert!(spans.enter(7) && spans.leave(7) && spans.end(7));
    });
}

/// In a child of a fork there is no such thread.
#[test]
#[cfg(all(unix, not(miri)))]
fn a_slot_that_was_taken_at_a_fork() {
    let (spans, barrier) = (ForeignSpans::new(), Barrier::new(2));
    spans.begin(7, crate::adapter::unrecorded_span(Context::EMPTY));
    std::thread::scope(|threads| {
        threads.spawn(|| {
            super::table::with(spans.key(7), |_| {
                barrier.wait();
                // It is taken until the process has forked.
                barrier.wait();
            })
        });
        barrier.wait();
        // SAFETY: the child looks for a span, and ends without anything else.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // Without waiting: nobody would ever give the slot back.
            let is_gone = !super::slots::any(spans.key(7).owner) && !spans.enter(7);
            // SAFETY: nothing is needed of this process any more.
            unsafe { libc::_exit(i32::from(!is_gone)) }
        }
        barrier.wait();
        let mut status = -1;
        // SAFETY: the process is a child of ours, and the status a place of ours.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert_eq!(status, 0);
    });
    assert!(spans.end(7));
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(if cfg!(miri) { 12 } else { 1500 })
    })]

    /// What is current is what the model says, and all references are given back.
    #[test]
    fn current_is_what_the_model_says(ops in ops()) {
        let recorder = Recorder::builder("test").on_flush_only().sink(Memory::new()).build().unwrap();
        let mut contexts = vec![Context::EMPTY];
        for _ in 0..TRACES {
            let root = recorder.in_scope(|| observe::span("root").open());
            contexts.push(root.context().clone());
            contexts.extend((1..SPANS).map(|_| root.start_child("span").context().clone()))
        }
        let before: Vec<_> = contexts.iter().map(count).collect();
        let tasks = (0..FUTURES).map(|at| Some(Task::new(contexts[at * 4].clone()))).collect();
        let world = World { contexts, spans: ForeignSpans::new(), of_ids: Mutex::new(vec![(0, 0); 6]), tasks: Mutex::new(tasks) };
        (0..6).for_each(|id| world.begin(id, id as usize * 2));
        std::thread::scope(|threads| threads.spawn(|| world.thread(&ops)).join()).map_err(|panic| TestCaseError::fail(crate::panics::text(&*panic)))?;
        (0..6).for_each(|id| assert!(world.spans.end(id)));
        world.tasks.lock().unwrap().clear();
        prop_assert_eq!(world.contexts.iter().map(count).collect::<Vec<_>>(), before);
    }
}
