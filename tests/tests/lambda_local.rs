//! The local Lambda behaves as the service does, towards the real SDK and the real runtime.

use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::operation::invoke::{InvokeError, InvokeOutput};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{InvocationType, LogType};
use serde_json::{Value, json};
use spanbridge_examples::local_lambda::{Function, LocalLambda, client_config};
use spanbridge_tests::{until, within};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

fn echo(name: &str) -> Function {
    Function::new(name, env!("CARGO_BIN_EXE_echo_function")).timeout(Duration::from_secs(30))
}

async fn with(function: Function) -> LocalLambda {
    let lambda = LocalLambda::start().await.unwrap();
    lambda.add(function).await.unwrap();
    lambda
}

async fn call(lambda: &LocalLambda, event: Value) -> Result<InvokeOutput, SdkError<InvokeError>> {
    let call = lambda.client().invoke().function_name("f").payload(Blob::new(event.to_string()));
    within("a call", call.send()).await
}

async fn answer(lambda: &LocalLambda, event: Value) -> (Option<String>, Value) {
    let output = call(lambda, event).await.unwrap();
    assert_eq!((output.status_code, output.executed_version()), (200, Some("$LATEST")));
    let body = output.payload.map(Blob::into_inner).unwrap_or_default();
    (output.function_error, serde_json::from_slice(&body).unwrap())
}

