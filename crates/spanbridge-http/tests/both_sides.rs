//! A client and servers, over real connections, in one trace.

#[path = "../../../tests/src/wait.rs"]
#[expect(dead_code, unreachable_pub, reason = "elsewhere it is a part of a library, all of which is used")]
mod wait;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::middleware::{Next, from_fn};
use axum::routing::get;
use axum::{BoxError, Router};
use reqwest_middleware::ClientWithMiddleware;
use spanbridge::conformance::{Seen, spans, tree};
use spanbridge::record::Record;
use spanbridge::{Memory, Recorder, observe};
use spanbridge_http::{ClientExt, ServerLayer};
use std::time::Duration;
use tokio::net::TcpListener;

/// Two servers, of which one calls the other, a client, and one recorder for all of them.
struct Shop {
    recorder: Recorder,
    memory: Memory,
    client: ClientWithMiddleware,
    orders: String,
}

async fn serve(app: Router, recorder: &Recorder) -> String {
    let recorder = recorder.clone();
    let recorded = from_fn(move |request: Request, next: Next| {
        let recorder = recorder.clone();
        async move { recorder.scope(|| next.run(request)).await }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = app.layer(ServerLayer::new()).layer(recorded);
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

impl Shop {
    async fn open() -> Self {
        let memory = Memory::new();
        let recorder = Recorder::builder("shop").on_flush_only().sink(memory.clone()).build().unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap().observed();
        let look = async |Path(id): Path<u64>| observe::span("look").in_scope_value(|| format!("{id} in stock"));
        let endless = async || {
            let first = futures_util::stream::iter([Ok::<_, BoxError>(Bytes::from_static(b"first"))]);
            Body::from_stream(futures_util::StreamExt::chain(first, futures_util::stream::pending()))
        };
        let stock = Router::new()
            .route("/stock/{id}", get(look))
            .route("/endless", get(endless))
            .route("/silent", get(std::future::pending::<()>));
        let stock = serve(stock, &recorder).await;
        let ask = async |Path(id): Path<String>, State((client, stock)): State<(ClientWithMiddleware, String)>| {
            client.get(format!("{stock}/{id}")).send().await.unwrap().text().await.unwrap()
        };
        let orders = Router::new().route("/orders/{*id}", get(ask)).with_state((client.clone(), stock));
        let orders = serve(orders, &recorder).await;
        Shop { recorder, memory, client, orders }
    }

    /// Runs it in a span.
    async fn order<F: Future>(&self, work: impl FnOnce() -> F) -> F::Output {
        self.recorder.scope(|| observe::span("order").run_value(work)).await
    }

    /// Everything that has been recorded by now.
    fn records(&self) -> Vec<Record<'static>> {
        self.recorder.flush_blocking(Duration::from_secs(60));
        self.memory.records()
    }

    /// Calls the server, and gives up when `is_so` of all spans.
    async fn give_up(&self, path: &str, is_so: impl Fn(&[Seen]) -> bool) {
        let call = async || {
            let url = format!("{}{path}", self.orders);
            let call = async { self.client.get(url).send().await.unwrap().text().await.unwrap() };
            let when = wait::until("the call", || is_so(&spans(&self.records())).then_some(()));
            tokio::select! {
                text = call => panic!("the server has answered {text}"),
                () = when => {}
            }
        };
        self.order(call).await
    }

    /// The tree, when all of its spans have ended.
    async fn tree(&self) -> String {
        let ended = || {
            let records = self.records();
            spans(&records).iter().all(|span| span.status.is_some()).then(|| tree(&records, &[]))
        };
        wait::until("the ends of all spans", ended).await
    }
}

/// One tree, through two servers and two clients.
#[tokio::test]
async fn a_call_is_one_tree() {
    let shop = Shop::open().await;
    let call = async || shop.client.get(format!("{}/orders/stock/7", shop.orders)).send().await.unwrap();
    assert_eq!(shop.order(call).await.text().await.unwrap(), "7 in stock");
    assert_eq!(
        shop.tree().await,
        "\
order (root)
  GET
    GET /orders/{*id}
      GET
        GET /stock/{id}
          look
"
    );
}

/// Who gives a call up cancels it on both sides, and so everything behind it. That is no error.
#[tokio::test]
async fn giving_up_is_seen_on_both_sides() {
    let shop = Shop::open().await;
    shop.give_up("/orders/silent", |spans| spans.iter().any(|span| span.name == "GET /silent")).await;
    assert_eq!(
        shop.tree().await,
        "\
order (root)
  GET [cancelled]
    GET /orders/{*id} [cancelled]
      GET [cancelled]
        GET /silent [cancelled]
"
    );
}

/// The same in the middle of a body: the client in between has the headers, and waits for more.
#[tokio::test]
async fn a_dropped_body_is_seen_on_both_sides() {
    let shop = Shop::open().await;
    let has_headers = |span: &Seen| span.name == "GET" && !span.get("http.response.status_code").is_empty();
    shop.give_up("/orders/endless", |spans| spans.iter().any(has_headers)).await;
    assert_eq!(
        shop.tree().await,
        "\
order (root)
  GET [cancelled]
    GET /orders/{*id} [cancelled]
      GET [cancelled]
        GET /endless [cancelled]
"
    );
    assert_eq!(spans(&shop.records()).iter().filter(|span| has_headers(span)).count(), 1);
}
