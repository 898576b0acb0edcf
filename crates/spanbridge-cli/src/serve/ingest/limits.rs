//! How much is taken at once.

/// The most bytes of a request as it is sent.
pub(super) const MAX_SENT: usize = 16 << 20;

/// The most bytes of a request without its compression: the limit of OTLP's specification.
pub(super) const MAX_DECODED: usize = spanbridge_otel::otlp::MAX_REQUEST_BYTES;

/// The most records of a request, or spans. Each that is rejected is named, and nobody waits long for one request of another.
pub(super) const MAX_RECORDS: u64 = 1 << 16;

/// The most spans, events and links of a request together. Each may become a record, and an event may take two bytes in a request.
pub(super) const MAX_MADE: u64 = 1 << 18;

/// The most bytes of resources, those of each span together: they are looked through again for each span of another run. A resource of
/// 16 KiB may have as many spans as a request may.
pub(super) const MAX_TOLD: u64 = 1 << 30;

/// The most bytes that are held of all requests together.
pub(super) const MAX_HELD: usize = 192 << 20;

/// How many requests wait to be stored.
pub(super) const MAX_WAITING: usize = 1024;

/// How many requests are uncompressed at once.
pub(super) const DECODED_AT_ONCE: usize = 2;

/// The window of a zstd stream, as a power of two: 8 MiB, which its format recommends every reader to have.
pub(super) const ZSTD_WINDOW_LOG: u32 = 23;

/// Records that are stored at once, and about as many bytes of them.
pub(super) const STORED_AT_ONCE: (usize, usize) = (4096, 4 << 20);
