//! The path of the order:
//!
//! 1. gateway → function `place-order` → database, and the payment service over HTTP
//! 2. → in-process queue → warehouse, whose first attempt fails
//! 3. → RabbitMQ → shipping, if there is a broker
//! 4. → Kafka → projection → function `notify` on Lambda
//!
//! Meanwhile the gateway suspends the run. At the end, the orders service resumes it and ends it.

use crate::services::{Services, in_service};
use crate::transports::Transports;
use crate::{projection, shipping};
use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use spanbridge::carrier::{extract, extract_payload, inject, inject_payload};
use spanbridge::observe::{self, NewArtifact};
use spanbridge::{Kind, Primitive, RunId};
use spanbridge_examples::mailbox::{Mailbox, Sender, mailbox};
use std::time::Duration;

/// The name of the in-process queue.
const PARCELS: &str = "parcels";

/// Simulates work.
async fn busy(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await
}

/// Sends the order through all services. Returns the id of the run.
pub(crate) async fn run(services: &Services, transports: &Transports) -> anyhow::Result<RunId> {
    let (parcels, inbox) = mailbox(PARCELS);
    let run = services.gateway.in_scope(|| observe::run("checkout").attribute("order.id", 42).open());
    let id = run.id().context("the gateway does not record")?;
    let warehouse = in_service(&services.warehouse, || warehouse(services, inbox, transports));
    let gateway = async {
        // Keep a sender: without one, a parcel cannot be put back.
        match run.with_context(|| gateway(services, parcels.clone())).await {
            // The suspended run is text. A real service would save it in its database.
            Ok(()) => Ok(run.suspend("until the parcel is packed").to_string()),
            Err(e) => {
                run.error(&e);
                Err(e)
            }
        }
    };
    let (saved, ()) = tokio::try_join!(gateway, warehouse)?;
    in_service(&services.orders, || close(&saved)).await?;
    Ok(id)
}

/// Resumes the run and ends it. In a real system, another process does this, perhaps days later.
async fn close(saved: &str) -> anyhow::Result<()> {
    let run = observe::resume_run(saved.parse()?);
    run.with_context(|| observe::span("close order").primitive(Primitive::FLOW_STEP).run(|| busy(2))).await;
    run.end();
    Ok(())
}

async fn gateway(services: &Services, parcels: Sender) -> anyhow::Result<()> {
    let request = json!({"order": 42, "sku": "umbrella", "cents": 1999});
    let serve = async || {
        busy(2).await;
        let answer = invoke(services, parcels, &request).await?;
        ensure!(answer["accepted"] == true, "the order was refused");
        Ok(())
    };
    observe::span("POST /orders")
        .primitive(Primitive::HTTP_SERVER)
        .kind(Kind::Server)
        .attribute("http.request.method", "POST")
        .attribute("url.path", "/orders")
        .run(serve)
        .await
}

/// Calls the function. The context is in a field of the payload that the function does not see.
async fn invoke(services: &Services, parcels: Sender, request: &Value) -> anyhow::Result<Value> {
    let call = async || {
        let event = inject_payload(&observe::current_context(), request.to_string().as_bytes()).into_owned();
        in_service(&services.orders, || place_order(services, parcels, &event)).await
    };
    observe::span("invoke place-order")
        .primitive(Primitive::FUNCTION_INVOKE)
        .kind(Kind::Client)
        .attribute("faas.invoked_name", "place-order")
        .run(call)
        .await
}

/// The function `place-order`. It deserializes the caller's payload without the context.
async fn place_order(services: &Services, parcels: Sender, event: &[u8]) -> anyhow::Result<Value> {
    let (received, payload) = extract_payload(event);
    let handle = async || {
        if let Some(span) = observe::active_span() {
            span.artifact(&NewArtifact::new("input", "application/json", &payload).inline(256));
        }
        let order: Value = serde_json::from_slice(&payload)?;
        insert(&order).await;
        charge(services, &order).await?;
        parcels.send(PARCELS, &order)?;
        Ok(json!({"accepted": true}))
    };
    observe::with_context(received.context, async || {
        let span = observe::span("place-order").primitive(Primitive::FUNCTION_HANDLE).kind(Kind::Server);
        span.attribute("faas.trigger", "other").run(handle).await
    })
    .await
}

