//! What `spanbridge::agent` records is what `docs/opentelemetry.md` says, in both directions.
#![cfg(feature = "record")]

mod support;

use spanbridge::agent::{self, Composition, Content, CostEvent, MemoryOperation, SpanExt};
use spanbridge::messaging::CaptureMode;
use spanbridge::observe::{SpanBuilder, active_span};
use spanbridge::{Primitive, Sampler, semconv};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use support::*;

const DOC: &str = include_str!("../../../docs/opentelemetry.md");

/// The rows of the table under a heading, without that of the columns' names. Each cell is a list.
fn table(heading: &str) -> Vec<Vec<Vec<&'static str>>> {
    let (_, rest) = DOC.split_once(&format!("\n## {heading}\n")).expect("the heading");
    let rows = rest.split("\n## ").next().unwrap_or_default().lines().filter(|line| line.starts_with("| "));
    let cell = |cell: &'static str| {
        cell.split(", ").map(|one| one.trim().trim_matches('`')).filter(|one| !one.is_empty()).collect()
    };
    rows.skip(1).map(|row| row.trim_matches('|').split('|').map(cell).collect()).collect()
}

/// A row of the table of primitives.
#[derive(Debug)]
struct Row {
    primitives: Vec<&'static str>,
    name: &'static str,
    kind: &'static str,
    by: &'static str,
    always: Vec<&'static str>,
    told: Vec<&'static str>,
    content: Vec<&'static str>,
}

fn rows() -> Vec<Row> {
    let row = |row: Vec<Vec<&'static str>>| {
        let [primitives, name, kind, by, always, told, content] = <[_; 7]>::try_from(row).expect("seven columns");
        let kind = kind[0].trim_matches('`');
        Row { primitives, name: name[0], kind, by: by[0], always, told, content }
    };
    table("Primitives").into_iter().map(row).collect()
}

/// The names in the source of `semconv`, by their constants.
fn constants() -> BTreeMap<&'static str, &'static str> {
    let source = include_str!("../src/semconv.rs");
    let constants = source.lines().filter_map(|line| line.strip_prefix("pub const ")?.split_once(": &str = \""));
    constants.map(|(constant, value)| (constant, value.trim_end_matches("\";"))).collect()
}

/// The functions that begin spans, by primitive. (The compiler does not see a missing one; the test of the primitives does.)
fn begin(primitive: &str) -> Option<SpanBuilder> {
    Some(match primitive {
        "generation.call" => agent::generation("chat", "gpt-4"),
        "generation.stream" => agent::stream("chat", "gpt-4"),
        "embedding.call" => agent::embeddings("text-embedding-3-small"),
        "tool.call" => agent::tool("weather"),
        "delegate.invoke" => agent::delegate("planner"),
        "flow.run" => agent::flow("onboarding"),
        "flow.step" => agent::step("check"),
        "flow.suspension" => agent::suspension("approval"),
        "flow.resume" => agent::resume("approval"),
        "composition.parallel" => agent::composition(Composition::Parallel, "research"),
        "composition.pipeline" => agent::composition(Composition::Pipeline, "research"),
        "composition.consensus" => agent::composition(Composition::Consensus, "research"),
        "composition.swarm" => agent::composition(Composition::Swarm, "research"),
        "composition.branch" => agent::composition(Composition::Branch, "research"),
        "composition.join" => agent::composition(Composition::Join, "research"),
        "retrieval.query" => agent::retrieval("handbook"),
        "memory.read" => agent::memory(MemoryOperation::Search),
        "memory.write" => agent::memory(MemoryOperation::Upsert),
        "corpus.sync" => agent::corpus_sync(),
        "corpus.source" => agent::corpus_source("add"),
        "compaction.run" => agent::compaction(),
        "scoring.judge" => agent::judge("relevance"),
        "cost.record" => agent::cost(CostEvent::Warn),
        _ => return None,
    })
}

