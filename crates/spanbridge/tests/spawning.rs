//! Tasks that are spawned belong to what spawned them.
#![cfg(all(feature = "tokio", feature = "record"))]

mod support;

use spanbridge::observe;
use support::*;

/// What `f` records on a runtime of its own, as a tree.
fn on_tokio<Fut: Future<Output = ()>>(f: impl FnOnce() -> Fut) -> String {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let (recorder, memory) = recorder();
    runtime.block_on(recorder.scope(f));
    flush(&recorder);
    tree(&memory.take())
}

#[test]
fn a_spawned_task_is_inside() {
    let told = on_tokio(|| {
        observe::span("request").run_value(|| async {
            let task = observe::spawn(async {
                tokio::task::yield_now().await;
                observe::span("task").in_scope(|| ());
                // Also what a task spawns itself.
                observe::spawn_blocking(|| observe::span("blocking").in_scope_value(|| 7u8)).await.unwrap()
            });
            assert_eq!(task.await.unwrap(), 7);
        })
    });
    assert_eq!(told, "\nrequest [ok]\n  task [ok]\n  blocking [ok]");
}

#[test]
fn a_bare_task_is_outside() {
    let told = on_tokio(|| {
        observe::span("request").run_value(|| async {
            tokio::spawn(async { assert!(observe::current_context().is_empty()) }).await.unwrap();
        })
    });
    assert_eq!(told, "\nrequest [ok]");
}

#[test]
fn a_local_task_is_inside() {
    let told = on_tokio(|| async {
        let local = tokio::task::LocalSet::new();
        let work = local.run_until(async {
            let not_send = std::rc::Rc::new(());
            let task = observe::spawn_local(async move {
                observe::span("local").in_scope(|| drop(not_send));
            });
            task.await.unwrap()
        });
        observe::span("request").run_value(|| work).await;
    });
    assert_eq!(told, "\nrequest [ok]\n  local [ok]");
}
