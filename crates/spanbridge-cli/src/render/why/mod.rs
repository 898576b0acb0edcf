//! Why a run failed, as a page.

mod parts;
mod rows;

use self::parts::{INDENT, MAX_LINES, label, paragraph, step_name, target, with_service};
use crate::render::attributes;
use crate::render::diff;
use crate::render::options::Options;
use crate::render::page::{Page, Target, TextStyle};
use crate::render::status::{run_outcome, status_behind};
use crate::render::text::{counted, escape, named, truncate, width, wrap};
use crate::render::time::duration;
use spanbridge_graph::{DifferenceKind, Excused, Failure, FailureKind, Hop, Lost, Outcome, Step, Why};

/// How many steps of a list are shown.
const MAX_SHOWN: usize = 6;

/// Renders the answer to why a run failed: each failure with its error, the path to it, the attempts before it and what it
/// took down; then what did not matter in the end.
///
/// Lines fit into [`Options::width`]; text from records is escaped.
///
/// | sign | meaning |
/// |---|---|
/// | `⇢` | came through a queue, or by a link |
/// | `→` | came by a call that waits for its response |
/// | `↳` | a run that the step above started |
/// | `‖` | the run had been suspended, and was resumed |
/// | `orders ▸` | the service is `orders` from here on |
pub fn why(why: &Why, options: &Options) -> String {
    page(why, options).finish()
}

/// The page. Lines that are about a step say which.
pub(crate) fn page(why: &Why, options: &Options) -> Page {
    let columns = options.columns();
    let mut page = Page::new(options.color);
    let (style, status) = run_outcome(why.run.status, &why.run.failed_work);
    let name = truncate(&named(&why.run.name), columns.saturating_sub(26).max(16)).into_owned();
    page.put(TextStyle::Bold, &name).space(2).put(TextStyle::Dim, &format!("{:.8}", why.run.run_id));
    status_behind(&mut page, style, &status, columns);
    attributes::line(&mut page, &why.attributes, columns);
    let text = answer(why);
    page.put(if why.failures.is_empty() { TextStyle::Plain } else { TextStyle::Bold }, &truncate(&text, columns))
        .line();
    for one in &why.failures {
        page.line();
        failure(&mut page, one, why, columns);
    }
    if why.more_failures > 0 {
        page.line().put(TextStyle::Dim, &format!("… {} more", counted(why.more_failures, "failure"))).line();
    }
    others(&mut page, why, columns);
    last_good(&mut page, why, columns);
    for note in &why.notes {
        page.line();
        for (i, line) in wrap(&format!("! {}", note.message), columns - 2, 4).iter().enumerate() {
            page.space(if i == 0 { 0 } else { 2 }).put(TextStyle::Warning, line).line();
        }
    }
    page
}

/// The answer in one line.
fn answer(why: &Why) -> String {
    let failures = why.failures.len() + why.more_failures;
    match why.outcome {
        Outcome::Failed if failures > 1 => format!("{failures} failures, none the reason of another; in causal order"),
        Outcome::Failed => "1 failure".to_owned(),
        Outcome::Cancelled => "nothing failed; it was cancelled".to_owned(),
        Outcome::Unfinished => "no failure found; it has not ended".to_owned(),
        _ => "no failure found".to_owned(),
    }
}

