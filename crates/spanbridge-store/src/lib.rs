//! Keep and query spanbridge records in one embedded SQLite file, and build the run graph.

pub mod graph;
