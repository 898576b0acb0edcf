//! What kind of step a span is (primitive, family, kind), and how it ended.

use std::fmt;

macro_rules! primitives {
    ($($name:ident $text:literal $family:literal),* $(,)?) => {
        impl Primitive {
            $(#[doc = concat!("`", $text, "`, of the family `", $family, "`.")] pub const $name: Primitive = Primitive::of($text);)*
        }
        /// Every known primitive with its family, in the order of their codes.
        static KNOWN: &[(&str, &str)] = &[$(($text, $family)),*];
    };
}

/// What kind of step a span is: one of a closed list, or a `custom.*` name of your own.
///
/// ```
/// # use spanbridge::Primitive;
/// const AUDIT: Primitive = Primitive::new("custom.audit");
/// assert_eq!(AUDIT.family(), "custom");
/// assert_eq!(Primitive::new("router.resolve").family(), "routing");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Primitive {
    name: &'static str,
    /// The index in the list, looked up at compile time if possible.
    code: Option<u8>,
}

primitives! {
    OPERATION "custom.operation" "custom",
    MESSAGING_PUBLISH "messaging.publish" "messaging",
    MESSAGING_RECEIVE "messaging.receive" "messaging",
    MESSAGING_PROCESS "messaging.process" "messaging",
    MESSAGING_SETTLE "messaging.settle" "messaging",
    HTTP_SERVER "http.server" "http",
    HTTP_CLIENT "http.client" "http",
    FUNCTION_INVOKE "function.invoke" "function",
    FUNCTION_HANDLE "function.handle" "function",
    DB_QUERY "db.query" "db",
    DB_MUTATION "db.mutation" "db",
    RUN "run" "run",
    TOOL_CALL "tool.call" "tool",
    DELEGATE_INVOKE "delegate.invoke" "delegate",
    FLOW_RUN "flow.run" "flow",
    FLOW_STEP "flow.step" "flow",
    FLOW_SUSPENSION "flow.suspension" "flow",
    FLOW_RESUME "flow.resume" "flow",
    HANDOFF_PREPARE "handoff.prepare" "handoff",
    COMPOSITION_PARALLEL "composition.parallel" "composition",
    COMPOSITION_PIPELINE "composition.pipeline" "composition",
    COMPOSITION_CONSENSUS "composition.consensus" "composition",
    COMPOSITION_SWARM "composition.swarm" "composition",
    COMPOSITION_BRANCH "composition.branch" "composition",
    COMPOSITION_JOIN "composition.join" "composition",
    RETRIEVAL_QUERY "retrieval.query" "retrieval",
    EMBEDDING_CALL "embedding.call" "embedding",
    COMPACTION_RUN "compaction.run" "compaction",
    GENERATION_CALL "generation.call" "generation",
    GENERATION_STREAM "generation.stream" "generation",
    MEMORY_READ "memory.read" "memory",
    MEMORY_WRITE "memory.write" "memory",
    CORPUS_SYNC "corpus.sync" "corpus",
    CORPUS_SOURCE "corpus.source" "corpus",
    SCORING_JUDGE "scoring.judge" "scoring",
    COST_RECORD "cost.record" "cost",
    ROUTER_RESOLVE "router.resolve" "routing",
    FEEDBACK_RECORD "feedback.record" "feedback",
}

const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut i = 0;
    while i < a.len() && i < b.len() && a[i] == b[i] {
        i += 1;
    }
    i == a.len() && i == b.len()
}

pub(crate) const fn is_custom(text: &str) -> bool {
    let (t, p) = (text.as_bytes(), b"custom.");
    let mut i = 0;
    while i < p.len() {
        if i >= t.len() || t[i] != p[i] {
            return false;
        }
        i += 1;
    }
    t.len() > p.len()
}

