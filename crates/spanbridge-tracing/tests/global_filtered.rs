//! The cases under a default of the process, with filters per layer.

mod cases;

const MODE: cases::Mode = cases::Mode { is_global: true, is_filtered: true };
