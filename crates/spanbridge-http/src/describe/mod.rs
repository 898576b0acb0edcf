//! What spans of HTTP are called, and which attributes they have.

pub(crate) mod method;
#[cfg_attr(not(test), expect(dead_code, reason = "whoever describes spans uses it"))]
pub(crate) mod url;