fn failure(page: &mut Page, failure: &Failure, why: &Why, columns: usize) {
    let Some(step) = failure.step() else { return };
    let sign =
        if failure.kind == FailureKind::Cancelled { (TextStyle::Warning, "⊘") } else { (TextStyle::Error, "✗") };
    let words = failure.kind.words();
    let alike = if failure.alike > 0 { format!("  ×{}", failure.alike + 1) } else { String::new() };
    let room = columns.saturating_sub(2 + 1 + width(words) + width(&alike)).max(16);
    page.target(target(step)).put(sign.0, sign.1).space(1).put(TextStyle::Bold, &truncate(&with_service(step), room));
    if page.column() + 1 + width(words) > columns {
        page.line().space(1);
    }
    page.space(1).put(TextStyle::Plain, &truncate(words, columns - 2)).put(TextStyle::Dim, &alike).line();
    for line in error(step).iter().flat_map(|error| wrap(error, columns - 2, MAX_LINES)) {
        page.space(2).put(TextStyle::Error, &line).line();
    }
    label(page, "path");
    path(page, failure, why, columns);
    if !failure.attempts.is_empty() {
        label(page, "before it");
        let count = failure.attempts.len() + failure.more_attempts;
        let attempts = if count == 1 { "1 attempt failed".to_owned() } else { format!("{count} attempts failed") };
        let errors: Vec<String> = failure.attempts.iter().filter_map(error).collect();
        let same = errors.iter().all(|one| Some(one) == errors.first());
        let text = match errors.first() {
            Some(one) if same && Some(one) == error(step).as_ref() => format!("{attempts} with the same error"),
            Some(one) if same => format!("{attempts}: {one}"),
            Some(_) => format!("{attempts}: {}", errors.join("; ")),
            None => attempts,
        };
        paragraph(page, &text, columns, TextStyle::Plain);
    }
    if !failure.earlier.is_empty() {
        label(page, "earlier");
        let earlier: Vec<String> = failure.earlier.iter().map(with_error).collect();
        paragraph(page, &format!("failed and was passed over: {}", earlier.join("; ")), columns, TextStyle::Plain);
    }
    if !failure.took_down.is_empty() {
        label(page, "took down");
        list(page, &failure.took_down, failure.more_taken_down, columns);
    }
    rows::changes(page, failure, why, columns);
    rows::rolled_back(page, failure, columns);
    rows::other_writers(page, failure, columns);
    if let Some(dead) = &failure.dead_letter {
        page.target(target(dead));
        label(page, "dead letter");
        paragraph(page, &with_service(dead), columns, TextStyle::Plain);
    }
    if failure.owner_ok {
        label(page, "although");
        paragraph(page, "the owner of the run ended it as ok", columns, TextStyle::Plain);
    }
    label(page, "look at");
    let id = step.span_id.map_or(format!("{:.8}", step.run_id), |span| span.to_string());
    let command = format!("spanbridge debug {id}");
    // The command can be copied. On a narrow page, the id has to do.
    page.put(TextStyle::Dim, if INDENT + command.len() <= columns { &command } else { &id }).line();
}

/// One line for each step. Of a long path the middle is left out.
fn path(page: &mut Page, failure: &Failure, why: &Why, columns: usize) {
    let (mut service, mut run) = ("", why.run.run_id);
    for (place, step) in failure.path.iter().enumerate() {
        if place == Failure::PATH_HEAD && failure.path_omitted > 0 {
            page.go_to(INDENT).put(TextStyle::Dim, &format!("… {} more steps", failure.path_omitted)).line();
        }
        let lost = match step.lost {
            Some(Lost::Parent) => Some("(what caused it is not recorded)"),
            Some(Lost::Context) => Some("(came without a context)"),
            _ => None,
        };
        if let Some(lost) = lost {
            page.go_to(INDENT).put(TextStyle::Warning, &truncate(lost, columns - INDENT)).line();
        }
        let sign = match step.hop {
            Hop::Queue | Hop::Link => "⇢ ",
            Hop::Call => "→ ",
            Hop::ChildRun => "↳ ",
            Hop::Resume => "‖ ",
            _ => "",
        };
        page.target(target(step)).go_to(INDENT).put(TextStyle::Bold, sign);
        if step.service != service && !step.service.is_empty() {
            page.put(TextStyle::Dim, &format!("{} ▸ ", truncate(&escape(&step.service), (columns / 4).min(24))));
            service = &step.service;
        }
        let took = step.duration.map_or(step.status.to_owned(), duration);
        let elsewhere = if step.run_id == run { String::new() } else { format!("  run {:.8}", step.run_id) };
        run = step.run_id;
        let after = format!("  {took}{elsewhere}");
        let room = columns.saturating_sub(page.column());
        // On a narrow page, the name comes first.
        let after = if room >= width(&after) + 8 { after } else { String::new() };
        let room = room.saturating_sub(width(&after)).max(1);
        let is_last = place + 1 == failure.path.len();
        let style = if is_last { TextStyle::Error } else { TextStyle::Plain };
        page.put(style, &truncate(&step_name(step), room));
        page.put(TextStyle::Dim, &after).line();
    }
}

