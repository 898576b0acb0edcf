//! A sink that is there when its process forks: parent, child and grandchild write to files of their own, whoever ends first. No
//! harness: fork is for processes whose application has one thread.

#[cfg(unix)]
mod support;

#[cfg(unix)]
mod unix {
    use super::support::*;
    use spanbridge::Sink;
    use spanbridge_store::{Limits, StoreSink};
    use std::collections::{BTreeMap, BTreeSet};
    use std::panic::AssertUnwindSafe;

    const ROUNDS: u64 = 20;

    /// Runs `work` in a forked child, and returns its process id.
    fn forked(work: impl FnOnce()) -> i32 {
        // SAFETY: the application has this thread alone; the child ends by `_exit`.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            // SAFETY: so that a child that hangs ends.
            unsafe { libc::alarm(60) };
            let result = std::panic::catch_unwind(AssertUnwindSafe(work));
            // SAFETY: nothing is left to do.
            unsafe { libc::_exit(i32::from(result.is_err())) }
        }
        pid
    }

    fn wait(pid: i32) {
        let mut status = 0;
        // SAFETY: a child of ours, and an integer of ours.
        assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
        assert_eq!(status, 0);
    }

    /// Some deliveries of a process. All have the same instance, as if nobody knew of the fork.
    fn write(sink: &mut StoreSink, who: &str, from: u64) {
        for n in from..from + 5 {
            deliver(sink, 1, n, &format!("{who} {n}"));
        }
    }

    pub(super) fn families() {
        let dir = tempfile::tempdir().unwrap();
        let mut expected = BTreeSet::new();
        let mut expect = |who: &str, from: u64| expected.extend((from..from + 5).map(|n| format!("{who} {n} 0")));
        for round in 0..ROUNDS {
            let mut sink = StoreSink::open_with(dir.path(), Limits::new()).unwrap();
            let who = |who: &str| format!("{who} of {round}");
            // Sometimes the file is there at the fork, and sometimes it is not.
            if round % 2 == 0 {
                write(&mut sink, &who("parent"), 100);
                expect(&who("parent"), 100);
            }
            let (parent_ends_first, flushes) = (round % 3 == 0, round % 4 == 0);
            let child = forked(|| {
                let mut grandchild = 0;
                for turn in 0..3 {
                    write(&mut sink, &who("child"), 200 + turn * 10);
                    if turn == 1 {
                        grandchild = forked(|| {
                            write(&mut sink, &who("grandchild"), 300);
                            sink.flush().unwrap();
                            write(&mut sink, &who("grandchild"), 310);
                        });
                    }
                    if flushes {
                        sink.flush().unwrap();
                    }
                }
                wait(grandchild);
            });
            for turn in 0..3 {
                expect(&who("child"), 200 + turn * 10);
            }
            [300, 310].into_iter().for_each(|from| expect(&who("grandchild"), from));
            if !parent_ends_first {
                write(&mut sink, &who("parent"), 400);
                expect(&who("parent"), 400);
            }
            drop(sink);
            wait(child);
        }
        let (read, rests) = read_with_rests(dir.path());
        assert_eq!(rests, [0u64; 0]);
        let mut of_file: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        let mut found = BTreeSet::new();
        for delivery in read {
            let said = delivery.said.concat();
            let who = said.rsplitn(3, ' ').last().unwrap().to_owned();
            of_file.entry(delivery.name).or_default().insert(who);
            assert!(found.insert(said.clone()), "{said} twice");
        }
        assert_eq!(found, expected);
        assert!(of_file.values().all(|who| who.len() == 1), "no two processes share a file: {of_file:?}");
        println!("test families ... ok");
    }
}

fn main() {
    #[cfg(unix)]
    unix::families();
}
