//! Aligned tables.

use super::page::{Page, TextStyle};
use super::text::{truncate, width};

/// The alignment of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A cell: its style, and its text, which is already escaped.
pub(crate) type Cell = (TextStyle, String);

/// A table below a line of dim heads. If lines are longer than `columns`, the columns in `shrinking` are shortened in this order, each to
/// no less than eight columns of text.
pub(crate) fn table(
    heads: &[(&str, Align)],
    shrinking: &[usize],
    rows: &[Vec<Cell>],
    columns: usize,
    color: bool,
) -> Page {
    let mut widths = widths(heads, rows);
    for &column in shrinking {
        let over = whole(&widths).saturating_sub(columns);
        if let Some(w) = widths.get_mut(column) {
            *w = w.saturating_sub(over).max((*w).min(8));
        }
    }
    let mut page = Page::new(color);
    let head: Vec<Cell> = heads.iter().map(|(h, _)| (TextStyle::Dim, (*h).to_owned())).collect();
    for row in std::iter::once(&head).chain(rows) {
        let mut left = 0;
        for (((style, text), w), (_, align)) in row.iter().zip(&widths).zip(heads) {
            let text = truncate(text, *w);
            let free = if *align == Align::Right { w.saturating_sub(width(&text)) } else { 0 };
            page.go_to(left + free).put(*style, &text);
            left += w + 2;
        }
        page.line();
    }
    page
}

/// How wide a table is where nothing has to be shortened.
pub(crate) fn table_width(heads: &[(&str, Align)], rows: &[Vec<Cell>]) -> usize {
    whole(&widths(heads, rows))
}

fn widths(heads: &[(&str, Align)], rows: &[Vec<Cell>]) -> Vec<usize> {
    let mut widths: Vec<usize> = heads.iter().map(|(h, _)| width(h)).collect();
    for row in rows {
        for (w, (_, text)) in widths.iter_mut().zip(row) {
            *w = (*w).max(width(text));
        }
    }
    widths
}

fn whole(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_shrink_in_order() {
        let heads = [("run", Align::Left), ("name", Align::Left), ("services", Align::Left), ("took", Align::Right)];
        let cell = |text: &str| (TextStyle::Plain, text.to_owned());
        let row = |cells: [&str; 4]| cells.map(cell).to_vec();
        let rows = [
            row(["4bf92f35", "POST /orders", "billing, gateway", "486 ms"]),
            row(["1a2b3c4d", "注文を処理する", "受付", "2d 00h"]),
        ];
        let wide = table(&heads, &[2, 1], &rows, 100, false).finish();
        insta::assert_snapshot!(wide, @r"
        run       name            services            took
        4bf92f35  POST /orders    billing, gateway  486 ms
        1a2b3c4d  注文を処理する  受付              2d 00h
        ");
        let narrow = table(&heads, &[2, 1], &rows, 40, false).finish();
        insta::assert_snapshot!(narrow, @r"
        run       name          services    took
        4bf92f35  POST /orders  billing…  486 ms
        1a2b3c4d  注文を処理…   受付      2d 00h
        ");
    }
}
