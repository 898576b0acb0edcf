//! The recorder of the whole process. One test after another, for there is only one.
#![cfg(feature = "record")]

mod support;

use spanbridge::w3c::{Baggage, TraceParent, TraceState};
use spanbridge::{
    Context, InstallError, Memory, Receipt, RecordBatch, Recorder, Sink, SinkError, SpanId, TraceId, observe,
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};
use support::*;

static ONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn install(memory: &Memory) -> Result<Recorder, InstallError> {
    Recorder::builder("installed").sink(memory.clone()).on_flush_only().install()
}

#[test]
fn there_is_one() {
    let _alone = alone();
    let (first, second) = (Memory::new(), Memory::new());
    let recorder = install(&first).unwrap();
    let refused = install(&second).unwrap_err();
    assert!(matches!(refused, InstallError::AlreadyInstalled));
    assert_eq!(refused.to_string(), "a recorder is already installed");
    observe::span("root").in_scope(|| observe::span("child").in_scope(|| ()));
    flush(&recorder);
    assert_eq!(tree(&first.take()), "\nroot [ok]\n  child [ok]");
    drop(recorder);
    observe::span("nobody").in_scope(|| assert!(observe::current_context().is_empty()));
    let recorder = install(&second).unwrap();
    observe::span("again").in_scope(|| ());
    assert!(recorder.shutdown(LONG).complete);
    assert_eq!(tree(&second.take()), "\nagain [ok]");
    assert_eq!(first.take(), []);
}

/// Records that would go nowhere are nobody's wish.
#[test]
fn a_recorder_has_a_sink() {
    let _alone = alone();
    for refused in [Recorder::builder("installed").install(), Recorder::builder("built").build()] {
        let refused = refused.unwrap_err();
        assert!(matches!(refused, InstallError::NoSink));
        assert_eq!(refused.to_string(), "the recorder has no sink");
    }
    assert!(install(&Memory::new()).is_ok());
}

/// The installed recorder is used outside of the scope.
#[test]
fn a_scoped_recorder_wins() {
    let _alone = alone();
    let in_installed = Memory::new();
    let installed = install(&in_installed).unwrap();
    let (scoped, in_scoped) = recorder();
    observe::span("outer").in_scope(|| {
        scoped.in_scope(|| observe::span("scoped").in_scope(|| ()));
        observe::span("inner").in_scope(|| ());
    });
    flush(&scoped);
    flush(&installed);
    assert_eq!(tree(&in_scoped.take()), "\nscoped [ok]");
    assert_eq!(tree(&in_installed.take()), "\nouter [ok]\n  inner [ok]");
}

/// A consumer loop outlives the recorder that it began under: what it receives then is the new one's.
#[test]
fn the_installed_one_takes_over() {
    let _alone = alone();
    let (gone, _) = recorder();
    let consumer_loop = gone.in_scope(|| observe::span("consumer loop").open());
    drop(gone);
    let memory = Memory::new();
    let installed = install(&memory).unwrap();
    consumer_loop.in_scope(|| {
        let parent = TraceParent { trace_id: TraceId::new(7).unwrap(), span_id: SpanId::new(9).unwrap(), flags: 1 };
        let received = Context::remote(parent, None, TraceState::new(), Baggage::new());
        assert!(received.is_recorded() && received.is_sampled(), "{received:?}");
        observe::in_scope(&received, || observe::span("process").in_scope(|| ()));
    });
    flush(&installed);
    assert_eq!(tree(&memory.take()), "\nprocess [ok]");
}

/// Else a client of a sink's, being observed, would make records for ever.
#[test]
fn what_a_sink_does_itself_is_not_recorded() {
    let _alone = alone();
    let memory = Memory::new();
    let busy = |_: &RecordBatch| -> Result<Receipt, SinkError> {
        observe::span("in a sink").in_scope(|| observe::event("e", &[]));
        observe::run("in a sink").in_scope(|| ());
        let headers = std::collections::HashMap::from([(
            "traceparent".to_owned(),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned(),
        )]);
        let received = spanbridge::carrier::extract(&headers).context;
        observe::in_scope(&received, || observe::span("in a sink").in_scope(|| ()));
        Ok(Receipt::default())
    };
    let b = Recorder::builder("installed").sink(busy).sink(memory.clone());
    let recorder = b.interval(Duration::from_millis(1)).install().unwrap();
    observe::span("root").in_scope(|| ());
    flush(&recorder);
    flush(&recorder);
    assert!(recorder.shutdown(LONG).complete);
    assert_eq!(tree(&memory.take()), "\nroot [ok]");
}

