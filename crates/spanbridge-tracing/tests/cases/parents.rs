//! Explicit parents, and spans that a filter hides.

use super::{NOISY, default, traced, tree_of};
use crate::MODE;
use spanbridge::observe;
use tracing::{Span, info_span};

/// `parent: None` begins a trace, and what is inside belongs to it.
#[test]
fn parent_none_begins_a_trace() {
    let recorded = traced(|| {
        info_span!("a").in_scope(|| {
            let root = info_span!(parent: None, "root");
            root.in_scope(|| info_span!("inside").in_scope(|| ()));
            info_span!("beside").in_scope(|| ());
        })
    });
    assert_eq!(recorded.tree(), "a\n  beside\nroot\n  inside\n");
    assert_ne!(recorded.span("a").trace_id, recorded.span("root").trace_id);
}

/// A disabled span as the explicit parent is, for `tracing`, the same as no parent. To enter it does nothing.
#[test]
fn a_disabled_span_as_parent() {
    let tree = tree_of(&[], || {
        info_span!("a").in_scope(|| {
            Span::none().in_scope(|| info_span!("inside none").in_scope(|| ()));
            info_span!(parent: &Span::none(), "below none").in_scope(|| ());
        })
    });
    assert_eq!(tree, "a\n  inside none\nbelow none\n");
}

/// An explicit parent that another thread has begun, from a thread where nothing is current.
#[test]
fn an_explicit_parent_of_another_thread() {
    let tree = tree_of(&[], || {
        let parent = info_span!("parent");
        let default = default();
        std::thread::scope(|threads| {
            let parent = &parent;
            let work = move || {
                let child = info_span!(parent: parent, "child");
                child.in_scope(|| observe::span("leaf").in_scope(|| ()))
            };
            threads.spawn(move || default.call(work));
        });
    });
    assert_eq!(tree, "parent\n  child\n    leaf\n");
}

/// A span that a filter hides is skipped: what is inside hangs under the nearest one that is not hidden.
#[test]
fn a_hidden_span_in_between() {
    let tree = tree_of(&[], || {
        info_span!("a").in_scope(|| {
            info_span!(target: NOISY, "hidden").in_scope(|| info_span!("b").in_scope(|| ()));
            info_span!("c").in_scope(|| ());
        })
    });
    let hidden = "a\n  b\n  c\n";
    assert_eq!(tree, if MODE.is_filtered { hidden } else { "a\n  hidden\n    b\n  c\n" });
}

/// An explicit parent that a filter hides stands for the nearest of its own parents that it does not hide.
#[test]
fn a_hidden_span_as_parent() {
    let tree = tree_of(&[], || {
        let a = info_span!("a");
        let hidden = a.in_scope(|| info_span!(target: NOISY, "hidden"));
        let deeper = info_span!(target: NOISY, parent: &hidden, "deeper");
        info_span!("elsewhere").in_scope(|| info_span!(parent: &deeper, "b").in_scope(|| ()));
    });
    let hidden = "a\n  b\nelsewhere\n";
    assert_eq!(tree, if MODE.is_filtered { hidden } else { "a\n  hidden\n    deeper\n      b\nelsewhere\n" });
}

/// If it has no such parent, it stands for what is current: no trace begins.
#[test]
fn a_hidden_root_as_parent() {
    let tree = tree_of(&["level"], || {
        let hidden = info_span!(target: NOISY, parent: None, "hidden");
        info_span!("a").in_scope(|| {
            info_span!(parent: &hidden, "b").in_scope(|| ());
        })
    });
    assert_eq!(tree, if MODE.is_filtered { "a\n  b\n" } else { "hidden\n  b\na\n" });
}

/// A parent ends after its children, and a child keeps it open.
#[test]
fn a_parent_handle_dropped_before_its_child() {
    let recorded = traced(|| {
        let a = info_span!("a");
        let b = a.in_scope(|| info_span!("b"));
        drop(a);
        observe::span("meanwhile").in_scope(|| ());
        b.in_scope(|| ());
    });
    assert_eq!(recorded.tree(), "a\n  b\nmeanwhile\n");
    assert!(recorded.span("a").ended_at >= recorded.span("b").ended_at);
    assert!(recorded.span("meanwhile").ended_at <= recorded.span("b").ended_at);
}

/// A span that is never entered is recorded, from its beginning to its end.
#[test]
fn a_span_that_is_never_entered() {
    let tree = tree_of(&[], || {
        info_span!("a").in_scope(|| {
            let b = info_span!("b");
            info_span!("c").in_scope(|| ());
            drop(b)
        })
    });
    assert_eq!(tree, "a\n  b\n  c\n");
}

/// A span that follows another links to it. Once that has ended, `tracing` has forgotten it, and there is no link.
#[test]
fn follows_from_a_span_open_and_closed() {
    let recorded = traced(|| {
        let (first, second) = (info_span!("first"), info_span!("second"));
        let next = info_span!("next");
        next.follows_from(&first);
        next.follows_from(info_span!(target: NOISY, "hidden").id());
        let id = second.id();
        drop(second);
        next.follows_from(id);
        next.follows_from(None);
    });
    let tree = if MODE.is_filtered {
        "first\nsecond\nnext -> first\n"
    } else {
        "first\nsecond\nnext -> first, hidden\nhidden\n"
    };
    assert_eq!(recorded.tree(), tree);
}
