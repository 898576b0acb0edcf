//! Lambda's Invoke and Runtime APIs on this machine, to try functions and callers without AWS. For tests and examples only.
//!
//! ```sh
//! cargo build --example lambda_function
//! cargo run --example local_lambda -- --function score=target/debug/examples/lambda_function
//! ```
//!
//! It prints the endpoint for `lambda_invoke`, and runs until it gets SIGINT or SIGTERM. It needs a Unix system.

use clap::Parser;
use spanbridge_examples::local_lambda::{Function, LocalLambda};
use spanbridge_examples::shutdown_signal;
use std::net::SocketAddr;
use std::time::Duration;

/// Serves Lambda's Invoke and Runtime APIs until it gets SIGINT or SIGTERM.
#[derive(Parser)]
struct Arguments {
    /// The address to listen on; port 0 chooses a free port
    #[arg(long, default_value = "127.0.0.1:9001")]
    listen: SocketAddr,
    /// A function and its program; can be repeated
    #[arg(long = "function", value_name = "NAME=PROGRAM", value_parser = name_and_program)]
    functions: Vec<(String, String)>,
    /// A function that you start yourself, with the variable that is printed; can be repeated
    #[arg(long = "external", value_name = "NAME")]
    external: Vec<String>,
    /// Time limit of an invocation, in seconds
    #[arg(long, default_value_t = 3, value_name = "SECONDS")]
    timeout: u64,
}

fn name_and_program(text: &str) -> Result<(String, String), &'static str> {
    let (name, program) = text.split_once('=').ok_or("expected NAME=PROGRAM")?;
    Ok((name.to_owned(), program.to_owned()))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let shutdown = shutdown_signal()?;
    let timeout = Duration::from_secs(arguments.timeout);
    let lambda = LocalLambda::start_on(arguments.listen).await?;
    println!("endpoint {}", lambda.endpoint());
    for (name, program) in arguments.functions {
        lambda.add(Function::new(name, program).timeout(timeout).show_output()).await?;
    }
    for name in arguments.external {
        let time_to_start = Duration::from_secs(600);
        lambda.add(Function::external(&name).timeout(timeout).init_timeout(time_to_start)).await?;
        println!("{name} AWS_LAMBDA_RUNTIME_API={}", lambda.runtime_api(&name).unwrap_or_default());
    }
    shutdown.await;
    Ok(())
}
