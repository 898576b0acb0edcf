//! AWS Lambda's Runtime API and Invoke API on this machine: a stand-in for tests and the demo, not a product.
//!
//! It answers as the service does, as far as a caller and a function can tell: status codes and error bodies, what is a
//! function error, what an asynchronous call carries, deadlines, cold starts, what becomes of a process that dies, hangs
//! or is idle. There is nothing behind it: no isolation, no limits of memory or CPU, no permissions, no other service.
//!
//! ```no_run
//! use spanbridge_examples::local_lambda::{Function, LocalLambda};
//!
//! # async fn f() -> std::io::Result<()> {
//! let lambda = LocalLambda::start().await?;
//! lambda.add(Function::new("score", "target/debug/examples/lambda_function")).await?;
//! let client = lambda.client(); // aws-sdk-lambda's
//! # Ok(()) }
//! ```
//!
//! Each execution environment of a function (a sandbox) is a child process with a Runtime API of its own, on a port of
//! 127.0.0.1, and takes one invocation at a time; more at once mean more of them. Between invocations it is stopped, as
//! the service freezes it. All of them end when the [`LocalLambda`] is dropped.
//!
//! What the service does and this does not: a function error is always `Unhandled` (so it is with today's runtimes, too);
//! an asynchronous invocation that fails for good goes nowhere; environments are kept for ever; an environment is made
//! when it is needed, so initialisation is part of the first invocation, and a failed one is not tried again within it.

mod account;
mod answer;
mod deployed;
mod function;
mod invocation;
mod invoke_api;
mod process;
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

/// The service, with the functions that were added to it. Dropped, it ends the functions' processes.
#[derive(Debug)]
pub struct LocalLambda {
    service: Arc<Service>,
    address: SocketAddr,
    _server: Server,
}

impl LocalLambda {
    /// Starts it on a free port.
    ///
    /// # Errors
    /// When there is none.
    pub async fn start() -> io::Result<Self> {
        Self::start_on(([127, 0, 0, 1], 0).into()).await
    }

    /// Starts it on this address. It asks nobody who they are: let it be one of this machine alone.
    ///
    /// # Errors
    /// When the address is not free.
    pub async fn start_on(address: SocketAddr) -> io::Result<Self> {
        let service = Arc::<Service>::default();
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let server = Server::serve(listener, invoke_api::router(service.clone()));
        Ok(LocalLambda { service, address, _server: server })
    }

    /// Adds a function, in place of one of the same name. Its first process starts with its first invocation.
    ///
    /// # Errors
    /// When there is no port for the Runtime API of an [external](Function::external) one.
    pub async fn add(&self, function: Function) -> io::Result<()> {
        let deployed = Deployed::new(function).await?;
        let name = deployed.function.name.clone();
        if let Some(replaced) = self.service.functions().insert(name, deployed) {
            replaced.end()
        }
        Ok(())
    }

    /// What callers name as the endpoint.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A client for this endpoint, without TLS and without retries.
    pub fn client(&self) -> aws_sdk_lambda::Client {
        let retries = aws_sdk_lambda::config::retry::RetryConfig::disabled();
        aws_sdk_lambda::Client::from_conf(client_config(&self.endpoint()).retry_config(retries).build())
    }

    /// The `AWS_LAMBDA_RUNTIME_API` of an [external](Function::external) function: its process is started by hand.
    pub fn runtime_api(&self, name: &str) -> Option<String> {
        Some(self.service.find(name).ok()?.external()?.runtime_api().to_string())
    }

    /// The ids of a function's processes, the oldest first.
    pub fn processes(&self, name: &str) -> Vec<u32> {
        self.sandboxes(name).iter().filter_map(|sandbox| sandbox.process_id()).collect()
    }

    /// Kills a function's processes. What they worked on ends with `Runtime.ExitError`.
    pub fn kill(&self, name: &str) {
        self.sandboxes(name).iter().for_each(|sandbox| sandbox.kill())
    }

    /// Ends a function's processes as the service does when it needs them no longer: not before they ask for another event,
    /// or are out of time, for what they do after a response is part of the invocation. Those with an extension are told
    /// (SIGTERM) and have half a second. Resolves when they have ended.
    pub async fn retire(&self, name: &str) {
        for sandbox in self.sandboxes(name) {
            sandbox.retire().await
        }
    }

    /// Resolves when no invocation of the function is under way or waiting, asynchronous ones and their retries included.
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

/// The configuration of a client for a local endpoint: HTTP without TLS, and credentials that nobody looks at.
pub fn client_config(endpoint: &str) -> aws_sdk_lambda::config::Builder {
    use aws_sdk_lambda::config::{BehaviorVersion, Builder, Credentials, Region};
    Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(Region::new(REGION))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
}
