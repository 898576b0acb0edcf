//! Which messages without a settlement count, by the other runs.

use super::snapshot::{Asked, Result};
use crate::mention::SETTLES_OTHERS;
use crate::session::Uuid;
use spanbridge_query::RunRow;

impl Asked<'_> {
    /// Says in these rows how many messages were never settled.
    pub(super) fn judge(&self, rows: &mut [RunRow]) -> Result<()> {
        self.never_settled.judge(rows, |receivers| self.settling_others(receivers))
    }

    /// Those of these receivers that settle messages of several runs with one call.
    fn settling_others(&self, receivers: &[u64]) -> Result<Vec<u64>> {
        let doing = "look who settles messages of several runs";
        // Tables of earlier versions do not know. Then nothing is said of any.
        if !self.transaction.value::<bool>(doing, "SELECT max(version) > 2 FROM spanbridge", &[])? {
            return Ok(receivers.to_vec());
        }
        let others = self.not_current()?.iter().flat_map(|row| &row.unsettled().settle_others);
        let mut found: Vec<u64> = others.copied().collect();
        let ids: Vec<Uuid> = receivers.iter().map(|receiver| Uuid((*receiver).into())).collect();
        let query = "SELECT id FROM unnest($1::uuid[]) AS receiver (id) WHERE EXISTS (SELECT FROM mention m \
                     JOIN run r ON r.run = m.run WHERE m.id = receiver.id AND m.kind = $2 AND r.is_current)";
        for row in self.transaction.query(doing, query, &[&ids, &SETTLES_OTHERS])? {
            let id: Uuid = row.try_get(0).map_err(|error| self.transaction.failed(doing, &error))?;
            found.push(id.0 as u64);
        }
        Ok(found)
    }
}
