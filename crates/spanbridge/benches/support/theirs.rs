//! The same spans as fastrace records them.

use super::bench::{DELIVERED, Work};
use super::ours::{REQUEST, USER, settle};
use fastrace::collector::{Config, Reporter, SpanRecord};
use fastrace::prelude::*;
use std::borrow::Cow;
use std::hint::black_box;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Only counts.
struct Count;

impl Reporter for Count {
    fn report(&mut self, spans: Vec<SpanRecord>) {
        DELIVERED.fetch_add(spans.len() as u64, Relaxed);
        black_box(&spans);
    }
}

pub(crate) fn recorded(go: impl FnMut(u64) + 'static) -> Work {
    fastrace::set_reporter(Count, Config::default().report_interval(Duration::from_millis(10)));
    Work { go: Box::new(go), settle: Box::new(settle), _keep: Box::new(()) }
}

fn attributes(i: u64) -> [(&'static str, Cow<'static, str>); 4] {
    [
        ("iter", i.to_string().into()),
        ("kind", "static-value".into()),
        ("user", black_box(USER).to_owned().into()),
        ("req", black_box(REQUEST).to_owned().into()),
    ]
}

pub(crate) fn in_root(f: impl FnOnce()) {
    let root = Span::root("root", SpanContext::random());
    let _current = root.set_local_parent();
    f()
}

pub(crate) fn tree(n: u64, with: bool) {
    in_root(|| {
        for i in 0..n {
            let span = LocalSpan::enter_with_local_parent("child");
            let _span = if with { span.with_properties(|| attributes(i)) } else { span };
        }
    })
}

pub(crate) fn local_spans(n: u64, with: bool) -> Work {
    recorded(move |iterations| (0..iterations).for_each(|_| tree(n, with)))
}

pub(crate) fn spans(n: u64, with: bool) -> Work {
    recorded(move |iterations| {
        for _ in 0..iterations {
            in_root(|| {
                for i in 0..n {
                    let span = Span::enter_with_local_parent("child");
                    let _span = if with { span.with_properties(|| attributes(i)) } else { span };
                }
            })
        }
    })
}
