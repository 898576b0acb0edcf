//! How the screen is divided. The state needs it to know what a page is; the view draws into it.

/// A part of the screen, in columns and lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) x: u16,
    pub(crate) y: u16,
    pub(crate) width: u16,
    pub(crate) height: u16,
}

/// The parts of a screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    /// What is shown: one line or two.
    pub(crate) title: Area,
    /// The heads of columns.
    pub(crate) heads: Area,
    /// The lines to choose from.
    pub(crate) rows: Area,
    /// The line above the details, if they are below the rows.
    pub(crate) divider: Area,
    /// The details, if there is room for them beside or below the rows.
    pub(crate) details: Area,
    /// The keys, and messages.
    pub(crate) status: Area,
}

/// From so many columns on, details stand beside the rows.
const BESIDE: u16 = 132;

/// From so many columns on, rows have a timeline, and its head above them.
pub(crate) const TIMELINE: u16 = 60;

/// From so many lines on, details stand below the rows.
const BELOW: u16 = 18;

impl Layout {
    /// A screen with rows alone.
    pub(crate) fn plain(width: u16, height: u16, has_heads: bool) -> Self {
        let heads = u16::from(has_heads && height >= 5);
        let title = u16::from(height >= 3);
        let status = u16::from(height >= 2);
        let rows = height - title - heads - status;
        let line = |y: u16, height: u16| Area { x: 0, y, width, height };
        Self {
            title: line(0, title),
            heads: line(title, heads),
            rows: line(title + heads, rows),
            status: line(height - status, status),
            ..Self::default()
        }
    }

    /// A screen with details of the selected row. If there is no room beside or below the rows, the details take their place
    /// while the reader is in them.
    pub(crate) fn with_details(width: u16, height: u16, in_details: bool) -> Self {
        let mut all = Self::plain(width, height, width >= TIMELINE);
        if height >= BELOW && all.title.height == 1 {
            all.title.height = 2;
            all.heads.y += 1;
            (all.rows.y, all.rows.height) = (all.rows.y + 1, all.rows.height - 1);
        }
        if width >= BESIDE && height >= 8 {
            let details = width * 2 / 5;
            all.details = Area { x: width - details, width: details, ..all.rows };
            all.details.y = all.heads.y;
            all.details.height = all.rows.height + all.heads.height;
            all.rows.width = width - details - 1;
            all.heads.width = all.rows.width;
        } else if height >= BELOW {
            let details = (height - 6) * 2 / 5;
            all.rows.height -= details + 1;
            all.divider = Area { x: 0, y: all.rows.y + all.rows.height, width, height: 1 };
            all.details = Area { x: 0, y: all.divider.y + 1, width, height: details };
        } else if in_details {
            all.details = Area { y: all.heads.y, height: all.rows.height + all.heads.height, ..all.rows };
            (all.rows.height, all.heads.height) = (0, 0);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the size is, the parts stay on the screen and do not overlap.
    #[test]
    fn parts_fit_into_every_size() {
        for (width, height) in (0..200).step_by(7).flat_map(|width| (0..60).map(move |height| (width, height))) {
            for layout in [
                Layout::plain(width, height, true),
                Layout::with_details(width, height, false),
                Layout::with_details(width, height, true),
            ] {
                let Layout { title, heads, rows, divider, details, status } = layout;
                let parts = [title, heads, rows, divider, details, status];
                let cells: u32 = parts.iter().map(|part| u32::from(part.width) * u32::from(part.height)).sum();
                assert!(cells <= u32::from(width) * u32::from(height), "{width}x{height} {layout:?}");
                for part in parts {
                    assert!(
                        part.x + part.width <= width && part.y + part.height <= height,
                        "{width}x{height} {layout:?}"
                    );
                }
                assert!(height < 1 || rows.height > 0 || details.height > 0, "{width}x{height} {layout:?}");
            }
        }
    }

    #[test]
    fn the_usual_sizes() {
        let small = Layout::with_details(40, 10, false);
        assert_eq!((small.title.height, small.rows.height, small.details.height), (1, 8, 0));
        let usual = Layout::with_details(80, 24, false);
        assert_eq!((usual.title.height, usual.rows.height, usual.details.height), (2, 12, 7));
        let wide = Layout::with_details(160, 50, false);
        assert_eq!((wide.rows.width, wide.details.width, wide.details.height), (95, 64, 47));
    }
}
