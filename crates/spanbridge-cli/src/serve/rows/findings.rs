//! What doctor found, at its row.

use super::order::Order;
use serde::Serialize;
use spanbridge_graph::Gap;

/// How many findings are sent.
const MAX_FINDINGS: usize = 1000;

/// Something that doctor found.
#[derive(Serialize)]
pub(super) struct Finding<'g> {
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<u32>,
    gap: &'g Gap,
}

pub(super) fn of<'g>(gaps: &'g [Gap], order: &Order) -> Vec<Finding<'g>> {
    let finding = |gap: &'g Gap| Finding { row: gap.span_id.and_then(|id| order.row(id)), gap };
    gaps.iter().take(MAX_FINDINGS).map(finding).collect()
}
