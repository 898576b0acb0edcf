//! Artifacts whose preview is too large for a record.

use super::items::Item;
use super::layout::Fact;
use super::thread::ThreadRecorder;
use crate::context::Shared;

impl ThreadRecorder {
    /// Writes an artifact whose preview is put aside until the record is read. `Err`: there is no memory for the preview, and
    /// nothing was written.
    #[cold]
    pub(crate) fn large_artifact(
        &self,
        shared: &Shared,
        (span, id): (u64, u64),
        items: &[Item<'_>],
        preview: String,
    ) -> Result<(), String> {
        let Some(intake) = shared.intake.as_ref().filter(|intake| intake.is_on()) else { return Err(preview) };
        intake.large.put(id, preview)?;
        if !self.fact(shared, Fact::LargeArtifact, span, id, items) {
            intake.large.take(id); // its record found no room
        } else if intake.large.is_filling() {
            intake.wake()
        }
        Ok(())
    }
}
