//! The index: runs, folded from the logs of all writers into one SQLite file.

mod block;
