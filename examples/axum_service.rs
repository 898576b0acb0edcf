//! An HTTP service with axum: it sells things at prices that another service knows.
//!
//! | request | answer |
//! |---|---|
//! | `GET /prices/{item}` | the price of an item in cents; 404 if nobody sells it |
//! | `POST /orders/{item}` | asks `GET /prices/{item}` of the service that `--prices` names (by default this one), and answers with the total |
//! | `GET /health` | `ok`, and no span |
//!
//! ```sh
//! cargo run --example axum_service -- --listen 127.0.0.1:8080
//! curl -X POST http://127.0.0.1:8080/orders/tea # prints the id of the trace
//! cargo run -p spanbridge-cli -- trace <the trace>
//! ```
//!
//! The trace has `POST /orders/{item}`, under it the request for the price, and under that `GET /prices/{item}`. With
//! `--prices http://…` the price is asked of another instance, and the trace goes through both processes.
//!
//! Spans go to the store that `SPANBRIDGE_DB` names. It ends on SIGINT or SIGTERM, when the requests in progress are answered.

use anyhow::Context as _;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Router, serve};
use clap::Parser;
use reqwest::Url;
use reqwest_middleware::ClientWithMiddleware;
use spanbridge::observe;
use spanbridge_examples::shutdown_signal;
use spanbridge_http::{ClientExt, ServerLayer};
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Serves prices and orders over HTTP until it gets SIGINT or SIGTERM.
#[derive(Parser)]
struct Arguments {
    /// The address to listen on. With port 0, a free port is taken
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The base URL of the service that knows the prices [default: this one]
    #[arg(long, value_name = "URL")]
    prices: Option<Url>,
}

/// What the handlers share.
#[derive(Clone)]
struct Shop {
    /// Each request that it sends has a span, and carries its context.
    client: ClientWithMiddleware,
    prices: Url,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let _recording = spanbridge_store::install_from_env("shop");
    let shutdown = shutdown_signal()?;
    let listener = TcpListener::bind(arguments.listen).await.context("failed to listen")?;
    let address = listener.local_addr()?;
    let prices = arguments.prices.map_or_else(|| format!("http://{address}").parse(), Ok)?;
    let app = app(Shop { client: reqwest::Client::new().observed(), prices });
    println!("listening on http://{address}");
    Ok(serve(listener, app).with_graceful_shutdown(shutdown).await?)
}

fn app(shop: Shop) -> Router {
    Router::new()
        .route("/health", get(async || "ok"))
        .route("/prices/{item}", get(price))
        .route("/orders/{item}", post(order))
        .with_state(shop)
        // The last layer is the outermost. For a service that strangers can reach: `ServerLayer::public()`.
        .layer(ServerLayer::new().filter(|request| request.uri.path() != "/health"))
}

async fn price(Path(item): Path<String>) -> Result<String, StatusCode> {
    let find = || match item.as_str() {
        "tea" => Some(450),
        "cake" => Some(620),
        _ => None,
    };
    let price: Option<u32> = observe::span("look up price").attribute("item", item.as_str()).in_scope(find);
    price.map(|price| price.to_string()).ok_or(StatusCode::NOT_FOUND)
}

/// The trace of an order is the caller's, if the caller has one.
async fn order(State(shop): State<Shop>, Path(item): Path<String>) -> Result<String, StatusCode> {
    let trace = observe::current_context().trace_id().map(|trace| trace.to_string()).unwrap_or_default();
    let unreachable = |_| StatusCode::BAD_GATEWAY;
    let mut url = shop.prices;
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["prices", &item]); // whatever the item is called, it is one segment
    }
    let answer = shop.client.get(url).send().await.map_err(unreachable)?;
    if answer.status() == StatusCode::NOT_FOUND {
        return Err(StatusCode::NOT_FOUND);
    }
    let text = answer.text().await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    let price: u32 = text.parse().map_err(|_| StatusCode::BAD_GATEWAY)?;
    let total = observe::span("add tax").in_scope_value(|| price + price / 5);
    Ok(format!("{item}: {total}\ntrace {trace}\n"))
}
