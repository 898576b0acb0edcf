//! Reads a crate's source: its files and modules, what each module defines and imports, and what a path means in a module.
//! Leaves out everything that is compiled only for tests.

mod attributes;
mod import;
mod macros;
mod resolve;
mod tree;
mod workspace;

pub(crate) use attributes::{cfgs, is_hidden, is_test};
pub(crate) use import::{Import, Reach, imports, reach};
pub(crate) use resolve::Target;
pub(crate) use tree::{Name, Tree, attributes};
pub(crate) use workspace::{Package, files_below, packages, root};