impl Primitive {
    /// The primitive with this name: one of the list, or `custom.` with something after it.
    ///
    /// # Panics
    /// Panics for any other name. In a `const` this is a compile error. For names that are not your own, use [`Primitive::get`].
    pub const fn new(name: &'static str) -> Self {
        assert!(
            is_custom(name) || code(name).is_some(),
            "a primitive is one of the closed list of spanbridge::Primitive or `custom.*`"
        );
        Self::of(name)
    }

    /// The primitive with this name, if it is one.
    pub const fn get(name: &'static str) -> Option<Self> {
        let primitive = Self::of(name);
        if is_custom(name) || primitive.code.is_some() { Some(primitive) } else { None }
    }

    const fn of(name: &'static str) -> Self {
        Self { name, code: code(name) }
    }

    /// The index in the list, if it is in the list.
    #[cfg(feature = "record")]
    #[inline(always)]
    pub(crate) const fn code(self) -> Option<u8> {
        self.code
    }

    /// The name, as in records.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The family that it belongs to.
    pub fn family(self) -> &'static str {
        family(self.name)
    }
}

/// The index of a known primitive in the list.
const fn code(name: &str) -> Option<u8> {
    let mut i = 0;
    while i < KNOWN.len() {
        if same(KNOWN[i].0, name) {
            return Some(i as u8);
        }
        i += 1;
    }
    None
}

#[cfg(feature = "record")]
pub(crate) fn by_code(code: u8) -> Primitive {
    let (name, code) = KNOWN.get(code as usize).map_or(("custom.operation", 0), |known| (known.0, code));
    Primitive { name, code: Some(code) }
}

/// The family of a primitive, by its name. For an unknown name: what is before the first dot.
pub fn family(primitive: &str) -> &str {
    match code(primitive) {
        Some(c) => KNOWN[c as usize].1,
        None => primitive.split('.').next().unwrap_or(primitive),
    }
}

impl fmt::Debug for Primitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// The role of a span in a remote interaction, as OpenTelemetry defines it
/// ([Trace API, SpanKind](https://opentelemetry.io/docs/specs/otel/trace/api/#spankind)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "record", serde(rename_all = "lowercase"))]
pub enum Kind {
    /// Work inside the application.
    #[default]
    Internal,
    /// Handles a remote request.
    Server,
    /// Sends a remote request and waits for the answer.
    Client,
    /// Sends a message.
    Producer,
    /// Processes a received message.
    Consumer,
}

impl Kind {
    pub(crate) const ALL: [Kind; 5] = [Kind::Internal, Kind::Server, Kind::Client, Kind::Producer, Kind::Consumer];

    /// The name, as in records.
    pub const fn name(self) -> &'static str {
        ["internal", "server", "client", "producer", "consumer"][self as usize]
    }
}

/// How a span or a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "record", serde(rename_all = "lowercase"))]
pub enum Status {
    /// It succeeded.
    Ok = 1,
    /// It failed with an error.
    Error = 2,
    /// It panicked. (Spans only.)
    Panicked = 3,
    /// It was dropped or stopped before it was finished.
    Cancelled = 4,
}

impl Status {
    /// The name, as in records.
    pub const fn name(self) -> &'static str {
        ["ok", "error", "panicked", "cancelled"][self as usize - 1]
    }

    #[cfg(feature = "record")]
    pub(crate) fn from_bits(bits: u64) -> Option<Status> {
        [Status::Ok, Status::Error, Status::Panicked, Status::Cancelled].get((bits as usize).wrapping_sub(1)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_closed_but_for_custom() {
        assert_eq!(Primitive::get("messaging.publish"), Some(Primitive::MESSAGING_PUBLISH));
        assert_eq!(Primitive::get("custom.x").map(|p| p.family().to_owned()).as_deref(), Some("custom"));
        assert_eq!(Primitive::get("custom."), None);
        assert_eq!(Primitive::get("messaging.guess"), None);
        assert!(KNOWN.len() < 255);
    }
}
