//! Where the reader is in a list that is longer than the screen.

/// The selected line, and the first one on the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) at: usize,
    pub(crate) top: usize,
}

impl Cursor {
    /// Goes to a line.
    pub(crate) fn go_to(&mut self, at: usize, len: usize, height: usize) {
        self.at = at.min(len.saturating_sub(1));
        self.fit(len, height);
    }

    pub(crate) fn up(&mut self, lines: usize, len: usize, height: usize) {
        self.go_to(self.at.saturating_sub(lines), len, height);
    }

    pub(crate) fn down(&mut self, lines: usize, len: usize, height: usize) {
        self.go_to(self.at.saturating_add(lines), len, height);
    }

    /// Keeps both on the list, and the selected line on the screen.
    pub(crate) fn fit(&mut self, len: usize, height: usize) {
        let height = height.max(1);
        self.at = self.at.min(len.saturating_sub(1));
        self.top = self.top.min(self.at).min(len.saturating_sub(height));
        self.top = self.top.max((self.at + 1).saturating_sub(height));
    }

    /// The selected line is another one by now, and stays where it is on the screen.
    pub(crate) fn moved_to(&mut self, at: usize, len: usize, height: usize) {
        let row = self.at.saturating_sub(self.top);
        (self.at, self.top) = (at, at.saturating_sub(row));
        self.fit(len, height);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selected_line_stays_on_the_screen() {
        let mut cursor = Cursor::default();
        cursor.down(7, 100, 5);
        assert_eq!(cursor, Cursor { at: 7, top: 3 });
        cursor.up(2, 100, 5);
        assert_eq!(cursor, Cursor { at: 5, top: 3 });
        cursor.go_to(usize::MAX, 100, 5);
        assert_eq!(cursor, Cursor { at: 99, top: 95 });
        cursor.fit(3, 5);
        assert_eq!(cursor, Cursor { at: 2, top: 0 });
        cursor.fit(0, 0);
        assert_eq!(cursor, Cursor { at: 0, top: 0 });
    }

    #[test]
    fn what_moves_stays_where_it_is_seen() {
        let mut cursor = Cursor { at: 4, top: 2 };
        cursor.moved_to(9, 100, 5);
        assert_eq!(cursor, Cursor { at: 9, top: 7 });
        cursor.moved_to(1, 100, 5);
        assert_eq!(cursor, Cursor { at: 1, top: 0 });
    }
}
