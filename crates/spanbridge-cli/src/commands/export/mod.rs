//! `spanbridge export`: writes runs for other programs.

mod output;
#[cfg(feature = "parquet")]
mod parquet;
mod runs;

use super::runs::chosen;
use crate::args::{Cli, Export, ExportFormat};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::stream;
use output::Output;
use runs::Runs;
use spanbridge::record::Record;
use spanbridge_cli::export::{Drawing, GraphWriter};
#[cfg(not(feature = "parquet"))]
use spanbridge_cli::place::not_built;
use spanbridge_otel::spans::{FileForm, FileWriter};
use spanbridge_query::Store;

/// Mermaid refuses to draw more edges, unless its `maxEdges` says otherwise.
const MERMAID_EDGES: usize = 500;

pub(super) fn run(cli: &Cli, args: &Export, store: &Store) -> Result<(), Failure> {
    let runs = Runs::find(store, args.id.as_deref(), &chosen(&args.filters).query())?;
    let mut output = Output::open(cli, args.output.as_deref())?;
    let written = match args.to {
        ExportFormat::Lines => lines(store, &runs, &mut output)?,
        ExportFormat::Otlp => otlp(store, &runs, &mut output, FileForm::Json)?,
        ExportFormat::OtlpProtobuf => otlp(store, &runs, &mut output, FileForm::Protobuf)?,
        ExportFormat::Mermaid => draw(store, &runs, &mut output, Drawing::Mermaid)?,
        ExportFormat::Dot => draw(store, &runs, &mut output, Drawing::Dot)?,
        ExportFormat::Perfetto => draw(store, &runs, &mut output, Drawing::Perfetto)?,
        #[cfg(feature = "parquet")]
        ExportFormat::Parquet => parquet::write(store, &runs, &mut output, args.output.is_some())?,
        // The value is there in every build, so that its help is.
        #[cfg(not(feature = "parquet"))]
        ExportFormat::Parquet => return Err(Failure::Usage(not_built("write Parquet", "parquet").to_string())),
    };
    if written == 0 {
        stream::note("there are no records to write");
    }
    output.finish()
}

/// Returns how many records were written.
fn lines(store: &Store, runs: &Runs, output: &mut Output) -> Result<usize, Failure> {
    let (mut progress, mut written) = (Progress::new(), 0);
    runs.each(|done, run| {
        store.records(run, |record| {
            output.write(|out| writeln!(out, "{}", record.to_json()));
            written += 1;
            if run.is_none() {
                runs.show(&mut progress, written);
            }
        })?;
        runs.show(&mut progress, done);
        Ok(!output.has_failed())
    })?;
    Ok(written)
}

/// Returns how many runs were drawn.
fn draw(store: &Store, runs: &Runs, output: &mut Output, drawing: Drawing) -> Result<usize, Failure> {
    let runs = &runs.listed(store)?;
    let mut progress = Progress::new();
    let (mut drawn, mut most) = (0, 0);
    let mut writer = GraphWriter::new(output.writer(), drawing);
    runs.each(|done, run| {
        let graph = run.map(|run| store.graph(run)).transpose()?.flatten();
        if let (Some(graph), Ok(to)) = (graph, &mut writer) {
            most = most.max(graph.spans.len());
            drawn += 1;
            if let Err(e) = to.write(&graph) {
                writer = Err(e);
            }
        }
        runs.show(&mut progress, done);
        Ok(writer.is_ok())
    })?;
    drop(progress);
    let finished = writer.and_then(GraphWriter::finish).map(drop);
    output.write(|_| finished);
    if drawing == Drawing::Mermaid && most > MERMAID_EDGES {
        stream::note(&format!(
            "Mermaid draws up to {MERMAID_EDGES} edges unless its maxEdges is larger; there is a run with {most} spans"
        ));
    }
    Ok(drawn)
}

/// So many records of a run are written at once, so that what is about one span comes together. Few runs have more.
const RECORDS_AT_ONCE: usize = 50_000;

/// Returns how many records were written.
fn otlp(store: &Store, runs: &Runs, output: &mut Output, form: FileForm) -> Result<usize, Failure> {
    let (mut progress, mut written) = (Progress::new(), 0);
    let mut writer = FileWriter::new(output.writer(), form);
    let mut result = Ok(());
    let mut waiting: Vec<Record<'static>> = Vec::new();
    let mut put = |waiting: &mut Vec<Record<'static>>| {
        if result.is_ok() {
            result = writer.write(waiting);
        }
        waiting.clear();
        result.is_ok()
    };
    runs.each(|done, run| {
        store.records(run, |record| {
            waiting.push(record.into_owned());
            written += 1;
            if waiting.len() == RECORDS_AT_ONCE {
                put(&mut waiting);
            }
            if run.is_none() {
                runs.show(&mut progress, written);
            }
        })?;
        runs.show(&mut progress, done);
        Ok(put(&mut waiting))
    })?;
    drop(progress);
    let finished = result.and_then(|()| writer.finish().map(drop));
    output.write(|_| finished);
    Ok(written)
}
