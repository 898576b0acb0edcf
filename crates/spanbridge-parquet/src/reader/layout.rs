//! Where the columns are in a file. Other programs may have written it again, with columns in another order, more of them, or columns
//! that may be null.

use crate::columns::{COLUMNS, Column, Number};
use crate::error::{Error, ErrorKind, Result};
use crate::leaf::{leaves_of, slot};
use crate::schema::{FORMAT, FORMAT_KEY};
use parquet::basic::{LogicalType, Repetition, TimeUnit, Type};
use parquet::file::metadata::FileMetaData;
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor, Type as SchemaType};

/// A leaf that was found.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    /// Its position among the leaves of the file.
    pub(super) at: usize,
    /// The definition level of a value that is there.
    pub(super) value: i16,
    /// The definition levels from which there is an entry in the outer list, and in the inner one.
    pub(super) entry: [i16; 2],
    pub(super) depth: i16,
}

/// The places of all leaves, by slot.
pub(super) fn layout(metadata: &FileMetaData) -> Result<Vec<Place>> {
    check_format(metadata)?;
    let schema = metadata.schema_descr();
    let mut places = vec![Place::default(); slot::COUNT];
    let (mut missing, mut wrong) = (Vec::new(), Vec::new());
    for (name, column) in COLUMNS {
        if !schema.root_schema().get_fields().iter().any(|field| field.name() == name) {
            missing.push(name);
            continue;
        }
        for (below, slot) in leaves_of(column) {
            match place(schema, name, below, column) {
                Some(place) => places[slot] = place,
                None if wrong.last() == Some(&name) => {}
                None => wrong.push(name),
            }
        }
    }
    let list = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let of_others = |why| Err(Error::new(ErrorKind::OtherColumns, why));
    match (&missing[..], &wrong[..]) {
        ([], []) => Ok(places),
        (missing, _) if missing.len() == COLUMNS.len() => {
            of_others("it has none of the columns of `spanbridge export --to parquet`".to_owned())
        }
        ([], wrong) => of_others(format!("its column {} is not of the type that spanbridge writes", list(wrong))),
        (missing, _) => of_others(format!("it has no column {}", list(missing))),
    }
}

fn check_format(metadata: &FileMetaData) -> Result<()> {
    let Some(found) = metadata.key_value_metadata().into_iter().flatten().find(|pair| pair.key == FORMAT_KEY) else {
        // Other programs leave it out when they write a file again.
        return Ok(());
    };
    match found.value.as_deref().unwrap_or_default().parse::<u32>() {
        Ok(version) if (1..=FORMAT).contains(&version) => Ok(()),
        Ok(version) if version > FORMAT => {
            let why = format!("a newer spanbridge wrote it, in the format {version}; this one reads up to {FORMAT}");
            Err(Error::new(ErrorKind::NewerFormat, why))
        }
        _ => Err(Error::new(ErrorKind::Corrupt, format!("its `{FORMAT_KEY}` is no version"))),
    }
}

/// The place of a leaf. `None`: it is not there, or not what it should be.
fn place(schema: &SchemaDescriptor, name: &str, below: &str, column: Column) -> Option<Place> {
    let path = format!("{name}{below}");
    let at = schema.columns().iter().position(|leaf| leaf.path().string() == path)?;
    let leaf = schema.column(at);
    if !has_type(&leaf, column) {
        return None;
    }
    let (mut definition, mut repetition, mut entry) = (0, 0usize, [0; 2]);
    let mut node: &SchemaType = schema.root_schema();
    for part in leaf.path().parts() {
        node = node.get_fields().iter().find(|field| field.name() == part)?;
        match node.get_basic_info().repetition() {
            Repetition::REQUIRED => {}
            Repetition::OPTIONAL => definition += 1,
            Repetition::REPEATED => {
                definition += 1;
                *entry.get_mut(repetition)? = definition;
                repetition += 1;
            }
        }
    }
    let depth = below.matches(".list").count() + below.matches(".key_value").count();
    let is_as_said = definition == leaf.max_def_level() && repetition == depth && leaf.max_rep_level() == depth as i16;
    is_as_said.then_some(Place { at, value: definition, entry, depth: depth as i16 })
}

fn has_type(leaf: &ColumnDescriptor, column: Column) -> bool {
    let logical = leaf.logical_type_ref();
    match column {
        Column::Number(Number::StartedAt | Number::EndedAt, _) => {
            let is_nanos = matches!(logical, Some(LogicalType::Timestamp(time)) if time.unit == TimeUnit::NANOS);
            leaf.physical_type() == Type::INT64 && is_nanos
        }
        Column::Number(..) => {
            leaf.physical_type() == Type::INT64 && matches!(logical, None | Some(LogicalType::Integer(_)))
        }
        _ => leaf.physical_type() == Type::BYTE_ARRAY,
    }
}