/// Nor what it does at its end, such as the last request of an exporter.
#[test]
fn what_a_sink_does_at_its_end_is_not_recorded() {
    struct Busy(mpsc::Sender<bool>);
    impl Sink for Busy {
        fn deliver(&mut self, _: &RecordBatch) -> Result<Receipt, SinkError> {
            Ok(Receipt::default())
        }
    }
    impl Drop for Busy {
        fn drop(&mut self) {
            let span = observe::span("in a sink").open();
            let _ = self.0.send(span.id().is_some());
        }
    }
    let _alone = alone();
    let memory = Memory::new();
    let installed = install(&memory).unwrap();
    let (sends, is_recorded) = mpsc::channel();
    let other = Recorder::builder("other").sink(Busy(sends)).on_flush_only().build().unwrap();
    assert!(other.shutdown(LONG).complete);
    assert_eq!(is_recorded.recv_timeout(LONG), Ok(false));
    flush(&installed);
    assert_eq!(tree(&memory.take()), "");
}

/// A trace that began before there was a recorder, or that an earlier one recorded, is not taken over half-way.
#[test]
fn a_context_belongs_to_its_recorder() {
    let _alone = alone();
    let memory = Memory::new();
    let recorder = install(&memory).unwrap();
    let held = observe::span("held").open();
    recorder.shutdown(LONG);
    let later = Memory::new();
    let recorder = install(&later).unwrap();
    held.in_scope(|| observe::span("child").in_scope(|| ()));
    held.end();
    observe::span("own").in_scope(|| ());
    flush(&recorder);
    assert_eq!(tree(&later.take()), "\nown [ok]");
    assert_eq!(tree(&memory.take()), "\nheld [open]");
}

/// A sink that takes long to flush, and in whose name another recorder may be installed.
struct Slow {
    _used: Arc<()>,
    gate: mpsc::Receiver<()>,
    race: Option<Arc<Mutex<Option<Recorder>>>>,
}

impl Sink for Slow {
    fn deliver(&mut self, _: &RecordBatch) -> Result<Receipt, SinkError> {
        Ok(Receipt::default())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        let _ = self.gate.recv_timeout(LONG);
        Ok(())
    }

    fn name(&self) -> &str {
        if let Some(faster) = &self.race {
            *faster.lock().unwrap() = Some(install(&Memory::new()).unwrap());
        }
        "slow"
    }
}

/// Who comes second is told at once, and its sinks are not begun with.
#[test]
fn a_second_one_is_refused_at_once() {
    let _alone = alone();
    // A flush of the slow sink takes the whole of it.
    let quick = LONG / 2;
    let slow = |race| {
        let ((open, gate), used) = (mpsc::channel::<()>(), Arc::new(()));
        (Slow { _used: used.clone(), gate, race }, used, open)
    };
    let recorder = install(&Memory::new()).unwrap();
    let (sink, used, open) = slow(None);
    let begun = Instant::now();
    assert!(Recorder::builder("second").sink(sink).install().is_err());
    assert!(begun.elapsed() < quick);
    assert_eq!(Arc::strong_count(&used), 1, "no thread has the sink");
    drop((open, recorder));
    // Both begin at the same time: then there are threads, but nobody waits for them.
    let faster = Arc::new(Mutex::new(None));
    let (sink, _used, open) = slow(Some(faster.clone()));
    let begun = Instant::now();
    assert!(Recorder::builder("second").sink(sink).install().is_err());
    assert!(begun.elapsed() < quick);
    drop((faster.lock().unwrap().take(), open));
}
