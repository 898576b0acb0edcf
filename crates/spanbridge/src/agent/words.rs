//! Closed lists of what spans are about.

use crate::Primitive;

/// How agents work together. Each is a primitive of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Composition {
    /// All at once.
    Parallel,
    /// One after the other, each with what the one before it returned.
    Pipeline,
    /// They have to agree.
    Consensus,
    /// They hand work to each other.
    Swarm,
    /// Some of them, as a condition says.
    Branch,
    /// What several returned is put together.
    Join,
}

impl Composition {
    /// The name, as in records.
    pub const fn name(self) -> &'static str {
        ["parallel", "pipeline", "consensus", "swarm", "branch", "join"][self as usize]
    }

    /// Its primitive.
    pub const fn primitive(self) -> Primitive {
        match self {
            Composition::Parallel => Primitive::COMPOSITION_PARALLEL,
            Composition::Pipeline => Primitive::COMPOSITION_PIPELINE,
            Composition::Consensus => Primitive::COMPOSITION_CONSENSUS,
            Composition::Swarm => Primitive::COMPOSITION_SWARM,
            Composition::Branch => Primitive::COMPOSITION_BRANCH,
            Composition::Join => Primitive::COMPOSITION_JOIN,
        }
    }
}

/// What is done with memories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MemoryOperation {
    /// They are searched. This is `memory.read`, all others are `memory.write`.
    Search,
    /// New ones are written.
    Create,
    /// Known ones are changed.
    Update,
    /// New ones are written or known ones changed, as the store decides.
    Upsert,
    /// They are deleted.
    Delete,
}

impl MemoryOperation {
    /// The name, as in records.
    pub const fn name(self) -> &'static str {
        ["search_memory", "create_memory", "update_memory", "upsert_memory", "delete_memory"][self as usize]
    }

    /// Its primitive.
    pub const fn primitive(self) -> Primitive {
        match self {
            MemoryOperation::Search => Primitive::MEMORY_READ,
            _ => Primitive::MEMORY_WRITE,
        }
    }
}

/// What a report about costs is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CostEvent {
    /// What something has cost.
    Report,
    /// The total comes near a threshold.
    Warn,
    /// The total has reached a threshold.
    Limit,
}

impl CostEvent {
    /// The name, as in records.
    pub const fn name(self) -> &'static str {
        ["report", "warn", "limit"][self as usize]
    }
}
