//! The class of an error: the name of its type.

use std::any::type_name;

/// The class of errors whose type says nothing.
pub(super) const OTHER: &str = "_OTHER";

/// The class of errors of a type.
pub(super) fn class_of<E: ?Sized>() -> &'static str {
    let mut name = type_name::<E>();
    while let Some(inner) = pointed_at(name) {
        name = inner
    }
    let says_nothing = TEXT.contains(&head(name)) || REPORTS.contains(&head(name));
    if says_nothing || name.contains("dyn ") { OTHER } else { name }
}

/// The name of a type without its parameters.
fn head(name: &str) -> &str {
    name.split('<').next().unwrap_or_default()
}

/// Types that are only text, or less.
const TEXT: [&str; 5] = ["()", "str", "alloc::string::String", "alloc::borrow::Cow", "core::fmt::Arguments"];

/// Types that hold any error, like a box. (By name, because we do not depend on these crates. If a name changes, the class only
/// says less.)
const REPORTS: [&str; 7] = [
    "anyhow::Error",
    "axum_core::error::Error",
    "eyre::Report",
    "failure::error::Error",
    "miette::eyreish::Report",
    "simple_error::SimpleError",
    "snafu::Whatever",
];

/// The name of the type that a pointer points at, or that a report is about.
fn pointed_at(name: &str) -> Option<&str> {
    let around = ["alloc::boxed::Box<", "alloc::sync::Arc<", "alloc::rc::Rc<", "error_stack::report::Report<"];
    let inside = around.iter().find_map(|start| name.strip_prefix(start)?.strip_suffix('>'));
    name.strip_prefix('&').or(inside)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::borrow::Cow;
    use std::fmt;
    use std::sync::Arc;

    #[test]
    fn a_class_is_the_type_where_that_says_something() {
        assert_eq!(class_of::<fmt::Error>(), "core::fmt::Error");
        assert_eq!(class_of::<&fmt::Error>(), "core::fmt::Error");
        assert_eq!([class_of::<Box<fmt::Error>>(), class_of::<Arc<Box<fmt::Error>>>()], ["core::fmt::Error"; 2]);
        assert_eq!(class_of::<std::num::ParseIntError>(), "core::num::error::ParseIntError");
        assert_eq!(class_of::<Box<dyn std::error::Error + Send + Sync>>(), OTHER);
        assert_eq!([class_of::<&str>(), class_of::<String>(), class_of::<Cow<'static, str>>()], [OTHER; 3]);
        assert_eq!([class_of::<Box<str>>(), class_of::<&Arc<str>>(), class_of::<fmt::Arguments<'_>>()], [OTHER; 3]);
        assert_eq!([class_of::<anyhow::Error>(), class_of::<Arc<anyhow::Error>>()], [OTHER; 2]);
        assert_eq!(pointed_at("error_stack::report::Report<shop::Refused>"), Some("shop::Refused"));
    }
}
