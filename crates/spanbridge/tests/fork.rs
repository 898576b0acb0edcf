//! A forked child records nothing until it installs a recorder of its own, and no lock of ours hangs it. No harness: fork
//! is for processes whose application has one thread.

#[cfg(unix)]
mod support;

#[cfg(unix)]
mod unix {
    use super::support::*;
    use spanbridge::adapter::PerProcess;
    use spanbridge::{Memory, Recorder, observe};
    use std::collections::HashSet;
    use std::fs::File;
    use std::hint::black_box;
    use std::io::{Read, Write};
    use std::mem::replace;
    use std::os::fd::FromRawFd;
    use std::panic::AssertUnwindSafe;
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    use std::time::Duration;

    fn install() -> (Recorder, Memory) {
        let memory = Memory::new();
        (Recorder::builder("fork").sink(memory.clone()).on_flush_only().install().unwrap(), memory)
    }

    /// Names a span's ids: of the trace and of the span.
    fn ids(n: usize) -> Vec<String> {
        let one = || {
            let s = observe::span("id").open();
            let ids = format!("{:?} {:?}", s.context().trace_id(), s.id());
            s.end();
            ids
        };
        (0..n).map(|_| one()).collect()
    }

    fn in_child(inherited: Recorder, held: spanbridge::observe::Span, in_parent: &Memory) -> Vec<String> {
        let old = observe::current_context();
        assert!(old.is_recorded(), "we are still inside a span of the parent");
        observe::span("in child").in_scope(|| observe::event("e", &[]));
        observe::run("in child").in_scope(|| ());
        held.attribute("in child", 1);
        held.end();
        let report = inherited.flush_blocking(LONG);
        assert!(!report.complete);
        assert_eq!(in_parent.records(), []);
        observe::in_scope(&Default::default(), || assert_eq!(observe::span("nobody").open().id(), None));
        let (own, memory) = install();
        drop(inherited); // after `install`, so that it must not take out what is not its own
        let ids = observe::in_scope(&Default::default(), || {
            observe::span("own").in_scope(|| observe::span("child of own").in_scope(|| ()));
            ids(1000)
        });
        flush(&own);
        let records = memory.take();
        let own_tree = "\nown [ok]\n  child of own [ok]\nid [ok]";
        assert!(tree(&records).starts_with(own_tree), "{}", tree(&records));
        gap_free(&records);
        assert!(own.shutdown(LONG).complete);
        ids
    }

    pub(super) fn main() {
        let (recorder, memory) = install();
        let mut pipe = [0; 2];
        // SAFETY: two file descriptors fit.
        assert_eq!(unsafe { libc::pipe(pipe.as_mut_ptr()) }, 0);
        let held = observe::span("held").open();
        let unfinished = observe::span("unfinished").attribute("n", 1);
        let child = observe::span("outer").in_scope_value(|| {
            // SAFETY: the application has this thread alone; the child ends by `_exit`.
            let pid = unsafe { libc::fork() };
            if pid == 0 {
                // SAFETY: so that a child that hangs ends; then `_exit`, as nothing here is the child's to destroy.
                unsafe { libc::alarm(LONG.as_secs() as u32) };
                let result = std::panic::catch_unwind(AssertUnwindSafe(|| {
                    // SAFETY: ours, and used once.
                    let mut out = unsafe { File::from_raw_fd(pipe[1]) };
                    // SAFETY: the parent's copies stay where they are; this process is another.
                    let (recorder, held) = unsafe { (std::ptr::read(&recorder), std::ptr::read(&held)) };
                    for id in in_child(recorder, held, &memory) {
                        writeln!(out, "{id}").unwrap()
                    }
                }));
                // SAFETY: nothing is left to do.
                unsafe { libc::_exit(result.is_err() as i32) }
            }
            pid
        });
        // SAFETY: ours, and used once.
        let mut input = unsafe {
            libc::close(pipe[1]);
            File::from_raw_fd(pipe[0])
        };
        let mut theirs = String::new();
        input.read_to_string(&mut theirs).unwrap();
        wait(child);
        let ours: HashSet<String> = ids(1000).into_iter().collect();
        assert_eq!(theirs.lines().count(), 1000);
        for line in theirs.lines() {
            assert!(line.contains("Some") && !ours.contains(line), "{line}");
            let span = line.rsplit(' ').next().unwrap();
            assert!(!ours.iter().any(|o| o.ends_with(span)), "{span}");
        }
        unfinished.in_scope(|| ());
        held.end();
        flush(&recorder);
        let records = memory.take();
        let told = tree(&records);
        assert!(told.starts_with("\nheld [ok]\nunfinished [ok] n=1\nouter [ok]\nid [ok]"), "{told}");
        assert_eq!((told.lines().count(), told.contains("in child")), (1004, false));
        assert!(recorder.shutdown(Duration::from_secs(60)).complete);
        println!("test fork ... ok");
    }

    static BUSY: PerProcess<u64> = PerProcess::new();

    /// Threads hold a static's lock nearly all the time while the process forks. No child finds it locked, and each has a
    /// value of its own.
    pub(super) fn locks() {
        let over = AtomicBool::new(false);
        std::thread::scope(|threads| {
            let hold = || {
                while !over.load(Relaxed) {
                    BUSY.with(|n| (0..1000).for_each(|_| *n = black_box(*n + 1)))
                }
            };
            let _ends = Over(&over);
            (0..3).for_each(|_| drop(threads.spawn(hold)));
            while BUSY.with(|n| *n) == 0 {
                std::thread::yield_now()
            }
            for _ in 0..100 {
                let own = || {
                    assert_eq!((BUSY.with(|n| replace(n, 7)), BUSY.with(|n| *n)), (0, 7));
                    let (own, memory) = install();
                    observe::span("own").in_scope(|| ());
                    flush(&own);
                    assert!(tree(&memory.take()).starts_with("\nown [ok]"));
                };
                // SAFETY: the child uses this thread alone, and ends by `_exit`.
                let child = unsafe { libc::fork() };
                if child == 0 {
                    // SAFETY: so that a child that hangs ends; then `_exit`, as nothing here is the child's to destroy.
                    unsafe { libc::alarm(LONG.as_secs() as u32) };
                    let result = std::panic::catch_unwind(AssertUnwindSafe(own));
                    // SAFETY: nothing is left to do.
                    unsafe { libc::_exit(result.is_err() as i32) }
                }
                wait(child)
            }
        });
        println!("test locks ... ok");
    }

    /// Ends the threads, also when the test fails.
    struct Over<'a>(&'a AtomicBool);

    impl Drop for Over<'_> {
        fn drop(&mut self) {
            self.0.store(true, Relaxed)
        }
    }

    fn wait(child: i32) {
        let mut status = 0;
        // SAFETY: our child, and a place for its status.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert_eq!(status, 0, "the child failed");
    }
}

/// It has no harness of the usual kind, but speaks the little of its language that test runners ask in.
fn main() {
    let asked = |word: &str| std::env::args().any(|a| a == word);
    if asked("--list") {
        if !asked("--ignored") {
            println!("fork: test\nlocks: test")
        }
        return;
    }
    #[cfg(unix)]
    if !cfg!(miri) {
        // What runs one test alone names it.
        let named = ["fork", "locks"].map(asked);
        let is_asked = |n: usize| named[n] || named == [false, false];
        if is_asked(0) {
            unix::main()
        }
        if is_asked(1) {
            unix::locks()
        }
    }
}
