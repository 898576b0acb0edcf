//! What is true for every printed tree.

use crate::{at, samples};
use spanbridge::record::Via;
use spanbridge_cli::render::{Options, View, tree, tree_of};
use spanbridge_graph::{Graph, Link, RunStatus, SpanStatus};
use unicode_width::UnicodeWidthStr;

#[test]
fn lines_fit_the_page_and_end_without_spaces() {
    for (name, graph) in samples::all() {
        for width in 40..150 {
            for line in at(width, &graph).lines() {
                assert!(line.width() <= width, "{name} at {width}: {line:?}");
                assert!(!line.ends_with(' '), "{name} at {width}: {line:?}");
            }
        }
        assert_eq!(at(0, &graph), at(40, &graph));
    }
}

#[test]
fn colour_changes_nothing_but_colour() {
    for (name, graph) in samples::all() {
        let colored = tree(&graph, &Options::default().width(100).color(true));
        assert!(colored.contains("\x1b["), "{name}");
        assert_eq!(anstream::adapter::strip_str(&colored).to_string(), at(100, &graph), "{name}");
    }
}

#[test]
fn records_cannot_control_the_terminal() {
    let shown = at(100, &samples::names());
    assert!(shown.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'), "{shown}");
}

#[test]
fn large_graphs_take_linear_time_and_no_stack() {
    // The stack of a test's thread is 2 MiB; a quadratic prefix of the deep one would be 15 GB.
    let deep = at(100, &samples::chain(100_000));
    assert_eq!(deep.lines().count(), 3 + 120_000);
    assert!(deep.len() < 40 << 20, "{}", deep.len());
    let mut wide = samples::Build::run("wide", RunStatus::Ok, None);
    let root = wide.span(None, "w: root", "run", 0, samples::MS);
    for n in 0..100_000 {
        wide.span(Some(root), &format!("w: {}", n / 15), "tool.call", n, 1);
    }
    let lines = |view: &View| tree_of(&wide.graph, view, &Options::default()).lines().count();
    assert_eq!(lines(&View::default().expand(true)), 3 + 100_001);
    assert_eq!(lines(&View::default()), 3 + 1 + 100_000_usize.div_ceil(15));
    // Waits in a row, one wait that many resume, and waits that two resume each.
    for (how, lines) in [("chain", 1 + 2 * 15_000), ("fan", 2 + 15_000), ("ladder", 1 + 15_000)] {
        assert_eq!(at(100, &resumed(how, 15_000)).lines().count(), 3 + lines, "{how}");
    }
}

/// A run that was resumed this many times: in a row, all at once, or by two at a time, one of which suspends it again.
fn resumed(how: &str, times: u64) -> Graph {
    let mut b = samples::Build::run(how, RunStatus::Open, None);
    b.segment(1, "flows", Via::Start, 0, None);
    match how {
        "chain" => {
            for n in 1..=times {
                b.wait(&format!("s{n}"), n, "again", n * samples::MS, Some(n * samples::MS + 1));
                b.segment(n + 1, "flows", Via::Resume, n * samples::MS + 1, Some(&format!("s{n}")));
            }
        }
        "fan" => {
            b.wait("s", 1, "all", samples::MS, Some(2 * samples::MS));
            for n in 2..times + 2 {
                b.segment(n, "flows", Via::Resume, n * samples::MS, Some("s"));
            }
        }
        _ => {
            for n in 1..=times / 3 {
                let wait = format!("s{n}");
                b.wait(&wait, 2 * n - 1, "again", n * samples::MS, Some(n * samples::MS + 1));
                b.segment(2 * n, "flows", Via::Resume, n * samples::MS + 1, Some(&wait));
                b.segment(2 * n + 1, "flows", Via::Resume, n * samples::MS + 2, Some(&wait));
            }
        }
    }
    b.graph
}

#[test]
fn any_graph_is_rendered() {
    let mut state = 7u64;
    let mut random = |below: u64| {
        // Splitmix: the numbers only have to differ.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((z ^ (z >> 27)) >> 3) % below
    };
    let primitives = ["messaging.publish", "messaging.process", "messaging.settle", "http.client", "http.server", "?"];
    let names = [
        "",
        "a",
        "ack x",
        "注文",
        "\u{2764}\u{fe0f}\u{200d}\u{301}\u{2764}\u{fe0f}",
        "long name with words that goes on and on and on",
    ];
    let statuses = [SpanStatus::Ok, SpanStatus::Error, SpanStatus::Panicked, SpanStatus::Cancelled, SpanStatus::Open];
    for _ in 0..2_000 {
        let mut b = samples::Build::run(names[random(6) as usize], RunStatus::Open, None);
        let spans = random(60) + 1;
        for _ in 0..spans {
            let what = format!("{}: {}", names[random(6) as usize], names[random(6) as usize]);
            b.span(None, &what, primitives[random(6) as usize], random(9), random(9));
            b.ended(statuses[random(5) as usize], Some(names[random(6) as usize]).filter(|_| spans % 2 == 0));
            let ids: Vec<_> = b.graph.spans.iter().map(|s| (s.span_id, s.trace_id)).collect();
            let span = b.last();
            let (span_id, trace_id) = ids[random(ids.len() as u64) as usize];
            match random(4) {
                // Also itself, a later one, or none. Graphs are built from what others sent.
                0 => span.parent = Some(random(spans + 2) as usize),
                1 => (span.orphan, span.parent_span_id) = (true, Some(span_id)),
                2 => span.links.push(Link::new(trace_id, span_id)),
                _ => {}
            }
            if random(8) == 0 {
                (span.started_at, span.ended_at) = ([0, u64::MAX, 1][random(3) as usize], Some(random(3)));
            }
        }
        // Suspensions and resumes, however confused.
        for _ in 0..random(8) {
            let id = |n: u64| ["s0", "s1", "s2", ""][n as usize];
            b.wait(
                id(random(4)),
                random(5),
                names[random(6) as usize],
                random(9),
                Some(random(9)).filter(|n| n % 2 == 0),
            );
            let via = [Via::Start, Via::Resume, Via::Receive][random(3) as usize];
            b.segment(
                1 + random(5),
                names[random(6) as usize],
                via,
                random(9),
                Some(id(random(4))).filter(|id| !id.is_empty()),
            );
        }
        let width = 40 + random(100) as usize;
        let shown = at(width, &b.graph);
        assert!(shown.lines().all(|line| line.width() <= width), "{width}\n{shown}");
    }
}