fn refused(result: Result<InvokeOutput, SdkError<InvokeError>>) -> (u16, String) {
    let error = result.unwrap_err();
    let status = error.raw_response().unwrap().status().as_u16();
    (status, error.into_service_error().code().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_function_gets_what_the_caller_sends() {
    let lambda = with(echo("f")).await;
    let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    let (error, got) = answer(&lambda, json!({"x": 1})).await;
    assert_eq!((error, &got["payload"], &got["custom"]), (None, &json!({"x": 1}), &Value::Null));
    let deadline = got["deadline"].as_u64().unwrap();
    assert!((before + 30_000..before + 90_000).contains(&deadline), "{deadline} after {before}");
    assert_eq!(got["arn"], "arn:aws:lambda:us-east-1:000000000000:function:f");
    assert!(got["xray"].as_str().unwrap().starts_with("Root=1-"), "one is made: {got}");

    let trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a:0";
    let context = "eyJjdXN0b20iOnsiYSI6ImIifX0="; // {"custom":{"a":"b"}}
    let call = lambda.client().invoke().function_name("arn:aws:lambda:us-east-1:000000000000:function:f:live");
    let call = call.client_context(context).log_type(LogType::Tail).customize().mutate_request(move |request| {
        request.headers_mut().insert("x-amzn-trace-id", trace);
    });
    let output = within("a call", call.send()).await.unwrap();
    let got: Value = serde_json::from_slice(output.payload().unwrap().as_ref()).unwrap();
    assert_eq!((&got["payload"], &got["custom"], &got["xray"]), (&json!({}), &json!({"a": "b"}), &json!(trace)));
    let log = aws_smithy_types::base64::decode(output.log_result().unwrap()).unwrap();
    let log = String::from_utf8(log).unwrap();
    assert!(log.contains("hello from the function\n") && log.contains("REPORT RequestId: "), "{log}");
}

#[tokio::test]
async fn a_failure_is_the_functions_or_the_services() {
    let lambda = with(echo("f")).await;
    let failed = |kind: &str| (Some("Unhandled".to_owned()), kind.to_owned());
    let kind = |(error, body): (Option<String>, Value)| (error, body["errorType"].as_str().unwrap().to_owned());
    let of_process = |body: &Value| body["process"].as_u64().unwrap();
    let first = of_process(&answer(&lambda, json!({})).await.1);

    let (error, body) = answer(&lambda, json!({"do": "fail"})).await;
    assert_eq!((error.as_deref(), body["errorMessage"].as_str()), (Some("Unhandled"), Some("it went wrong")));
    let (error, body) = answer(&lambda, json!({"do": "panic"})).await;
    assert_eq!(
        (error.as_deref(), body["errorMessage"].as_str()),
        (Some("Unhandled"), Some("Lambda panicked: it went very wrong"))
    );
    assert_eq!(of_process(&answer(&lambda, json!({})).await.1), first, "an error does not end the process");

    let (error, body) = answer(&lambda, json!({"do": "exit"})).await;
    let message = body["errorMessage"].as_str().unwrap();
    assert!(message.ends_with(" Error: Runtime exited with error: exit status 3"), "{message}");
    assert_eq!(kind((error, body)), failed("Runtime.ExitError"));
    assert_ne!(of_process(&answer(&lambda, json!({})).await.1), first, "a cold start");

    lambda.add(echo("f").timeout(Duration::from_millis(300))).await.unwrap();
    let (error, body) = answer(&lambda, json!({"do": "hang"})).await;
    assert!(body["errorMessage"].as_str().unwrap().ends_with(" Error: Task timed out after 0.30 seconds"), "{body}");
    assert_eq!(kind((error, body)), failed("Sandbox.Timedout"));
    until("the end of the process", || lambda.processes("f").is_empty().then_some(())).await;
    lambda.add(echo("f")).await.unwrap();

    let call = lambda.client().invoke().function_name("nobody");
    assert_eq!(refused(call.send().await), (404, "ResourceNotFoundException".to_owned()));
    for context in ["!", "bm8=", &aws_smithy_types::base64::encode("{".repeat(2700))] {
        let call = lambda.client().invoke().function_name("f").client_context(context);
        assert_eq!(refused(call.send().await), (400, "InvalidRequestContentException".to_owned()), "{context}");
    }
    let call = lambda.client().invoke().function_name("f").payload(Blob::new("{"));
    assert_eq!(refused(call.send().await), (400, "InvalidRequestContentException".to_owned()));
    let large = json!("x".repeat(7 << 20)).to_string();
    let call = lambda.client().invoke().function_name("f").payload(Blob::new(large));
    assert_eq!(refused(call.send().await), (413, "RequestTooLargeException".to_owned()));
    let call = lambda.client().invoke().function_name("f").invocation_type(InvocationType::DryRun);
    assert_eq!(call.send().await.unwrap().status_code, 204);
}

#[tokio::test]
async fn a_process_that_does_not_start() {
    let lambda = with(echo("f").variable("FUNCTION", "broken")).await;
    let (error, body) = answer(&lambda, json!({})).await;
    assert_eq!((error.as_deref(), body["errorType"].as_str()), (Some("Unhandled"), Some("Runtime.ExitError")));
    lambda.add(Function::new("f", "/nowhere/bootstrap")).await.unwrap();
    assert_eq!(answer(&lambda, json!({})).await.1["errorType"], "Runtime.InvalidEntrypoint");
    // No process requests events.
    lambda.add(Function::external("f").init_timeout(Duration::from_millis(50))).await.unwrap();
    assert_eq!(answer(&lambda, json!({})).await.1["errorType"], "Sandbox.Timedout");
    assert!(lambda.runtime_api("f").unwrap().starts_with("127.0.0.1:"));
}

#[tokio::test]
async fn concurrent_calls_start_processes_or_throttle() {
    let lambda = with(echo("f").concurrency(2)).await;
    let hanging = |_| {
        let call = lambda.client().invoke().function_name("f").payload(Blob::new(r#"{"do": "hang"}"#));
        tokio::spawn(async move { call.send().await.unwrap().function_error })
    };
    let calls: Vec<_> = (0..2).map(hanging).collect();
    until("two processes", || (lambda.processes("f").len() == 2).then_some(())).await;
    assert_eq!(refused(call(&lambda, json!({})).await), (429, "TooManyRequestsException".to_owned()));
    lambda.kill("f");
    for call in calls {
        assert_eq!(within("a call", call).await.unwrap().as_deref(), Some("Unhandled"));
    }
    assert_eq!(answer(&lambda, json!({})).await.0, None);
    assert_eq!(lambda.processes("f").len(), 1);

    lambda.add(echo("f").variable("FUNCTION", "concurrent").concurrency_per_process(2)).await.unwrap();
    let calls = tokio::join!(answer(&lambda, json!({"n": 1})), answer(&lambda, json!({"n": 2})));
    assert_eq!((&calls.0.1["payload"]["n"], &calls.1.1["payload"]["n"]), (&json!(1), &json!(2)));
}

#[tokio::test]
async fn asynchronous_calls_are_retried() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("calls");
    let lambda = with(echo("f").retries([Duration::from_millis(1); 2])).await;
    let call = |event: Value| {
        let call = lambda.client().invoke().function_name("f").invocation_type(InvocationType::Event);
        call.client_context("eyJjdXN0b20iOnsiYSI6ImIifX0=").payload(Blob::new(event.to_string())).send()
    };
    assert_eq!(call(json!({"count": file, "n": 1})).await.unwrap().status_code, 202);
    within("the call", lambda.idle("f")).await;
    let told = std::fs::read_to_string(&file).unwrap();
    assert!(told.lines().count() == 1 && told.ends_with(" None\n"), "without client context: {told}");

    // Each attempt of a function that dies is a cold start.
    let first = lambda.processes("f");
    assert_eq!(call(json!({"do": "exit"})).await.unwrap().status_code, 202);
    within("the call", lambda.idle("f")).await;
    assert_eq!((first.len(), lambda.processes("f")), (1, vec![]));
    lambda.add(echo("f").concurrency(0)).await.unwrap();
    assert_eq!(call(json!({})).await.unwrap_err().into_service_error().code(), Some("TooManyRequestsException"));
}

#[tokio::test]
async fn a_response_is_streamed() {
    let streams = || echo("f").variable("FUNCTION", "stream");
    let lambda = with(streams()).await;
    let read = async |event: Value| {
        let call =
            lambda.client().invoke_with_response_stream().function_name("f").payload(Blob::new(event.to_string()));
        let mut stream = within("a call", call.send()).await.unwrap().event_stream;
        let (mut text, mut end) = (vec![], None);
        while let Some(event) = within("an event", stream.recv()).await.unwrap() {
            use aws_sdk_lambda::types::InvokeWithResponseStreamResponseEvent::{InvokeComplete, PayloadChunk};
            match event {
                PayloadChunk(chunk) => text.extend(chunk.payload.map(Blob::into_inner).unwrap_or_default()),
                InvokeComplete(complete) => end = Some(complete),
                other => panic!("{other:?}"),
            }
        }
        let text = String::from_utf8(text).unwrap();
        (text.rsplit('\0').next().unwrap_or_default().to_owned(), end.unwrap())
    };
    let (text, end) = read(json!({})).await;
    assert_eq!((text.as_str(), end.error_code()), ("chunk 0;chunk 1;chunk 2;", None));
    for (what, error) in [("fail", "it went wrong"), ("exit", "exit status 3"), ("hang", "timed out after 0.50")] {
        let timeout = if what == "hang" { 500 } else { 30_000 };
        lambda.add(streams().timeout(Duration::from_millis(timeout))).await.unwrap();
        let (_, end) = read(json!({ "do": what })).await;
        assert_eq!(end.error_code(), Some("Unhandled"), "{what}");
        assert!(end.error_details().unwrap().contains(error), "{what}: {end:?}");
    }
    // A caller that does not stream gets the whole response.
    let output = call(&lambda, json!({})).await.unwrap();
    assert!(output.payload().unwrap().as_ref().ends_with(b"chunk 0;chunk 1;chunk 2;"));
}

/// The state of a process, from the system: `T` if it is stopped.
#[cfg(target_os = "linux")]
fn state(process: u32) -> char {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit(')').next().and_then(|rest| rest.trim().chars().next()).unwrap_or('-')
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn processes_freeze_between_calls_and_end() {
    let directory = tempfile::tempdir().unwrap();
    let goodbye = directory.path().join("goodbye");
    let lambda = with(echo("f").variable("FUNCTION", "graceful").variable("GOODBYE", &goodbye)).await;
    answer(&lambda, json!({})).await;
    let [process] = lambda.processes("f")[..] else { panic!("one process") };
    until("the freeze", || (state(process) == 'T').then_some(())).await;
    assert_eq!(answer(&lambda, json!({})).await.1["process"], process, "it goes on where it was");
    within("its end", lambda.retire("f")).await;
    assert_eq!(std::fs::read_to_string(&goodbye).unwrap(), "bye", "it was told");
    assert_ne!(answer(&lambda, json!({})).await.1["process"], process);

    let [process] = lambda.processes("f")[..] else { panic!("one process") };
    drop(lambda);
    until("the end of the process", || matches!(state(process), '-' | 'Z').then_some(())).await;
}

#[tokio::test]
async fn a_client_that_retries_gets_through() {
    let lambda = with(echo("f").concurrency(1)).await;
    let held = {
        let call = lambda.client().invoke().function_name("f").payload(Blob::new(r#"{"do": "hang"}"#));
        tokio::spawn(call.send())
    };
    until("the process", || lambda.processes("f").first().copied()).await;
    let client = aws_sdk_lambda::Client::from_conf(client_config(&lambda.endpoint()).build());
    let patient = tokio::spawn(client.invoke().function_name("f").send());
    lambda.kill("f");
    assert!(within("the first", held).await.unwrap().unwrap().function_error.is_some());
    assert_eq!(within("the second", patient).await.unwrap().unwrap().status_code, 200);
}
