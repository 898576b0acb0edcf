//! Recording rows of databases that were changed.

use super::Mutation;
use crate::context::Shared;
use crate::cut::{MAX_TEXT, cut};
use crate::encoder::layout::{Fact, Field};
use crate::encoder::{Item, Key, thread_recorder};
use crate::{Context, Value, semconv};

/// Records that a row was changed, and that this was committed.
///
/// `context` is that of who wrote it: the record is of its run and trace, and of its span if the mutation names none. `None`: the
/// writer is not known, so the record has neither run nor trace. Ask [`records_mutations`] before you capture anything.
///
/// Never blocks and never fails. A context that is not recorded, or no recorder: nothing is recorded. Values that make the
/// record too large (about 32 KiB) are left out, those before the change first, and a diagnostic says so.
///
/// ```
/// use spanbridge::adapter::{self, Mutation, MutationOp};
///
/// fn committed(context: Option<&spanbridge::Context>) {
///     let row = Mutation::new("m1", "shop", "orders", r#"{"id":1}"#, MutationOp::Update)
///         .with_after(Some(r#"{"status":"paid"}"#.into()))
///         .with_columns(vec!["status".into()]);
///     adapter::record_mutation(context, &row);
/// }
/// committed(Some(&spanbridge::observe::current_context()));
/// committed(None);
/// ```
pub fn record_mutation(context: Option<&Context>, mutation: &Mutation<'_>) {
    match context {
        Some(context) => {
            if let (true, Some(shared)) = (context.is_recorded(), context.shared()) {
                let span = mutation.span_id.or(context.own_span());
                record(shared, span.map_or(0, |span| span.get()), mutation)
            }
        }
        None => {
            if let Some(shared) = Shared::without_run() {
                record(&shared, mutation.span_id.map_or(0, |span| span.get()), mutation)
            }
        }
    }
}

/// Whether [`record_mutation`] would record something with this context.
pub fn records_mutations(context: Option<&Context>) -> bool {
    match context {
        Some(context) => context.is_recorded(),
        None => Shared::without_run().is_some(),
    }
}

fn record(shared: &Shared, span: u64, mutation: &Mutation<'_>) {
    let mut items = fields(mutation);
    let mut left_out = None;
    for (field, what) in [(Field::Before, "values before the change"), (Field::After, "all values")] {
        if thread_recorder().fits(&items) {
            break;
        }
        items.retain(|(key, _)| !matches!(key, Key::Field(f) if *f == field));
        left_out = Some(what)
    }
    if thread_recorder().fits(&items) {
        thread_recorder().fact(shared, Fact::Mutation, span, 0, &items);
    } else {
        left_out = Some("the whole change")
    }
    if let Some(what) = left_out {
        tell(shared, span, mutation, what)
    }
}

#[cold]
fn tell(shared: &Shared, span: u64, mutation: &Mutation<'_>, what: &str) {
    let message = format!("a row of {}: {what} left out, the record was full", cut(&mutation.table, 100));
    let items = [
        (Key::Field(Field::Name), Value::Static(semconv::MUTATION_CUT)),
        (Key::Field(Field::Message), Value::Str(&message)),
    ];
    thread_recorder().fact(shared, Fact::Diagnostic, span, 0, &items);
}

fn fields<'m>(mutation: &'m Mutation<'_>) -> Vec<Item<'m>> {
    let number = |field, number: u64| (Key::Field(field), Value::I64(number as i64));
    let mut items = vec![
        (Key::Field(Field::Database), Value::Str(cut(&mutation.database, MAX_TEXT))),
        (Key::Field(Field::Name), Value::Str(cut(&mutation.table, MAX_TEXT))),
        number(Field::Op, mutation.op as u64),
    ];
    pieces(&mut items, Field::MutationId, &mutation.mutation_id);
    pieces(&mut items, Field::Key, &mutation.key);
    if let Some(before) = &mutation.before {
        pieces(&mut items, Field::Before, before)
    }
    if let Some(after) = &mutation.after {
        pieces(&mut items, Field::After, after)
    }
    items.extend(mutation.columns.iter().map(|name| (Key::Field(Field::Column), Value::Str(cut(name, MAX_TEXT)))));
    items.extend(mutation.committed_at.map(|at| number(Field::CommittedAt, at)));
    items.extend(mutation.position.iter().map(|p| (Key::Field(Field::Position), Value::Str(cut(p, MAX_TEXT)))));
    items
}

/// A text in as many items as it takes.
fn pieces<'m>(items: &mut Vec<Item<'m>>, field: Field, text: &'m str) {
    let mut rest = text;
    loop {
        let piece = cut(rest, MAX_TEXT);
        items.push((Key::Field(field), Value::Str(piece)));
        rest = &rest[piece.len()..];
        if rest.is_empty() || piece.is_empty() {
            return;
        }
    }
}
