//! Three services of a shop that only know `tracing`: `gateway` and `orders` speak HTTP, `shipping` works on messages. Each
//! handles one order and ends.
//!
//! What spanbridge needs of them: the layer in `main`, and the word of each adapter where a request or a message passes.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use reqwest_middleware::ClientWithMiddleware;
use spanbridge_amqp::{ChannelExt, ConsumerExt};
use spanbridge_http::{ClientExt, ServerLayer};
use spanbridge_tracing::fmt::WithIds;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tracing::{Instrument, info, info_span, instrument, warn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let service = std::env::args().nth(1).unwrap_or_default();
    let _recording = spanbridge_store::install_from_env(&service);
    tracing_subscriber::registry()
        .with(EnvFilter::new("info,lapin=warn")) // lapin has a span of its own for each connection, as long as it lasts
        .with(fmt::layer().json().flatten_event(true).with_ids())
        .with(spanbridge_tracing::layer())
        .init();
    match service.as_str() {
        "gateway" => gateway().await,
        "orders" => orders().await,
        "shipping" => shipping().await,
        _ => Err("no such service".into()),
    }
}

fn setting(name: &str) -> Result<String, Failure> {
    std::env::var(name).map_err(|error| format!("{name}: {error}").into())
}

/// Says in a file where it listens, and serves until `done`.
async fn serve(app: Router, done: Arc<Notify>) -> Result<(), Failure> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let file = setting("ADDRESS_FILE")?;
    std::fs::write(format!("{file}.new"), listener.local_addr()?.to_string())?;
    std::fs::rename(format!("{file}.new"), file)?; // whole, or not there
    Ok(axum::serve(listener, app).with_graceful_shutdown(async move { done.notified().await }).await?)
}

// The gateway.

struct Gateway {
    client: ClientWithMiddleware,
    orders: String,
    done: Arc<Notify>,
}

async fn gateway() -> Result<(), Failure> {
    let done = Arc::new(Notify::new());
    let client = reqwest::Client::new().observed();
    let state = Arc::new(Gateway { client, orders: setting("ORDERS")?, done: done.clone() });
    serve(Router::new().route("/checkout", post(check_out)).with_state(state).layer(ServerLayer::new()), done).await
}

#[instrument(skip_all)]
async fn check_out(State(gateway): State<Arc<Gateway>>) -> Result<String, StatusCode> {
    let total = price(3).await;
    let url = format!("http://{}/orders/7", gateway.orders);
    let answer = gateway.client.post(url).body(total.to_string()).send().await;
    let answer = answer.map_err(|_| StatusCode::BAD_GATEWAY)?;
    let text = answer.text().await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    info!(total, "checked out");
    gateway.done.notify_one();
    Ok(text)
}

#[instrument]
async fn price(count: u32) -> u32 {
    tokio::time::sleep(Duration::from_millis(1)).await;
    count * 5
}

// The orders.

struct Orders {
    channel: Channel,
    queue: String,
    done: Arc<Notify>,
}

async fn channel() -> Result<(Connection, Channel), Failure> {
    let connection = Connection::connect(&setting("AMQP_URL")?, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    Ok((connection, channel))
}

async fn orders() -> Result<(), Failure> {
    let done = Arc::new(Notify::new());
    let (_connection, channel) = channel().await?;
    let state = Arc::new(Orders { channel, queue: setting("QUEUE")?, done: done.clone() });
    let app = Router::new().route("/orders/{id}", post(place)).with_state(state).layer(ServerLayer::new());
    serve(app, done).await
}

#[instrument(skip(orders, body))]
async fn place(State(orders): State<Arc<Orders>>, Path(id): Path<u32>, body: String) -> Result<String, StatusCode> {
    info!(total = body, "received");
    // A task of the order's own, as services have them.
    let _ = tokio::spawn(audit(id).in_current_span()).await;
    hand_over(&orders, id).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    orders.done.notify_one();
    Ok(format!("order {id}"))
}

#[instrument]
async fn audit(id: u32) {
    tokio::task::yield_now().await;
    info!("audited");
}

#[instrument(skip_all, err)]
async fn hand_over(orders: &Orders, id: u32) -> lapin::Result<()> {
    let (options, body) = (BasicPublishOptions::default(), id.to_string());
    let (queue, properties) = (orders.queue.as_str().into(), BasicProperties::default());
    orders.channel.observed().basic_publish("".into(), queue, options, body.as_bytes(), properties).await?.await?;
    Ok(())
}

// The worker.

async fn shipping() -> Result<(), Failure> {
    let (connection, channel) = channel().await?;
    let (options, table) = (BasicConsumeOptions::default(), FieldTable::default());
    let queue = setting("QUEUE")?;
    let mut jobs = channel.basic_consume(queue.as_str().into(), "".into(), options, table).await?.observed();
    let job = jobs.next().await.ok_or("the consumer was cancelled")??;
    let _ = job.run(|| ship(&job.data)).await;
    job.ack(BasicAckOptions::default()).await?;
    connection.close(200, "done".into()).await?;
    Ok(())
}

#[instrument(skip_all, err)]
async fn ship(order: &[u8]) -> Result<(), String> {
    pack(order.len()).await;
    info_span!("print label").in_scope(|| warn!(sheets = 1, "little paper"));
    weigh(0)
}

#[instrument]
async fn pack(size: usize) {
    tokio::time::sleep(Duration::from_millis(1)).await;
    info!("packed");
}

#[instrument(err)]
fn weigh(grams: u32) -> Result<(), String> {
    if grams == 0 { Err("the parcel is empty".to_owned()) } else { Ok(()) }
}
