//! What is on the screen.

use super::super::findings::Findings;
use super::super::sample;
use super::super::state::app::App;
use super::super::state::ask::{Answer, Effect, Input, Request};
use super::super::state::key::Key;
use super::{Look, draw};
use insta::assert_snapshot;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::{Color, Modifier};
use spanbridge_graph::{CriticalPath, Graph};
use std::sync::Arc;

const COLOR: Look = Look { color: true, ascii: false };
const PLAIN: Look = Look { color: false, ascii: true };

fn terminal(app: &App, look: Look) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(app.size.0, app.size.1)).unwrap();
    terminal.draw(|frame| assert!(draw(frame.buffer_mut(), app, look).is_none() || app.prompt.is_some())).unwrap();
    terminal
}

/// The lines on the screen.
fn screen(app: &App, look: Look) -> String {
    let terminal = terminal(app, look);
    let buffer = terminal.backend().buffer();
    let mut lines = Vec::new();
    for row in buffer.content.chunks(app.size.0.into()) {
        let (mut line, mut skip) = (String::new(), 0);
        for cell in row {
            if skip == 0 {
                line.push_str(cell.symbol());
                skip = crate::render::text::width(cell.symbol()).max(1);
            }
            skip -= 1;
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

fn list(size: (u16, u16)) -> App {
    let (mut app, effects) = App::new(size, sample::START + 3_600_000 * sample::MS, None);
    for effect in effects {
        if let Effect::Ask(ticket, Request::Runs(..)) = effect {
            app.update(Input::Answer(ticket, Ok(Answer::Runs(sample::rows(30), false, 0))));
        }
    }
    app
}

fn run(size: (u16, u16), graph: Graph, keys: &[Key]) -> App {
    let mut app = list(size);
    let loaded = sample::loaded(graph);
    let mut effects = app.open_run(loaded.graph.run.run_id, None);
    while let Some(effect) = effects.pop() {
        let Effect::Ask(ticket, request) = effect else { continue };
        let answer = match request {
            Request::Run(..) => Answer::Run(Some(loaded.clone()), 0),
            Request::Search(loaded, text) => Answer::Matches(loaded.search(&text)),
            _ => Answer::Findings(Arc::new(Findings::default())),
        };
        effects.extend(app.update(Input::Answer(ticket, Ok(answer))));
    }
    for key in keys {
        for effect in app.update(Input::Key(*key)) {
            if let Effect::Ask(ticket, Request::Search(loaded, text)) = effect {
                app.update(Input::Answer(ticket, Ok(Answer::Matches(loaded.search(&text)))));
            }
        }
    }
    app
}

#[test]
fn the_list() {
    assert_snapshot!(screen(&list((80, 24)), COLOR), @r#"
    runs  30 runs · newest first
      run       status   name           spans  errors     took    began
    › c000001e  ✓ ok     GET /items/30     30       –  30.0 ms  59m ago
      c000001d  ✓ ok     GET /items/29     29       –  29.0 ms  59m ago
      c000001c  ✗ error  GET /items/28     28       1  28.0 ms  59m ago
      c000001b  ✓ ok     GET /items/27     27       –  27.0 ms  59m ago
      c000001a  ✓ ok     GET /items/26     26       –  26.0 ms  59m ago
      c0000019  ✓ ok     GET /items/25     25       –  25.0 ms  59m ago
      c0000018  ✗ error  GET /items/24     24       1  24.0 ms  59m ago
      c0000017  ✓ ok     GET /items/23     23       –  23.0 ms  59m ago
      c0000016  ✓ ok     GET /items/22     22       –  22.0 ms  59m ago
      c0000015  ✓ ok     GET /items/21     21       –  21.0 ms  59m ago
      c0000014  ✗ error  GET /items/20     20       1  20.0 ms  59m ago
      c0000013  ✓ ok     GET /items/19     19       –  19.0 ms  59m ago
      c0000012  ✓ ok     GET /items/18     18       –  18.0 ms  59m ago
      c0000011  ✓ ok     GET /items/17     17       –  17.0 ms  59m ago
      c0000010  ✗ error  GET /items/16     16       1  16.0 ms  59m ago
      c000000f  ✓ ok     GET /items/15     15       –  15.0 ms  59m ago
      c000000e  ✓ ok     GET /items/14     14       –  14.0 ms  59m ago
      c000000d  ✓ ok     GET /items/13     13       –  13.0 ms  59m ago
      c000000c  ✗ error  GET /items/12     12       1  12.0 ms  59m ago
      c000000b  ✓ ok     GET /items/11     11       –  11.0 ms  59m ago
      c000000a  ✓ ok     GET /items/10     10       –  10.0 ms  59m ago
    ? help  enter open  / search  ] error  w why  d doctor  q quit         live 1/30
    "#);
}

#[test]
fn the_list_when_it_is_small() {
    assert_snapshot!(screen(&list((40, 10)), COLOR), @r#"
    runs  30 runs · newest first
      run       status   name           took
    › c000001e  ✓ ok     GET /item…  30.0 ms
      c000001d  ✓ ok     GET /item…  29.0 ms
      c000001c  ✗ error  GET /item…  28.0 ms
      c000001b  ✓ ok     GET /item…  27.0 ms
      c000001a  ✓ ok     GET /item…  26.0 ms
      c0000019  ✓ ok     GET /item…  25.0 ms
      c0000018  ✗ error  GET /item…  24.0 ms
    ? help  enter open  q quit     live 1/30
    "#);
}

#[test]
fn a_run_with_its_queue() {
    assert_snapshot!(screen(&run((80, 24), sample::order(), &[Key::Char(']')]), COLOR), @r#"
    POST /orders  4bf92f35  ✓ ok  31.0 ms, 3.50 s with queued work
    gateway · billing · 7 spans · 2 errors · 2026-11-20 09:25:46.000 UTC
      ≈ 2.83 s of waiting is not to scale                 0                   675 ms
      run POST /orders  ✓ ok                     31.0 ms  ━
      gateway ▸ POST /orders  202  gateway       30.0 ms  ━
      ├─ INSERT orders  database                 4.00 ms  ╸
      └─ publish orders  confirmed  hand-off     4.00 ms  ╸
    ›    ├⇢ ✗ billing ▸ process orders            120 ms  ┄┄≈┄┄━━━━━ queued 2.00 s
         │  └─ ✗ charge card  card declined: i…   100 ms       ╺━━━╸
         └⇢ billing ▸ process orders  attempt 2   300 ms                ━━━━━━━━━━━━
            └─ publish receipts  hand-off        6.00 ms                          ╸
      linked from  send receipts  ✓ ok  spanbridge trace abc00000



    ────────────────────────────────────────────────────────────────────────────────
      ✗ billing ▸ process orders
      error · took 120 ms · queued 2.00 s · itself 20.0 ms
        error       card declined: insufficient funds
        attributes  spanbridge.delivery.attempt = 1
     →  below       publish orders
        began       2026-11-20 09:25:48.010 UTC  +2.01 s
        kind        messaging.process, consumer
    ? help  enter open  / search  ] error  w why  d doctor  esc back        live 5/9
    "#);
}

#[test]
fn a_run_when_it_is_small() {
    assert_snapshot!(screen(&run((40, 10), sample::order(), &[Key::Char(']')]), COLOR), @r#"
    POST /orders  4bf92f35  ✓ ok
      run POST /orders  ✓ ok         31.0 ms
      gateway ▸ POST /orders  202    30.0 ms
      ├─ INSERT orders  database     4.00 ms
      └─ publish orders  confirmed   4.00 ms
    ›    ├⇢ ✗ billi… ▸ process ord…   120 ms
         │  └─ ✗ charge card          100 ms
         └⇢ billi… ▸ process orders   300 ms
            └─ publish receipts      6.00 ms
    ? help  enter open  esc back    live 5/9
    "#);
}

#[test]
fn details_when_it_is_small() {
    assert_snapshot!(screen(&run((40, 10), sample::order(), &[Key::Char(']'), Key::Enter]), COLOR), @r#"
    POST /orders  4bf92f35  ✓ ok
    › ✗ billing ▸ process orders
      error · took 120 ms · queued 2.00 s
      itself 20.0 ms
        error       card declined:
          insufficient funds
        attributes  spanbridge.delivery.atte
          mpt = 1
     →  below       publish orders
    ? help  / search  esc back      live 5/9
    "#);
}

#[test]
fn a_run_in_ascii_with_its_critical_path() {
    let mut graph = sample::order();
    graph.critical_path = Some(CriticalPath::of(&graph));
    assert_snapshot!(screen(&run((80, 24), graph, &[]), PLAIN), @r#"
    POST /orders  4bf92f35  + ok  31.0 ms, 3.50 s with queued work
    gateway - billing - 7 spans - 2 errors - 2026-11-20 09:25:46.000 UTC
      ~ 2.83 s of waiting is not to scale                 0                   675 ms
    > run POST /orders  + ok                     31.0 ms  =
      gateway > POST /orders  * 2.00 ms  202     30.0 ms  =
      |- INSERT orders  * 4.00 ms  database      4.00 ms  -
      `- publish orders  * 4.00 ms  confirmed    4.00 ms  -
         |> x billing > process orders            120 ms  ..~..===== queued 2.00 s
         |  `- x charge card  card declined: i~   100 ms       -===-
         `> billi~ > process orders  * 294 ms     300 ms                ============
            `- publish receipts  * 6.00 ms       6.00 ms                          -
      critical path  3.50 s  310 ms of work - 3.19 s in queues
         2.00 ms  gateway > POST /orders
         4.00 ms  gateway > INSERT orders
         4.00 ms  gateway > publish orders
    --------------------------------------------------------------------------------
      POST /orders  4bf92f35  + ok  31.0 ms, 3.50 s with queued work
      gateway - billing - 7 spans - 2 errors - 2026-11-20 09:25:46.000 UTC
        run         4bf92f3577b34da6a3ce929d0e0e4736
        trace       4bf92f3577b34da6a3ce929d0e0e4736



    ? help  enter open  / search  ] error  w why  d doctor  esc back       live 1/17
    "#);
}

#[test]
fn a_wide_screen_has_details_beside() {
    let keys = [Key::Char('/'), Key::Char('r'), Key::Char('e'), Key::Char('c'), Key::Enter];
    assert_snapshot!(screen(&run((140, 16), sample::order(), &keys), COLOR), @r#"
    POST /orders  4bf92f35  ✓ ok  31.0 ms, 3.50 s with queued work                                                                  /rec 1 match
      ≈ 2.83 s of waiting is not to scale                   0                    675 ms│  ✓ billing ▸ publish receipts
      run POST /orders  ✓ ok                       31.0 ms  ━                          │  ok · took 6.00 ms
      gateway ▸ POST /orders  202  gateway         30.0 ms  ━                          │    output      application/json · 37 bytes
      ├─ INSERT orders  database                   4.00 ms  ╸                          │      {
      └─ publish orders  confirmed  hand-off       4.00 ms  ╸                          │        "id": 17,
         ├⇢ ✗ billing ▸ process orders              120 ms  ┄┄┄≈┄╺━━━━╸ queued 2.00 s  │        "customer": {
         │  └─ ✗ charge card  card declined: ins…   100 ms       ╺━━━╸                 │          "name": "Grace"
         └⇢ billing ▸ process orders  attempt 2     300 ms                 ━━━━━━━━━━━━│        }
    ›•      └─ publish receipts  hand-off          6.00 ms                           ╸ │      }
      linked from  send receipts  ✓ ok  spanbridge trace abc00000                      │    events      +3.46 s  broker answered
                                                                                       │ →  linked from  span 00f067aa0ba90099 of trace
                                                                                       │ →    abc00000000000000000000000000001
                                                                                       │ →  below       process orders
                                                                                       │    began       2026-11-20 09:25:49.450 UTC  +3.45 s
    ? help  enter open  / search  ] error  w why  d doctor  f failed  tab details  c critical path  esc back  q quit                    live 8/9
    "#);
}

/// However little room there is for keys.
#[test]
fn the_way_back_is_always_shown() {
    for size in [(40, 10), (60, 12), (80, 24), (140, 24)] {
        for keys in [&[][..], &[Key::Tab], &[Key::Char('w')], &[Key::Char('d')]] {
            let text = screen(&run(size, sample::order(), keys), COLOR);
            let last = text.trim_end().lines().last().unwrap();
            assert!(last.contains("esc back"), "{size:?}: {last}");
        }
    }
}

#[test]
fn hostile_names_are_harmless() {
    let text = screen(&run((80, 24), sample::hostile(), &[Key::Char(']'), Key::Up]), COLOR);
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'));
    assert!(!text.contains(['\u{202e}', '\u{2066}']));
    assert_snapshot!(text, @r#"
    <img src=x onerror=alert(1)> \x1b]0;owned\x07\x1b[2J  00000000  ✗ error  300 ms
    注文 · b · 1000 spans · 1 error · 2026-11-20 09:25:46.000 UTC
                                                          0                   300 ms
      ⋯984          └─ b ▸ right\u{202e}gnp.ex…   300 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━━
      ⋯984             └─ level 989               300 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━━
      ⋯984                └─ 注文 ▸ éééééééééé…   300 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━━
      ⋯990 └─ b ▸ right\u{202e}gnp.exe\u{2066}…   300 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━━
      ⋯990    └─ level 992                        300 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━━
      ⋯990       └─ 注文 ▸ ééééééééééééééééééé…   300 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━━
      ⋯990          └─ b ▸ right\u{202e}gnp.ex…   300 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━━
      ⋯990             └─ level 995               300 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━━
      ⋯990                └─ 注文 ▸ éééééééééé…   300 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━━
      ⋯996 └─ b ▸ right\u{202e}gnp.exe\u{2066}…   300 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━━
    › ⋯996    └─ level 998                        300 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━━
      ⋯996       └─ ✗ 注文 ▸ ééééééééééééééééé…   300 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━━
    ────────────────────────────────────────────────────────────────────────────────
      ✓ b ▸ level 998
      ok · took 300 ms · itself 0 ns
     →  below       right\u{202e}gnp.exe\u{2066} 👩‍👩‍👧‍👦
        began       2026-11-20 09:25:46.000 UTC  +0 ns
        kind        flow.step, internal
        span        00f067aa0ba903e7
        trace       0000000000000000000000000000dead
    ? help  enter open  / search  ] error  w why  d doctor  esc back  live 1000/1001
    "#);
}

#[test]
fn the_keys_that_work_now() {
    assert_snapshot!(screen(&run((60, 12), sample::order(), &[Key::Char('?')]), COLOR), @r#"
    keys that work now

    in a run
      tab         from the tree to the details, and back
      c x         the critical path: what the duration consists
                  of
      ← h         close what is below, or go to the step above
      → l         show what is below, or go there
      a           close everything below the first level, or
                  show all of it
      t           another width of the timeline
    ↓ more · esc leaves the help
    "#);
}

#[test]
fn what_is_typed() {
    let keys = [Key::Char('/'), Key::Char('x'), Key::Char('注')];
    let mut app = list((40, 6));
    keys.iter().for_each(|key| drop(app.update(Input::Key(*key))));
    let mut terminal = terminal(&app, COLOR);
    terminal
        .draw(|frame| {
            let place = draw(frame.buffer_mut(), &app, COLOR);
            assert_eq!(place, Some(ratatui::layout::Position::new(4, 5)));
        })
        .unwrap();
    assert_snapshot!(screen(&app, COLOR), @r#"
    runs  30 runs · newest first · /x注
      run       status   name           took
    › c000001e  ✓ ok     GET /item…  30.0 ms
      c000001d  ✓ ok     GET /item…  29.0 ms
      c000001c  ✗ error  GET /item…  28.0 ms
    /x注
    "#);
}

/// Lines are cut between characters, whatever their lengths in bytes are.
#[test]
fn every_width_can_be_drawn() {
    let graphs = [sample::order, sample::hostile, sample::mail];
    for (graph, width) in graphs.iter().flat_map(|graph| (1..24).map(move |width| (graph, width))) {
        let app = run((width, 12), graph(), &[Key::Char(']'), Key::Tab]);
        let _ = screen(&app, COLOR);
    }
}

/// Without colour, signs and the reversed selection are all there is.
#[test]
fn no_colour_is_no_colour() {
    let app = run((80, 24), sample::order(), &[Key::Char(']')]);
    let colored = terminal(&app, COLOR);
    assert!(colored.backend().buffer().content.iter().any(|cell| cell.fg == Color::Red));
    let plain = terminal(&app, PLAIN);
    let cells = &plain.backend().buffer().content;
    assert!(cells.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    assert!(cells.iter().any(|cell| cell.modifier.contains(Modifier::REVERSED)));
    assert!(cells.iter().all(|cell| cell.symbol().is_ascii()));
}
