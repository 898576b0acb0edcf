//! Records to spans of OTLP, and spans of OTLP to records.
//!
//! A span of OTLP is what several records say: its start, attributes that came later, links, events, artifacts, diagnostics, its
//! end. [`Assembler`] puts them together. [`RecordMaker`] is the way back: what a span of anybody's is as records.
//!
//! | record | span of OTLP |
//! |---|---|
//! | trace, span, parent, name, kind, times | the same |
//! | run | `spanbridge.run.id`, if it is not the trace's own; of a span of others also the trace state tells it |
//! | primitive | `spanbridge.primitive`, if it is not `custom.operation`; of a span of others it follows from its attributes |
//! | status `ok` | unset; read from unset and `Ok` alike |
//! | status `error`, `panicked` | `Error`, with the text; an event `exception`, unless there is one; `panicked` in `spanbridge.status` |
//! | status `cancelled` | unset, and in `spanbridge.status` |
//! | the class of the error | `error.type`, unless the span has that attribute |
//! | attributes of JSON | lists and maps |
//! | link, late link | link |
//! | edge to another span | link with `spanbridge.edge.type` |
//! | event | event |
//! | artifact, diagnostic of a span | event `spanbridge.artifact`, `spanbridge.diagnostic` |
//! | records of runs and segments, diagnostics of no span | not exported: OTLP has spans alone. A [file](FileWriter) has them as lines |

mod assemble;
mod file;
mod finish;
mod known;
mod primitive;
mod records;
mod values;

pub use assemble::{Assembler, AssemblerCounts};
pub use file::{FileForm, FileWriter, are_recorded, lines};
pub use records::{RecordMaker, records, told_bytes};
