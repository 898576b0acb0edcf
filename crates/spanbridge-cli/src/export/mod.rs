//! Writes graphs as what other programs draw: Mermaid, Graphviz, Perfetto.
//!
//! ```
//! # fn write(graph: &spanbridge_graph::Graph) -> std::io::Result<()> {
//! use spanbridge_cli::export::{Drawing, GraphWriter};
//!
//! let mut writer = GraphWriter::new(Vec::new(), Drawing::Mermaid)?;
//! writer.write(graph)?;
//! print!("{}", String::from_utf8_lossy(&writer.finish()?));
//! # Ok(()) }
//! ```
//!
//! Any number of graphs go into one drawing, one after the other: what is held is bounded by the largest. Names come from outside.
//! Control characters, and those that reorder or hide text, are written as escapes, and each format's own signs are escaped by
//! its rules, so that no name can change the drawing.

mod dot;
mod label;
mod lanes;
mod mermaid;
mod perfetto;
mod relations;

use perfetto::Trace;
use spanbridge_graph::Graph;
use std::io::{self, Write};

/// What draws it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Drawing {
    /// A flowchart of Mermaid: spans below their parents, in a frame for each run.
    Mermaid,
    /// A directed graph of Graphviz, in the DOT language: the same.
    Dot,
    /// Chrome's trace event format, as JSON, for Perfetto: a process for each service, and arrows between them.
    Perfetto,
}

/// Writes graphs.
pub struct GraphWriter<W> {
    out: W,
    drawing: Drawing,
    trace: Trace,
}

impl<W: Write> GraphWriter<W> {
    /// Begins a drawing.
    ///
    /// # Errors
    /// The output fails.
    pub fn new(mut out: W, drawing: Drawing) -> io::Result<Self> {
        let head = match drawing {
            Drawing::Mermaid => mermaid::HEAD,
            Drawing::Dot => dot::HEAD,
            Drawing::Perfetto => perfetto::HEAD,
        };
        out.write_all(head.as_bytes())?;
        Ok(GraphWriter { out, drawing, trace: Trace::default() })
    }

    /// Adds a graph.
    ///
    /// # Errors
    /// The output fails.
    pub fn write(&mut self, graph: &Graph) -> io::Result<()> {
        match self.drawing {
            Drawing::Mermaid => mermaid::write(graph, &mut self.out),
            Drawing::Dot => dot::write(graph, &mut self.out),
            Drawing::Perfetto => self.trace.write(graph, &mut self.out),
        }
    }

    /// Ends the drawing.
    ///
    /// # Errors
    /// The output fails.
    pub fn finish(mut self) -> io::Result<W> {
        let tail = match self.drawing {
            Drawing::Mermaid => mermaid::TAIL,
            Drawing::Dot => dot::TAIL,
            Drawing::Perfetto => perfetto::TAIL,
        };
        self.out.write_all(tail.as_bytes())?;
        self.out.flush()?;
        Ok(self.out)
    }
}
