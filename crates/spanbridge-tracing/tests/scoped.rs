//! The cases under a default of the thread.

mod cases;

const MODE: cases::Mode = cases::Mode { is_global: false, is_filtered: false };
