//! Graphs of Graphviz (<https://graphviz.org/doc/info/lang.html>).

use super::label;
use super::relations::{self, Relation};
use spanbridge_graph::{Graph, SpanStatus};
use std::io::{self, Write};

pub(super) const HEAD: &str =
    "digraph spanbridge {\n  node [shape=box, fontname=\"sans-serif\"];\n  edge [fontname=\"sans-serif\"];\n";
pub(super) const TAIL: &str = "}\n";

pub(super) fn write(graph: &Graph, out: &mut impl Write) -> io::Result<()> {
    let run = graph.run.run_id;
    writeln!(out, "  subgraph \"cluster_{run}\" {{\n    label=\"{}\";", quoted(&label::of_run(graph)))?;
    for span in &graph.spans {
        let lines: Vec<String> = label::of_span(span).iter().map(|line| quoted(line)).collect();
        let more = match span.status {
            SpanStatus::Error | SpanStatus::Panicked => ", color=\"#cc0000\", penwidth=2",
            SpanStatus::Open => ", style=dashed",
            _ => "",
        };
        writeln!(out, "    \"{}\" [label=\"{}\"{more}];", span.span_id, lines.join("\\n"))?;
    }
    writeln!(out, "  }}")?;
    relations::each(graph, |from, to, relation| match relation {
        Relation::Child { is_hop: true } => writeln!(out, "  \"{from}\" -> \"{to}\" [penwidth=2];"),
        Relation::Child { is_hop: false } => writeln!(out, "  \"{from}\" -> \"{to}\";"),
        Relation::Link => writeln!(out, "  \"{from}\" -> \"{to}\" [style=dotted, label=\"link\"];"),
        Relation::Edge(of) => {
            writeln!(out, "  \"{from}\" -> \"{to}\" [style=dashed, label=\"{}\"];", quoted(&label::short(of)))
        }
    })
}

/// Text between quotes. Graphviz reads escapes and entities of HTML in it.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '&' => out.push_str("&amp;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_means_anything() {
        assert_eq!(quoted(r#"say "hi" \N &lt; -> <b>"#), r#"say \"hi\" \\N &amp;lt; -> <b>"#);
    }
}
