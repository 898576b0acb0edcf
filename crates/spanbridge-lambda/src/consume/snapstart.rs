//! SnapStart: a process is frozen before its first event, and goes on in many places.

use super::drive::request;
use super::flush::Flushing;
use http::Method;
use lambda_runtime::{BoxFuture, Diagnostic, Error, SnapStartResource};
use lambda_runtime_api_client::PooledClient;
use lambda_runtime_api_client::body::Body;
use std::sync::Arc;
use std::time::Duration;

/// Delivers what was recorded before a snapshot is taken, and begins new ids, segments and clocks when one is restored:
/// for a [`Runtime`](lambda_runtime::Runtime) of one's own, to be registered first
/// ([`register_snapstart_resource`](lambda_runtime::Runtime::register_snapstart_resource)). [`run`](crate::run) does it
/// by itself.
pub fn snapstart() -> Arc<dyn SnapStartResource> {
    Arc::new(Recording)
}

struct Recording;

/// How long the flush before a snapshot may take.
pub(super) const WITHIN: Duration = Duration::from_secs(5);

impl SnapStartResource for Recording {
    fn before_snapshot(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async {
            Flushing::of_the_initialisation(WITHIN).await;
            Ok(())
        })
    }

    fn after_restore(&self) -> BoxFuture<'_, Result<(), Error>> {
        spanbridge::reseed();
        Box::pin(async { Ok(()) })
    }
}

/// Whether there will be a snapshot of this process.
pub(super) fn is_on() -> bool {
    std::env::var("AWS_LAMBDA_INITIALIZATION_TYPE").as_deref() == Ok("snap-start")
}

/// With SnapStart: says that the process is set up, and returns when it was restored. What was recorded is delivered by now.
pub(super) async fn pass(client: &PooledClient) -> Result<(), Error> {
    let restored = match client.call(request(Method::GET, "/2018-06-01/runtime/restore/next", Body::empty())?).await {
        Ok(response) if response.status().is_success() => Ok(()),
        Ok(response) => Err(format!("/restore/next returned a non-success status: {}", response.status()).into()),
        Err(error) => Err(error),
    };
    if let Err(error) = restored {
        report(client, &error).await;
        return Err(error);
    }
    client.reset_pool(); // the connections did not come along
    spanbridge::reseed();
    Ok(())
}

/// Says that the process could not be set up. Whether that is heard changes nothing.
async fn report(client: &PooledClient, error: &Error) {
    let diagnostic = Diagnostic { error_type: "Runtime.InitError".to_owned(), error_message: error.to_string() };
    let Ok(body) = serde_json::to_vec(&diagnostic) else { return };
    let Ok(mut request) = request(Method::POST, "/2018-06-01/runtime/init/error", Body::from(body)) else { return };
    let kind = http::HeaderValue::from_static("Runtime.InitError");
    request.headers_mut().insert("lambda-runtime-function-error-type", kind);
    let _ = client.call(request).await;
}
