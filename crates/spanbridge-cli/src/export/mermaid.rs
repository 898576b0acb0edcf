//! Flowcharts of Mermaid (<https://mermaid.js.org/syntax/flowchart.html>).

use super::label;
use super::relations::{self, Relation};
use spanbridge_graph::{Graph, SpanStatus};
use std::io::{self, Write};

pub(super) const HEAD: &str = "flowchart TD\n";
pub(super) const TAIL: &str = "  classDef failed stroke:#c00,stroke-width:2px\n  classDef open stroke-dasharray:4 3\n";

/// Spans of other runs have no box of their own here: Mermaid draws one with the id, or the one of another graph.
pub(super) fn write(graph: &Graph, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "  subgraph r{}[\"{}\"]", graph.run.run_id, quoted(&label::of_run(graph)))?;
    for span in &graph.spans {
        let lines: Vec<String> = label::of_span(span).iter().map(|line| quoted(line)).collect();
        write!(out, "    s{}[\"{}\"]", span.span_id, lines.join("<br/>"))?;
        let class = match span.status {
            SpanStatus::Error | SpanStatus::Panicked => ":::failed",
            SpanStatus::Open => ":::open",
            _ => "",
        };
        writeln!(out, "{class}")?;
    }
    writeln!(out, "  end")?;
    relations::each(graph, |from, to, relation| match relation {
        Relation::Child { is_hop: true } => writeln!(out, "  s{from} ==> s{to}"),
        Relation::Child { is_hop: false } => writeln!(out, "  s{from} --> s{to}"),
        Relation::Link => writeln!(out, "  s{from} -. link .-> s{to}"),
        Relation::Edge(of) => writeln!(out, "  s{from} -. \"{}\" .-> s{to}", quoted(&label::short(of))),
    })
}

/// Text between quotes: everything that means something to Mermaid, its Markdown or HTML is the number of its character.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_alphanumeric() || matches!(c, ' ' | '_' | '/' | ':' | ',' | '…') {
            out.push(c);
        } else {
            out.push_str(&format!("#{};", u32::from(c)));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_means_anything() {
        assert_eq!(quoted("GET /orders/7"), "GET /orders/7");
        assert_eq!(quoted("\"] --> <b>`#"), "#34;#93; #45;#45;#62; #60;b#62;#96;#35;");
        assert_eq!(quoted("1. %%{init}"), "1#46; #37;#37;#123;init#125;");
    }
}
