//! A crate's source as the compiler sees it before types: its files, its modules, what each module defines and imports,
//! and what a path means in a module. Tests are left out: whatever is compiled for them alone.

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
