//! What is not shown, in one sentence.

use crate::model::{Diagnostic, LeftOut, LeftOutKind};

impl LeftOut {
    /// Says how many spans are not shown, of which kinds, and what is not of the whole run for that reason.
    pub(super) fn diagnostic(&self, shown: usize) -> Diagnostic {
        let total = |kind: LeftOutKind| -> u64 {
            self.groups.iter().filter(|group| group.kind == kind).map(|group| group.total()).sum()
        };
        let kinds = [
            (total(LeftOutKind::Alike), "like a sibling that is shown, or below one"),
            (total(LeftOutKind::Orphans), "without a recorded parent, or below one"),
            (total(LeftOutKind::Others), "others"),
        ];
        let kinds: Vec<String> =
            kinds.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", grouped(*n))).collect();
        let left_out = self.spans.saturating_sub(shown as u64);
        let mut message = format!("{} of {} spans are not shown", grouped(left_out), grouped(self.spans));
        if !kinds.is_empty() {
            message.push_str(&format!(": {}", kinds.join("; ")));
        }
        if self.errors_left_out > 0 {
            message.push_str(&format!(". {} of them failed", grouped(self.errors_left_out)));
        }
        if self.failed_work_left_out {
            message.push_str(". Failed messages are counted among the spans that are shown");
        }
        if self.links_left_out {
            message.push_str(". Links and linked runs are those of the spans that are shown");
        }
        if self.records > 0 {
            message.push_str(&format!(". {} events, attributes and relations are not shown", grouped(self.records)));
        }
        match self.mutations {
            0 => {}
            1 => message.push_str(". 1 changed row is not shown"),
            many => message.push_str(&format!(". {} changed rows are not shown", grouped(many))),
        }
        Diagnostic::new("spans_not_shown", message)
    }
}

/// A number with its digits in groups of three.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
