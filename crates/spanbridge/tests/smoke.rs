#![cfg(feature = "record")]
use spanbridge::*;
use std::time::Duration;
#[test]
fn smoke() {
    let memory = Memory::new();
    let r = Recorder::builder("svc").sink(memory.clone()).on_flush_only().build().unwrap();
    r.in_scope(|| {
        let _ = observe::span("root").attribute("a", 1).primitive(Primitive::HTTP_SERVER).kind(Kind::Server).in_scope(
            || {
                observe::span("child").attribute("s", "text").in_scope(|| ());
                observe::span(format!("dyn {}", 1)).primitive(Primitive::new("custom.x")).in_scope(|| ());
                observe::event("ev", &[("k", 1.into())]);
                let s = observe::span("held").open();
                s.attribute("late", true);
                s.end();
                Err::<(), _>("boom")
            },
        );
        observe::run("named").attribute("x", 1).in_scope(|| observe::span("in run").in_scope(|| ()));
    });
    let rep = r.flush_blocking(Duration::from_secs(5));
    println!("{rep:?}");
    for rec in memory.records() {
        println!("{}", rec.to_json());
    }
    println!("{:?}", r.shutdown(Duration::from_secs(5)));
}
