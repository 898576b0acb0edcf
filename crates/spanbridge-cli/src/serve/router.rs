//! Every path, in one list.

use super::app::App;
use super::ingest::handler as ingest;
use super::{compress, connection, guard, health, live, meter, metrics, openapi, page, read, room};
use axum::Router;
use axum::handler::Handler;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodFilter, MethodRouter, on};

/// A path, its method, and who answers.
struct Route {
    path: &'static str,
    method: &'static str,
    handler: MethodRouter<App>,
}

fn get<T: 'static>(path: &'static str, handler: impl Handler<T, App>) -> Route {
    Route { path, method: "GET", handler: on(MethodFilter::GET, handler) }
}

fn post<T: 'static>(path: &'static str, handler: impl Handler<T, App>) -> Route {
    Route { path, method: "POST", handler: on(MethodFilter::POST, handler) }
}

/// Every path except those of the page. `docs/openapi.json` describes each.
fn routes() -> Vec<Route> {
    vec![
        get("/healthz", health::health),
        get("/metrics", metrics::metrics),
        get("/api/openapi.json", openapi::openapi),
        get("/api/schema/{name}", openapi::schema),
        get("/api/v1/runs", read::runs),
        get("/api/v1/find/{id}", read::find),
        get("/api/v1/runs/{id}", read::graph),
        get("/api/v1/runs/{id}/rows", read::rows),
        get("/api/v1/runs/{id}/spans/{spanId}", read::span),
        get("/api/v1/runs/{id}/why", read::why),
        get("/api/v1/runs/{id}/doctor", read::doctor_of),
        get("/api/v1/diff/{a}/{b}", read::diff),
        get("/api/v1/doctor", read::doctor),
        get("/api/v1/state/history", read::history),
        get("/api/v1/state/blame", read::blame),
        get("/api/v1/live", live::live),
        post("/api/v1/records", ingest::records),
        post("/v1/traces", ingest::traces),
    ]
}

pub(super) fn router(app: App) -> Router {
    let mut router = Router::new();
    for Route { path, method, handler } in routes() {
        let counted = handler.layer(from_fn_with_state((app.clone(), meter::Route { method, path }), metrics::count));
        router = router.route(path, counted);
    }
    router
        .fallback(page::page)
        .method_not_allowed_fallback(page::not_allowed)
        .layer(from_fn(connection::limit_body_time))
        .layer(from_fn(compress::compress))
        .layer(from_fn_with_state(app.room.clone(), room::hold))
        .layer(from_fn_with_state(app.clone(), guard::guard))
        .with_state(app)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::openapi::OPENAPI;
    use std::collections::BTreeSet;

    #[test]
    fn every_route_is_described() {
        let described: serde_json::Value = serde_json::from_str(OPENAPI).unwrap();
        let described: BTreeSet<(String, String)> = described["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, methods)| {
                methods.as_object().unwrap().keys().map(move |m| (path.clone(), m.to_uppercase()))
            })
            .collect();
        let routes: BTreeSet<_> = routes().into_iter().map(|r| (r.path.to_owned(), r.method.to_owned())).collect();
        assert_eq!(routes, described);
    }
}