/// A word, and what says it.
type Word = (&'static str, fn(SpanBuilder) -> SpanBuilder);

macro_rules! words {
    ($($name:ident($($value:expr),*),)*) => { &[$((stringify!($name), |span| span.$name($($value),*))),*] };
}

/// Every method of `SpanExt`.
const WORDS: &[Word] = words![
    provider("openai"),
    conversation("c-1"),
    compacted(true),
    response_model("gpt-4-0613"),
    response_id("r-1"),
    finish_reasons(&["stop"]),
    time_to_first_chunk(Duration::from_millis(250)),
    input_tokens(12_u64),
    output_tokens(Some(30)),
    cache_read_tokens(4),
    cache_write_tokens(2),
    reasoning_tokens(8),
    dimensions(1024),
    cost(0.5),
    currency("EUR"),
    cost_source("gpt-4"),
    cost_threshold(2.0),
    cost_total(1.5),
    call_id("call-1"),
    tool_type("function"),
    output_type("json"),
    raw_bytes(4000),
    model_bytes(400),
    saved_tokens(900),
    delegation_id("d-1"),
    flow_id("f-1"),
    step_id("s-1"),
    agent_count(3),
    compaction_ratio(0.25),
    top_k(5),
    memory_store("profiles"),
    memory_type("episodic"),
    memory_count(2),
    corpus_id("handbook"),
    namespace("tenant"),
    source_id("a.md"),
    chunk_count(7),
    sources_added(1),
    sources_updated(2),
    sources_removed(3),
    sources_unchanged(4),
    dry_run(true),
];

/// The methods of the table, by their attributes.
fn words() -> BTreeMap<&'static str, &'static str> {
    table("Methods").into_iter().map(|row| (row[0][0], row[1][0])).collect()
}

/// What one span records.
fn seen(content: CaptureMode, f: impl FnOnce()) -> Seen {
    let (recorder, memory) = with(|builder| builder.on_flush_only().content(content));
    recorder.in_scope(f);
    flush(&recorder);
    let mut spans = spans(&memory.records());
    assert_eq!(spans.len(), 1);
    spans.remove(0)
}

fn names(span: &Seen) -> BTreeSet<&str> {
    span.attributes.iter().map(|(name, _)| name.as_str()).collect()
}

/// Every primitive of the code is in the table once, and nothing else is.
#[test]
fn the_table_has_every_primitive() {
    let source = include_str!("../src/context/primitive.rs");
    let (_, list) = source.split_once("\nprimitives! {\n").unwrap();
    let known: BTreeSet<_> = list.lines().take_while(|line| *line != "}").filter_map(|l| l.split('"').nth(1)).collect();
    let listed: Vec<_> = rows().into_iter().flat_map(|row| row.primitives).collect();
    assert_eq!(listed.iter().copied().collect::<BTreeSet<_>>(), known);
    assert_eq!(listed.len(), known.len(), "listed twice");
    assert!(known.len() > 30 && known.iter().all(|name| Primitive::get(name).is_some()));
}

/// Every name in the tables is one of `semconv`, and every name of `semconv` that only agents have is in the tables.
#[test]
fn the_tables_and_the_constants_agree() {
    // Names that the conventions had before are read, and not written.
    let constants = constants().into_iter().filter(|(constant, _)| !constant.starts_with("OLD_"));
    let constants: BTreeSet<_> = constants.map(|(_, name)| name).collect();
    let mut named: BTreeSet<&str> = words().into_keys().collect();
    for row in rows() {
        named.extend(row.always.iter().chain(&row.told).chain(&row.content));
        named.extend(row.name.split('{').filter_map(|part| Some(part.split_once('}')?.0)));
    }
    for event in table("Agent events") {
        named.extend([&event[0], &event[2], &event[3]].into_iter().flatten());
    }
    let unknown: Vec<_> = named.difference(&constants).collect();
    assert!(unknown.is_empty(), "in the tables, and not in semconv: {unknown:?}");
    let families = ["compaction", "composition", "corpus", "cost", "delegation", "flow", "memory", "tool"];
    let of_agents = |name: &&&str| {
        let ours = name.strip_prefix("spanbridge.").and_then(|name| name.split('.').next());
        name.starts_with("gen_ai.") || ours.is_some_and(|family| families.contains(&family))
    };
    let unused: Vec<_> = constants.iter().filter(of_agents).filter(|name| !named.contains(*name)).collect();
    assert!(unused.is_empty(), "in semconv, and not in the tables: {unused:?}");
}

/// Every method of `SpanExt` is in the table of words, and is called by this test.
#[test]
fn the_table_has_every_word() {
    let source = include_str!("../src/agent/span_ext.rs");
    let (_, methods) = source.split_once("\npub trait SpanExt: ").unwrap();
    let methods = methods.lines().take_while(|line| *line != "}").filter_map(|line| line.strip_prefix("    fn "));
    let methods: BTreeSet<_> = methods.filter_map(|line| line.split(['<', '(']).next()).collect();
    assert_eq!(words().into_values().collect::<BTreeSet<_>>(), methods);
    assert_eq!(WORDS.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>(), methods);
    assert_eq!(words().len(), methods.len(), "a word for two attributes");
    let told: BTreeSet<_> =
        rows().into_iter().filter(|row| row.by.starts_with("agent::")).flat_map(|row| row.told).collect();
    assert_eq!(told, words().into_keys().collect(), "words, and what spans are told");
    for (name, say) in WORDS {
        let span = seen(CaptureMode::Off, || say(spanbridge::observe::span("s")).in_scope(|| ()));
        let says: Vec<_> = names(&span).into_iter().collect();
        assert!(says.len() == 1 && words()[says[0]] == *name, "{name}: {says:?}");
    }
}

/// A span that was told nothing has what the table says it always has; told everything, it has that, too.
#[test]
fn a_span_has_what_its_row_says() {
    let words = words();
    for row in rows() {
        for primitive in &row.primitives {
            assert_eq!(begin(primitive).is_some(), row.by.starts_with("agent::"), "{primitive}");
            let Some(function) = row.by.strip_prefix("agent::") else { continue };
            assert!(include_str!("../src/agent/begin.rs").contains(&format!("\npub fn {function}(")), "{function}");

            let bare = seen(CaptureMode::Off, || begin(primitive).unwrap().in_scope(|| ()));
            assert_eq!(names(&bare), row.always.iter().copied().collect(), "{primitive} always");
            assert_eq!((bare.primitive.as_str(), bare.kind.name()), (*primitive, row.kind));
            let filled = |name: String, (key, value): &(String, String)| name.replace(&format!("{{{key}}}"), value);
            assert_eq!(bare.name, bare.attributes.iter().fold(row.name.to_owned(), filled));

            let say = |mut span: SpanBuilder| {
                for attribute in &row.told {
                    let word = words[attribute];
                    span = WORDS.iter().find(|(name, _)| *name == word).unwrap().1(span);
                }
                span
            };
            let offer = || {
                for content in Content::ALL.into_iter().filter(|content| row.content.contains(&content.name())) {
                    agent::content(content, || "[1]");
                }
            };
            let mut all: BTreeSet<_> = row.always.iter().chain(&row.told).copied().collect();
            let told = seen(CaptureMode::Off, || say(begin(primitive).unwrap()).in_scope(offer));
            assert_eq!(names(&told), all, "{primitive}, told everything");
            all.extend(&row.content);
            let inline = CaptureMode::Inline { max: 100 };
            let told = seen(inline, || say(begin(primitive).unwrap()).in_scope(offer));
            assert_eq!(names(&told), all, "{primitive}, with content");
        }
    }
}

/// Every content belongs to a span, and only that which is in the column of content is content.
#[test]
fn the_table_has_all_content() {
    let all: BTreeSet<_> = Content::ALL.into_iter().map(Content::name).collect();
    let listed: BTreeSet<_> = rows().into_iter().flat_map(|row| row.content).collect();
    assert_eq!(listed, all);
    assert_eq!(all.len(), Content::ALL.len(), "two have one name");
    // An exporter that is not allowed to show content knows it by these.
    assert!(all.iter().all(|name| semconv::is_content(name)), "not all of it is content to an exporter");
    assert!(rows().iter().flat_map(|row| row.always.iter().chain(&row.told)).all(|name| !all.contains(name)));
    let marked: BTreeSet<_> = constants_of_content().collect();
    assert_eq!(marked, all, "constants whose comment begins with `Content:`");
}

/// The names whose constants are described as content.
fn constants_of_content() -> impl Iterator<Item = &'static str> {
    let lines: Vec<_> = include_str!("../src/semconv.rs").lines().collect();
    let pairs: Vec<_> =
        lines.windows(2).filter(|pair| pair[0].starts_with("/// Content: ")).map(|pair| pair[1]).collect();
    pairs.into_iter().filter_map(|line| line.split('"').nth(1))
}

/// What a sampler needs to decide about a root is known when the span begins.
#[test]
fn a_sampler_sees_what_is_asked_for() {
    let sampler = Sampler::by(|root| {
        let asked = [semconv::GEN_AI_OPERATION_NAME, semconv::GEN_AI_REQUEST_MODEL, semconv::GEN_AI_PROVIDER_NAME];
        assert!(asked.iter().all(|name| root.attribute(name).is_some()), "{root:?}");
        root.name() == "chat gpt-4"
    });
    let (recorder, memory) = with(|builder| builder.on_flush_only().sampler(sampler));
    recorder.in_scope(|| {
        for model in ["gpt-4", "other"] {
            agent::generation("chat", model).provider("openai").in_scope(|| {
                active_span().output_tokens(30);
            })
        }
    });
    flush(&recorder);
    let spans = spans(&memory.records());
    assert_eq!(spans.len(), 1);
    assert!(names(&spans[0]).contains(semconv::GEN_AI_USAGE_OUTPUT_TOKENS));
}
