//! What `#[observe]` records, for every shape of function; and that it brings no warning with it.
#![deny(warnings, clippy::pedantic)]
#![allow(clippy::unused_async, reason = "what is tested are the shapes of functions, not what they are for")]

mod arguments;
mod functions;
mod futures;
mod lints;
mod tree;

use spanbridge::observe;

#[observe]
fn inner() {}

/// One import brings the attribute and the module.
#[test]
fn attribute_and_module_share_a_name() {
    #[observe]
    fn outer() {
        inner();
        observe::span("by hand").in_scope(inner);
    }
    assert_eq!(tree::of(outer), "outer ok\n  inner ok\n  by hand ok\n    inner ok\n");
}
