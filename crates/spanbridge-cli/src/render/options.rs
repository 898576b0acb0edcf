//! How to render.

/// How to render.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Maximum number of columns in a line. Less than 40 counts as 40, since nothing is left to shorten below that.
    pub width: usize,
    /// Whether to use colour (ANSI escape sequences).
    pub color: bool,
}

impl Default for Options {
    /// 100 columns without colour: what a pipe gets.
    fn default() -> Self {
        Self { width: 100, color: false }
    }
}

impl Options {
    /// With this maximum number of columns.
    pub fn width(self, width: usize) -> Self {
        Self { width, ..self }
    }

    /// With or without colour.
    pub fn color(self, color: bool) -> Self {
        Self { color, ..self }
    }

    pub(crate) fn columns(&self) -> usize {
        self.width.max(40)
    }
}
