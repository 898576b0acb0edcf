//! What is recorded of an agent: never what it reads, writes or is told, unless the application asks for that.
#![cfg(feature = "record")]

mod support;

use spanbridge::agent::{self, Composition, Content, CostEvent, MemoryOperation, SpanExt};
use spanbridge::messaging::{CaptureMode, CapturePolicy, PartKind};
use spanbridge::observe::{self, active_span};
use spanbridge::record::{Artifact, Body, Diagnostic, Event, Record};
use spanbridge::{JsonLines, Kind, Memory, Recorder, Value, semconv};
use std::cell::Cell;
use std::future::ready;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;
use support::*;

/// It is in all content that is offered, and in every name of which only the hash may be recorded.
const SECRET: &str = "amelie@example.org";

/// Lines of JSON that are kept.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The tree of what `f` records by default. The secret is in no record. (A line is one record, as it is stored and sent.)
#[track_caller]
fn traced(f: impl FnOnce()) -> String {
    let (lines, memory) = (Lines::default(), Memory::new());
    let recorder = Recorder::builder("test").sink(memory.clone()).sink(JsonLines::new(lines.clone())).on_flush_only();
    let recorder = recorder.build().unwrap();
    recorder.in_scope(f);
    flush(&recorder);
    let lines = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(!lines.is_empty() && !lines.contains(SECRET), "{lines}");
    tree(&memory.records())
}

/// Offers content of every kind, all of it the secret.
fn offer_everything() {
    for content in Content::ALL {
        agent::content(content, || -> String { panic!("nobody asked for {content:?}") });
        agent::content(content, || format!("{{\"from\":\"{SECRET}\"}}"));
    }
}

fn now<F: Future>(f: F) -> F::Output {
    match pin!(f).poll(&mut std::task::Context::from_waker(Waker::noop())) {
        Poll::Ready(out) => out,
        Poll::Pending => panic!("nothing to wait for"),
    }
}

/// A generation has its provider, models, token usage and cost, as numbers.
#[test]
fn a_generation() {
    let tree = traced(|| {
        let work = async || {
            offer_everything();
            ready(()).await;
            active_span()
                .response_model("gpt-4-0613")
                .response_id("chatcmpl-123")
                .finish_reasons(&["stop", "a \"quote\""])
                .input_tokens(120_u32)
                .output_tokens(Some(30_i32))
                .cache_read_tokens(100_u64)
                .cache_write_tokens(None::<u64>)
                .reasoning_tokens(7_usize)
                .cost(0.0021);
        };
        now(agent::generation("chat", "gpt-4").provider("openai").conversation("c-1").compacted(true).run(work));
    });
    assert_eq!(
        tree,
        r#"
chat gpt-4 [ok] gen_ai.operation.name=chat gen_ai.request.model=gpt-4 gen_ai.provider.name=openai gen_ai.conversation.id=c-1 gen_ai.conversation.compacted=true gen_ai.response.model=gpt-4-0613 gen_ai.response.id=chatcmpl-123 gen_ai.response.finish_reasons=["stop","a \"quote\""] gen_ai.usage.input_tokens=120 gen_ai.usage.output_tokens=30 gen_ai.usage.cache_read.input_tokens=100 gen_ai.usage.reasoning.output_tokens=7 spanbridge.cost.amount=0.0021"#
    );
}

/// Usage and cost are recorded as numbers, finish reasons as an array.
#[test]
fn numbers_are_numbers() {
    let records = record(|| {
        agent::generation("chat", "gpt-4").input_tokens(u64::MAX).cost(2.0).finish_reasons(&["stop"]).in_scope(|| ())
    });
    let Some(Body::Span(span)) = records.iter().map(|r| &r.body).find(|body| matches!(body, Body::Span(_))) else {
        panic!("no span")
    };
    let value = |name: &str| span.attributes.iter().find(|(key, _)| *key == name).map(|(_, value)| value);
    assert_eq!(value(semconv::GEN_AI_USAGE_INPUT_TOKENS), Some(Value::I64(i64::MAX)));
    assert_eq!(value(semconv::COST_AMOUNT), Some(Value::F64(2.0)));
    assert_eq!(value(semconv::GEN_AI_RESPONSE_FINISH_REASONS), Some(Value::Json("[\"stop\"]")));
}

