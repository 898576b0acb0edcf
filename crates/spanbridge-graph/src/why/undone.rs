//! Transactions of databases that were rolled back: nothing that they wrote is in the database.

use super::explain::Known;
use super::model::{RolledBack, Why};
use crate::causes::{Causes, Hop};
use crate::hash::Map;
use crate::model::Span;
use spanbridge::{SegmentId, semconv};

/// So many transactions that were open at the same time in one process are looked at, to find that of a statement.
const MAX_AT_ONCE: usize = 16;

/// The transactions.
#[derive(Default)]
pub(super) struct Undone {
    /// What was rolled back, and the outermost transaction that it belongs to. A statement whose transaction is not recorded
    /// belongs to itself.
    transactions: Map<u32, u32>,
    /// Statements of a transaction that wrote rows, in causal order.
    statements: Map<u32, Vec<u32>>,
}

impl Undone {
    pub(super) fn of(causes: &Causes<'_>, order: &[u32]) -> Self {
        let mut undone = Undone::default();
        let mut by_process: Map<SegmentId, Vec<(u64, u32)>> = Map::default();
        let mut elsewhere = Vec::new();
        for node in order {
            let Some(span) = causes.span(*node as usize) else { continue };
            let above = causes.cause(*node as usize).filter(|_| causes.hop(*node as usize) == Hop::Local);
            if let Some(of) = above
                .and_then(|above| undone.transactions.get(&(above as u32)).copied())
                .filter(|of| causes.span(*of as usize).is_some_and(|of| is_same_database(of, span)))
            {
                undone.transactions.insert(*node, of);
            } else if span.text(semconv::DB_TRANSACTION) == Some("rolled_back") {
                undone.transactions.insert(*node, *node);
                match is_transaction(span) {
                    true => by_process.entry(span.segment_id).or_default().push((span.started_at, *node)),
                    false => elsewhere.push(*node),
                }
            }
        }
        by_process.values_mut().for_each(|begun| begun.sort_unstable());
        for node in elsewhere {
            let Some(span) = causes.span(node as usize) else { continue };
            let begun = by_process.get(&span.segment_id).map_or(&[][..], Vec::as_slice);
            let begun = &begun[..begun.partition_point(|(at, _)| *at <= span.started_at)];
            let is_around = |at: u32| match (causes.ended_at(at as usize), span.ended_at) {
                (Some(end), Some(of)) => of <= end,
                (end, _) => end.is_none(),
            };
            // The innermost one that was open.
            let around = begun.iter().rev().take(MAX_AT_ONCE).map(|(_, at)| *at).find(|at| is_around(*at));
            undone.transactions.extend(around.map(|of| (node, of)));
        }
        if !undone.transactions.is_empty() {
            for node in order {
                let of = undone.transactions.get(node).filter(|_| wrote(causes, *node));
                of.into_iter().for_each(|of| undone.statements.entry(*of).or_default().push(*node));
            }
        }
        undone
    }

    pub(super) fn is_empty(&self) -> bool {
        self.transactions.is_empty()
    }

    /// Whether this is such a transaction, or a statement in one. What it changed was never done, whatever recorded it.
    pub(super) fn is(&self, node: usize) -> bool {
        self.transactions.contains_key(&(node as u32))
    }

    /// The transactions of these nodes, in their order, each once.
    pub(super) fn transactions_of(&self, nodes: &[u32]) -> Vec<u32> {
        let mut found: Vec<u32> = Vec::new();
        let mut seen = crate::hash::Set::default();
        for of in nodes.iter().filter_map(|node| self.transactions.get(node)) {
            if seen.insert(*of) {
                found.push(*of);
            }
        }
        found
    }

    /// What is said of a transaction.
    pub(super) fn described(&self, known: &Known<'_, '_>, node: u32) -> RolledBack {
        let wrote = self.statements.get(&node).map_or(&[][..], Vec::as_slice);
        RolledBack {
            transaction: known.step(node as usize),
            statements: wrote.iter().take(Why::MAX_LISTED).map(|node| known.step(*node as usize)).collect(),
            more_statements: wrote.len().saturating_sub(Why::MAX_LISTED),
        }
    }
}

/// Whether the span is that of a whole transaction. A statement that is not below it says itself that it was rolled back.
fn is_transaction(span: &Span) -> bool {
    span.text(semconv::DB_OPERATION_NAME).is_none_or(|operation| operation == "BEGIN")
}

/// A step that works on another database is not part of the transaction, wherever it stands.
fn is_same_database(a: &Span, b: &Span) -> bool {
    let name = |span: &Span| span.text(semconv::DB_NAMESPACE).map(str::to_owned);
    name(a).is_none_or(|a| name(b).is_none_or(|b| a == b))
}

/// Whether a statement changed rows, before that was undone.
fn wrote(causes: &Causes<'_>, node: u32) -> bool {
    causes.span(node as usize).is_some_and(|span| span.integer(semconv::DB_AFFECTED_ROWS).is_some_and(|rows| rows > 0))
}