fn others(page: &mut Page, why: &Why, columns: usize) {
    let excused = |page: &mut Page, all: &[Excused], more: usize, words: fn(&Excused) -> String| {
        if !all.is_empty() {
            page.line();
        }
        for one in all {
            let count = if one.count > 1 { format!(" ×{}", one.count) } else { String::new() };
            let error = error(&one.step).map_or(String::new(), |error| format!(": {error}"));
            let text = format!("{} failed{count}, {}{error}", with_service(&one.step), words(one));
            page.target(target(&one.step));
            for (i, line) in wrap(&text, columns - 2, 4).iter().enumerate() {
                page.put(TextStyle::Success, if i == 0 { "✓ " } else { "  " }).put(TextStyle::Plain, line).line();
            }
        }
        if more > 0 {
            page.put(TextStyle::Dim, &format!("… {more} more")).line();
        }
    };
    excused(page, &why.recovered, why.more_recovered, |one| match one.by.name == one.step.name {
        true => "then succeeded".to_owned(),
        false => format!("then {} succeeded", with_service(&one.by)),
    });
    excused(page, &why.handled, why.more_handled, |one| format!("but {} went on", with_service(&one.by)));
    rows::also_rolled_back(page, why, columns);
    if !why.unfinished.is_empty() {
        page.line().put(TextStyle::Warning, "◌ no end").go_to(INDENT);
        list(page, &why.unfinished, why.more_unfinished, columns);
    }
}

/// The run to compare with, and the first difference from it.
fn last_good(page: &mut Page, why: &Why, columns: usize) {
    let Some(good) = &why.last_good else { return };
    page.line().target(Target::Run(good.run.run_id)).put(TextStyle::Dim, "last good").go_to(INDENT);
    let command = format!("spanbridge diff {:.8} --last-good", why.run.run_id);
    page.put(TextStyle::Plain, &format!("{:.8}", good.run.run_id));
    let count = match good.differences {
        0 => "no difference".to_owned(),
        n => counted(n, "difference"),
    };
    page.space(2).put(TextStyle::Dim, &count).line();
    let Some(first) = &good.first_difference else { return };
    label(page, "first");
    let changed = match (&first.left, &first.right) {
        (Some(left), Some(right)) if first.kind == DifferenceKind::Status => {
            format!("{} → {}", left.status, right.status)
        }
        _ => first.changes.first().map_or(String::new(), diff::words),
    };
    let room = columns.saturating_sub(INDENT);
    let place = diff::place(first, room);
    let text = format!("{} {place}{}{changed}", first.kind.as_str(), if changed.is_empty() { "" } else { ": " });
    paragraph(page, &text, columns, TextStyle::Plain);
    if INDENT + command.len() <= columns {
        page.go_to(INDENT).put(TextStyle::Dim, &command).line();
    }
}

fn list(page: &mut Page, steps: &[Step], more: usize, columns: usize) {
    let mut names: Vec<String> = Vec::new();
    for equal in steps.chunk_by(|a, b| (&a.name, &a.service) == (&b.name, &b.service)) {
        let count = if equal.len() > 1 { format!(" ×{}", equal.len()) } else { String::new() };
        names.push(format!("{}{count}", with_service(&equal[0])));
    }
    let left_out = names.len().saturating_sub(MAX_SHOWN) + more;
    names.truncate(MAX_SHOWN);
    if left_out > 0 {
        names.push(format!("{left_out} more"));
    }
    paragraph(page, &names.join(", "), columns, TextStyle::Plain);
}

fn with_error(step: &Step) -> String {
    match error(step) {
        Some(error) => format!("{}: {error}", with_service(step)),
        None => with_service(step),
    }
}

/// The error in words, with its class if the words do not name it.
fn error(step: &Step) -> Option<String> {
    let class = step.error_type.as_deref().filter(|class| *class != "_OTHER");
    match (step.error.as_deref().filter(|error| !error.trim().is_empty()), class) {
        (Some(error), Some(class)) if !error.contains(class) => Some(format!("{error} ({class})")),
        (Some(error), _) => Some(error.to_owned()),
        (None, class) => class.map(str::to_owned),
    }
}
