//! A mutation, borrowed: as it lies in a batch, or from the owned form.

use super::{Mutation, MutationOp};
use crate::SpanId;
use crate::encoder::layout::Field;
use crate::record::words::Items;
use std::borrow::Cow;
use std::fmt;

/// A row of a database was changed. The owned form is [`Mutation`].
///
/// The texts are decoded when you ask for them. Most are borrowed; one that is longer than 4 KiB lies in a batch in pieces,
/// and is put together.
#[derive(Clone, Copy)]
pub struct MutationView<'a> {
    span_id: Option<SpanId>,
    from: From<'a>,
}

#[derive(Clone, Copy)]
enum From<'a> {
    Packed(Items<'a>),
    Owned(&'a Mutation<'a>),
}

impl<'a> MutationView<'a> {
    pub(super) fn packed(span_id: Option<SpanId>, items: Items<'a>) -> Self {
        MutationView { span_id, from: From::Packed(items) }
    }

    pub(super) fn of(mutation: &'a Mutation<'a>) -> Self {
        MutationView { span_id: mutation.span_id, from: From::Owned(mutation) }
    }

    /// Names the mutation.
    pub fn mutation_id(self) -> Cow<'a, str> {
        self.text(Field::MutationId, |m| Some(&m.mutation_id)).unwrap_or_default()
    }

    /// The span that wrote it.
    pub fn span_id(self) -> Option<SpanId> {
        self.span_id
    }

    /// The database.
    pub fn database(self) -> &'a str {
        self.short(Field::Database, |m| Some(&m.database)).unwrap_or_default()
    }

    /// The table.
    pub fn table(self) -> &'a str {
        self.short(Field::Name, |m| Some(&m.table)).unwrap_or_default()
    }

    /// The key of the row: a JSON object.
    pub fn key(self) -> Cow<'a, str> {
        self.text(Field::Key, |m| Some(&m.key)).unwrap_or_default()
    }

    /// What was done.
    pub fn op(self) -> MutationOp {
        match self.from {
            From::Packed(items) => {
                let op = { items }.field_number(Field::Op).unwrap_or_default();
                MutationOp::ALL.get(op as usize).copied().unwrap_or(MutationOp::Update)
            }
            From::Owned(mutation) => mutation.op,
        }
    }

    /// Values before the change: a JSON object.
    pub fn before(self) -> Option<Cow<'a, str>> {
        self.text(Field::Before, |m| m.before.as_ref())
    }

    /// Values after the change: a JSON object.
    pub fn after(self) -> Option<Cow<'a, str>> {
        self.text(Field::After, |m| m.after.as_ref())
    }

    /// The columns that were written.
    pub fn columns(self) -> ColumnsView<'a> {
        ColumnsView(match self.from {
            From::Packed(items) => Columns::Packed(items),
            From::Owned(mutation) => Columns::List(&mutation.columns),
        })
    }

    /// When it was committed, in nanoseconds since the Unix epoch.
    pub fn committed_at(self) -> Option<u64> {
        match self.from {
            From::Packed(mut items) => items.field_number(Field::CommittedAt),
            From::Owned(mutation) => mutation.committed_at,
        }
    }

    /// Where it stands in the database's own order.
    pub fn position(self) -> Option<&'a str> {
        self.short(Field::Position, |m| m.position.as_ref())
    }

    /// A text that is in one piece.
    fn short(self, field: Field, of: impl Fn(&'a Mutation<'a>) -> Option<&'a Cow<'a, str>>) -> Option<&'a str> {
        match self.from {
            From::Packed(items) => items.text(field),
            From::Owned(mutation) => of(mutation).map(|text| &**text),
        }
    }

    fn text(self, field: Field, of: impl Fn(&'a Mutation<'a>) -> Option<&'a Cow<'a, str>>) -> Option<Cow<'a, str>> {
        match self.from {
            From::Packed(items) => {
                let mut pieces = items.values(field).filter_map(|value| value.as_str());
                let first = Cow::Borrowed(pieces.next()?);
                Some(pieces.fold(first, |text, piece| text + piece))
            }
            From::Owned(mutation) => of(mutation).map(|text| Cow::Borrowed(&**text)),
        }
    }

    /// The owned form. Texts stay borrowed where they can.
    pub(super) fn to_mutation(self) -> Mutation<'a> {
        Mutation {
            mutation_id: self.mutation_id(),
            span_id: self.span_id,
            database: self.database().into(),
            table: self.table().into(),
            key: self.key(),
            op: self.op(),
            before: self.before(),
            after: self.after(),
            columns: self.columns().iter().map(Cow::Borrowed).collect(),
            committed_at: self.committed_at(),
            position: self.position().map(Cow::Borrowed),
        }
    }
}

/// Equal where what they say is.
impl PartialEq for MutationView<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.to_mutation() == other.to_mutation()
    }
}

impl fmt::Debug for MutationView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_mutation().fmt(f)
    }
}

/// The names of the columns that a mutation wrote, borrowed.
#[derive(Clone, Copy)]
pub struct ColumnsView<'a>(Columns<'a>);

#[derive(Clone, Copy)]
enum Columns<'a> {
    Packed(Items<'a>),
    List(&'a [Cow<'a, str>]),
}

impl<'a> ColumnsView<'a> {
    /// Each name, in the order in which they were recorded.
    pub fn iter(self) -> impl Iterator<Item = &'a str> {
        let (packed, list) = match self.0 {
            Columns::Packed(items) => (Some(items), &[][..]),
            Columns::List(list) => (None, list),
        };
        let packed = packed.into_iter().flat_map(|items| items.values(Field::Column)).filter_map(|name| name.as_str());
        packed.chain(list.iter().map(|name| &**name))
    }
}

impl fmt::Debug for ColumnsView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
