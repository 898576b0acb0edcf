//! The list of runs. The selected run stays where it is on the screen while others come.

use super::cursor::Cursor;
use super::filter;
use super::refresh::Refresh;
use spanbridge::RunId;
use spanbridge_query::{RunQuery, RunRow, RunSort};

/// How many runs are read at first, and how many more each time the reader comes to the end.
const PAGE: usize = 500;

/// The orders, as they follow each other.
const SORTS: [(RunSort, &str); 5] = [
    (RunSort::Newest, "newest first"),
    (RunSort::Oldest, "oldest first"),
    (RunSort::Longest, "longest first"),
    (RunSort::MostErrors, "most errors first"),
    (RunSort::MostSpans, "most spans first"),
];

#[derive(Debug)]
pub(crate) struct List {
    pub(crate) rows: Vec<RunRow>,
    pub(crate) has_more: bool,
    /// Whether an answer has come.
    pub(crate) is_read: bool,
    pub(crate) cursor: Cursor,
    /// The first runs stay in sight as they come, until the reader chooses one.
    pub(crate) is_following: bool,
    /// How many came above what the reader sees.
    pub(crate) new_above: usize,
    pub(crate) text: String,
    pub(crate) failed_only: bool,
    /// Also runs that another stored run started.
    pub(crate) each_run: bool,
    pub(crate) refresh: Refresh,
    sort: usize,
    limit: usize,
    /// The next rows are those of another question.
    pub(crate) is_anew: bool,
    /// The reader wants the first of them opened.
    pub(crate) is_opening: bool,
}

impl List {
    pub(crate) fn new() -> Self {
        Self {
            rows: Vec::new(),
            has_more: false,
            is_read: false,
            cursor: Cursor::default(),
            is_following: true,
            new_above: 0,
            text: String::new(),
            failed_only: false,
            each_run: false,
            refresh: Refresh::default(),
            sort: 0,
            limit: PAGE,
            is_anew: false,
            is_opening: false,
        }
    }

    pub(crate) fn sorted_by(&self) -> &'static str {
        SORTS[self.sort].1
    }

    pub(crate) fn next_sort(&mut self) {
        self.sort = (self.sort + 1) % SORTS.len();
        self.begin_anew();
    }

    /// Another filter or order: from the beginning.
    pub(crate) fn begin_anew(&mut self) {
        self.follow();
        (self.limit, self.is_anew, self.is_opening) = (PAGE, true, false);
    }

    pub(crate) fn is_filtered(&self) -> bool {
        self.failed_only || !self.text.trim().is_empty()
    }

    /// What to ask for, and how many runs.
    pub(crate) fn query(&self) -> Result<(RunQuery, usize), String> {
        let mut query = filter::query(&self.text)?.sort(SORTS[self.sort].0);
        query.each_run = self.each_run;
        if self.failed_only {
            filter::failed_only(&mut query);
        }
        Ok((query, self.limit))
    }

    pub(crate) fn selected(&self) -> Option<&RunRow> {
        self.rows.get(self.cursor.at)
    }

    /// Moves to a row. From then on that run stays where it is.
    pub(crate) fn go_to(&mut self, at: usize, height: usize) {
        self.is_following = false;
        self.cursor.go_to(at, self.rows.len(), height);
        if self.cursor.top == 0 {
            self.new_above = 0;
        }
    }

    /// To the newest, which stay in sight.
    pub(crate) fn follow(&mut self) {
        (self.cursor, self.is_following, self.new_above) = (Cursor::default(), true, 0);
    }

    /// Whether more runs should be read, since the reader comes to the end. Then asks for more.
    pub(crate) fn wants_more(&mut self) -> bool {
        let wants = self.has_more && self.refresh.pending.is_none() && self.cursor.at + 50 >= self.rows.len();
        if wants {
            self.limit = self.rows.len().saturating_add(PAGE);
        }
        wants
    }

    /// The place of the next failed run.
    pub(crate) fn next_error(&self, back: bool) -> Option<usize> {
        let has_failed = |at: &usize| self.rows[*at].counts_as(spanbridge_graph::RunStatus::Error);
        match back {
            false => (self.cursor.at + 1..self.rows.len()).find(has_failed),
            true => (0..self.cursor.at.min(self.rows.len())).rev().find(has_failed),
        }
    }

    pub(crate) fn set_rows(&mut self, rows: Vec<RunRow>, has_more: bool, height: usize) {
        let is_anew = std::mem::take(&mut self.is_anew);
        let selected: Option<RunId> = self.selected().filter(|_| !is_anew).map(|row| row.run_id);
        (self.rows, self.has_more, self.is_read) = (rows, has_more, true);
        let len = self.rows.len();
        let place = selected.and_then(|id| self.rows.iter().position(|row| row.run_id == id));
        match place {
            Some(place) if self.is_following => {
                self.cursor = Cursor { at: place, top: 0 };
                self.cursor.fit(len, height);
            }
            Some(place) => {
                self.new_above += place.saturating_sub(self.cursor.at);
                self.cursor.moved_to(place, len, height);
                if self.cursor.top == 0 {
                    self.new_above = 0;
                }
            }
            None => self.cursor.fit(len, height),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spanbridge_graph::RunStatus;

    fn rows(ids: &[u128]) -> Vec<RunRow> {
        let row = |id: &u128| RunRow::new(RunId::new(*id).unwrap(), format!("run {id}"), RunStatus::Ok, *id as u64);
        ids.iter().map(row).collect()
    }

    fn numbered(ids: std::ops::RangeInclusive<u128>) -> Vec<RunRow> {
        rows(&ids.rev().collect::<Vec<_>>())
    }

    /// A reader who chose a run sees it on the same line, however many come above it.
    #[test]
    fn the_chosen_run_stays_on_its_line() {
        let mut list = List::new();
        list.set_rows(numbered(1..=50), false, 10);
        list.go_to(3, 10);
        let chosen = list.selected().unwrap().run_id;
        list.set_rows(numbered(1..=70), false, 10);
        assert_eq!(list.selected().unwrap().run_id, chosen);
        assert_eq!((list.cursor.at, list.cursor.top, list.new_above), (23, 20, 20));
        list.follow();
        assert_eq!((list.cursor, list.new_above), (Cursor::default(), 0));
    }

    /// Before that, the newest are in sight; but the selection is never given to another run.
    #[test]
    fn the_newest_stay_in_sight_at_first() {
        let mut list = List::new();
        list.set_rows(numbered(1..=5), false, 10);
        list.set_rows(numbered(1..=8), false, 10);
        assert_eq!((list.selected().unwrap().run_id, list.cursor.top), (RunId::new(5).unwrap(), 0));
    }

    #[test]
    fn a_run_that_is_gone_leaves_its_place() {
        let mut list = List::new();
        list.set_rows(numbered(1..=5), false, 10);
        list.go_to(4, 10);
        list.set_rows(rows(&[5, 4]), false, 10);
        assert_eq!(list.cursor, Cursor { at: 1, top: 0 });
        list.set_rows(Vec::new(), false, 10);
        assert!(list.selected().is_none());
    }
}
