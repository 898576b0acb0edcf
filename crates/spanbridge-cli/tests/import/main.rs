//! `spanbridge import`: what others wrote, with exact counts.

mod compressed;
mod crux;
mod crux_fields;
mod logs;
mod properties;
mod support;
