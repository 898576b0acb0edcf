//! What a reader does.

use super::records::{Place, Records};
use super::terminal::{Terminal, UTF8};
use serde_json::json;

#[test]
fn open_search_jump_and_back() {
    let place = Place::new();
    let terminal = Terminal::start(&place.store(), &[]);
    terminal.wait_for_selected("send receipts");
    // Search, and open what is found.
    terminal.keys("/POST");
    terminal.wait_for_selected("POST /orders");
    terminal.keys("\r\r");
    terminal.wait_for("queued 2.00 s");
    // To the failure, and to the one behind it.
    terminal.keys("]");
    terminal.wait_for_selected("process orders");
    terminal.keys("]");
    terminal.wait_for_selected("charge card");
    assert!(terminal.wait_for("error       card declined").contains("5/"));
    // Why it failed, and back.
    terminal.keys("w");
    terminal.wait_for("then process orders (billing) succeeded");
    terminal.keys("\x1b");
    terminal.wait_for("error · took 100 ms");
    // To the end: the run that links to this one. There, its link back.
    terminal.keys(">\r");
    terminal.wait_for_selected("run send receipts");
    terminal.keys("j\t");
    terminal.wait_for("links       span 0000000000000006");
    terminal.keys("jj\r");
    terminal.wait_for_selected("publish receipts");
    terminal.keys("\x1b");
    terminal.wait_for_selected("links");
    terminal.keys("\x1b");
    terminal.wait("the tree", |screen| !screen.contents().contains("›→"));
    terminal.keys("\x1b");
    terminal.wait_for_selected("linked from");
    terminal.keys("\x1b");
    terminal.wait_for_selected("POST /orders");
}

#[test]
fn a_small_terminal_keeps_the_selection() {
    let place = Place::new();
    let terminal = Terminal::start(&place.store(), &["4bf92f35"]);
    terminal.wait_for("queued 2.00 s");
    terminal.keys("]]");
    terminal.wait_for_selected("charge card");
    terminal.resize(40, 10);
    terminal.wait("ten lines", |screen| {
        let text = screen.contents();
        let lines: Vec<&str> = text.lines().collect();
        lines.len() == 10
            && lines[9].starts_with("? help")
            && lines.iter().any(|line| line.starts_with("›") && line.contains("charge"))
    });
    // There is room for one thing: the details take it, and give it back.
    terminal.keys("\t");
    terminal.wait_for("error       card declined");
    // Both at the same time.
    terminal.keys("\x1b");
    terminal.resize(140, 30);
    terminal.wait("both beside each other", |screen| {
        screen.contents().lines().any(|line| line.contains("│  ✗ billing ▸ charge card"))
    });
    terminal.wait_for_selected("charge card");
}

/// New runs come above what the reader has chosen, and it stays on its line.
#[test]
fn new_runs_leave_the_chosen_one_in_place() {
    let place = Place::new();
    for number in 0..30 {
        place.import(&Records::run(0x1000 + number, &format!("old {number}"), 0, 10));
    }
    let terminal = Terminal::start(&place.store(), &[]);
    terminal.wait_for("32 runs");
    terminal.keys("jjj");
    terminal.wait("the fourth row", |screen| row(screen, '›') == Some(5));
    let line = terminal.look(|screen| screen.contents().lines().nth(5).unwrap_or_default().to_owned());
    place.import(&Records::run(0xfeed, "the new one", 40, 10));
    terminal.wait_for("↑ 1 new");
    let now = terminal.look(|screen| screen.contents().lines().nth(5).unwrap_or_default().to_owned());
    let id = |line: &str| line.split_whitespace().nth(1).map(str::to_owned);
    assert_eq!(id(&now), id(&line));
    terminal.keys("g");
    terminal.wait_for_selected("the new one");
}

fn row(screen: &vt100::Screen, mark: char) -> Option<usize> {
    screen.contents().lines().position(|line| line.starts_with(mark))
}

#[test]
fn an_open_run_grows() {
    let place = Place::new();
    let terminal = Terminal::start(&place.store(), &["4bf92f35"]);
    terminal.wait_for("publish receipts");
    let mut more = Records::more(super::records::ORDER, 25);
    more.span(0x77, 5, "billing: book the order", "internal", [3470, 9], json!({}));
    place.import(&more);
    terminal.wait_for("book the order");
}

#[test]
fn pasted_ids_and_spans_are_opened() {
    let place = Place::new();
    let terminal = Terminal::start(&place.store(), &[]);
    terminal.wait_for_selected("send receipts");
    terminal.keys("\x1b[200~0000000000000004\n\x1b[201~");
    terminal.wait_for_selected("charge card");
    terminal.keys("\x1b[200~not an id q\x1b[201~");
    terminal.wait_for("/not an id q");
    drop(terminal);
    let terminal = Terminal::start(&place.store(), &["0000000000000006"]);
    terminal.wait_for_selected("publish receipts");
}

#[test]
fn hostile_names_are_harmless() {
    let place = Place::new();
    let mut run = Records::run(0xbad, "\u{1b}]0;owned\u{7}\u{1b}[?1049l\u{202e}gnp", 45, 100);
    let name = format!("x: 注文{} \u{1b}[2J{}", "e\u{301}".repeat(40), "y".repeat(300));
    for level in 1..400 {
        run.span(level, level - 1, &name, "internal", [0, 50], json!({}));
    }
    run.span(400, 399, "x: the last", "internal", [0, 50], json!({"status": "error", "error": "\u{1b}[31mred"}));
    place.import(&run);
    let terminal = Terminal::start(&place.store(), &[]);
    terminal.wait_for_selected(r"\x1b]0;owned\x07\x1b[?1049");
    terminal.keys("\r");
    terminal.wait_for(r"\u{202e}gnp");
    terminal.keys("]");
    terminal.wait_for_selected("the last");
    terminal.wait_for(r"\x1b[31mred");
    terminal.keys("k");
    terminal.wait_for_selected("注文");
    assert!(terminal.look(vt100::Screen::alternate_screen));
}

#[test]
fn ascii_without_a_utf8_locale() {
    let place = Place::new();
    for (args, locale) in [(&[][..], ("LC_ALL", "C")), (&["--ascii"][..], UTF8)] {
        let terminal = Terminal::start_with(&place.store(), args, &[locale]);
        terminal.wait_for("send receipts");
        terminal.keys("/POST\r\r");
        terminal.wait_for("queued 2.00 s");
        let text = terminal.look(vt100::Screen::contents);
        assert!(text.is_ascii(), "{text}");
        assert!(text.contains("|> x billing > process orders"), "{text}");
    }
}

#[test]
fn no_colour_when_it_is_not_wanted() {
    let place = Place::new();
    let colors = |terminal: &Terminal| {
        terminal.wait_for("queued 2.00 s");
        let is_colored = |screen: &vt100::Screen| {
            let cells = (0..24).flat_map(|row| (0..80).filter_map(move |column| screen.cell(row, column)));
            let mut colors = cells.map(|cell| cell.fgcolor());
            colors.any(|color| color != vt100::Color::Default)
        };
        terminal.look(is_colored)
    };
    let id = "4bf92f35";
    assert!(colors(&Terminal::start(&place.store(), &[id])));
    assert!(!colors(&Terminal::start(&place.store(), &[id, "--color", "never"])));
    assert!(!colors(&Terminal::start_with(&place.store(), &[id], &[UTF8, ("NO_COLOR", "1")])));
}
