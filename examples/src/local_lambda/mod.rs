//! AWS Lambda's Runtime API and Invoke API on this machine, for tests and the demo only.
//!
//! It behaves like Lambda as far as a caller and a function can tell: status codes and error bodies, function errors,
//! asynchronous calls, deadlines, cold starts, and processes that die, hang or are idle. It has no isolation, no limits for
//! memory or CPU, no permissions, and no other AWS service.
//!
//! ```no_run
//! use spanbridge_examples::local_lambda::{Function, LocalLambda};
//!
//! # async fn f() -> std::io::Result<()> {
//! let lambda = LocalLambda::start().await?;
//! lambda.add(Function::new("score", "target/debug/examples/lambda_function")).await?;
//! let client = lambda.client(); // an aws_sdk_lambda::Client
//! # Ok(()) }
//! ```
//!
//! Each execution environment of a function (a sandbox) is a child process with its own Runtime API on a port of 127.0.0.1.
//! By default it takes one invocation at a time, so concurrent invocations start more sandboxes. Between invocations the
//! process is frozen with SIGSTOP. All processes end when the [`LocalLambda`] is dropped.
//!
//! Differences from Lambda:
//!
//! - A function error is always `Unhandled`. (With current runtimes, it is on Lambda too.)
//! - There is no destination or dead letter queue for an asynchronous invocation whose retries have failed.
//! - Sandboxes are never shut down for being idle.
//! - A sandbox is started when an invocation needs it, so the initialization is part of the first invocation. A failed
//!   initialization is not retried within that invocation.

mod account;
mod deployed;
mod function;
mod invocation;
mod invoke_api;
mod process;
mod response;
mod runtime_api;
mod sandbox;
mod server;
mod service;

pub use function::Function;

use account::REGION;
use deployed::Deployed;
use server::Server;
use service::Service;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;

/// The server, with the functions that were added to it. When it is dropped, it kills the functions' processes.
#[derive(Debug)]
pub struct LocalLambda {
    service: Arc<Service>,
    address: SocketAddr,
    _server: Server,
}

impl LocalLambda {
    /// Starts the server on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// No port is free.
    pub async fn start() -> io::Result<Self> {
        Self::start_on(([127, 0, 0, 1], 0).into()).await
    }

    /// Starts the server on this address. Use a loopback address: the server does not authenticate callers.
    ///
    /// # Errors
    ///
    /// The address is not free.
    pub async fn start_on(address: SocketAddr) -> io::Result<Self> {
        let service = Arc::<Service>::default();
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let server = Server::serve(listener, invoke_api::router(service.clone()));
        Ok(LocalLambda { service, address, _server: server })
    }

    /// Adds a function, or replaces the one of the same name. Its first process starts at the first invocation.
    ///
    /// # Errors
    ///
    /// No port is free for the Runtime API of an [external](Function::external) function.
    pub async fn add(&self, function: Function) -> io::Result<()> {
        let deployed = Deployed::new(function).await?;
        let name = deployed.function.name.clone();
        if let Some(replaced) = self.service.functions().insert(name, deployed) {
            replaced.end()
        }
        Ok(())
    }

    /// The endpoint URL for callers.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A client for this endpoint, without TLS and without retries.
    pub fn client(&self) -> aws_sdk_lambda::Client {
        let retries = aws_sdk_lambda::config::retry::RetryConfig::disabled();
        aws_sdk_lambda::Client::from_conf(client_config(&self.endpoint()).retry_config(retries).build())
    }

    /// The `AWS_LAMBDA_RUNTIME_API` of an [external](Function::external) function, for the process that you start. `None` for
    /// other functions.
    pub fn runtime_api(&self, name: &str) -> Option<String> {
        Some(self.service.find(name).ok()?.external()?.runtime_api().to_string())
    }

    /// The ids of a function's processes, oldest first.
    pub fn processes(&self, name: &str) -> Vec<u32> {
        self.sandboxes(name).iter().filter_map(|sandbox| sandbox.process_id()).collect()
    }

    /// Kills a function's processes. Their invocations fail with `Runtime.ExitError`.
    pub fn kill(&self, name: &str) {
        self.sandboxes(name).iter().for_each(|sandbox| sandbox.kill())
    }

    /// Ends a function's processes as Lambda does when it shuts sandboxes down. Resolves when they have ended.
    ///
    /// First it waits until a process asks for its next event or its time limit has passed, because work after a response is
    /// part of the invocation. A process with an extension gets SIGTERM and half a second. Then it is killed.
    pub async fn retire(&self, name: &str) {
        for sandbox in self.sandboxes(name) {
            sandbox.retire().await
        }
    }

    /// Waits until no invocation of the function is running or waiting, including asynchronous ones and their retries.
    pub async fn idle(&self, name: &str) {
        if let Ok(deployed) = self.service.find(name) {
            deployed.idle().await
        }
    }

    fn sandboxes(&self, name: &str) -> Vec<Arc<sandbox::Sandbox>> {
        self.service.find(name).map(|deployed| deployed.sandboxes()).unwrap_or_default()
    }
}

impl Drop for LocalLambda {
    fn drop(&mut self) {
        self.service.functions().drain().for_each(|(_, deployed)| deployed.end())
    }
}

/// The configuration of a client for a local endpoint: HTTP without TLS, and placeholder credentials.
pub fn client_config(endpoint: &str) -> aws_sdk_lambda::config::Builder {
    use aws_sdk_lambda::config::{BehaviorVersion, Builder, Credentials, Region};
    Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(Region::new(REGION))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
}
