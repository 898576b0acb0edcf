//! The run in the browser.

use crate::browser;
use crate::output::print;
use spanbridge::RunId;
use spanbridge_cli::serve::{Error, ErrorKind, Options, Server};
use std::path::Path;

/// Serves the store until the process is told to end. `is_opened`: also opens the page at the run.
pub(crate) async fn serve(store: &Path, run: RunId, is_opened: bool) -> anyhow::Result<()> {
    let failed = |e: Error| anyhow::anyhow!("failed to {e}");
    let options = Options::new(store);
    let server = match Server::bind(options.clone()).await {
        // Any free port will do.
        Err(e) if e.kind() == ErrorKind::AddressInUse => Server::bind(options.listen(([127, 0, 0, 1], 0).into())).await,
        result => result,
    };
    let server = server.map_err(failed)?;
    let end = spanbridge_examples::shutdown_signal()?;
    let url = format!("{}/runs/{run}", server.url());
    print(&format!("\nThe run in your browser: {url}\nCtrl-C ends it.\n"))?;
    if is_opened {
        browser::open(&url);
    }
    server.run(end).await;
    Ok(())
}