/// A stream is held open, and is told what it learns while it is.
#[test]
fn a_stream() {
    let tree = traced(|| {
        let span = agent::stream("chat", "gpt-4").provider("openai").open();
        span.in_scope(offer_everything);
        span.time_to_first_chunk(Duration::from_millis(250));
        span.input_tokens(120).output_tokens(30).cost(Some(0.0021)).currency("EUR");
        span.end();
    });
    assert_eq!(
        tree,
        "\nchat gpt-4 [ok] gen_ai.operation.name=chat gen_ai.request.model=gpt-4 gen_ai.request.stream=true \
         gen_ai.provider.name=openai gen_ai.response.time_to_first_chunk=0.25 gen_ai.usage.input_tokens=120 \
         gen_ai.usage.output_tokens=30 spanbridge.cost.amount=0.0021 spanbridge.cost.currency=EUR"
    );
}

/// Costs that are reported, come near a threshold, and reach it.
#[test]
fn costs() {
    let tree = traced(|| {
        agent::cost(CostEvent::Report).cost(0.5).cost_total(1.5).cost_source("gpt-4").in_scope(offer_everything);
        agent::cost(CostEvent::Warn).cost_total(1.75).cost_threshold(2.0).in_scope(|| ());
        let limit = agent::cost(CostEvent::Limit).cost_total(2.25).cost_threshold(2.0);
        limit.in_scope(|| Err::<(), _>("over budget")).unwrap_err();
    });
    assert_eq!(
        tree,
        r#"
cost report [ok] spanbridge.cost.event=report spanbridge.cost.amount=0.5 spanbridge.cost.total=1.5 spanbridge.cost.source=gpt-4
cost warn [ok] spanbridge.cost.event=warn spanbridge.cost.total=1.75 spanbridge.cost.threshold=2.0
cost limit [error] "over budget" spanbridge.cost.event=limit spanbridge.cost.total=2.25 spanbridge.cost.threshold=2.0 error.type=_OTHER"#
    );
}

/// A tool has its name, the call's id, and what its output is and measures, and not its output.
#[test]
fn a_tool() {
    let tree = traced(|| {
        agent::tool("weather").call_id("call-1").tool_type("function").in_scope(|| {
            offer_everything();
            active_span().output_type("json").raw_bytes(4000).model_bytes(400).saved_tokens(900);
        })
    });
    assert_eq!(
        tree,
        "\nexecute_tool weather [ok] gen_ai.operation.name=execute_tool gen_ai.tool.name=weather \
         gen_ai.tool.call.id=call-1 gen_ai.tool.type=function spanbridge.tool.output.type=json \
         spanbridge.tool.output.raw_bytes=4000 spanbridge.tool.output.model_bytes=400 \
         spanbridge.tool.output.saved_tokens=900"
    );
}

/// A flow has its id and name, a step its id and label, a suspension and what resumes it the point.
#[test]
fn a_flow() {
    let tree = traced(|| {
        agent::flow("onboarding").flow_id("f-1").in_scope(|| {
            agent::step("check").step_id("s-1").in_scope(offer_everything);
            agent::suspension("approval").in_scope(|| ());
            agent::resume("approval").flow_id("f-1").in_scope(|| ());
        })
    });
    assert_eq!(
        tree,
        "
invoke_workflow onboarding [ok] gen_ai.operation.name=invoke_workflow gen_ai.agent.name=onboarding spanbridge.flow.id=f-1
  step check [ok] spanbridge.flow.step.label=check spanbridge.flow.step.id=s-1
  suspend approval [ok] spanbridge.flow.suspension.point=approval
  resume approval [ok] spanbridge.flow.suspension.point=approval spanbridge.flow.id=f-1"
    );
}

/// A composition has its kind and the number of its agents.
#[test]
fn a_composition() {
    let tree = traced(|| {
        agent::composition(Composition::Consensus, "review").agent_count(3).in_scope(offer_everything);
    });
    assert_eq!(
        tree,
        "\ninvoke_workflow review [ok] gen_ai.operation.name=invoke_workflow gen_ai.agent.name=review \
         spanbridge.composition.kind=consensus spanbridge.composition.agent_count=3"
    );
}

