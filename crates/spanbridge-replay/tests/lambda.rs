//! A function of AWS Lambda, recorded and replayed.

mod support;

use lambda_runtime::tower::{Layer, Service, service_fn};
use lambda_runtime::{Context, Error, LambdaEvent, LambdaInvocation};
use serde_json::{Value, json};
use spanbridge::observe;
use spanbridge_graph::testing::record_async;
use spanbridge_lambda::{CaptureMode, FunctionOptions, ReceiveOptions, observed};
use spanbridge_replay::{Case, Replayer, Verdict};
use support::{case_of, check};

fn options() -> FunctionOptions {
    FunctionOptions::new().with(ReceiveOptions::new().capture(CaptureMode::Whole { max: 1 << 16 }))
}

/// Fails, and says everything that it was given.
async fn score(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let Context { request_id, invoked_function_arn, env_config, .. } = &event.context;
    let failed = || Err(format!("{request_id} {invoked_function_arn} {} {}", env_config.function_name, event.payload));
    if event.payload["good"] == true { Ok(json!(1)) } else { Ok(observe::span("score").in_scope(failed)?) }
}

/// Every invocation has an id of its own.
async fn recorded(request_id: &str, payload: Value) -> Case {
    let invoke = || async {
        let mut context = Context::default();
        context.request_id = request_id.to_owned();
        context.invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:score:live".to_owned();
        context.deadline = u64::MAX >> 20;
        let mut config = lambda_runtime::Config { function_name: "score".to_owned(), ..(*context.env_config).clone() };
        config.version = "live".to_owned();
        context.env_config = config.into();
        let (parts, ()) = http::Response::new(()).into_parts();
        let inside = service_fn(|invocation: LambdaInvocation| async move {
            let payload: Value = serde_json::from_slice(&invocation.body)?;
            let event = LambdaEvent::new(payload, invocation.context);
            let _ = observed(service_fn(score)).call(event).await;
            Ok::<(), Error>(())
        });
        let invocation = LambdaInvocation { parts, body: payload.to_string().into(), context };
        options().layer().layer(inside).call(invocation).await.unwrap()
    };
    case_of(&record_async(invoke).await, "function.handle")
}

/// The function gets the same event, and fails with the same words in the same span.
#[tokio::test]
async fn an_event_is_handed_over_as_it_was() {
    let case = recorded("8f5", json!({"order": 42})).await;
    let report = Replayer::of(case.clone()).lambda_with(options(), service_fn(score)).await.report().clone();
    check(&report, &case);
    assert_eq!(report.verdict, Verdict::Same, "{report}");
    let outcome = report.outcome.unwrap().replayed;
    assert_eq!(outcome.failing_span.as_deref(), Some("score"));
    assert!(
        outcome
            .error
            .unwrap()
            .contains(r#"8f5 arn:aws:lambda:eu-west-1:123456789012:function:score:live score {"order":42}"#)
    );
    // It succeeds again, too.
    let case = recorded("8f6", json!({"good": true})).await;
    let report = Replayer::of(case).lambda_with(options(), service_fn(score)).await.report().clone();
    assert_eq!((report.verdict, report.outcome.unwrap().replayed.status.as_str()), (Verdict::Same, "ok"));
}

/// An event that is not of the handler's type is an outcome.
#[tokio::test]
async fn an_event_of_another_type() {
    let case = recorded("8f7", json!({"good": true})).await;
    let typed = |event: LambdaEvent<Vec<u8>>| async move { Ok::<_, Error>(event.payload) };
    let report = Replayer::of(case).lambda_with(options(), service_fn(typed)).await.report().clone();
    assert_eq!(report.verdict, Verdict::Diverged);
    assert_eq!(report.outcome.unwrap().replayed.status, "error", "{:?}", report.first_divergence);
}
