//! SnapStart: a process is frozen before its first event, and continues in many places.

use super::api::{INIT_ERROR, RESTORE_NEXT, get, post};
use super::flush::Flushing;
use http::HeaderValue;
use lambda_runtime::{BoxFuture, Diagnostic, Error, SnapStartResource};
use lambda_runtime_api_client::PooledClient;
use std::sync::Arc;
use std::time::Duration;

/// Delivers what was recorded before a snapshot is taken, and starts new ids, segments and clocks after it is restored.
///
/// Register it first ([`register_snapstart_resource`](lambda_runtime::Runtime::register_snapstart_resource)) if you build a
/// [`Runtime`](lambda_runtime::Runtime) yourself. [`run`](crate::run) needs no such call.
pub fn snapstart() -> Arc<dyn SnapStartResource> {
    Arc::new(SnapStart)
}

struct SnapStart;

/// The limit of the flush before a snapshot.
pub(super) const FLUSH_LIMIT: Duration = Duration::from_secs(5);

impl SnapStartResource for SnapStart {
    fn before_snapshot(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async {
            Flushing::after_initialization(FLUSH_LIMIT).await;
            Ok(())
        })
    }

    fn after_restore(&self) -> BoxFuture<'_, Result<(), Error>> {
        spanbridge::adapter::reseed();
        Box::pin(async { Ok(()) })
    }
}

/// Whether a snapshot of this process will be taken.
pub(super) fn is_on() -> bool {
    std::env::var("AWS_LAMBDA_INITIALIZATION_TYPE").as_deref() == Ok("snap-start")
}

/// Says that the process is set up, so that Lambda takes the snapshot, and returns once it was restored. What was recorded
/// has to be delivered before.
pub(super) async fn wait_for_restore(client: &PooledClient) -> Result<(), Error> {
    let restored = match client.call(get(RESTORE_NEXT)?).await {
        Ok(response) if response.status().is_success() => Ok(()),
        Ok(response) => Err(format!("/restore/next returned a non-success status: {}", response.status()).into()),
        Err(error) => Err(error),
    };
    if let Err(error) = restored {
        report(client, &error).await;
        return Err(error);
    }
    client.reset_pool(); // a restored process has no connections
    spanbridge::adapter::reseed();
    Ok(())
}

/// Reports that the process could not be set up. A failure of the report itself changes nothing.
async fn report(client: &PooledClient, error: &Error) {
    let diagnostic = Diagnostic { error_type: "Runtime.InitError".to_owned(), error_message: error.to_string() };
    let Ok(body) = serde_json::to_vec(&diagnostic) else { return };
    let Ok(mut request) = post(INIT_ERROR, body) else { return };
    let kind = HeaderValue::from_static("Runtime.InitError");
    request.headers_mut().insert("lambda-runtime-function-error-type", kind);
    let _ = client.call(request).await;
}