/// An agent that is asked to do something has the id of that; a remote one is a client's call.
#[test]
fn a_delegation() {
    let remote = || agent::delegate("planner").kind(Kind::Client).provider("aws.bedrock").delegation_id("d-2");
    let tree = traced(|| {
        agent::delegate("planner").delegation_id("d-1").in_scope(offer_everything);
        remote().in_scope(|| ());
    });
    assert_eq!(
        tree,
        "
invoke_agent planner [ok] gen_ai.operation.name=invoke_agent gen_ai.agent.name=planner spanbridge.delegation.id=d-1
invoke_agent planner [ok] gen_ai.operation.name=invoke_agent gen_ai.agent.name=planner gen_ai.provider.name=aws.bedrock spanbridge.delegation.id=d-2"
    );
    assert_eq!(spans(&record(|| remote().in_scope(|| ())))[0].kind, Kind::Client);
}

/// Retrieval has what is searched in and how much is asked for, an embedding its model and usage.
#[test]
fn retrieval_and_embeddings() {
    let tree = traced(|| {
        agent::retrieval("handbook").top_k(5).in_scope(|| {
            agent::embeddings("ada").provider("openai").dimensions(1024).input_tokens(9).in_scope(offer_everything);
            offer_everything()
        })
    });
    assert_eq!(
        tree,
        "
retrieval handbook [ok] gen_ai.operation.name=retrieval gen_ai.data_source.id=handbook gen_ai.retrieval.top_k=5
  embeddings ada [ok] gen_ai.operation.name=embeddings gen_ai.request.model=ada gen_ai.provider.name=openai gen_ai.embeddings.dimension.count=1024 gen_ai.usage.input_tokens=9"
    );
}

/// Reading and writing memories have their operation and the type of memory.
#[test]
fn memories() {
    let operations = [MemoryOperation::Search, MemoryOperation::Create, MemoryOperation::Update];
    let operations = operations.into_iter().chain([MemoryOperation::Upsert, MemoryOperation::Delete]);
    let records = record(|| {
        for operation in operations {
            agent::memory(operation).memory_store("profiles").memory_type("episodic").memory_count(2).in_scope(|| ())
        }
    });
    let seen: Vec<_> = spans(&records).into_iter().map(|span| (span.name, span.primitive)).collect();
    let read = ("search_memory".to_owned(), "memory.read".to_owned());
    let write = |name: &str| (name.to_owned(), "memory.write".to_owned());
    let writes = ["create_memory", "update_memory", "upsert_memory", "delete_memory"].map(write);
    assert_eq!(seen, [&[read][..], &writes].concat());
    let tree = traced(|| agent::memory(MemoryOperation::Search).memory_type("episodic").in_scope(offer_everything));
    assert_eq!(tree, "\nsearch_memory [ok] gen_ai.operation.name=search_memory spanbridge.memory.type=episodic");
}

/// A sync has its corpus, the hash of its namespace and what it counted; a source its hash and what was done to it.
#[test]
fn a_corpus() {
    let tree = traced(|| {
        let sync = agent::corpus_sync().corpus_id("handbook").namespace(SECRET).dry_run(true);
        sync.sources_added(1).sources_updated(2).sources_removed(3).sources_unchanged(4).in_scope(|| {
            agent::corpus_source("add")
                .source_id(format!("/home/{SECRET}"))
                .namespace(SECRET)
                .chunk_count(7)
                .in_scope(|| ());
            agent::corpus_source("skip").source_id("").in_scope(offer_everything);
        })
    });
    assert_eq!(
        tree,
        "
corpus sync [ok] spanbridge.corpus.id=handbook spanbridge.corpus.namespace.hash=xxh3:e42648126e5c419ffa15da2283f1566c spanbridge.corpus.dry_run=true spanbridge.corpus.added_count=1 spanbridge.corpus.updated_count=2 spanbridge.corpus.removed_count=3 spanbridge.corpus.unchanged_count=4
  corpus source add [ok] spanbridge.corpus.source.action=add spanbridge.corpus.source.hash=xxh3:d7ddbb27d9d2af29e51df4d6ecc8ee9d spanbridge.corpus.namespace.hash=xxh3:e42648126e5c419ffa15da2283f1566c spanbridge.corpus.chunk_count=7
  corpus source skip [ok] spanbridge.corpus.source.action=skip spanbridge.corpus.source.hash=xxh3:99aa06d3014798d86001c324468d497f"
    );
}

