//! Slots that were followed into the store, as `doctor` shows them.

use super::options::Options;
use super::page::{Page, TextStyle};
use super::text::wrap;
use super::time::ago;
use crate::answers::SlotAnswer;
use crate::values::now;

/// Renders the slots that were followed into the store: how long each was not followed, and what it costs the server.
///
/// Lines fit into [`Options::width`]; text from records is escaped.
pub fn slots(slots: &[SlotAnswer], options: &Options) -> String {
    let mut page = Page::new(options.color);
    let columns = options.columns();
    for slot in slots {
        let of = &slot.followed;
        let (mark, style) = if slot.is_silent { ("!", TextStyle::Warning) } else { ("·", TextStyle::Dim) };
        page.put(style, mark).space(1).put(TextStyle::Bold, "slot");
        let followed = format!(
            "followed {} from {} (process {}), up to {}",
            ago(of.followed_at, now()),
            of.host,
            of.pid,
            of.position
        );
        let kept = match (of.kept_bytes, of.max_kept_bytes) {
            _ if slot.is_gone => "; the server does not have it any more".to_owned(),
            (None, _) => String::new(),
            (Some(kept), None) => format!("; the server keeps {kept} bytes of its log for it, without a limit"),
            (Some(kept), Some(max)) => format!("; the server keeps {kept} bytes of its log for it, at most {max}"),
        };
        let text = format!("{} of {}: {followed}{kept}", of.slot, of.server);
        let mut first = true;
        for line in wrap(&text, columns.saturating_sub(7).max(8), 6) {
            page.go_to(if std::mem::take(&mut first) { 7 } else { 2 }).put(TextStyle::Plain, &line).line();
        }
        if slot.is_silent {
            let fix = format!(
                "nobody follows it, and the server keeps its log until somebody does: `spanbridge state follow --slot {0}` goes on, \
                 `spanbridge state unfollow --slot {0}` drops it",
                of.slot
            );
            for line in wrap(&fix, columns.saturating_sub(2).max(8), 6) {
                page.go_to(2).put(TextStyle::Plain, &line).line();
            }
        }
    }
    page.finish()
}
