//! The cases under a default of the process.

mod cases;

const MODE: cases::Mode = cases::Mode { is_global: true, is_filtered: false };
