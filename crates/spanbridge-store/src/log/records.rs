//! The records of a frame.

use super::frame::Frame;
use crate::codec::{Block, pack};
use crate::delivery::RunIds;
use crate::error::{Error, Result};
use spanbridge::record::Record;

impl Frame<'_> {
    /// Visits every record, those of a run together.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) if a block cannot be read. What was visited before is right.
    pub fn records(&self, mut each: impl FnMut(Record<'_>)) -> Result<()> {
        let columns = &self.directory.columns;
        let damaged = || Error::corrupt(format!("a block of the frame at {} does not match the format", self.from));
        let runs = RunIds::new(columns.run_heads, columns.run_tails).ok_or_else(damaged)?;
        let mut raw = Vec::new();
        for packed in self.blocks() {
            pack::unpack(packed.bytes, &mut raw)?;
            let mut block = Block::open(&raw).ok_or_else(damaged)?;
            while let Some(part) = block.next_part().ok_or_else(damaged)? {
                let run = runs.get(part.run).ok_or_else(damaged)?;
                block.read(&part, run, &mut each).ok_or_else(damaged)?;
            }
        }
        Ok(())
    }
}