/// A compaction has its ratio.
#[test]
fn a_compaction() {
    let tree = traced(|| agent::compaction().compaction_ratio(0.25).in_scope(offer_everything));
    assert_eq!(tree, "\ncompaction [ok] spanbridge.compaction.ratio=0.25");
}

/// A judge has its metric; the score is an event by the conventions.
#[test]
fn a_judge() {
    let judge = || {
        agent::judge("relevance").in_scope(|| {
            agent::evaluated("relevance", 0.92, "pass");
            agent::evaluated("tone", None, "fail");
            agent::evaluated("length", Some(3.0), None);
            offer_everything()
        });
        agent::evaluated("nobody is there", 1.0, None);
    };
    assert_eq!(traced(judge), "\njudge relevance [ok] gen_ai.evaluation.name=relevance");
    let events: Vec<_> = record(judge).iter().filter_map(event).collect();
    assert_eq!(
        events,
        [
            "gen_ai.evaluation.result gen_ai.evaluation.name=relevance gen_ai.evaluation.score.value=0.92 gen_ai.evaluation.score.label=pass",
            "gen_ai.evaluation.result gen_ai.evaluation.name=tone gen_ai.evaluation.score.label=fail",
            "gen_ai.evaluation.result gen_ai.evaluation.name=length gen_ai.evaluation.score.value=3.0",
        ]
    );
}

fn event(record: &Record<'_>) -> Option<String> {
    let Body::Event(Event { name, attributes, .. }) = &record.body else { return None };
    Some(shown(attributes).iter().fold(name.to_string(), |text, (key, value)| format!("{text} {key}={value}")))
}

