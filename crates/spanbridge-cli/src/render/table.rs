//! Aligned tables.

use super::Options;
use super::page::{Ink, Page};
use super::text::{truncate, width};

/// Which edge of its column a cell stands at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// The left.
    Left,
    /// The right.
    Right,
}

/// A cell: what it is printed with, and its text ([`escape`](super::escape)d already).
pub type Cell = (Ink, String);

/// A table under a line of dim heads. `give` are the columns that may be cut where the lines do not fit, the first to
/// give way first, each down to eight columns.
pub fn table(heads: &[(&str, Align)], give: &[usize], rows: &[Vec<Cell>], options: &Options) -> String {
    let mut widths: Vec<usize> = heads.iter().map(|(h, _)| width(h)).collect();
    for row in rows {
        for (w, (_, text)) in widths.iter_mut().zip(row) {
            *w = (*w).max(width(text));
        }
    }
    let whole = |widths: &[usize]| widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
    for &column in give {
        let over = whole(&widths).saturating_sub(options.columns());
        if let Some(w) = widths.get_mut(column) {
            *w = w.saturating_sub(over).max((*w).min(8));
        }
    }
    let mut page = Page::new(options.color);
    let head: Vec<Cell> = heads.iter().map(|(h, _)| (Ink::Dim, (*h).to_owned())).collect();
    for row in std::iter::once(&head).chain(rows) {
        let mut left = 0;
        for (((ink, text), w), (_, align)) in row.iter().zip(&widths).zip(heads) {
            let text = truncate(text, *w);
            let free = if *align == Align::Right { w.saturating_sub(width(&text)) } else { 0 };
            page.go_to(left + free).put(*ink, &text);
            left += w + 2;
        }
        page.line();
    }
    page.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_give_way_in_order() {
        let heads = [("run", Align::Left), ("name", Align::Left), ("services", Align::Left), ("took", Align::Right)];
        let cell = |text: &str| (Ink::Plain, text.to_owned());
        let row = |cells: [&str; 4]| cells.map(cell).to_vec();
        let rows = [
            row(["4bf92f35", "POST /orders", "billing, gateway", "486 ms"]),
            row(["1a2b3c4d", "注文を処理する", "受付", "2d 00h"]),
        ];
        let wide = table(&heads, &[2, 1], &rows, &Options::default());
        insta::assert_snapshot!(wide, @r"
        run       name            services            took
        4bf92f35  POST /orders    billing, gateway  486 ms
        1a2b3c4d  注文を処理する  受付              2d 00h
        ");
        let narrow = table(&heads, &[2, 1], &rows, &Options { width: 40, color: false });
        insta::assert_snapshot!(narrow, @r"
        run       name          services    took
        4bf92f35  POST /orders  billing…  486 ms
        1a2b3c4d  注文を処理…   受付      2d 00h
        ");
    }
}
