//! The gateway takes the order over HTTP, checks who asks, and calls the function that places the order.

use crate::http::HttpService;
use crate::orders;
use crate::services::{Services, busy, in_service};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header::AUTHORIZATION};
use axum::routing::post;
use serde_json::Value;
use spanbridge::carrier::inject_payload;
use spanbridge::observe;
use spanbridge::{Kind, Primitive};
use spanbridge_examples::mailbox::Sender;
use spanbridge_http::gateway;

/// The token of the shop.
pub(crate) const TOKEN: &str = "shop-42";

/// What the gateway needs to serve a request.
#[derive(Clone)]
struct Gateway {
    services: Services,
    charge: String,
    parcels: Sender,
}

/// Starts the gateway.
pub(crate) async fn start(services: &Services, payments: &HttpService, parcels: Sender) -> anyhow::Result<HttpService> {
    let gateway = Gateway { services: services.clone(), charge: payments.url("/charge"), parcels };
    let routes = Router::new().route("/orders", post(create_order)).with_state(gateway);
    HttpService::start(&services.gateway, routes).await
}

async fn create_order(State(gateway): State<Gateway>, headers: HeaderMap, order: Bytes) -> StatusCode {
    if !gateway::auth(async || is_known(&headers).await).await {
        return StatusCode::UNAUTHORIZED;
    }
    match invoke(&gateway, &order).await {
        Ok(answer) if answer["accepted"] == true => StatusCode::CREATED,
        Ok(_) => StatusCode::CONFLICT,
        Err(_) => StatusCode::BAD_GATEWAY,
    }
}

async fn is_known(headers: &HeaderMap) -> bool {
    busy(1).await;
    headers.get(AUTHORIZATION).is_some_and(|given| given.as_bytes() == format!("Bearer {TOKEN}").as_bytes())
}

/// Calls the function. The context is in a field of the payload that the function does not see.
async fn invoke(gateway: &Gateway, order: &[u8]) -> anyhow::Result<Value> {
    let Gateway { services, charge, parcels } = gateway;
    let call = async || {
        let event = inject_payload(&observe::current_context(), order).into_owned();
        in_service(&services.orders, || orders::place_order(&services.database, charge, parcels, &event)).await
    };
    observe::span("invoke place-order")
        .primitive(Primitive::FUNCTION_INVOKE)
        .kind(Kind::Client)
        .attribute("faas.invoked_name", "place-order")
        .run(call)
        .await
}