async fn insert(order: &Value) {
    observe::span("INSERT orders")
        .primitive(Primitive::DB_MUTATION)
        .kind(Kind::Client)
        .attribute("db.system.name", "postgresql")
        .attribute("db.query.text", "INSERT INTO orders VALUES ($1, $2)")
        .attribute("order.id", order["order"].as_i64().unwrap_or_default())
        .run(|| busy(4))
        .await
}

/// Calls the payment service. The context is in HTTP headers.
async fn charge(services: &Services, order: &Value) -> anyhow::Result<()> {
    let cents = order["cents"].as_i64().context("the order has no price")?;
    let call = async || {
        let mut request = http::Request::post("http://payments/charge").body(cents)?;
        inject(&observe::current_context(), request.headers_mut());
        in_service(&services.payments, || payments(request)).await
    };
    observe::span("POST payments/charge")
        .primitive(Primitive::HTTP_CLIENT)
        .kind(Kind::Client)
        .attribute("http.request.method", "POST")
        .attribute("url.full", "http://payments/charge")
        .run(call)
        .await
}

async fn payments(request: http::Request<i64>) -> anyhow::Result<()> {
    let serve = async || {
        observe::span("score risk").primitive(Primitive::SCORING_JUDGE).run(|| busy(3)).await;
        observe::event("charged", &[("cents", (*request.body()).into())]);
        Ok(())
    };
    observe::with_context(extract(request.headers()).context, async || {
        let span = observe::span("POST /charge").primitive(Primitive::HTTP_SERVER).kind(Kind::Server);
        span.attribute("url.path", request.uri().path()).run(serve).await
    })
    .await
}

/// Packs the parcel, with up to three attempts. Each attempt is a span under the same publish span. The first one fails.
async fn warehouse(services: &Services, mut parcels: Mailbox, transports: &Transports) -> anyhow::Result<()> {
    while let Some(job) = parcels.next().await {
        let attempt = job.attempt();
        match job.run(|| pack(services, &job.data, attempt, transports)).await {
            Ok(()) => return Ok(()),
            Err(e) if attempt == 3 => return Err(e),
            Err(_) => parcels.requeue(job),
        }
    }
    bail!("no parcel came")
}

async fn pack(services: &Services, order: &[u8], attempt: u32, transports: &Transports) -> anyhow::Result<()> {
    let order: Value = serde_json::from_slice(order)?;
    observe::span("fetch").primitive(Primitive::FLOW_STEP).run(|| fetch(&order)).await;
    print_label(attempt).await?;
    if let Some(url) = &transports.amqp_url {
        shipping::hand_over(services, url, &order).await?
    }
    projection::packed(services, &transports.kafka, &transports.notify, &order).await
}

/// A nested function. Its spans find their parent without being passed one.
async fn fetch(order: &Value) {
    let find = async || {
        observe::span("SELECT stock").primitive(Primitive::DB_QUERY).kind(Kind::Client).run(|| busy(1)).await;
        observe::span("walk to shelf").attribute("sku", order["sku"].as_str().unwrap_or("?")).run(|| busy(5)).await;
    };
    observe::span("find shelf").run(find).await;
    observe::span("pick").run(|| busy(2)).await;
}

async fn print_label(attempt: u32) -> anyhow::Result<()> {
    let print = async || {
        busy(1).await;
        ensure!(attempt > 1, "the label printer is out of paper");
        Ok(())
    };
    observe::span("print label").primitive(Primitive::TOOL_CALL).run(print).await
}