/// Where a name is not known, the span is called by its operation. What is not so is not recorded.
#[test]
fn a_model_that_is_not_known() {
    let tree = traced(|| agent::generation("chat", "").compacted(false).in_scope(|| ()));
    assert_eq!(tree, "\nchat [ok] gen_ai.operation.name=chat");
    for (name, begin) in [
        ("step", agent::step as fn(&'static str) -> observe::SpanBuilder),
        ("suspend", agent::suspension),
        ("resume", agent::resume),
        ("corpus source", agent::corpus_source),
        ("judge", agent::judge),
    ] {
        assert_eq!(traced(|| begin("").in_scope(|| ())), format!("\n{name} [ok]"));
    }
}

/// A name of any length is whole, up to what is kept of every name.
#[test]
fn names_of_any_length() {
    for length in [1, 50, 59, 60, 200, 5000] {
        let model = "ä".repeat(length);
        let spans = spans(&record(|| agent::generation("chat", &model).in_scope(|| ())));
        let whole = format!("chat {model}");
        assert!(whole.starts_with(&spans[0].name) && spans[0].name.len() >= whole.len().min(1000), "{length}");
    }
}

/// With content on, the attributes, the artifacts and the diagnostics of one span in which `f` runs.
fn with_content(policy: impl Into<CapturePolicy>, f: impl FnOnce()) -> Vec<String> {
    let (recorder, memory) = with(|builder| builder.on_flush_only().content(policy));
    recorder.in_scope(|| observe::span("s").in_scope(f));
    flush(&recorder);
    let records = memory.records();
    let attributes =
        spans(&records)[0].attributes.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>();
    let more = records.iter().filter_map(|record| match &record.body {
        Body::Artifact(Artifact { kind, content_type, size_bytes, hash, preview, .. }) => {
            Some(format!("{kind} {content_type} {size_bytes} {hash:?} {preview:?}"))
        }
        Body::Diagnostic(Diagnostic { code, message, .. }) => Some(format!("{code}: {message}")),
        _ => None,
    });
    attributes.into_iter().chain(more).collect()
}

/// Short content is an attribute. Longer content is an artifact with its size and its beginning.
#[test]
fn content_inline() {
    let offer = || {
        agent::content(Content::InputMessages, || r#"[{"role":"user"}]"#);
        agent::content(Content::OutputMessages, || r#"[{"role":"assistant"}]"#);
        agent::content(Content::RetrievalQuery, || String::from("why"));
        agent::content(Content::MemoryQuery, || "why is the sky so blue");
    };
    assert_eq!(
        with_content(CaptureMode::Inline { max: 17 }, offer),
        [
            r#"gen_ai.input.messages=[{"role":"user"}]"#,
            "gen_ai.retrieval.query.text=why",
            r#"gen_ai.output.messages application/json 22 None Some("[{\"role\":\"assista")"#,
            r#"gen_ai.memory.query.text text/plain 22 None Some("why is the sky so")"#,
        ]
    );
    // Never more than 4 KiB.
    let long = with_content(CaptureMode::Inline { max: usize::MAX }, || {
        agent::content(Content::ToolResult, || "x".repeat(5000))
    });
    let whole = format!("gen_ai.tool.call.result application/json 5000 None Some({:?})", "x".repeat(4096));
    assert_eq!(long, [whole]);
}

/// By reference: the size, and a hash where it was asked for.
#[test]
fn content_by_reference() {
    let offer = || agent::content(Content::RetrievalQuery, || "why");
    let policy = CapturePolicy::from(CaptureMode::Reference);
    assert_eq!(with_content(policy.clone(), offer), ["gen_ai.retrieval.query.text text/plain 3 None None"]);
    let hashed = with_content(policy.hashed(), offer).remove(0);
    assert!(hashed.starts_with("gen_ai.retrieval.query.text text/plain 3 Some(\"xxh3:") && hashed.ends_with(" None"));
}

/// A redaction hook sees content under its name, and what it fails for is not recorded.
#[test]
fn content_through_a_hook() {
    let policy = CapturePolicy::from(CaptureMode::Inline { max: 99 }).redact(|part| match part.kind() {
        PartKind::Content("gen_ai.tool.call.arguments") => {
            part.replace("\"***\"");
            Ok(())
        }
        PartKind::Content("gen_ai.tool.call.result") => {
            part.replace([0xff, 0xfe]);
            Ok(())
        }
        _ => Err("not known"),
    });
    let seen = with_content(policy, || {
        agent::content(Content::ToolArguments, || SECRET);
        agent::content(Content::ToolResult, || SECRET);
        agent::content(Content::RetrievalQuery, || SECRET);
    });
    assert_eq!(
        seen,
        [
            "gen_ai.tool.call.arguments=\"***\"",
            "gen_ai.tool.call.result application/json 2 None Some(\"fffe\")",
            "redaction.failed: nothing of the content was recorded: the redaction hook failed",
        ]
    );
}

/// What makes the text is called once where content is recorded, and never elsewhere. Its panic ends there.
#[test]
fn content_is_made_only_if_recorded() {
    let calls = Cell::new(0);
    let offer = || {
        agent::content(Content::ToolArguments, || {
            calls.set(calls.get() + 1);
            "{}"
        })
    };
    offer(); // nobody records
    traced(|| {
        offer(); // no span
        agent::tool("weather").in_scope(offer)
    });
    with_content(CaptureMode::Off, offer);
    let (recorder, _) = with(|builder| builder.content(CaptureMode::Reference).sampler(spanbridge::Sampler::never()));
    recorder.in_scope(|| agent::tool("weather").in_scope(offer));
    assert_eq!(calls.get(), 0);
    with_content(CaptureMode::Reference, offer);
    assert_eq!(calls.get(), 1);
    let inline = CaptureMode::Inline { max: 9 };
    let panics = || agent::content(Content::ToolArguments, || -> &str { panic!("on purpose") });
    assert!(with_content(inline, panics).is_empty());
}

/// Text that is said to be JSON and is not breaks no record.
#[test]
fn content_that_is_not_json() {
    let lines = Lines::default();
    let recorder = Recorder::builder("test").sink(JsonLines::new(lines.clone())).on_flush_only();
    let recorder = recorder.content(CaptureMode::Inline { max: 99 }).build().unwrap();
    recorder.in_scope(|| agent::tool("t").in_scope(|| agent::content(Content::ToolResult, || "{\"half\": \n")));
    flush(&recorder);
    let lines = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let values: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(values.iter().any(|value| value["attributes"]["gen_ai.tool.call.result"] == "{\"half\": \n"), "{lines}");
}

/// Where nobody records, nothing is made, and the work is done.
#[test]
fn without_a_recorder() {
    let work = || {
        active_span().input_tokens(1).cost(0.5).finish_reasons(&["stop"]);
        offer_everything();
        agent::evaluated("m", 1.0, "pass");
        7
    };
    assert_eq!(agent::generation("chat", "gpt-4").provider("openai").in_scope_value(work), 7);
    let span = agent::stream("chat", "gpt-4").namespace("n").open();
    assert_eq!(span.id(), None);
    span.output_tokens(3);
    span.end();
}
